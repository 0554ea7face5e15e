"""What is read of a worker from its file, and what of it a person is told first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from ingestor.web.pulse import OVERDUE, STALE, Following, read_following

NOW = 1_800_000_000.0
WELL = {"group": "g", "looked": NOW, "total": 9, "complete": True, "trouble": "", "again": None}


def read(folder: Path, **given: Any) -> Following | None:
    said = {
        "started": NOW - 3600,
        "at": NOW - 1,
        "ended": False,
        "following": 2,
        "starting": None,
        "awaited": "",
        "halted": "",
        "counts": {"looks": 4, "runs": 1, "failures": 0, "taken_down": 0},
        "groups": [WELL],
        "news": [],
        **given,
    }
    path = folder / "worker.json"
    path.write_bytes(orjson.dumps(said))
    return read_following(path, now=NOW, names={"g": "Zoo"})


@pytest.mark.parametrize(
    ("given", "word", "part"),
    [
        pytest.param({}, "fine", "follows 2 groups", id="well"),
        pytest.param({"following": 1}, "fine", "follows 1 group;", id="one"),
        pytest.param({"halted": "billing is off"}, "trouble", "billing is off", id="halted"),
        pytest.param({"groups": [{**WELL, "trouble": "away"}]}, "doubt", "1 of 2", id="in trouble"),
        pytest.param({"starting": "", "following": 0}, "fine", "is starting.", id="starting"),
        pytest.param(
            {"starting": "Flickr (no route)", "following": 0},
            "doubt",
            "cannot start yet; it waits for Flickr (no route).",
            id="not able to start",
        ),
        pytest.param(
            {"awaited": "Flickr (no route)", "groups": [{**WELL, "trouble": "away"}]},
            "doubt",
            "The worker waits for Flickr (no route).",
            id="waiting",
        ),
        pytest.param({"at": NOW - STALE}, "died", "starts it again", id="silent"),
    ],
)
def test_the_verdict_says_the_worst_first(
    tmp_path: Path, given: dict[str, Any], word: str, part: str
) -> None:
    following = read(tmp_path, **given)

    assert following is not None
    assert following.verdict[0] == word
    assert part in following.verdict[1]


def test_trouble_that_a_later_turn_should_have_met_is_old(tmp_path: Path) -> None:
    groups = [
        {**WELL, "trouble": "away", "again": NOW - OVERDUE - 1},
        {**WELL, "trouble": "away", "again": NOW + 60},
    ]

    following = read(tmp_path, groups=groups)

    assert following is not None
    assert [group.trouble for group in following.groups] == ["", "away"]
    assert following.groups[0].name == "Zoo"


@pytest.mark.parametrize(
    "given",
    [
        {"counts": None},
        {"counts": {"looks": 4, "runs": 1}},
        {"groups": [{"group": "g"}]},
        {"news": [[1]]},
        {"at": "yesterday"},
        {"news": ["x" * 1_000_001]},
    ],
    ids=["no counts", "half the counts", "half a group", "half a word", "no time", "too much"],
)
def test_a_file_of_another_version_is_nothing(tmp_path: Path, given: dict[str, Any]) -> None:
    assert read(tmp_path, **given) is None
