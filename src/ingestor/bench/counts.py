"""
What one more photo costs, in counts that no busy machine changes: calls of Python, system calls, faults.

All are marginal, so that starting costs nothing: a long run less a short one, or the end of a run less
its beginning. Whoever counts is `counted`, in a process of its own.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from ingestor.bench import upstreams
from ingestor.bench.rounds import settings_for
from ingestor.bench.runs import environment
from ingestor.bench.scenarios import NO_QUOTA, SCENARIOS
from ingestor.bench.upstreams import BenchFailed
from ingestor.kits import children

SHORT, LONG = 320, 960
"""Photos; the difference is forty full batches."""
FILLED, FULL = 1000, 1600
"""Photos of a run after which the memory in flight was full, and of the whole run."""
MEMORY = 48
"""Megabytes for images: full after some hundred of them, and from then on every buffer is an old one."""
LONGEST_RUN = 300.0
"""Seconds; traced or profiled, one takes some twenty."""
NOISY = ("futex", "epoll", "clock", "sched_yield", "brk", "m", "getpid")
"""
How often one thread waits for another, and what the allocator does, is the machine's mood; and Python
3.11, which later ones do not, asks for its process id whenever asyncio asks which loop runs.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Of one more photo."""

    calls: float
    """Of Python and of its C functions, the event loop's thread and the journal's together."""
    system_calls: float | None
    """None where strace is not installed, or may not trace."""
    faults: float
    connections: int
    """Opened for the pictures of the longest run; all others came over one that was open."""

    def sentence(self) -> str:
        traced = f"{self.system_calls:.1f}" if self.system_calls is not None else "uncounted"
        return (
            f"one more photo: {self.calls:.0f} calls of Python, {traced} system calls, "
            f"{self.faults:.1f} minor faults; {self.connections} connections for "
            f"{FULL:,} pictures."
        )


async def count(*, loop: str) -> Counts:
    """Run a few thousand photos against a sandbox, on this event loop. Raises BenchFailed."""
    scenario = SCENARIOS["ceiling"]
    async with upstreams.sandbox(scenario, photos=FULL, quota=NO_QUOTA) as addresses:
        with tempfile.TemporaryDirectory(prefix="ingestor-counts-") as text:
            counting = _Counting(Path(text), addresses, loop)
            few, many = [await counting.run(photos, "calls") for photos in (SHORT, LONG)]
            full = await counting.run(FULL, "faults")
            traced = None
            if may_trace():
                less, more = [await counting.run(photos, "system") for photos in (SHORT, LONG)]
                traced = (more["system"] - less["system"]) / (LONG - SHORT)
    return Counts(
        calls=(many["calls"] - few["calls"]) / (LONG - SHORT),
        system_calls=traced,
        faults=full["faults"],
        connections=int(full["connections"]),
    )


@dataclass(frozen=True, slots=True)
class _Counting:
    """What the counted runs have in common."""

    folder: Path
    addresses: Mapping[str, str]
    loop: str

    async def run(self, photos: int, kind: str) -> dict[str, float]:
        """What a run of so many photos says of itself; each has a journal and a database of its own."""
        name = f"{kind}-{photos}"
        base = self.addresses["database_url"].partition("?")[0]
        settings = settings_for(
            {**self.addresses, "database_url": f"{base}?ns={name}"},
            self.folder / name,
            photos,
            quota=NO_QUOTA,
        )
        asked = {
            "settings": {**settings, "max_memory": MEMORY},
            "loop": self.loop,
            "count": kind,
            "filled": FILLED if kind == "faults" else 0,
        }
        file, traced = self.folder / f"{name}.json", self.folder / f"{name}.strace"
        await asyncio.to_thread(file.write_bytes, orjson.dumps(asked))
        strace = ("strace", "-f", "-c", "-o", str(traced)) if kind == "system" else ()
        process = await asyncio.create_subprocess_exec(
            *(*strace, *children.MODULE, "ingestor.bench.counted", str(file)),
            stdout=asyncio.subprocess.PIPE,
            env=environment(self.addresses),
        )
        try:
            async with asyncio.timeout(LONGEST_RUN):
                out, _ = await process.communicate()
        finally:
            await children.kill(process)
        said: dict[str, Any] = orjson.loads(out) if out else {}
        if said.get("stored") != photos:
            raise BenchFailed(f"{said.get('stored', 0)} of {photos} photos were stored")
        if strace:
            said["system"] = system_calls(await asyncio.to_thread(traced.read_text))
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


def may_trace() -> bool:
    """Whether strace is here and works: in some containers it is not allowed to."""
    program = shutil.which("strace")
    if program is None:
        return False
    tried = subprocess.run(  # noqa: S603 - a path of ours
        [program, "-c", "true"], capture_output=True, check=False
    )
    return tried.returncode == 0
