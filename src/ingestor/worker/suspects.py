"""
Whose fault it is that Vision refuses image after image: of one group it is its images, of several Vision.

Pure. Times are the loop's. What several meet with may still be their images, so that others are heard as
witnesses: the first at once, and more of them now and then.
"""

from __future__ import annotations

from typing import Final

SEVERAL: Final = 2
WITNESS_EVERY: Final = 900.0
"""Seconds between two groups that try to buy although others were refused: as between two other tries."""


class Suspects:
    """Groups whose images were refused, by name."""

    def __init__(self) -> None:
        self._refused: set[str] = set()
        """Since anything was bought."""
        self._convicted: set[str] = set()
        """Of whom it is known that it was their images: others bought after they had been refused."""
        self._witness_at = 0.0

    def refused(self, name: str, *, now: float) -> bool:
        """Whether it is Vision, as far as anybody knows."""
        if name in self._convicted:
            return False
        if name not in self._refused:
            self._refused.add(name)
            self._witness_at = now if len(self._refused) <= SEVERAL else now + WITNESS_EVERY
        return len(self._refused) >= SEVERAL

    def bought(self, name: str) -> None:
        """Vision takes images: whoever was refused before, his were to blame."""
        self._convicted = (self._convicted | self._refused) - {name}
        self._refused.clear()

    def forget(self, name: str) -> None:
        """It is not followed any more."""
        self._refused.discard(name)
        self._convicted.discard(name)

    def may_witness(self, name: str, *, now: float) -> bool:
        """Whether it may try to buy while Vision is thought to refuse everybody."""
        return now >= self._witness_at and name not in self._refused | self._convicted
