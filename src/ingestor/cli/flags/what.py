"""Which photos a run takes on, and what it asks of Vision about them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

from ingestor.cli.flags.flag import flag
from ingestor.cli.numbers import directory, whole

WHAT: Final = "What to ingest"
VISION: Final = "What to ask of Vision"

Group = Annotated[
    list[str] | None,
    flag(
        "--group",
        "A Flickr group: its id (12345678@N00), or the address of any of its pages. Several: repeat it, "
        "or put commas between them.",
        env="INGESTOR_GROUP, comma-separated · required",
        panel=WHAT,
        metavar="ID_OR_URL",
    ),
]
Limit = Annotated[
    int | None,
    flag(
        "--limit",
        "Take on at most so many photos: what earlier runs left, then the newest. Photos that are "
        "known already count, and cost nothing.",
        env="INGESTOR_LIMIT",
        default="all",
        panel=WHAT,
        metavar="PHOTOS",
        parser=whole(least=1, instead="leave --limit out to take every photo"),
    ),
]
DryRun = Annotated[
    bool,
    flag(
        "--dry-run",
        "Say what a run would find, buy and cost, and how long it would take. Buys nothing.",
        env="INGESTOR_DRY_RUN",
        default="off",
        panel=WHAT,
    ),
]
Reannotate = Annotated[
    bool,
    flag(
        "--reannotate",
        "Buy photos again that were annotated with other features than those asked for now.",
        env="INGESTOR_REANNOTATE",
        default="off: known is known",
        panel=WHAT,
    ),
]
Sandbox = Annotated[
    bool,
    flag(
        "--sandbox",
        "Play all four upstreams on this machine: no key, no bill, no network. Its groups are "
        "zoo, safari, aviary, empty and secret.",
        env="INGESTOR_SANDBOX",
        default="off",
        panel=WHAT,
    ),
]
State = Annotated[
    Path | None,
    flag(
        "--state",
        "The directory of the journal: what was listed, bought and stored. The same directory "
        "again continues where the last run stopped.",
        env="INGESTOR_STATE",
        default=".ingestor",
        panel=WHAT,
        metavar="DIR",
        parser=directory,
    ),
]
Wait = Annotated[
    bool,
    flag(
        "--wait",
        "Wait while another machine works on a group of this database; without it a run stops, and a "
        "worker comes back later.",
        env="INGESTOR_WAIT",
        default="off",
        panel=WHAT,
    ),
]

MaxLabels = Annotated[
    int | None,
    flag(
        "--max-labels",
        "Labels per photo, the best first. More cost nothing.",
        env="INGESTOR_MAX_LABELS",
        default="10",
        panel=VISION,
        metavar="LABELS",
        parser=whole(least=1, most=50, instead="10 suit most collections"),
    ),
]
SafeSearch = Annotated[
    bool,
    flag(
        "--safe-search",
        "Ask for SafeSearch as well: how likely a photo is adult, violent or racy. Free beside "
        "labels.",
        env="INGESTOR_SAFE_SEARCH",
        default="off",
        panel=VISION,
    ),
]
