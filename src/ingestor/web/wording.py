"""How numbers and times are written on a page: the filters of the templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ingestor.kits.amounts import counted, moment, money, roughly


def thousands(number: float) -> str:
    """As the command line has them: who compares the two must not have to translate."""
    return f"{number:,.0f}"


def percent(share: float) -> str:
    return f"{100 * share:.0f}\u202f%"


def rate(per_second: float) -> str:
    return f"{per_second:.1f}" if per_second < 100 else f"{per_second:.0f}"


def megabytes(size: float) -> str:
    return f"{size / 1e6:.1f}\u202fMB"


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "thousands": thousands,
    "percent": percent,
    "rate": rate,
    "money": money,
    "megabytes": megabytes,
    "duration": roughly,
    "moment": moment,
    "counted": counted,
}
