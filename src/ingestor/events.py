"""
What can happen during a run, as values; who wants to know is a listener.

Log lines, counters and progress bars are listeners. An event is never formatted before a listener
wants it, and none carries a secret, a URL with a query, or image bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from msgspec import Struct

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


class Event(Struct, frozen=True, kw_only=True):
    """Anything that happened."""


Listener = Callable[[Event], None]


class RunStarted(Event, frozen=True, kw_only=True):
    run: str
    groups: tuple[str, ...]
    limit: int | None
    resumed: int
    """Photos that an earlier run left pending, as far as the limit has room for them."""
    month_units: int = 0
    """Units this month has had before: they decide what the next ones cost."""


class LeaseAwaited(Event, frozen=True, kw_only=True):
    """Somebody else works on a group: this run waits for it, and looks again now and then."""

    group: str
    owner: str
    until: float


class PageListed(Event, frozen=True, kw_only=True):
    """One page of a pool: how many photos were new to this run, and how many need no work."""

    group: str
    page: int
    pages: int
    total: int
    listed: int
    known: int
    skipped: int = 0


class PagePassedOver(Event, frozen=True, kw_only=True):
    """A page of which no photo is of use, while those of other pages are: its photos are not listed."""

    group: str
    page: int
    message: str


class PhotosAdopted(Event, frozen=True, kw_only=True):
    """The database knew photos that the journal did not: they need not be bought again."""

    photos: int


class ImageDownloaded(Event, frozen=True, kw_only=True):
    photo: str
    size: int
    seconds: float


class BatchSent(Event, frozen=True, kw_only=True):
    purchase: str
    images: int
    units: int
    attempt: int
    ids: tuple[str, ...] = ()
    """The photos', so that one can be followed through a log."""


class BatchSettled(Event, frozen=True, kw_only=True):
    """A paid answer is durable: `annotated` images have one, `failed` do not."""

    purchase: str
    annotated: int
    failed: int
    seconds: float


class AnnotationReused(Event, frozen=True, kw_only=True):
    """The same bytes were bought before: this one is free."""

    photo: str


class PurchaseInDoubt(Event, frozen=True, kw_only=True):
    purchase: str
    images: int
    reason: str


class PurchaseUnbilled(Event, frozen=True, kw_only=True):
    """A purchase ended without an answer and without a bill: never sent, or refused."""

    purchase: str
    images: int
    reason: str


class UpdateStored(Event, frozen=True, kw_only=True):
    """One bulk write is acknowledged (or the catalog's transaction is durable)."""

    photos: int
    size: int
    seconds: float
    ids: tuple[str, ...] = ()
    """The photos'."""
    left_over: bool = False
    """Whether an earlier run bought them: they are none of those that this one lists and stores."""


class PhotoFailed(Event, frozen=True, kw_only=True):
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


class RetryScheduled(Event, frozen=True, kw_only=True):
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


class UpstreamBack(Event, frozen=True, kw_only=True):
    """An upstream that was told to be away has answered, after so many `seconds`."""

    upstream: str
    seconds: float


class UpstreamThrottled(Event, frozen=True, kw_only=True):
    """An upstream refused for speed: everybody slows down to `rate` (a share of the limit)."""

    upstream: str
    rate: float


class RunStopping(Event, frozen=True, kw_only=True):
    """No new purchase starts from here; `reason` is "SIGTERM", "max-units", a fatal error's word…"""

    reason: str
    message: str = ""


class GroupLooked(Event, frozen=True, kw_only=True):
    """A worker looked at a group and did what was to do; `complete` if nothing is left."""

    group: str
    total: int
    complete: bool
    unix: float
    seconds: float


class GroupFailed(Event, frozen=True, kw_only=True):
    """A turn of a group went wrong; `seconds` until the next, None if there will be none."""

    group: str
    reason: str
    message: str
    seconds: float | None


class GroupDropped(Event, frozen=True, kw_only=True):
    """A group that is followed no longer."""

    group: str


class PhotosWithdrawn(Event, frozen=True, kw_only=True):
    """Photos that left a group's pool: taken down where that was the last one they were in."""

    group: str
    photos: int
    taken_down: int


class BuyingHalted(Event, frozen=True, kw_only=True):
    """Nothing is bought for any group for so many `seconds`."""

    reason: str
    """One word."""
    message: str
    """A sentence."""
    seconds: float


class BuyingResumed(Event, frozen=True, kw_only=True):
    """What the halt of that `reason` kept from being bought may be bought again."""

    reason: str


class WatchlistChanged(Event, frozen=True, kw_only=True):
    """The groups that a worker follows, `refused` being lines that name none."""

    groups: int
    refused: tuple[str, ...]
    message: str = ""


class RunFinished(Event, frozen=True, kw_only=True):
    run: str
    reason: str
    stored: int = 0
    """Photos."""
    failed: int = 0
    units: int = 0
    """At the most."""


def ignore(_event: Event) -> None:
    """The listener of those who do not listen."""
