"""
The lowest of the ceilings on a run's units: since when these count, and what a person is told when it is
reached.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from ingestor.journal.recovery import Moments, Opening
from ingestor.kits.amounts import counted
from ingestor.kits.dimension import WINDOW
from ingestor.purchases import Budget, pricing
from ingestor.settings import Settings

ONCE_MORE: Final = "the same command again continues, and may spend as much once more"
HIGHER: Final = "run again with a higher ceiling and it continues where it stopped"
LATER: Final = "it continues when the {} is over, or with a higher ceiling"


class Ceiling(NamedTuple):
    """On the units of a run; `reason` is the one word for reports."""

    units: int
    reason: str
    name: str
    onward: str

    @property
    def reached(self) -> str:
        return f"The ceiling of {self.name} is reached. Everything bought is saved; {self.onward}."


def moments_at(now: float) -> Moments:
    """Since when purchases count, for a run that begins `now`."""
    return Moments(
        now=now,
        month=pricing.month_start(now),
        day=pricing.day_start(now),
        window=now - WINDOW,
    )


def budget_of(settings: Settings, opening: Opening) -> Budget:
    spent = opening.spent.at_most
    lowest = min(_ceilings(settings, opening), default=None)
    if lowest is None:
        return Budget(ceiling=None, spent=spent)
    return Budget(ceiling=lowest.units, spent=spent, reason=lowest.reason, reached=lowest.reached)


def _ceilings(settings: Settings, opening: Opening) -> Iterator[Ceiling]:
    for most, used, period in (
        (settings.max_units_per_day, opening.day.at_most, "day"),
        (settings.max_units_per_month, opening.month.at_most, "month"),
    ):
        if most is not None:
            units = opening.spent.at_most + max(0, most - used)
            name = f"{counted(most, 'unit')} a {period}"
            yield Ceiling(units, f"max-units-per-{period}", name, LATER.format(period))
    if (most := settings.max_units) is not None:
        yield Ceiling(most, "max-units", counted(most, "unit"), ONCE_MORE if most else HIGHER)
    if (dollars := settings.max_cost) is not None:
        units = _affordable(dollars, opening)
        name = f"${dollars:,.10g} ({counted(units, 'unit')})"
        yield Ceiling(units, "max-cost", name, ONCE_MORE if units else HIGHER)


def _affordable(dollars: float, opening: Opening) -> int:
    ours = opening.spent_this_month.at_most
    return pricing.ceiling(
        dollars,
        spent_earlier=opening.spent.at_most - ours,
        before=opening.month.at_most - ours,
    )
