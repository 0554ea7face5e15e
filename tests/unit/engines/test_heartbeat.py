"""A run says how it is doing in a file that is always whole, and never grows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from ingestor import events
from ingestor.engines.gauges import SILENT
from ingestor.engines.heartbeat import FILE, MOST_POINTS, Heartbeat
from ingestor.web.beat import read_beat
from tests.builders import an_image
from tests.houses import a_heart, idle_gauges


def told(state: Path) -> Any:
    return orjson.loads((state / FILE).read_bytes())


async def test_what_happened_is_counted_and_read_back(tmp_path: Path) -> None:
    heart = a_heart(tmp_path)

    heart.take(events.RunStarted(run="r", groups=("g",), limit=9, resumed=2))
    heart.take(
        events.PageListed(group="g", page=1, pages=2, total=50, listed=5, known=1, skipped=1)
    )
    heart.take(events.BatchSettled(purchase="p", annotated=3, failed=0, seconds=1.0))
    heart.take(events.PhotoFailed(photo="1", stage="download", reason="gone", detail=""))
    async with heart.beating():
        pass

    beat = read_beat(tmp_path / FILE, now=103.0)
    assert beat is not None
    assert (beat.told["run"], beat.told["expected"], beat.age) == ("r", 9, 3.0)
    assert beat.told["counts"]["listed"] == 7
    assert (beat.told["counts"]["annotated"], beat.told["counts"]["failed"]) == (3, 1)
    assert beat.told["ended"]
    assert not beat.alive


async def test_a_long_run_keeps_few_points_that_span_it_all(tmp_path: Path) -> None:
    heart = a_heart(tmp_path)

    for _second in range(5000):
        heart._note()
    async with heart.beating():
        pass

    assert 100 < len(told(tmp_path)["points"]) <= MOST_POINTS


@pytest.mark.parametrize("jump", [-3600.0, 86_400.0], ids=["back an hour", "ahead a day"])
async def test_a_wall_clock_that_is_set_moves_no_point_of_the_curve(
    tmp_path: Path, jump: float
) -> None:
    now = [0.0, 1000.0]
    heart = a_heart(tmp_path, clock=lambda: now[0], wall=lambda: now[1])

    for passed in (1.0, 1.0 + jump, 1.0):
        now[:] = now[0] + 1.0, now[1] + passed
        heart._note()
    async with heart.beating():
        pass

    assert [seconds for seconds, *_ in told(tmp_path)["points"]][:3] == [1.0, 2.0, 3.0]


async def test_how_long_nothing_has_moved_is_read_back(tmp_path: Path) -> None:
    now = 0.0
    heart = a_heart(tmp_path, clock=lambda: now)
    for now in range(100):
        if now < 40:
            heart.take(events.PhotoFailed(photo="1", stage="download", reason="gone", detail=""))
        heart._note()
    async with heart.beating():
        pass

    beat = read_beat(tmp_path / FILE, now=100.0)

    assert beat is not None
    assert beat.still == 99 - 39


@pytest.mark.parametrize("back", [False, True])
async def test_who_only_fails_is_not_slow_until_it_answers_again(
    tmp_path: Path, back: bool
) -> None:
    parts = idle_gauges()
    heart = Heartbeat(tmp_path, parts, clock=lambda: 0.0, wall=lambda: 100.0)
    await parts.channels.images.send(an_image("1"))
    for _ in range(4):
        await parts.calls.enter()
    settled = events.BatchSettled(purchase="p", annotated=16, failed=0, seconds=1.0)
    failed = events.RetryScheduled(upstream="vision", reason="unavailable", attempt=1, seconds=2.0)

    for event in (settled, failed, settled)[: 3 if back else 2]:
        heart.take(event)
    async with heart.beating():
        pass

    assert told(tmp_path)["binding"] == "vision"
    assert (told(tmp_path)["advice"] == SILENT) is not back


async def test_a_state_directory_that_takes_no_file_ends_nothing(tmp_path: Path) -> None:
    async with a_heart(tmp_path / "missing").beating():
        pass

    assert not (tmp_path / "missing").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'{"points":[[1]]}', b"\xff", b'{"points":3,"at":"x"}'],
    ids=repr,
)
def test_a_file_that_is_no_beat_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)

    assert read_beat(tmp_path / FILE, now=0.0) is None


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"advice": None}, id="advice"),
        pytest.param({"binding": None}, id="binding"),
        pytest.param({"expected": None}, id="expected"),
        pytest.param({"started": None}, id="started"),
        pytest.param({"stopping": None}, id="stopping"),
        pytest.param({"queues": {"photos": [0, 9], "images": [0, 9]}}, id="a queue"),
        pytest.param({"quota": {"used": 0.5, "rate": 1.0}}, id="limits"),
        pytest.param({"quota": {"used": 0.5, "limits": [1800, 1800]}}, id="rate"),
        pytest.param({"quota": {"rate": 1.0, "limits": [1800, 1800]}}, id="used"),
    ],
)
async def test_a_beat_of_another_version_is_none(tmp_path: Path, change: dict[str, Any]) -> None:
    async with a_heart(tmp_path).beating():
        pass
    other = told(tmp_path) | change
    kept = {name: value for name, value in other.items() if value is not None or name not in change}

    (tmp_path / FILE).write_bytes(orjson.dumps(kept))

    assert read_beat(tmp_path / FILE, now=0.0) is None
