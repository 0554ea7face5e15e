"""What units cost, the month's free thousand counted (https://cloud.google.com/vision/pricing)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

FREE_UNITS_PER_MONTH = 1000
UNITS_AT_FIRST_PRICE = 5_000_000
USD_PER_UNIT = 1.50 / 1000
"""Label detection, units 1,001 to 5,000,000 of a month."""
USD_PER_UNIT_ABOVE = 1.00 / 1000
"""The same above 5,000,000 units a month."""
ROUNDING_USD = 0.00005
"""Floats: 13.5 dollars must buy what costs 13.500000000000002."""


def cost(units: int, *, before: int = 0) -> float:
    """US dollars for `units` more in a month that has had `before`."""
    return _month_cost(before + units) - _month_cost(before)


def bill(months: Sequence[tuple[int, int]], *, more: int = 0) -> float:
    """
    US dollars of a run's units and of `more` in the last of its months, each of which is (units of
    its own, units of others).
    """
    *over, (ours, others) = months
    return sum(cost(own, before=rest) for own, rest in over) + cost(ours + more, before=others)


def affordable(dollars: float, *, before: int = 0) -> int:
    """
    The most units that stay within `dollars` whatever they cost in the end, in a month that has had
    `before`: the price above 5,000,000 is not counted on, for the month may be over by then.
    """
    if dollars + ROUNDING_USD < 0:
        return 0
    free = max(0, FREE_UNITS_PER_MONTH - before)
    return free + int((dollars + ROUNDING_USD) / USD_PER_UNIT)


def ceiling(dollars: float, *, spent_earlier: int, before: int) -> int:
    """
    The most units of a run that may cost `dollars`: of them it spent `spent_earlier` in a month that
    is over, and this month has had `before` beside it.
    """
    # The other month's free units may have gone to others: this is the most that it was.
    left = dollars - spent_earlier * USD_PER_UNIT
    return spent_earlier + affordable(left, before=before)


def month_start(now: float) -> float:
    """The first moment of the calendar month of `now`, unix seconds, UTC."""
    moment = datetime.fromtimestamp(now, UTC)
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp()


def day_start(now: float) -> float:
    """The first moment of the day of `now`, unix seconds, UTC."""
    moment = datetime.fromtimestamp(now, UTC)
    return moment.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def _month_cost(units: int) -> float:
    first = min(units, UNITS_AT_FIRST_PRICE) - FREE_UNITS_PER_MONTH
    above = units - UNITS_AT_FIRST_PRICE
    return max(0, first) * USD_PER_UNIT + max(0, above) * USD_PER_UNIT_ABOVE
