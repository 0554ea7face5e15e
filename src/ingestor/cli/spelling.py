"""How counts, shares, commands and foreign texts are written in a terminal."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

from ingestor.kits.amounts import MINUTE, roughly

DEFAULT_STATE: Final = Path(".ingestor")

LONGEST_SENTENCE: Final = 700
"""Characters; an error's own words and a foreign excerpt fit (taste)."""


def count(number: int) -> str:
    return f"{number:,}"


def share(part: float) -> str:
    return f"{part:.1%}".replace(".0%", "%")


def duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < MINUTE else roughly(seconds)


def state_flag(state: Path) -> str:
    """What a command to type next needs, to speak of the same journal."""
    return "" if state == DEFAULT_STATE else f" --state {shlex.quote(str(state))}"


def one_line(text: str, *, most: int) -> str:
    """A foreign text, fit for a terminal: no control characters, no line breaks, not too long."""
    printable = "".join(sign if sign.isprintable() else " " for sign in text[: 4 * most])
    line = " ".join(printable.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def one_sentence(text: str) -> str:
    """What is said at the end: it may quote a flag or an upstream, and stays one line all the same."""
    return one_line(text, most=LONGEST_SENTENCE)
