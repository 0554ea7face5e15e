"""
Which stretch of a moving list, sorted downwards, was shown without a gap by pages read in a row.

Between two pages the list may move. What comes in at its head repeats rows, which is harmless; what
goes out lets a row slip past the border of two pages, and then the list has become shorter. So pages
are one stretch as long as the total does not shrink. Rows of the same number can lie on both sides of
a border: the ends of a stretch are not part of it, unless the list ends there.
"""

from __future__ import annotations

from collections.abc import Sequence

Stretch = tuple[int, int]
"""(low, high), both inside; empty where low > high."""


class Stretches:
    """Pages in the order in which they are read."""

    def __init__(self) -> None:
        self._high: int | None = None
        self._number = 0
        self._total = 0

    def extend(
        self, numbers: Sequence[int], *, page: int, pages: int, total: int
    ) -> Stretch | None:
        """
        The stretch that ends with this page, of which `numbers` are the rows' own; None where that
        cannot be said.
        """
        last = page >= pages
        if not numbers:
            self._high = None
            return None
        if self._high is None or page != self._number + 1 or total < self._total:
            self._high = max(numbers) - 1
        self._number, self._total = page, total
        return (0 if last else min(numbers) + 1, self._high)
