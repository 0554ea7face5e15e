"""
Every flag of the command line, each with a help that teaches.

No flag has a default here: only what was really typed is handed to the settings, which know the
environment and the defaults. The help repeats both; a test compares.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from ingestor.cli.numbers import allowance, positive, whole

WHAT: Final = "What to ingest"
VISION: Final = "What to ask of Vision"
FAST: Final = "How fast"
STOP: Final = "When to stop"
SPEAK: Final = "How it runs and speaks"
WHOM: Final = "Whom to talk to"


def flag(
    name: str,
    text: str,
    *,
    default: str | None = None,
    env: str | None = None,
    panel: str | None = None,
    metavar: str | None = None,
    parser: Callable[[str], Any] | None = None,
    hidden: bool = False,
) -> Any:
    """An option whose help ends with its environment variable and its default."""
    facts = " · ".join(filter(None, (env, default and f"default {default}")))
    if metavar is None and (default is None or default.startswith("off")):
        metavar = ""  # a switch: typer would have it take a <bool>
    return typer.Option(
        name,
        help=f"{text} [dim]({facts})[/]" if facts else text,
        show_default=False,
        rich_help_panel=panel,
        metavar=metavar,
        parser=parser,
        hidden=hidden,
    )


Group = Annotated[
    list[str] | None,
    flag(
        "--group",
        "A Flickr group: its id (12345678@N00), or the address of its page. Repeat it for several.",
        env="INGESTOR_GROUP, comma-separated · required",
        panel=WHAT,
        metavar="ID_OR_URL",
    ),
]
Limit = Annotated[
    int | None,
    flag(
        "--limit",
        "Take on at most so many photos, the newest first. Photos that are known already count, "
        "and cost nothing.",
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
    ),
]

Wait = Annotated[
    bool,
    flag(
        "--wait",
        "Wait while another machine works on a group of this database, instead of saying so.",
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

ImagesPerMinute = Annotated[
    int | None,
    flag(
        "--images-per-minute",
        "Your project's Vision quota for label images per minute. Google's console shows it; "
        "higher than granted brings refusals, not speed.",
        env="INGESTOR_IMAGES_PER_MINUTE",
        default="1800",
        panel=FAST,
        metavar="IMAGES",
        parser=whole(least=16, instead="a full request carries 16 images"),
    ),
]
RequestsPerMinute = Annotated[
    int | None,
    flag(
        "--requests-per-minute",
        "Your project's Vision quota for requests per minute.",
        env="INGESTOR_REQUESTS_PER_MINUTE",
        default="1800",
        panel=FAST,
        metavar="REQUESTS",
        parser=whole(least=1, instead="copy it from the quota page of Google's console"),
    ),
]
MaxInFlight = Annotated[
    int | None,
    flag(
        "--max-in-flight",
        "Paid requests at once, each of up to 16 images: what may be in doubt if the machine dies.",
        env="INGESTOR_MAX_IN_FLIGHT",
        default="as many as quota and latency need, at most 64",
        panel=FAST,
        metavar="REQUESTS",
        parser=whole(least=1, most=64, instead="leave it out to have it measured"),
    ),
]
MaxDownloads = Annotated[
    int | None,
    flag(
        "--max-downloads",
        "Downloads at once, at the most; the run finds out how many the image host likes.",
        env="INGESTOR_MAX_DOWNLOADS",
        default="64",
        panel=FAST,
        metavar="DOWNLOADS",
        parser=whole(least=1, most=512, instead="64 suit most lines"),
    ),
]
MaxMemory = Annotated[
    int | None,
    flag(
        "--max-memory",
        "Megabytes of image bytes held at once; downloads wait when it is full.",
        env="INGESTOR_MAX_MEMORY",
        default="256 MB",
        panel=FAST,
        metavar="MB",
        parser=whole(least=32, instead="one batch of big pictures takes as much"),
    ),
]
Engine = Annotated[
    Literal["local", "ray"] | None,
    flag(
        "--engine",
        "Where photos are worked on: this process, or a Ray cluster. One process fills the "
        "default quota.",
        env="INGESTOR_ENGINE",
        default="local",
        panel=FAST,
    ),
]

MaxUnits = Annotated[
    int | None,
    flag(
        "--max-units",
        "Stop, resumable, before Google bills more than so many units in this run (one a photo).",
        env="INGESTOR_MAX_UNITS",
        default="none",
        panel=STOP,
        metavar="UNITS",
        parser=whole(least=0, instead="leave it out for no ceiling"),
    ),
]
MaxCost = Annotated[
    float | None,
    flag(
        "--max-cost",
        "The same in US dollars, the month's free units counted.",
        env="INGESTOR_MAX_COST",
        default="none",
        panel=STOP,
        metavar="USD",
        parser=positive(instead="leave it out for no ceiling"),
    ),
]
MaxFailures = Annotated[
    str | None,
    flag(
        "--max-failures",
        "More failed photos than this, as a count or a share, and the run ends with code 4.",
        env="INGESTOR_MAX_FAILURES",
        default="20%",
        panel=STOP,
        metavar="N_OR_P%",
        parser=allowance,
    ),
]
InDoubt = Annotated[
    Literal["retry", "park"] | None,
    flag(
        "--in-doubt",
        "When a paid answer never arrived: buy these photos again within a small budget, or park "
        "them for you to decide.",
        env="INGESTOR_IN_DOUBT",
        default="retry",
        panel=STOP,
    ),
]
Drain = Annotated[
    float | None,
    flag(
        "--drain",
        "Seconds that paid requests in flight are awaited after Ctrl+C or SIGTERM.",
        env="INGESTOR_DRAIN",
        default="8 s",
        panel=STOP,
        metavar="SECONDS",
        parser=positive(instead="8 fits the ten seconds that containers are given"),
    ),
]

ReportForm = Annotated[
    Literal["text", "json"] | None,
    flag(
        "--report",
        "The report on stdout: a table for people, or exactly one JSON object.",
        env="INGESTOR_REPORT",
        default="text",
        panel=SPEAK,
    ),
]
LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"] | None,
    flag(
        "--log-level",
        "The least that is logged, on stderr; debug has a line per photo, and tracebacks.",
        env="INGESTOR_LOG_LEVEL",
        default="info; warning beside progress bars and --report json",
        panel=SPEAK,
    ),
]
LogFormat = Annotated[
    Literal["text", "json"] | None,
    flag(
        "--log-format",
        "Log lines for people, or as JSON objects.",
        env="INGESTOR_LOG_FORMAT",
        default="text on a terminal, json elsewhere",
        panel=SPEAK,
    ),
]

DatabaseUrl = Annotated[
    str | None,
    flag(
        "--database-url",
        "The Realtime Database to publish to. http://127.0.0.1:9000/?ns=demo is an emulator.",
        env="FIREBASE_DATABASE_URL",
        default="none: results stay in the state directory",
        panel=WHOM,
        metavar="URL",
    ),
]
FlickrUrl = Annotated[
    str | None,
    flag(
        "--flickr-url",
        "Flickr's REST address.",
        env="INGESTOR_FLICKR_URL",
        default="https://api.flickr.com/services/rest/",
        panel=WHOM,
        metavar="URL",
    ),
]
ImageUrl = Annotated[
    str | None,
    flag(
        "--image-url",
        "The one origin that images may come from.",
        env="INGESTOR_IMAGE_URL",
        default="https://live.staticflickr.com",
        panel=WHOM,
        metavar="URL",
    ),
]
VisionUrl = Annotated[
    str | None,
    flag(
        "--vision-url",
        "Cloud Vision's address.",
        env="INGESTOR_VISION_URL",
        default="https://vision.googleapis.com",
        panel=WHOM,
        metavar="URL",
    ),
]

SandboxFast = Annotated[
    bool, flag("--sandbox-fast", "The sandbox answers without its usual delays.", hidden=True)
]
SandboxFault = Annotated[
    list[str] | None,
    flag(
        "--sandbox-fault",
        "Have the sandbox misbehave; `ingestor sandbox --help` knows the names.",
        metavar="NAME=RATE",
        hidden=True,
    ),
]

# The same for subcommands, which are too short for panels.
Journal = Annotated[
    Path | None,
    flag(
        "--state",
        "The directory of the journal.",
        env="INGESTOR_STATE",
        default=".ingestor",
        metavar="DIR",
    ),
]
Database = Annotated[
    str | None,
    flag(
        "--database-url",
        "Ask this Realtime Database.",
        env="FIREBASE_DATABASE_URL",
        default="none: the journal answers",
        metavar="URL",
    ),
]
OfSandbox = Annotated[bool, flag("--sandbox", "Ask the database of the sandbox.")]
AsJson = Annotated[bool, flag("--json", "One JSON object on stdout, for programs.")]
