"""A run in this event loop: open journal and upstreams, recover, run the machine, report."""

from __future__ import annotations

import platform
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

from ingestor import events
from ingestor.engines.ceilings import moments_at
from ingestor.engines.forecast import OpenServices, forecast, must_name_groups
from ingestor.engines.hearing import heard
from ingestor.engines.leases import Leases, Seen, leased
from ingestor.engines.run import FrontDoor, Run, list_groups
from ingestor.errors import SettingsError
from ingestor.journal.recovery import Opening, open_run
from ingestor.journal.writer import Journal, Work
from ingestor.kits.allocator import keep_usual_blocks
from ingestor.kits.lifetime import Lifetime
from ingestor.report import Report
from ingestor.services import IMAGES_PER_REQUEST, Group, Services, open_services
from ingestor.settings import MEGABYTE, Settings

__all__ = ["carry_out", "forecast", "ingest", "new_name"]

OpenJournal = Callable[[Path], AbstractAsyncContextManager[Journal]]


def new_name() -> str:
    return uuid.uuid4().hex


async def ingest(
    settings: Settings,
    *,
    listen: events.Listener = events.ignore,
    lifetime: Lifetime,
    open_services: OpenServices = open_services,
    wall: Callable[[], float] = time.time,
    open_journal: OpenJournal | None = None,
    new_name: Callable[[], str] = new_name,
    most_images: int = IMAGES_PER_REQUEST,
) -> Report:
    """
    Bring the groups of `settings` into journal, catalog and store; returns the figures.

    `new_name` makes names that no other run or purchase has; `most_images` go into one paid request.

    Raises an IngestorError where the run could not begin, Stopping where it was not to. Once it has
    begun, an error that ends it is told in the report: what was done until then counts. A journal that
    can no longer be written is still read for that; JournalError says that not even this was possible.
    An error of `listen` stops the run, and is raised when what is paid for is saved.
    """
    if settings.dry_run:
        raise SettingsError("dry_run: a run buys. Ask `forecast` for its price, or leave that out.")
    must_name_groups(settings)
    keep_usual_blocks()
    reserving = partial(Journal, reserve=settings.disk_reserve * MEGABYTE)
    with heard(listen, lifetime) as tell:
        async with (
            lifetime.opening((open_journal or reserving)(settings.journal_path)) as journal,
            lifetime.opening(open_services(settings, lifetime=lifetime, listen=tell)) as services,
        ):
            found = await lifetime.unless_stopping(_arrive(services, settings.groups))
            return await carry_out(
                settings,
                journal,
                services,
                groups={group.id: group.name for group in found},
                lifetime=lifetime,
                listen=tell,
                wall=wall,
                new_name=new_name,
                most_images=most_images,
            )


async def carry_out(
    settings: Settings,
    journal: Journal,
    services: Services,
    *,
    groups: Mapping[str, str],
    lifetime: Lifetime,
    listen: events.Listener,
    wall: Callable[[], float] = time.time,
    new_name: Callable[[], str] = new_name,
    most_images: int = IMAGES_PER_REQUEST,
    front_door: FrontDoor = list_groups,
    begun: Callable[[Run], None] | None = None,
    seen: Seen | None = None,
) -> Report:
    """
    One run under its leases; `begun` is told of it before it does anything, `seen` are leases of others
    that runs before it have met.
    """
    name = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(wall()))}-{new_name()[:6]}"
    make_leases = partial(
        Leases,
        journal=journal,
        owner=f"{name}@{platform.node()}",
        groups=groups,
        wait=settings.wait,
        lifetime=lifetime,
        wall=wall,
        listen=listen,
        seen=seen,
    )
    async with leased(services.database, make_leases) as leases:
        epoch = leases.epoch if leases else 0
        opening = await journal.write(
            _opening(settings, name=name, target=services.target, epoch=epoch, now=wall())
        )
        run = Run(
            settings,
            journal,
            services,
            opening=opening,
            front_door=front_door,
            groups=groups,
            leases=leases,
            lifetime=lifetime,
            listen=listen,
            wall=wall,
            new_name=new_name,
            most_images=most_images,
        )
        if begun is not None:
            begun(run)
        return await run.carry_out(name)


def _opening(
    settings: Settings, *, name: str, target: str, epoch: int, now: float
) -> Work[Opening]:
    return partial(
        open_run,
        name=name,
        world=settings.world,
        target=target,
        in_doubt=settings.in_doubt,
        moments=moments_at(now),
        epoch=epoch,
        reannotate=settings.reannotate,
    )


async def _arrive(services: Services, groups: Sequence[str]) -> list[Group]:
    """Learn that groups and store are there before anything is begun."""
    found = [await services.lookup(group) for group in groups]
    await services.check_store()
    return found
