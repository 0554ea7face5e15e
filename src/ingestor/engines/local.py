"""A run in this event loop: open journal and upstreams, recover, run the machine, report."""

from __future__ import annotations

import asyncio
import sqlite3
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

from ingestor import events, pipeline
from ingestor.catalog.local import index_photos
from ingestor.engines import accounts
from ingestor.engines.forecast import forecast
from ingestor.engines.gauges import Gauges
from ingestor.errors import IngestorError, reason_of
from ingestor.journal import listing, results, runs
from ingestor.journal.recovery import Opening, open_run
from ingestor.journal.writer import Journal
from ingestor.kits.lifetime import Lifetime
from ingestor.kits.pacing import Adaptive, Memory
from ingestor.kits.quota import WINDOW, Quota
from ingestor.models import Failure, Image, Photo, Published
from ingestor.pipeline import Channels
from ingestor.purchases import Budget, Buyer, Door, Doubts, pricing
from ingestor.records import merged, updates_for
from ingestor.report import Report
from ingestor.services import ListedPage, Services, open_services, weigh_image, weigh_record
from ingestor.settings import MOST_IN_FLIGHT, Settings, is_sandbox
from ingestor.stages.annotate import MOST_IMAGES, annotate
from ingestor.stages.discover import discover
from ingestor.stages.download import Downloader, download
from ingestor.stages.store import MOST_PHOTOS, publish, store

FIRST_DOWNLOADS = 8
"""Where the search for the image server's limit begins."""
FIRST_IN_FLIGHT = 4
"""Paid calls at once until the first latency is known: the default quota at two seconds each."""
HEADROOM = 1.5
"""Calls in flight beyond quota times latency: latency varies, and unused quota is lost."""
STORE_WRITERS = 4
"""Updates in flight: enough to hide the round trip, few enough to see what hangs (taste)."""

__all__ = ["forecast", "ingest"]

OpenServices = Callable[..., AbstractAsyncContextManager[Services]]


async def ingest(
    settings: Settings,
    *,
    listen: events.Listener = events.ignore,
    lifetime: Lifetime,
    open_services: OpenServices = open_services,
    wall: Callable[[], float] = time.time,
) -> Report:
    """
    Bring the groups of `settings` into journal, catalog and store; returns the figures.

    Raises SettingsError, Denied or JournalError where the run could not begin. Once it has begun, an
    error that ends it is told in the report: what was done until then counts.
    """
    async with (
        Journal(settings.journal_path) as journal,
        open_services(settings, lifetime=lifetime, listen=listen) as services,
    ):
        groups = [await services.lookup(group) for group in settings.groups]
        await services.check_store()
        now = wall()
        name = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(now))}-{uuid.uuid4().hex[:6]}"
        opening = await journal.write(
            partial(
                open_run,
                name=name,
                world="sandbox" if is_sandbox(settings) else "vendors",
                target=services.target,
                in_doubt=settings.in_doubt,
                month_start=pricing.month_start(now),
                window=WINDOW,
                now=now,
            )
        )
        run = Run(settings, journal, services, opening, lifetime=lifetime, listen=listen, wall=wall)
        return await run.carry_out(name, groups=[(group.id, group.name) for group in groups])


