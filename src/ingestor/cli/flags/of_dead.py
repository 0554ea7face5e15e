"""The flags of `ingestor dead`: which photos, and how many of them."""

from __future__ import annotations

from typing import Annotated

import typer

from ingestor.cli.flags.flag import flag
from ingestor.cli.numbers import whole

Photos = Annotated[list[str] | None, typer.Argument(help="Only these photo ids.", metavar="PHOTO")]
Reason = Annotated[
    str | None,
    flag("--reason", "Only those with this cause, as `dead list` names it.", metavar="WORD"),
]
Samples = Annotated[
    int | None,
    flag(
        "--samples",
        "Examples for each cause.",
        default="3",
        metavar="PHOTOS",
        parser=whole(least=0, most=20, instead="3 are shown without it"),
    ),
]
Everything = Annotated[bool, flag("--all", "All dead photos, whatever the cause.")]
PaidAmongThem = Annotated[
    bool, flag("--all", "All dead photos, those that may have been paid for already among them.")
]
