"""The flags of `ingestor worker`, beside those of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

from ingestor.cli.flags.flag import flag
from ingestor.cli.numbers import whole

FOR_ONE_RUN: Final = {
    "limit": "leave it out: a worker takes every photo",
    "dry_run": "it is for `ingestor --group … --dry-run`",
    "reannotate": "it is for one run: `ingestor --group … --reannotate`",
    "max_units": "a worker takes --max-units-per-day or --max-units-per-month",
    "max_cost": "a worker takes --max-units-per-day or --max-units-per-month; {month}",
}
"""Flags of a run that a worker does not take, and what to do instead; `month`: dollars in units."""

GroupsFile = Annotated[
    Path | None,
    flag(
        "--groups-file",
        "More groups, one a line; # begins a comment. Read again when it changes.",
        env="INGESTOR_GROUPS_FILE",
        default="none",
        metavar="FILE",
    ),
]
Every = Annotated[
    str | None,
    flag(
        "--every",
        "Time between two looks at a group, as 90s, 15m or 2h.",
        env="INGESTOR_EVERY",
        default="15m",
        metavar="TIME",
    ),
]
Recheck = Annotated[
    str | None,
    flag(
        "--recheck",
        "Time within which every page of a pool is read again, so that photos which left it are "
        "taken down.",
        env="INGESTOR_RECHECK",
        default="12h",
        metavar="TIME",
    ),
]
MaxUnitsPerDay = Annotated[
    int | None,
    flag(
        "--max-units-per-day",
        "Buy no more than so many units a day, UTC; what else was bought in this state directory "
        "counts.",
        env="INGESTOR_MAX_UNITS_PER_DAY",
        default="none",
        metavar="UNITS",
        parser=whole(least=0, instead="leave it out for no ceiling"),
    ),
]
MaxUnitsPerMonth = Annotated[
    int | None,
    flag(
        "--max-units-per-month",
        "The same for each calendar month.",
        env="INGESTOR_MAX_UNITS_PER_MONTH",
        default="none",
        metavar="UNITS",
        parser=whole(least=0, instead="leave it out for no ceiling"),
    ),
]
Eyes = Annotated[
    str | None,
    flag(
        "--eyes",
        "Where /livez, /readyz and /metrics are: HOST:PORT, or off.",
        env="INGESTOR_EYES",
        default="127.0.0.1:9464",
        metavar="HOST:PORT",
    ),
]
Traces = Annotated[
    bool,
    flag(
        "--traces",
        "Send a trace of every batch to an OpenTelemetry collector: OTEL_EXPORTER_OTLP_ENDPOINT, "
        "by default on this machine. Needs the extra otel.",
        env="INGESTOR_TRACES",
        default="off",
    ),
]
