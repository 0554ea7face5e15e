"""A file that is renewed while something goes on, and says when it is over."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from ingestor.engines.beats import LARGEST, beating, last_told

pytestmark = pytest.mark.looptime


def tell(*, ended: bool) -> dict[str, Any]:
    return {"at": asyncio.get_running_loop().time(), "ended": ended}


def said(path: Path) -> Any:
    return orjson.loads(path.read_bytes())


async def test_a_beat_is_never_older_than_its_interval(tmp_path: Path) -> None:
    path = tmp_path / "told.json"

    async with beating(path, tell, every=5.0, name="beats"):
        await asyncio.sleep(12)

        assert said(path) == {"at": 10.0, "ended": False}


async def test_the_last_beat_says_that_it_is_the_last(tmp_path: Path) -> None:
    path = tmp_path / "told.json"

    async with beating(path, tell, every=5.0, name="beats"):
        await asyncio.sleep(12)

    assert said(path) == {"at": 12.0, "ended": True}


async def test_what_ends_badly_has_a_last_beat_too(tmp_path: Path) -> None:
    path = tmp_path / "told.json"

    with pytest.raises(ValueError, match="ours"):
        async with beating(path, tell, every=5.0, name="beats"):
            raise ValueError("ours")

    assert said(path)["ended"]


def test_what_no_beat_can_be_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "told.json"
    path.write_bytes(orjson.dumps("x" * LARGEST))

    with pytest.raises(ValueError, match="too large"):
        last_told(path)
