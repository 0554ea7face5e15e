"""
The upstreams, opened: settings meet transport, clients, credentials and limits.

Listing and storing are retried here; downloads and purchases bring slots, permits and retries of their
own, so their functions make one attempt.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from ingestor import events
from ingestor.apis.flickr import Flickr, Group, ImageOrigin, ListedPage
from ingestor.apis.google import (
    ANYBODY,
    EMULATOR_OWNER,
    default_tokens,
    is_emulator,
    open_credentials,
)
from ingestor.apis.images import Images
from ingestor.apis.rtdb import Database
from ingestor.apis.vision import Vision
from ingestor.catalog import Catalog
from ingestor.catalog.rtdb import DatabaseCatalog
from ingestor.errors import SettingsError
from ingestor.kits.lifetime import Lifetime
from ingestor.models import Size
from ingestor.purchases import AskVision
from ingestor.services.database import PoliteDatabase
from ingestor.services.lister import Lister
from ingestor.services.politely import Politely
from ingestor.settings import Settings
from ingestor.transport import CallStatistics, HttpTransport, Room

USER_AGENT = f"ingestor/{version('ingestor')} (labels the photos of a group)"
"""Image servers throttle clients without an honest name harder."""

NO_FLICKR_KEY = (
    "No Flickr key: set FLICKR_API_KEY (free at https://www.flickr.com/services/apps/create/), "
    "or add --sandbox to see everything work without one."
)
VISION_AS_WELL = "Vision needs GOOGLE_API_KEY, or Application Default Credentials."
NO_DATABASE = "No database: set FIREBASE_DATABASE_URL, or give --database-url."
EMBEDDED = "catalog"
"""The store's name where no database is configured."""

Update = Callable[[Mapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What a run may ask of the outside."""

    lookup: Callable[[str], Awaitable[Group]]
    list_page: Callable[[str, int], Awaitable[ListedPage]]
    fetch: Callable[[Size, Room], Awaitable[bytes]]
    """One attempt at one rendition."""
    ask_vision: AskVision
    update: Update | None
    """Writes paths to the database; None where the embedded catalog is the store."""
    target: str
    """Names the store, so that a journal knows where its results were published."""
    statistics: Callable[[], Mapping[str, CallStatistics]] = dict
    """Per upstream what was asked of it so far."""
    database: PoliteDatabase | None = None
    """What else the database can be asked; None where there is none."""

    async def check_store(self) -> None:
        """Raises where the database's address, region or rules are wrong; a catalog is there at all times."""
        if self.database:
            await self.database.check()


PLAYED_BY_COMMANDS = (
    "sandbox: only a command starts one. Start `ingestor sandbox`, and give the settings that "
    "it prints."
)
"""Said to a program: with keys at hand it would have the vendors in place of what it asked for."""


@asynccontextmanager
async def open_services(
    settings: Settings,
    *,
    lifetime: Lifetime,
    listen: events.Listener,
    open_transport: Callable[..., HttpTransport] = HttpTransport,
) -> AsyncIterator[Services]:
    """Raises SettingsError where a key is missing or unusable."""
    if settings.sandbox and settings.world != "sandbox":
        raise SettingsError(PLAYED_BY_COMMANDS)
    flickr_key, url = settings.flickr_api_key, settings.database_url
    if flickr_key is None:
        raise SettingsError(_without_flickr(settings))
    access = await open_credentials(
        api_key=settings.google_api_key, database_url=url, buying=not settings.dry_run
    )
    async with open_transport(origins=_origins(settings), user_agent=USER_AGENT) as transport:
        politely = _politeness(settings, lifetime=lifetime, listen=listen)
        images = ImageOrigin(settings.image_url)
        flickr = Flickr(transport, url=settings.flickr_url, key=flickr_key, images=images)
        vision = Vision(
            transport, url=settings.vision_url, access=access.vision, features=settings.features
        )
        database = None
        if url:
            database = PoliteDatabase(
                Database(transport, url=url, access=access.database), politely
            )
        yield Services(
            lookup=lambda group: politely("flickr", lambda: flickr.lookup_group(group)),
            list_page=Lister(flickr.pool_page, politely, clock=lifetime.clock, listen=listen),
            fetch=Images(transport, origin=images).fetch,
            ask_vision=vision.annotate,
            update=database.update if database else None,
            target=url or EMBEDDED,
            statistics=lambda: transport.calls,
            database=database,
        )


def _politeness(settings: Settings, *, lifetime: Lifetime, listen: events.Listener) -> Politely:
    return Politely(
        lifetime=lifetime,
        patience=settings.patience,
        listen=listen,
        flickr_calls_per_hour=settings.flickr_calls_per_hour,
    )


def _without_flickr(settings: Settings) -> str:
    """Whoever has no key at all is not told of one at a time; nobody is asked for credentials yet."""
    if settings.google_api_key or settings.dry_run:
        return NO_FLICKR_KEY
    return f"{NO_FLICKR_KEY} {VISION_AS_WELL}"


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
        politely = _politeness(settings, lifetime=lifetime, listen=listen)
        yield PoliteDatabase(Database(transport, url=url, access=access), politely)


@asynccontextmanager
async def open_catalog(settings: Settings) -> AsyncIterator[Catalog]:
    """
    The catalog in the configured database, read as anybody may read it: no key is needed, and none
    is held by a process that only searches.
    """
    url = settings.database_url
    if url is None:
        raise SettingsError(NO_DATABASE)
    # The rules that ship with the project let everybody read photos, index and labels.
    reader = EMULATOR_OWNER if is_emulator(url) else ANYBODY
    async with HttpTransport(origins={"database": [url]}, user_agent=USER_AGENT) as transport:
        yield DatabaseCatalog(Database(transport, url=url, access=reader))


def _origins(settings: Settings) -> dict[str, list[str]]:
    origins = {
        "flickr": [settings.flickr_url],
        "images": [settings.image_url],
        "vision": [settings.vision_url],
    }
    if settings.database_url:
        origins["database"] = [settings.database_url]
    return origins
