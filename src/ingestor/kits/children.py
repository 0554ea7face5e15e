"""The end of a process that we started: it is asked, then made to, and reaped in any case."""

from __future__ import annotations

import asyncio
from contextlib import suppress


async def end(process: asyncio.subprocess.Process, *, patience: float) -> None:
    """Ask by closing its stdin, and kill it if it is there `patience` seconds later."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await process.wait()
    finally:
        await kill(process)


async def kill(process: asyncio.subprocess.Process) -> None:
    """Where it is still there."""
    if process.returncode is None:
        process.kill()
        await process.wait()
