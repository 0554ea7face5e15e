"""The flags of `ingestor search`."""

from __future__ import annotations

from typing import Annotated

import typer

from ingestor.cli.flags.flag import flag
from ingestor.cli.numbers import not_negative, whole

Labels = Annotated[
    list[str],
    typer.Argument(
        help="Labels; photos that have all of them. In quotes as on the page: 'dog or cat', "
        "'dog -snow'.",
        metavar="LABEL",
    ),
]
Limit = Annotated[
    int | None,
    flag(
        "--limit",
        "So many photos, the best first.",
        default="5",
        metavar="PHOTOS",
        parser=whole(least=1, most=500, instead="5 are shown without it"),
    ),
]
MinScore = Annotated[
    float | None,
    flag(
        "--min-score",
        "Leave out photos below this score, from 0 to 1.",
        default="0",
        metavar="SCORE",
        parser=not_negative(most=1, instead="all are shown without it"),
    ),
]
After = Annotated[
    str | None,
    flag(
        "--after",
        "Go on behind a page: what --json calls next.",
        default="from the best on",
        metavar="CURSOR",
    ),
]
Everything = Annotated[
    bool,
    flag("--all", "Show those as well that SafeSearch rates adult, violent or racy."),
]
