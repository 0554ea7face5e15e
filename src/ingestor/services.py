"""
The upstreams, opened and polite: settings meet transport, clients, credentials and limits.

What leaves this room are functions that the stages take. Listing and storing are retried here, each
attempt under its own permit; downloads and purchases bring slots and permits of their own, so their
functions make one attempt.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, TypeVar

from aiolimiter import AsyncLimiter

from ingestor import events
from ingestor.apis.flickr import PER_PAGE as PHOTOS_PER_PAGE
from ingestor.apis.flickr import Flickr, Group, ImageOrigin, Unusable
from ingestor.apis.google import (
    Credentials,
    Fixed,
    default_tokens,
    is_emulator,
    open_credentials,
)
from ingestor.apis.images import Images
from ingestor.apis.rtdb import Conflict, Database, Query
from ingestor.apis.vision import Vision, encoded_size
from ingestor.catalog import Catalog
from ingestor.catalog.rtdb import DatabaseCatalog
from ingestor.errors import (
    AnswerLost,
    IngestorError,
    Rejected,
    RunStopped,
    SettingsError,
    Unauthorized,
    reason_of,
    retry_hint,
)
from ingestor.kits.lifetime import Lifetime
from ingestor.kits.retrying import persist
from ingestor.models import Failure, Image, Photo, Size
from ingestor.purchases import Look
from ingestor.settings import Settings
from ingestor.transport import CallStatistics, HttpTransport, Room

T = TypeVar("T")

FLICKR_CALLS_PER_HOUR = 3600
"""Per key, over all machines (https://www.flickr.com/services/developer/api/)."""
FLICKR_BURST = 60
"""Calls that may come at once; a pool of 30,000 photos is listed without a pause (taste)."""
UPDATES_PER_SECOND = 100
"""Updates carry hundreds of photos; the documented limit is 1,000 writes a second."""
USER_AGENT = f"ingestor/{version('ingestor')} (labels the photos of a group)"
"""Image servers throttle clients without an honest name harder."""

__all__ = [
    "PHOTOS_PER_PAGE",
    "Group",
    "ListedPage",
    "PoliteDatabase",
    "Services",
    "Update",
    "open_services",
    "weigh_image",
]

EMULATOR_OWNER = Fixed({"authorization": "Bearer owner"})
ANYBODY = Fixed({})
"""The rules that ship with the project let everybody read photos, index and labels."""

NO_DATABASE = "No database: set FIREBASE_DATABASE_URL, or give --database-url."
EMBEDDED = "catalog"
"""The store's name where no database is configured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPage:
    """One page of a pool, rows and all."""

    pages: int
    total: int
    rows: Sequence[Photo | Unusable]

    @property
    def dates(self) -> list[int]:
        """When its photos were added, unix seconds, of those that say so."""
        return [row.date_added for row in self.rows if isinstance(row, Photo) and row.date_added]

    def photos_and_failures(self, group: str) -> tuple[list[Photo], list[Failure]]:
        """
        Every row with a legal id as a photo; the failures name those that cannot be fetched.

        A row without a legal id is nobody's photo and is left out.
        """
        photos: list[Photo] = []
        failures: list[Failure] = []
        for row in self.rows:
            if isinstance(row, Photo):
                photos.append(row)
            elif row.photo_id:
                photos.append(_bare_photo(row.photo_id, group))
                failures.append(
                    Failure(
                        photo_id=row.photo_id,
                        stage="discover",
                        reason=row.reason,
                        detail=row.detail,
                    )
                )
        return photos, failures


Update = Callable[[Mapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What a run may ask of the outside."""

    lookup: Callable[[str], Awaitable[Group]]
    list_page: Callable[[str, int], Awaitable[ListedPage]]
    fetch: Callable[[Size, Room], Awaitable[bytes]]
    """One attempt at one rendition."""
    look: Look
    update: Update | None
    """Writes paths to the database; None where the embedded catalog is the store."""
    check_store: Callable[[], Awaitable[None]]
    """One small read: raises where the database's address, region or rules are wrong."""
    target: str
    """Names the store, so that a journal knows where its results were published."""
    calls: Callable[[], Mapping[str, Mapping[str, float]]]
    """Per upstream what was asked of it so far."""
    statistics: Callable[[], Mapping[str, CallStatistics]] = dict
    """The same, for those who want more than a report."""
    database: PoliteDatabase | None = None
    """What else the database can be asked; None where there is none."""


@asynccontextmanager
async def open_services(
    settings: Settings,
    *,
    lifetime: Lifetime,
    listen: events.Listener,
    open_transport: Callable[..., HttpTransport] = HttpTransport,
) -> AsyncIterator[Services]:
    """Raises SettingsError where a key is missing or unusable."""
    if settings.flickr_api_key is None:
        raise SettingsError(
            "No Flickr key: set FLICKR_API_KEY (free at https://www.flickr.com/services/apps/create/), "
            "or add --sandbox to see everything work without one."
        )
    url = settings.database_url
    access = await open_credentials(
        api_key=settings.google_api_key, database_url=url, buying=not settings.dry_run
    )
    async with open_transport(origins=_origins(settings), user_agent=USER_AGENT) as transport:
        politely = Politely(lifetime=lifetime, patience=settings.patience, listen=listen)
        images = ImageOrigin(settings.image_url)
        flickr = Flickr(
            transport, url=settings.flickr_url, key=settings.flickr_api_key, images=images
        )
        vision = Vision(
            transport,
            url=settings.vision_url,
            authorize=access.vision.headers,
            renew=access.vision.refresh_after,
            features=settings.features,
        )
        database = (
            PoliteDatabase(_database_at(url, transport, access.database), politely) if url else None
        )
        yield Services(
            lookup=lambda group: politely("flickr", lambda: flickr.lookup_group(group)),
            list_page=_lister(flickr, politely),
            fetch=Images(transport, origin=images).fetch,
            look=vision.annotate,
            update=database.update if database else None,
            check_store=database.check if database else _nothing_to_check,
            target=url or EMBEDDED,
            calls=lambda: {name: _figures(calls) for name, calls in transport.calls.items()},
            statistics=lambda: transport.calls,
            database=database,
        )


@asynccontextmanager
async def open_database(
    settings: Settings, *, lifetime: Lifetime, listen: events.Listener
) -> AsyncIterator[PoliteDatabase]:
    """The database alone, to write to as well: no other key is needed. Raises SettingsError."""
    url = settings.database_url
    if url is None:
        raise SettingsError(NO_DATABASE)
    access = EMULATOR_OWNER if is_emulator(url) else await default_tokens()
    async with HttpTransport(origins={"database": [url]}, user_agent=USER_AGENT) as transport:
        politely = Politely(lifetime=lifetime, patience=settings.patience, listen=listen)
        yield PoliteDatabase(_database_at(url, transport, access), politely)


def _database_at(url: str, transport: HttpTransport, access: Credentials) -> Database:
    return Database(transport, url=url, authorize=access.headers, renew=access.refresh_after)


@asynccontextmanager
async def open_catalog(settings: Settings) -> AsyncIterator[Catalog]:
    """
    The catalog in the configured database, read as anybody may read it: no key is needed, and none
    is held by a process that only searches.
    """
    url = settings.database_url
    if url is None:
        raise SettingsError(NO_DATABASE)
    reader = EMULATOR_OWNER if is_emulator(url) else ANYBODY
    async with HttpTransport(origins={"database": [url]}, user_agent=USER_AGENT) as transport:
        yield DatabaseCatalog(Database(transport, url=url, authorize=reader.headers))


class Politely:
    """Try again under one permit an attempt, for as long as our patience with the upstream lasts."""

    def __init__(self, *, lifetime: Lifetime, patience: float, listen: events.Listener) -> None:
        self._lifetime = lifetime
        self._patience = patience
        self._listen = listen
        self._clock = lifetime.clock
        self._limits = {
            "flickr": AsyncLimiter(FLICKR_BURST, FLICKR_BURST * 3600 / FLICKR_CALLS_PER_HOUR),
            "database": AsyncLimiter(UPDATES_PER_SECOND, 1),
        }
        self._answered_at = dict.fromkeys(self._limits, float("-inf"))

    async def __call__(
        self, upstream: str, call: Callable[[], Awaitable[T]], *, limited: bool = True
    ) -> T:
        """
        Raises RunStopped when the upstream stays away longer than our patience. Without `limited` it
        is the caller who bounds how much is asked.
        """
        unauthorized = 0

        async def attempt() -> T:
            async with self._limits[upstream] if limited else nullcontext():
                answer = await call()
            self._answered_at[upstream] = self._clock()
            return answer

        def hint(error: BaseException) -> bool | float:
            nonlocal unauthorized
            if isinstance(error, Unauthorized):
                unauthorized += 1
                # Who raised it has had the credential renewed: worth one more attempt, and no other.
                return unauthorized == 1
            return retry_hint(error)

        try:
            return await persist(
                attempt,
                hint=hint,
                rest=self._lifetime.rest,
                patience=self._patience,
                proven=lambda: self._answered_at[upstream],
                clock=self._clock,
                noticed=lambda error, number, seconds: self._listen(
                    events.RetryScheduled(
                        upstream=upstream, reason=reason_of(error), attempt=number, seconds=seconds
                    )
                ),
            )
        except IngestorError as error:
            if retry_hint(error) is False:
                raise
            raise RunStopped(
                f"{_PLAIN_NAMES[upstream]} did not answer properly for {self._patience:.0f} s "
                f"({error}). Nothing is lost; run the same command again later.",
                reason=f"{upstream}-unavailable",
            ) from error


class PoliteDatabase:
    """What the database is asked, each with retries; see `apis.rtdb.Database`."""

    def __init__(self, database: Database, politely: Politely) -> None:
        self._database = database
        self._politely = politely

    async def check(self) -> None:
        """One small read: raises where the address, the credentials or the region are wrong."""
        # Who rejects a read for its size knows us: address, region and credentials are right.
        with suppress(Rejected):
            await self._politely("database", self._database.check)

    async def update(self, paths: Mapping[str, Any]) -> None:
        await self._politely("database", lambda: self._database.update(paths))

    async def read(self, path: str, *, query: Query | None = None) -> Any:
        return await self._politely(
            "database", lambda: self._database.read(path, query=query), limited=False
        )

    async def keys(self, path: str) -> list[str] | None:
        """The children's names, however many; None where they are too many for one answer."""

        async def ask() -> list[str] | None:
            try:
                return list(await self._database.read(path, shallow=True) or ())
            except AnswerLost as error:
                if error.reason == "too-large":
                    return None
                raise

        try:
            return await self._politely("database", ask, limited=False)
        except Rejected:
            return None

    async def read_with_etag(self, path: str) -> tuple[Any, str]:
        return await self._politely("database", lambda: self._database.read_with_etag(path))

    async def write_if(self, path: str, value: Any, *, etag: str) -> Conflict | None:
        """Repeated when its answer is lost: a conflict may then be with what we wrote ourselves."""
        return await self._politely(
            "database", lambda: self._database.write_if(path, value, etag=etag)
        )


def weigh_image(image: Image) -> int:
    """Bytes of an image in the body of an annotate request."""
    return encoded_size(len(image.content))


def _origins(settings: Settings) -> dict[str, list[str]]:
    origins = {
        "flickr": [settings.flickr_url],
        "images": [settings.image_url],
        "vision": [settings.vision_url],
    }
    if settings.database_url:
        origins["database"] = [settings.database_url]
    return origins


def _lister(flickr: Flickr, politely: Politely) -> Callable[[str, int], Awaitable[ListedPage]]:
    async def list_page(group: str, number: int) -> ListedPage:
        page = await politely("flickr", lambda: flickr.pool_page(group, page=number))
        return ListedPage(pages=page.pages, total=page.total, rows=page.rows)

    return list_page


async def _nothing_to_check() -> None:
    """The embedded catalog is there when the journal is."""


def _bare_photo(photo_id: str, group: str) -> Photo:
    """A row that names a photo and nothing that could be fetched."""
    return Photo(
        id=photo_id,
        group=group,
        owner="",
        owner_name="",
        title="",
        page="",
        sizes=(),
        thumb="",
        license="",
        uploaded=0,
        date_added=0,
    )


def _figures(calls: CallStatistics) -> dict[str, float]:
    return {
        "requests": calls.count,
        "refused": calls.statuses[429],
        "failed": sum(calls.failures.values()),
        "reused_connections": calls.reused,
        "bytes_in": calls.bytes_in,
        "bytes_out": calls.bytes_out,
        "p50_seconds": calls.within(0.5),
        "p99_seconds": calls.within(0.99),
    }


_PLAIN_NAMES = {"flickr": "Flickr", "database": "The database"}
