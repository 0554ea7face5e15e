"""How a run speaks, and whom it talks to."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from ingestor.cli.flags.flag import flag

SPEAK: Final = "How it runs and speaks"
WHOM: Final = "Whom to talk to"

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
