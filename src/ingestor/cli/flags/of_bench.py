"""The flags of `ingestor bench`, which no other command has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ingestor.cli.flags.flag import flag
from ingestor.cli.numbers import not_negative, whole

Scenarios = Annotated[
    list[str] | None,
    typer.Argument(help="What to measure; all without it.", metavar="SCENARIO"),
]
Quick = Annotated[
    bool, flag("--quick", "A first look, under a minute: few photos, three scenarios.")
]
Repeat = Annotated[
    int | None,
    flag(
        "--repeat",
        "So many rounds; the figures are medians.",
        default="1",
        metavar="ROUNDS",
        parser=whole(least=1, most=99, instead="one round is measured without it"),
    ),
]
Minutes = Annotated[
    float | None,
    flag(
        "--minutes",
        "Begin no further round after so long.",
        default="none",
        metavar="MINUTES",
        parser=not_negative(instead="every round is measured without it"),
    ),
]
Loop = Annotated[
    Literal["uvloop", "asyncio"] | None,
    flag("--loop", "The event loop to measure with.", default="uvloop where installed"),
]
Json = Annotated[
    Path | None, flag("--json", "Keep all that was seen in this file.", metavar="FILE")
]
Html = Annotated[Path | None, flag("--html", "Draw a report into this file.", metavar="FILE")]
Compare = Annotated[
    Path | None,
    flag("--compare", "Hold the figures against those of a --json file.", metavar="FILE"),
]
