"""How much may be spent: a ceiling on units, and a small allowance for buying again in doubt."""

from __future__ import annotations

import asyncio

from ingestor.errors import RunStopped


class ShortOfUnits(Exception):
    """Fewer units are left than wanted; `left` can still be had."""

    def __init__(self, left: int) -> None:
        self.left = left


class Budget:
    """
    Units under one ceiling: spent + reserved never exceeds it, not by one.

    `spent` counts what is possible as if it were certain. With no ceiling it only counts.
    """

    def __init__(
        self,
        *,
        ceiling: int | None,
        spent: int = 0,
        reason: str = "max-units",
        reached: str = "The ceiling is reached. Everything bought is saved.",
    ) -> None:
        """`reached` is what a person is told then, and `reason` its one word."""
        self.ceiling = ceiling
        self.spent = spent
        self.reserved = 0
        self._reason = reason
        self._reached = reached
        self._changed = asyncio.Condition()

    @property
    def left(self) -> int | None:
        return None if self.ceiling is None else self.ceiling - self.spent - self.reserved

    async def reserve(self, units: int) -> None:
        """
        Set units aside for one purchase, waiting for those in flight to settle if that may help.

        Raises ShortOfUnits when fewer are left, RunStopped when none are.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: self._fits(units) or self.reserved == 0)
            if self._fits(units):
                self.reserved += units
                return
        left = max(0, self.left or 0)
        if left:
            raise ShortOfUnits(left)
        raise RunStopped(self._reached, reason=self._reason)

    async def settle(self, reserved: int, *, spent: int) -> None:
        """Give a reservation back, keeping what was spent of it."""
        async with self._changed:
            self.reserved -= reserved
            self.spent += spent
            self._changed.notify_all()

    def _fits(self, units: int) -> bool:
        return self.ceiling is None or self.spent + self.reserved + units <= self.ceiling


class DoubtAllowance:
    """
    How many images may be bought again although the first purchase is in doubt.

    A share of the images bought in this run, and one full batch to begin with. `share` 0 allows none
    at all: that is the mode in which nothing is ever bought twice.
    """

    def __init__(self, *, share: float, floor: int) -> None:
        self._share = share
        self._floor = floor if share > 0 else 0
        self.none = share == 0
        """Nothing that may have been billed is bought again."""
        self.bought = 0
        self.repeated = 0

    def allow(self, images: int) -> bool:
        """Take `images` out of the allowance, if they fit."""
        if self.repeated + images > self._floor + self._share * self.bought:
            return False
        self.repeated += images
        return True
