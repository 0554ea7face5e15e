"""What several subcommands take: these are too short for the panels of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from ingestor.cli.flags.flag import flag
from ingestor.cli.numbers import directory

Journal = Annotated[
    Path | None,
    flag(
        "--state",
        "The directory of the journal.",
        env="INGESTOR_STATE",
        default=".ingestor",
        metavar="DIR",
        parser=directory,
    ),
]
Database = Annotated[
    str | None,
    flag(
        "--database-url",
        "Ask this Realtime Database, even if there is a journal.",
        default="the journal, or FIREBASE_DATABASE_URL where there is none",
        metavar="URL",
    ),
]
DatabaseBeside = Annotated[
    str | None,
    flag(
        "--database-url",
        "Compare with this Realtime Database.",
        env="FIREBASE_DATABASE_URL",
        default="none, and one is needed",
        metavar="URL",
    ),
]
OfSandbox = Annotated[
    bool, flag("--sandbox", "Ask the database of the sandbox in place of a real one.")
]
AsJson = Annotated[bool, flag("--json", "One JSON object on stdout, for programs.")]
