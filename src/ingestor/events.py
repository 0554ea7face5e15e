"""
What can happen during a run, as values; who wants to know is a listener.

Log lines, counters and progress bars are listeners. An event is never formatted before a listener
wants it, and none carries a secret, a URL with a query, or image bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ingestor.errors import reason_of
from ingestor.models import Failure, StageName

UPSTREAMS: Final = MappingProxyType(
    {
        "flickr": "Flickr",
        "images": "the image server",
        "vision": "Vision",
        "database": "the database",
    }
)
"""The four, by the word that events, reasons and figures have for each: what a sentence calls it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Anything that happened."""


Listener = Callable[[Event], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event):
    run: str
    groups: tuple[str, ...]
    limit: int | None
    resumed: int
    """Photos that an earlier run left pending, as far as the limit has room for them."""
    month_units: int = 0
    """Units this month has had before: they decide what the next ones cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseAwaited(Event):
    """Somebody else works on a group: this run waits for it, and looks again now and then."""

    group: str
    owner: str
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PageListed(Event):
    """One page of a pool: how many photos were new to this run, and how many need no work."""

    group: str
    page: int
    pages: int
    total: int
    listed: int
    known: int
    skipped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotosAdopted(Event):
    """The database knew photos that the journal did not: they need not be bought again."""

    photos: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageDownloaded(Event):
    photo: str
    size: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSent(Event):
    purchase: str
    images: int
    units: int
    attempt: int
    ids: tuple[str, ...] = ()
    """The photos', so that one can be followed through a log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSettled(Event):
    """A paid answer is durable: `annotated` images have one, `failed` do not."""

    purchase: str
    annotated: int
    failed: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationReused(Event):
    """The same bytes were bought before: this one is free."""

    photo: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseInDoubt(Event):
    purchase: str
    images: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseUnbilled(Event):
    """A purchase ended without an answer and without a bill: never sent, or refused."""

    purchase: str
    images: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateStored(Event):
    """One bulk write is acknowledged (or the catalog's transaction is durable)."""

    photos: int
    size: int
    seconds: float
    ids: tuple[str, ...] = ()
    """The photos'."""
    left_over: bool = False
    """Whether an earlier run bought them: they are none of those that this one lists and stores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoFailed(Event):
    photo: str
    stage: StageName
    reason: str
    detail: str

    @classmethod
    def of(cls, failure: Failure) -> PhotoFailed:
        return cls(
            photo=failure.photo_id,
            stage=failure.stage,
            reason=failure.reason,
            detail=failure.detail,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryScheduled(Event):
    """An attempt failed and another follows after `seconds`."""

    upstream: str
    reason: str
    attempt: int
    seconds: float
    silent: float = 0.0
    """Seconds since it last served anybody, or since it was first asked for this."""
    message: str = ""
    """What went wrong, in words."""

    @classmethod
    def of(
        cls, error: BaseException, *, upstream: str, attempt: int, seconds: float, silent: float
    ) -> RetryScheduled:
        return cls(
            upstream=upstream,
            reason=reason_of(error),
            attempt=attempt,
            seconds=seconds,
            silent=silent,
            message=str(error),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamBack(Event):
    """An upstream that was told to be away has answered, after so many `seconds`."""

    upstream: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamThrottled(Event):
    """An upstream refused for speed: everybody slows down to `rate` (a share of the limit)."""

    upstream: str
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStopping(Event):
    """No new purchase starts from here; `reason` is "SIGTERM", "max-units", a fatal error's word…"""

    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLooked(Event):
    """A worker looked at a group and did what was to do; `complete` if nothing is left."""

    group: str
    total: int
    complete: bool
    unix: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFailed(Event):
    """A turn of a group went wrong; `seconds` until the next, None if there will be none."""

    group: str
    reason: str
    message: str
    seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDropped(Event):
    """A group that is followed no longer."""

    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotosWithdrawn(Event):
    """Photos that left a group's pool: taken down where that was the last one they were in."""

    group: str
    photos: int
    taken_down: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BuyingHalted(Event):
    """Nothing is bought for any group for so many `seconds`."""

    reason: str
    """One word."""
    message: str
    """A sentence."""
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BuyingResumed(Event):
    """What the halt of that `reason` kept from being bought may be bought again."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchlistChanged(Event):
    """The groups that a worker follows, `refused` being lines that name none."""

    groups: int
    refused: tuple[str, ...]
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Event):
    run: str
    reason: str
    stored: int = 0
    """Photos."""
    failed: int = 0
    units: int = 0
    """At the most."""


def ignore(_event: Event) -> None:
    """The listener of those who do not listen."""
