"""`ingestor serve`: the search page and the run dashboard, until told to stop."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ingestor.catalog import Catalog
from ingestor.cli.sandboxed import upstreams
from ingestor.cli.spelling import one_line, state_flag
from ingestor.cli.visit import Visit
from ingestor.errors import SettingsError
from ingestor.kits.lifetime import Lifetime, Stopping, signals
from ingestor.kits.listening import is_elsewhere, why_not
from ingestor.settings import is_loopback

if TYPE_CHECKING:
    from ingestor.settings import Settings

DEFAULT_PORT: Final = 8080
LONGEST_LINE: Final = 300
FOR_EVER: Final = 1e9
"""Seconds: thirty years."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where the page listens, and by which names it may be asked."""

    host: str
    port: int
    names: tuple[str, ...] = ()

    @property
    def allowed(self) -> tuple[str, ...] | None:
        """Behind a door that is open to others, whoever opened it knows its names: None is any."""
        if not self.names and not is_loopback(self.host):
            return None
        return tuple(name.casefold() for name in self.names)


def serve(visit: Visit, settings: Settings, door: Door) -> int:
    asyncio.run(_serve(visit, settings, door))
    return 0


async def _serve(visit: Visit, settings: Settings, door: Door) -> None:
    def say(sentence: str) -> None:
        line = one_line(visit.redaction.text(sentence), most=LONGEST_LINE)
        sys.stderr.write(f"ingestor: {line}\n")
        sys.stderr.flush()

    def replaced() -> None:
        say("the sandbox that drew the pictures has ended with its command; a new one draws them")

    lifetime = Lifetime(drain=0)
    try:
        with signals(lifetime):
            async with upstreams(visit, settings, replaced=replaced) as reachable:
                await _until_stopped(visit, reachable, lifetime=lifetime, door=door, say=say)
    finally:
        lifetime.close()


async def _until_stopped(
    visit: Visit,
    settings: Settings,
    *,
    lifetime: Lifetime,
    door: Door,
    say: Callable[[str], None],
) -> None:
    from ingestor.engines import heartbeat
    from ingestor.web.app import serving
    from ingestor.web.collection import collection_of
    from ingestor.web.house import House, origin_of

    async with _catalog(visit, settings) as catalog:
        # Of all the settings the page gets what it shows; keys are not among it.
        house = House(
            catalog=catalog,
            image_origin=origin_of(settings.image_url),
            journal=settings.journal_path,
            live=settings.state / heartbeat.FILE,
            log=say,
            sandbox=settings.sandbox,
            remote=_asks_database(visit, settings),
            state_flag=state_flag(settings.state) if is_loopback(door.host) else "",
            strangers=not is_loopback(door.host),
            names=door.allowed,
        )
        try:
            async with serving(house, host=door.host, port=door.port) as address:
                say(f"the page is at {address} (Ctrl+C ends it)")
                if (await collection_of(house)).blank:
                    say("these photos were invented by the sandbox: add --sandbox to see them")
                if not is_loopback(door.host):
                    say(
                        "everybody who reaches this machine can see it, at its name or address; put a "
                        "proxy with TLS before it"
                    )
                with suppress(Stopping):
                    await lifetime.rest(FOR_EVER)
        except OSError as error:
            raise SettingsError(_closed(door, error)) from None


def _closed(door: Door, error: OSError) -> str:
    """Why nobody can be let in there, and what to give instead."""
    if is_elsewhere(error):
        return (
            f"--host {door.host!r}: cannot listen there ({why_not(error)}). It takes an address of this "
            "machine: 127.0.0.1 without it, 0.0.0.0 for all."
        )
    return (
        f"Cannot listen on {door.host} port {door.port} ({why_not(error)}). Another one: --port 8081, or 0 "
        "for any free one."
    )


def _asks_database(visit: Visit, settings: Settings) -> bool:
    return not settings.sandbox and visit.asks_database(settings)


@asynccontextmanager
async def _catalog(visit: Visit, settings: Settings) -> AsyncIterator[Catalog]:
    """A sandbox's pictures are those of the journal beside it."""
    from ingestor.catalog.remembering import RememberingCatalog
    from ingestor.services import open_catalog
    from ingestor.web.lazy import lazily

    if _asks_database(visit, settings):
        async with open_catalog(settings) as remote:
            yield RememberingCatalog(remote)
        return
    async with lazily(settings.journal_path) as embedded:
        yield embedded