class Run:
    """One run's parts, put together in the order in which they need each other."""

    def __init__(
        self,
        settings: Settings,
        journal: Journal,
        services: Services,
        opening: Opening,
        *,
        lifetime: Lifetime,
        listen: events.Listener,
        wall: Callable[[], float],
    ) -> None:
        self.settings = settings
        self.journal = journal
        self.services = services
        self.opening = opening
        self.lifetime = lifetime
        self.wall = wall
        self.clock = asyncio.get_running_loop().time
        self.reused = 0
        self._listener = listen
        self.channels = Channels.opened()
        self.memory = Memory(settings.image_memory)
        self.downloads = Adaptive(start=FIRST_DOWNLOADS, ceiling=settings.max_downloads)
        most = settings.max_in_flight or MOST_IN_FLIGHT
        self.calls = Adaptive(start=settings.max_in_flight or FIRST_IN_FLIGHT, ceiling=most)
        self.quota = self._quota()
        self.door = self._door()
        self.buyer = self._buyer()
        self.gauges = Gauges(self.channels, self.memory, self.downloads, self.calls, self.quota)

    async def carry_out(self, name: str, *, groups: Sequence[tuple[str, str]]) -> Report:
        started = self.clock()
        self.groups = dict(groups)
        self.listen(
            events.RunStarted(
                run=name,
                groups=tuple(self.groups),
                limit=self.settings.limit,
                resumed=await self.journal.read(
                    partial(listing.count_pending, gids=list(self.groups))
                ),
            )
        )
        with (
            self.lifetime.at_stop(self.quota.close),
            self.lifetime.at_stop(self._say_stopping),
        ):
            try:
                await self._publish_left_over()
                async with self.gauges.watching():
                    await self._machine()
            except* IngestorError as group:
                error = _first(group)
                self.lifetime.stop(reason_of(error), error)
        self.lifetime.close()
        return await self._report(name, seconds=self.clock() - started)

    async def _machine(self) -> None:
        settings, services = self.settings, self.services
        downloader = Downloader(
            fetch=services.fetch,
            slots=self.downloads,
            memory=self.memory,
            lifetime=self.lifetime,
            patience=settings.patience,
            clock=self.clock,
            listen=self.listen,
        )
        await pipeline.run(
            self.channels,
            discover=partial(
                discover,
                groups=list(self.groups),
                limit=settings.limit,
                list_page=services.list_page,
                sight=self.sight,
                take_pending=self.take_pending,
                stopping=lambda: self.lifetime.stopping,
            ),
            download=partial(
                download,
                image_of=downloader.image_of,
                failed=self.failed,
                workers=settings.max_downloads,
                lifetime=self.lifetime,
            ),
            annotate=partial(
                annotate,
                buy=self.annotate,
                weigh=weigh_image,
                slots=self.calls,
                memory=self.memory,
                lifetime=self.lifetime,
            ),
            store=partial(
                store,
                write=self.write,
                failed=self.failed,
                weigh=weigh_record,
                writers=STORE_WRITERS,
                lifetime=self.lifetime,
            ),
            lifetime=self.lifetime,
        )

    def listen(self, event: events.Event) -> None:
        if isinstance(event, events.AnnotationReused):
            self.reused += 1
        self._listener(event)

    async def sight(
        self, group: str, number: int, page: ListedPage, room: int | None
    ) -> listing.Sighting:
        """Write a page down before anything is done about it."""
        photos, unusable = page.photos_and_failures(group)
        sighting = await self.journal.write(
            partial(
                listing.sight,
                photos=photos,
                run=self.opening.run,
                room=room,
                features=self.settings.features.key if self.settings.reannotate else None,
                unusable=unusable,
                now=self.wall(),
            )
        )
        await self.journal.write(
            partial(
                listing.remember_group,
                gid=group,
                name=self.groups[group],
                total=page.total,
                now=self.wall(),
            )
        )
        self.listen(
            events.PageListed(
                group=group,
                page=number,
                pages=page.pages,
                total=page.total,
                listed=sighting.new_to_run,
                known=sighting.known,
                skipped=sighting.skipped,
            )
        )
        return sighting

    async def take_pending(self, most: int) -> Sequence[Photo]:
        return await self.journal.write(
            partial(listing.pending, gids=list(self.groups), run=self.opening.run, most=most)
        )

    async def failed(self, failure: Failure) -> None:
        await self.journal.write(partial(listing.fail, failure=failure, now=self.wall()))
        self.listen(
            events.PhotoFailed(
                photo=failure.photo_id,
                stage=failure.stage,
                reason=failure.reason,
                detail=failure.detail,
            )
        )

    async def annotate(self, images: Sequence[Image]) -> Sequence[Published | Failure]:
        outcomes = await self.buyer.annotate(images)
        if self.settings.max_in_flight is None and self.door.latency:
            images_per_second = self.settings.images_per_minute / 60
            needed = HEADROOM * images_per_second * self.door.latency / MOST_IMAGES
            self.calls.set_limit(int(needed) + 2)
        return outcomes

    async def write(self, batch: Sequence[Published]) -> None:
        """Publish, then write down that it is published; both may be done again."""
        started = self.clock()
        if self.services.update:
            await self.services.update(merged(_paths(published) for published in batch))
        await self.journal.write(partial(_mark_stored, batch=batch))
        self.listen(
            events.UpdateStored(
                photos=len(batch),
                size=sum(map(weigh_record, batch)),
                seconds=self.clock() - started,
            )
        )

    async def _publish_left_over(self) -> None:
        """What was bought and not stored comes first: it is paid for."""
        while not self.lifetime.stopping:
            batch = await self.journal.read(partial(results.unpublished, most=MOST_PHOTOS))
            if not batch:
                return
            await publish(batch, write=self.write, failed=self.failed)

    async def _report(self, name: str, *, seconds: float) -> Report:
        counted = await self.journal.read(
            partial(
                accounts.count,
                run=self.opening.run,
                month_start=pricing.month_start(self.wall()),
            )
        )
        report = accounts.report_of(
            run_id=name,
            groups=tuple(self.groups),
            counted=counted,
            measured=accounts.Measured(
                seconds=seconds,
                quota_used=self.quota.used,
                bottleneck=self.gauges.verdict(bought=counted.units.at_most),
                calls=self.services.calls(),
                reused=self.reused,
                refusals=self.quota.refused,
            ),
            lifetime=self.lifetime,
            max_failures=self.settings.max_failures,
        )
        await self.journal.write(
            partial(
                runs.end_run,
                number=self.opening.run,
                reason=report.ended,
                report=report.as_json(),
                now=self.wall(),
            )
        )
        self.listen(events.RunFinished(run=name, reason=report.ended))
        return report

    def _quota(self) -> Quota:
        now = self.wall()
        settings = self.settings
        return Quota(
            (settings.requests_per_minute, settings.images_per_minute),
            largest=(1, MOST_IMAGES),
            clock=self.clock,
            spent=[(max(0.0, now - at), (1, images)) for at, images in self.opening.recent],
        )

    def _budget(self) -> Budget:
        settings, spent = self.settings, self.opening.spent.at_most
        ceilings: list[tuple[int, str]] = []
        if settings.max_units is not None:
            ceilings.append((settings.max_units, "max-units"))
        if settings.max_cost is not None:
            before = self.opening.month.at_most - spent
            ceilings.append((pricing.affordable(settings.max_cost, before=before), "max-cost"))
        ceiling, reason = min(ceilings, default=(None, "max-units"))
        return Budget(ceiling=ceiling, spent=spent, reason=reason)

    def _door(self) -> Door:
        return Door(
            look=self.services.look,
            journal=self.journal,
            quota=self.quota,
            budget=self._budget(),
            features=self.settings.features,
            run=self.opening.run,
            name=lambda: uuid.uuid4().hex,
            lifetime=self.lifetime,
            patience=self.settings.patience,
            clock=self.clock,
            wall=self.wall,
            listen=self.listen,
        )

    def _buyer(self) -> Buyer:
        retries = self.settings.in_doubt == "retry"
        return Buyer(
            door=self.door,
            journal=self.journal,
            doubts=Doubts(share=self.settings.doubt_share if retries else 0.0, floor=MOST_IMAGES),
            features=self.settings.features,
            lifetime=self.lifetime,
            patience=self.settings.patience,
            clock=self.clock,
            wall=self.wall,
            listen=self.listen,
        )

    def _say_stopping(self) -> None:
        message = "" if self.lifetime.error is None else str(self.lifetime.error)
        self.listen(events.RunStopping(reason=self.lifetime.reason or "", message=message))


def _paths(published: Published) -> dict[str, Any]:
    """All that changes with a photo's annotation; that it once failed is history."""
    return updates_for(published) | {f"dead/p{published.photo.id}": None}


def _mark_stored(db: sqlite3.Connection, batch: Sequence[Published]) -> None:
    """Catalog and mark in one transaction: a photo that counts as stored can be found."""
    index_photos(db, batch)
    results.mark_stored(db, [published.photo.id for published in batch])


def _first(group: BaseExceptionGroup[IngestorError]) -> IngestorError:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
