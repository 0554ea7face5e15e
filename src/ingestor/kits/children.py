"""
A process that we start: from our own files, whoever's directory this is. In the end it is asked, then made to,
and reaped in any case.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from typing import Final

MODULE: Final = (sys.executable, "-P", "-m")
"""What the name of a module follows. Without -P the directory where somebody happens to be comes before all
others: a `random.py` there would be carried out in place of Python's, with the keys at hand."""


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
