"""How numbers, directories and addresses are read from flags; nonsense is answered with what makes sense."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import typer


def whole(*, least: int, instead: str, most: int | None = None) -> Callable[[str], int]:
    """Read a whole number; `instead` says what to do when it is out of bounds."""

    def number(text: str) -> int:
        try:
            value = int(text.replace("_", ""))
        except ValueError:
            raise typer.BadParameter(f"{text!r} is not a whole number; {instead}.") from None
        if value < least or (most is not None and value > most):
            bounds = f"at least {least}" if most is None else f"between {least} and {most}"
            raise typer.BadParameter(f"{value} is not possible, it must be {bounds}; {instead}.")
        return value

    return number


def not_negative(*, instead: str, most: float | None = None) -> Callable[[str], float]:
    """Read a number from 0 up, to `most` at the most."""

    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise typer.BadParameter(f"{text!r} is not a number; {instead}.") from None
        if not (0 <= value < float("inf") and (most is None or value <= most)):
            bounds = "0 or more" if most is None else f"between 0 and {most:g}"
            raise typer.BadParameter(f"{text} is not possible, it must be {bounds}; {instead}.")
        return value

    return number


def allowance(text: str) -> str:
    """Check a share of photos ("20%") or a count of them ("50"); the settings read it."""
    digits = text.strip().removesuffix("%")
    try:
        value = float(digits) if text.strip().endswith("%") else int(digits)
    except ValueError:
        value = -1
    if value < 0 or (text.strip().endswith("%") and not value <= 100):
        raise typer.BadParameter(f"{text!r} is neither a count like 50 nor a share like 20%.")
    return text


def directory(text: str) -> Path:
    """A variable of the shell that is not set is no directory, least of all the current one."""
    if not text.strip():
        raise typer.BadParameter("it is empty; give a directory, or leave it out for .ingestor.")
    return Path(text)


def address(text: str) -> str:
    """Sockets take an empty one for every address of this machine, and so for an open door."""
    if not text.strip():
        raise typer.BadParameter(
            "it is empty; leave it out for 127.0.0.1, or give 0.0.0.0 for all."
        )
    return text
