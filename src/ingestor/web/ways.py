"""Where nothing is found: what stands in the way of pictures that there are, and the way to them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ingestor.web.asking import Asking
from ingestor.web.house import House


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """An address at which there is something, and what kept it back."""

    past: Literal["hidden", "score"]
    address: str


async def way_on(house: House, asking: Asking) -> Way | None:
    """None where there is nothing, however one asks."""
    uncovered, lower = asking.uncovered(), replace(asking, min_score=0.0)
    all_there_is = lower.uncovered()
    if all_there_is == asking or not await _finds(house, all_there_is):
        return None
    if uncovered != asking and await _finds(house, uncovered):
        return Way(past="hidden", address=uncovered.address())
    if lower != asking and await _finds(house, lower):
        return Way(past="score", address=lower.address())
    return Way(past="hidden", address=all_there_is.address())


async def _finds(house: House, asking: Asking) -> bool:
    return bool((await house.catalog.search(asking.query(limit=1))).hits)
