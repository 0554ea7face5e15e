"""How numbers and times are written on a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

MINUTE: Final = 60
HOUR: Final = 3600


def thousands(number: float) -> str:
    """With a narrow space, as no language takes it for a decimal point."""
    return f"{number:,.0f}".replace(",", "\u202f")


def percent(share: float) -> str:
    return f"{100 * share:.0f}\u202f%"


def rate(per_second: float) -> str:
    return f"{per_second:.1f}" if per_second < 100 else f"{per_second:.0f}"


def money(dollars: float) -> str:
    """Cents are too coarse for a few units."""
    return f"${dollars:,.4f}" if 0 < dollars < 1 else f"${dollars:,.2f}"


def megabytes(size: float) -> str:
    return f"{size / 1e6:.1f}\u202fMB"


def duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE:02d} s"
    return f"{whole // HOUR} h {whole % HOUR // MINUTE:02d} min"


def moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def counted(number: int, noun: str) -> str:
    return f"{thousands(number)} {noun}{'' if number == 1 else 's'}"


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "thousands": thousands,
    "percent": percent,
    "rate": rate,
    "money": money,
    "megabytes": megabytes,
    "duration": duration,
    "moment": moment,
    "counted": counted,
}
