"""How fast a run may go, and when it stops."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from ingestor.cli.flags.flag import flag
from ingestor.cli.numbers import allowance, not_negative, whole

FAST: Final = "How fast"
STOP: Final = "When to stop"

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
FlickrCallsPerHour = Annotated[
    int | None,
    flag(
        "--flickr-calls-per-hour",
        "Calls that Flickr allows your key, or this machine's part of them where several share it.",
        env="INGESTOR_FLICKR_CALLS_PER_HOUR",
        default="3600",
        panel=FAST,
        metavar="CALLS",
        parser=whole(least=60, instead="each lists 500 photos, so even few are many photos"),
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
        "Where photos are worked on: in this process, which fills the default quota. (ray is "
        "reserved, and not built yet.)",
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
        parser=not_negative(instead="leave it out for no ceiling"),
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
        parser=not_negative(instead="8 fits the ten seconds that containers are given"),
    ),
]
