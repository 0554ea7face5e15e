"""How many failures in a row say something of what failed, and are not just bad luck."""

from __future__ import annotations

import math

CHANCE = 1e-4
"""That it is bad luck all the same: one of ten thousand (taste)."""
FEWEST, MOST = 6, 20
"""Where nearly all goes well, six are too many for chance; beyond twenty nobody would be done (taste)."""
SMOOTHING = 0.05
"""The weight of the newest; taste."""


class Luck:
    """Judges by first tries: what is tried again is no fair sample."""

    def __init__(self) -> None:
        self._failing = 0.0
        """The share that fails, smoothed."""

    def tried(self, number: int, *, failed: bool) -> None:
        """`number`: the how many-th try, from 1."""
        if number == 1:
            self._failing += SMOOTHING * (failed - self._failing)

    @property
    def too_many(self) -> int:
        """Failures in a row that chance would hardly bring, while so much fails."""
        if self._failing <= CHANCE ** (1 / FEWEST):
            return FEWEST
        return min(MOST, math.ceil(math.log(CHANCE) / math.log(self._failing)))
