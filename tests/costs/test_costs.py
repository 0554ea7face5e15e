"""
What one more photo costs, in counts that no busy machine changes: calls of Python, faults of memory.

All are marginal, so that starting costs nothing: a long run less a short one, or the end of a run less
its beginning. The limits stand a little above what was measured; whoever has to raise one says why in
the commit.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ingestor.sandbox.options import Options
from ingestor.sandbox.server import Sandbox
from tests.sandboxes import way_to

CLIENT = Path(__file__).with_name("client.py")
SHORT, LONG = 320, 960
"""Photos; the difference is forty full batches."""
FILLED, FULL = 1000, 1600
"""Photos of a run after which the memory in flight was full, and of the whole run."""

MOST_CALLS = 540
"""Of Python and of its C functions, the event loop's thread and the journal's together."""
MOST_SYSTEM_CALLS = 8.5
MOST_FAULTS = 4.5

NOISY = ("futex", "epoll", "clock", "sched_yield", "brk", "m", "getpid")
"""
How often one thread waits for another, and what the allocator does, is the machine's mood; and Python
3.11, which later ones do not, asks for its process id whenever asyncio asks which loop runs.
"""


@pytest.fixture
def photos() -> int:
    return FULL


@pytest.fixture
async def far_end(photos: int):
    options = Options(
        port=0,
        fast=True,
        photos=photos,
        sheets=(150_000, 150_000),
        images_per_minute=0,
        requests_per_minute=0,
    )
    async with Sandbox(options) as sandbox:
        yield sandbox


async def cost(sandbox: Sandbox, folder: Path, *, photos: int, count: str) -> dict[str, float]:
    """What a run of so many photos says of itself; each has a database of its own."""
    asked = {
        "addresses": {
            **way_to(sandbox),
            "database_url": sandbox.addresses.database_url.replace("ns=sandbox", f"ns=x{photos}"),
        },
        "photos": photos,
        "state": str(folder / f"{count}-{photos}"),
        "count": count,
        "filled": FILLED if count == "faults" else 0,
    }
    traced = folder / f"strace-{photos}"
    strace = ("strace", "-f", "-c", "-o", str(traced)) if count == "system" else ()
    process = await asyncio.create_subprocess_exec(
        *strace,
        sys.executable,
        str(CLIENT),
        json.dumps(asked),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    said: dict[str, float] = json.loads(out)
    assert said["stored"] == photos
    if strace:
        said["system"] = system_calls(traced.read_text())
    return said


def system_calls(summary: str) -> float:
    """The sum of `strace -c`, without what depends on the machine's mood."""
    rows = [line.split() for line in summary.splitlines()]
    return sum(
        int(row[3])
        for row in rows
        if len(row) >= 5
        and row[3].isdigit()
        and row[-1] != "total"
        and not row[-1].startswith(NOISY)
    )


async def marginal(sandbox: Sandbox, folder: Path, *, count: str) -> float:
    short = await cost(sandbox, folder, photos=SHORT, count=count)
    long = await cost(sandbox, folder, photos=LONG, count=count)
    return (long[count] - short[count]) / (LONG - SHORT)


@pytest.mark.slow
async def test_a_photo_takes_few_calls_of_python(far_end: Sandbox, tmp_path: Path):
    calls = await marginal(far_end, tmp_path, count="calls")

    sys.stderr.write(f"Python calls a photo: {calls:.0f}\n")
    assert calls <= MOST_CALLS


@pytest.mark.slow
async def test_a_photo_touches_little_new_memory(far_end: Sandbox, tmp_path: Path):
    faults = (await cost(far_end, tmp_path, photos=FULL, count="faults"))["faults"]

    sys.stderr.write(f"minor faults a photo: {faults:.1f}\n")
    assert faults <= MOST_FAULTS


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("strace") is None
    or subprocess.run(["strace", "-c", "true"], capture_output=True, check=False).returncode != 0,
    reason="strace is not here, or may not trace",
)
async def test_a_photo_takes_few_system_calls(far_end: Sandbox, tmp_path: Path):
    calls = await marginal(far_end, tmp_path, count="system")

    sys.stderr.write(f"system calls a photo: {calls:.1f}\n")
    assert calls <= MOST_SYSTEM_CALLS
