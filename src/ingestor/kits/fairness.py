"""So much of one kind of work in a turn of the event loop, so that all else has its turn in time."""

from __future__ import annotations

import asyncio


class Fair:
    """
    Where a hundred answers are there at once, a loop takes them all before it looks at a clock again.
    Whoever is about to do more than a little awaits `turn` before.
    """

    def __init__(self, most: int) -> None:
        """`most`: pieces of work in one turn of the loop."""
        self._most = most
        self._taken = 0

    async def turn(self) -> None:
        """Return in this turn of the loop if few have been let through in it, or in a later one."""
        while self._taken >= self._most:  # noqa: ASYNC110 - it is a turn that is waited for
            await asyncio.sleep(0)
        if not self._taken:
            asyncio.get_running_loop().call_soon(self._begin_anew)
        self._taken += 1

    def _begin_anew(self) -> None:
        self._taken = 0
