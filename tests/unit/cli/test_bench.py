"""A measurement takes minutes: what would lose it is said before, and what was seen is kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from ingestor.bench import counts
from ingestor.bench.rounds import Lap, as_json
from ingestor.bench.upstreams import BenchFailed
from ingestor.cli import bench
from ingestor.cli.bench import Asked
from ingestor.errors import SettingsError
from tests.laps import a_lap

ASKED = Asked(
    scenarios=("ceiling",),
    quick=True,
    repeat=1,
    minutes=None,
    loop="asyncio",
    json=None,
    html=None,
    compare=None,
)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The photos of every lap; none is run."""
    laps = list[int]()

    async def lap(_asked: Asked, _name: str, *, photos: int, number: int) -> Lap:
        laps.append(photos)
        return a_lap(photos=photos, number=number)

    monkeypatch.setattr(bench, "_lap", lap)
    return laps


@pytest.mark.parametrize("option", ["json", "html"])
def test_a_file_that_cannot_be_written_is_found_before_anything_is_measured(
    measured: list[int], tmp_path: Path, option: str
) -> None:
    files: dict[str, Any] = {option: tmp_path / "nowhere" / "file"}

    with pytest.raises(SettingsError, match="cannot be written"):
        bench.bench(replace(ASKED, **files))

    assert measured == []


def test_figures_that_were_counted_otherwise_are_refused_before_anything_is_measured(
    measured: list[int], tmp_path: Path
) -> None:
    laps = [replace(a_lap(), final={**a_lap().final, "end": {"stored": 1000}})]
    (tmp_path / "before.json").write_bytes(as_json(laps, about={}))

    with pytest.raises(SettingsError, match="holds no figures"):
        bench.bench(replace(ASKED, compare=tmp_path / "before.json"))

    assert measured == []


def test_what_was_measured_is_kept_when_counting_fails(
    measured: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(**_: Any) -> None:
        raise BenchFailed("0 of 320 photos were stored")

    monkeypatch.setattr(counts, "count", fails)
    file = tmp_path / "now.json"

    assert bench.bench(replace(ASKED, quick=False, json=file)) == 1
    assert [lap["photos"] for lap in orjson.loads(file.read_bytes())["laps"]] == measured != []
