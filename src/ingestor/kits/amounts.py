"""How counts, dollars, seconds and moments are written, in a terminal and on a page alike."""

from __future__ import annotations

from datetime import UTC, datetime

MINUTE = 60
HOUR = 3600
LATEST = 1e11
"""Unix seconds; what comes after the year 5000 is nobody's plan."""


def counted(number: int, noun: str) -> str:
    """`1 photo`, `2 photos`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def money(dollars: float) -> str:
    """Cents are too coarse for a few units, and noise in a large sum."""
    return f"${dollars:,.4f}" if 0 < dollars < 1 else f"${dollars:,.2f}"


def roughly(seconds: float) -> str:
    """A duration without tenths."""
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE:02d} s"
    return f"{whole // HOUR:,} h {whole % HOUR // MINUTE:02d} min"


def moment(unix: float) -> str:
    # A clock that is wrong by ages must not be an error of its own.
    return f"{datetime.fromtimestamp(min(max(unix, 0.0), LATEST), UTC):%Y-%m-%d %H:%M} UTC"
