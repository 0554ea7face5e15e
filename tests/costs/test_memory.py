"""What one more batch in flight holds of memory, beside its pictures: next to nothing."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from ingestor.bench import upstreams
from ingestor.bench.rounds import settings_for
from ingestor.bench.scenarios import NO_QUOTA, SCENARIOS

HOLDING = Path(__file__).with_name("holding.py")
SILENT = replace(SCENARIOS["ceiling"], faults={"vision.stall": 1.0})
"""Vision takes every request, and answers none."""
FEW, MANY = 16, 64
"""Batches in flight."""
PICTURES, BYTES = 16, 150_000
"""In a batch, and of a picture."""
MOST = 1.2
"""Bytes held for each byte of a picture in flight."""

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("costs")]


async def held(batches: int, folder: Path) -> int:
    """Bytes that a run holds with so many batches in flight."""
    photos = batches * PICTURES
    async with upstreams.sandbox(SILENT, photos=photos, quota=NO_QUOTA) as addresses:
        settings = settings_for(addresses, folder / str(batches), photos, quota=NO_QUOTA)
        file = folder / f"{batches}.json"
        file.write_bytes(
            orjson.dumps({"loop": "uvloop", "settings": {**settings, "max_in_flight": batches}})
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(HOLDING), str(file), stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
    return int(out)


async def test_a_batch_in_flight_holds_its_pictures_and_little_else(tmp_path: Path):
    few, many = [await held(batches, tmp_path) for batches in (FEW, MANY)]

    share = (many - few) / ((MANY - FEW) * PICTURES * BYTES)
    sys.stderr.write(f"memory of a batch in flight, against its pictures: {share:.2f}\n")
    assert share <= MOST
