"""
How something is doing, for other processes to read: a small file, replaced now and then.

Replacing is atomic, so a reader sees one beat or the next, whole. Nothing is synced and nothing
depends on it: after a crash the file is merely old, which its reader sees by the time inside. What
counts stands in the journal.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final, Protocol

import orjson

from ingestor.kits.beside import beside

LARGEST: Final = 1_000_000
"""Bytes that are read: a run has some 10 kB to say, a worker with 200 groups in trouble some 100."""


class Tell(Protocol):
    def __call__(self, *, ended: bool) -> Mapping[str, Any]:
        """What the file is to say now."""
        ...


@asynccontextmanager
async def beating(path: Path, tell: Tell, *, every: float, name: str) -> AsyncIterator[None]:
    """Beat every so many seconds in the block; the last beat is the one at its end, and says so."""

    async def beat() -> None:
        while True:
            _put(path, tell(ended=False))
            await asyncio.sleep(every)

    try:
        async with beside(beat(), name=name):
            yield
    finally:
        _put(path, tell(ended=True))


def last_told(path: Path) -> Any:
    """What the last beat said. Raises OSError or ValueError where none can be read."""
    if path.stat().st_size > LARGEST:
        raise ValueError("too large for a beat")
    return orjson.loads(path.read_bytes())


def _put(path: Path, told: Mapping[str, Any]) -> None:
    """Nobody's work ends because nobody can be told how it is doing."""
    fresh = path.with_suffix(".new")
    with suppress(OSError):
        fresh.write_bytes(orjson.dumps(told))
        fresh.replace(path)
