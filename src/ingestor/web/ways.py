"""
Where nothing is found: the way to what somebody may have meant all the same.

There may be pictures that are hidden, or have a lower score than was asked for. Or several labels were typed
as if they were one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ingestor.catalog.words import MOST_WORDS, labels_among
from ingestor.web.asking import Asking
from ingestor.web.house import House


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """An address at which there is something, and what hid it at the one that was asked for."""

    hidden_by: Literal["veil", "score", "words"]
    asking: Asking

    @property
    def address(self) -> str:
        return self.asking.address()


async def way_on(house: House, asking: Asking, *, near: bool) -> Way | None:
    """`near`: whether a label of a like spelling is known: that is meant rather than a part of the words."""
    if not near:
        return await _hidden(house, asking) or await _taken_apart(house, asking)
    way = await _taken_apart(house, asking)
    return way if way and len(way.asking.labels) > 1 else None


async def _hidden(house: House, asking: Asking) -> Way | None:
    """None where nothing is kept back: neither for its score, nor because it may offend."""
    uncovered, lower = asking.uncovered(), replace(asking, min_score=0.0)
    all_there_is = lower.uncovered()
    if all_there_is == asking or not await _finds(house, all_there_is):
        return None
    if uncovered != asking and await _finds(house, uncovered):
        return Way(hidden_by="veil", asking=uncovered)
    if lower != asking and await _finds(house, lower):
        return Way(hidden_by="score", asking=lower)
    return Way(hidden_by="veil", asking=all_there_is)


async def _taken_apart(house: House, asking: Asking) -> Way | None:
    """Words beside each other are one label, but not everybody who types them knows that."""
    words = asking.labels[0].split()
    if not asking.whole or len(asking.labels) > 1 or not 1 < len(words) <= MOST_WORDS:
        return None
    if labels := await labels_among(house.catalog, words):
        for groups in (tuple((label,) for label in labels), (labels,)):
            if await _finds(house, meant := replace(asking, groups=groups)):
                return Way(hidden_by="words", asking=meant)
    return None


async def _finds(house: House, asking: Asking) -> bool:
    return bool((await house.catalog.search(asking.query(limit=1))).hits)
