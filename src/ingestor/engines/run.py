"""One run's parts, put together in the order in which they need each other, and carried out."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial

from ingestor import events, pipeline
from ingestor.engines import accounts, ending
from ingestor.engines.adoption import Adoption
from ingestor.engines.book import Book
from ingestor.engines.ceilings import budget_of
from ingestor.engines.gauges import Gauges
from ingestor.engines.heartbeat import Heartbeat
from ingestor.engines.leases import Leases
from ingestor.errors import IngestorError, first_error_in, reason_of
from ingestor.journal import pending
from ingestor.journal.counts import count_run
from ingestor.journal.recovery import Opening
from ingestor.journal.writer import Journal
from ingestor.kits.channel import Channel
from ingestor.kits.collecting import rare_collections
from ingestor.kits.lifetime import Lifetime, Stopping
from ingestor.kits.memory import Memory
from ingestor.kits.pacing import Adaptive
from ingestor.kits.quota import Quota
from ingestor.models import Failure, Image, Photo, Published
from ingestor.pipeline import Channels
from ingestor.purchases import Buyer, Door, DoubtAllowance
from ingestor.purchases.door import MOST_ATTEMPTS
from ingestor.report import Report
from ingestor.services import BYTES_PER_REQUEST, Services, text_at_once, weigh_image
from ingestor.settings import MOST_IN_FLIGHT, Settings
from ingestor.stages.annotate import annotate
from ingestor.stages.discover import discover
from ingestor.stages.download import Downloader, download
from ingestor.stages.store import store

FIRST_DOWNLOADS = 8
"""Where the search for the image server's limit begins."""
FIRST_IN_FLIGHT = 4
"""Paid calls at once until the first latency is known: the default quota at two seconds each."""
HEADROOM = 1.5
"""Calls in flight beyond quota times latency: latency varies, and unused quota is lost."""
STORE_WRITERS = 4
"""Updates in flight: enough to hide the round trip, few enough to see what hangs (taste)."""


FrontDoor = Callable[["Run", Channel[Photo]], Coroutine[None, None, None]]
"""How a run finds its photos."""


class Run:
    """One run; carried out once."""

    def __init__(
        self,
        settings: Settings,
        journal: Journal,
        services: Services,
        *,
        opening: Opening,
        front_door: FrontDoor,
        groups: Mapping[str, str],
        leases: Leases | None,
        lifetime: Lifetime,
        listen: events.Listener,
        wall: Callable[[], float],
        new_name: Callable[[], str],
        most_images: int,
    ) -> None:
        self._front_door = front_door
        self.settings = settings
        self.leases = leases
        self.journal = journal
        self.services = services
        self.opening = opening
        self.groups = groups
        self.lifetime = lifetime
        self.wall = wall
        self.new_name = new_name
        self.most_images = most_images
        self.clock = lifetime.clock
        self.reused = 0
        self._listener = listen
        self.channels = Channels.opened()
        self.memory = Memory(settings.image_memory)
        self.downloads = Adaptive(start=FIRST_DOWNLOADS, ceiling=settings.max_downloads)
        most = settings.max_in_flight or MOST_IN_FLIGHT
        self.calls = Adaptive(start=settings.max_in_flight or FIRST_IN_FLIGHT, ceiling=most)
        self.quota = self._quota()
        self.adoption = self._adoption()
        self.book = Book(
            journal=journal,
            update=services.update,
            features=settings.features,
            reannotate=settings.reannotate,
            run=opening.run,
            groups=groups,
            clock=self.clock,
            wall=wall,
            listen=self.listen,
            adoption=self.adoption,
        )
        self.door = self._door()
        self.buyer = self._buyer()
        self.gauges = Gauges(self.channels, self.memory, self.downloads, self.calls, self.quota)
        self.heartbeat = Heartbeat(settings.state, self.gauges, clock=self.clock, wall=wall)

    async def carry_out(self, name: str) -> Report:
        started = self.clock()
        self.listen(
            events.RunStarted(
                run=name,
                groups=tuple(self.groups),
                limit=self.settings.limit,
                month_units=self.opening.month.at_most,
                resumed=await self._resumed(),
            )
        )
        # From here to the report in the journal: whoever reads it without an end, and hears nothing,
        # takes the run for dead.
        async with self.heartbeat.beating():
            await self._work()
            return await self._report(name, seconds=self.clock() - started)

    async def _work(self) -> None:
        """Everything but the report; what ends it is the lifetime's to tell."""
        with (
            self.lifetime.at_stop(self.quota.close),
            self.lifetime.at_stop(self._say_stopping),
        ):
            try:
                await self.lifetime.unless_stopping(self._catch_up())
                async with self.gauges.watching():
                    with rare_collections():
                        await self._machine()
                if self.adoption and self._listed_all:
                    await self.lifetime.unless_stopping(self.adoption.end(list(self.groups)))
            except* Stopping:
                pass
            except* IngestorError as group:
                error = first_error_in(group)
                self.lifetime.stop(reason_of(error), error)
        self.lifetime.close()

    async def _resumed(self) -> int:
        left = await self.journal.read(partial(pending.count, gids=list(self.groups)))
        room = self.opening.room(self.settings.limit)
        return left if room is None else min(left, room)

    @property
    def _listed_all(self) -> bool:
        whole = not self.lifetime.stopping and self.settings.limit is None
        return whole and not self.book.gap

    async def _catch_up(self) -> None:
        """What was bought and not stored, here or elsewhere, comes before anything new."""
        groups = list(self.groups)
        if self.adoption:
            await self.adoption.begin(
                groups, others_worked=bool(self.leases and self.leases.others_worked)
            )
            await self.adoption.remember(groups)
        await self.book.publish_left_over()
        if self.adoption:
            await self.adoption.adopt_pending(groups)
            # Parked photos count as this run's: where they fill its limit, no page is listed that has them.
            await self.adoption.adopt(sorted(self.opening.parked))
            # Others may have taken some of them down in that moment.
            await self.book.publish_left_over()

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
            discover=partial(self._front_door, self),
            download=partial(
                download,
                image_of=downloader.image_of,
                is_late=downloader.is_late,
                failed=self.book.failed,
                workers=settings.max_downloads,
                lifetime=self.lifetime,
            ),
            annotate=partial(
                annotate,
                buy=self.annotate,
                most=self.most_images,
                heaviest=BYTES_PER_REQUEST,
                weigh=weigh_image,
                text_beside=text_at_once,
                slots=self.calls,
                memory=self.memory,
                lifetime=self.lifetime,
            ),
            store=partial(
                store,
                write=self.book.write,
                failed=self.book.refused,
                writers=STORE_WRITERS,
                lifetime=self.lifetime,
            ),
            lifetime=self.lifetime,
        )

    def listen(self, event: events.Event) -> None:
        if isinstance(event, events.AnnotationReused):
            self.reused += 1
        self.heartbeat.take(event)
        self._listener(event)

    async def annotate(self, images: Sequence[Image]) -> Sequence[Published | Failure]:
        outcomes = await self.buyer.annotate(images)
        if self.settings.max_in_flight is None and self.door.latency:
            self.calls.set_limit(self._calls_needed())
        return outcomes

    def _calls_needed(self) -> int:
        """Paid calls at once for which quota and latency leave room."""
        images_per_second = self.settings.images_per_minute / 60
        return int(HEADROOM * images_per_second * self.door.latency / self.most_images) + 2

    async def _report(self, name: str, *, seconds: float) -> Report:
        report = await self._figures(name, seconds=seconds)
        await ending.tell(
            report, self.book.close, lifetime=self.lifetime, patience=self.settings.patience
        )
        report = await ending.written_down(
            report, self.journal, run=self.opening.run, now=self.wall()
        )
        self.listen(
            events.RunFinished(
                run=name,
                reason=report.ended,
                stored=report.stored,
                failed=report.dead,
                units=report.units.certain + report.units.possible,
            )
        )
        return report

    async def _figures(self, name: str, *, seconds: float) -> Report:
        count = partial(
            count_run,
            run=self.opening.run,
            now=self.wall(),
            gids=list(self.groups) if self.lifetime.stopping else (),
            limit=self.settings.limit,
        )
        counted = await ending.counted(self.journal, count)
        return accounts.report_of(
            run_id=name,
            groups=tuple(self.groups),
            counted=counted,
            measured=accounts.Measured(
                seconds=seconds,
                quota_used=self.quota.used,
                bottleneck=self.gauges.verdict(counted.units),
                calls={
                    upstream: calls.figures()
                    for upstream, calls in self.services.statistics().items()
                },
                reused=self.reused,
                refusals=self.quota.refused,
            ),
            lifetime=self.lifetime,
            max_failures=self.settings.max_failures,
        )

    def _quota(self) -> Quota:
        now = self.wall()
        settings = self.settings
        return Quota(
            (settings.requests_per_minute, settings.images_per_minute),
            largest=(1, self.most_images),
            clock=self.clock,
            spent=[(max(0.0, now - at), (1, images)) for at, images in self.opening.recent],
        )

    def _adoption(self) -> Adoption | None:
        if self.services.database is None:
            return None
        return Adoption(
            database=self.services.database,
            journal=self.journal,
            features=self.settings.features.key if self.settings.reannotate else None,
            run=self.opening.run,
            wall=self.wall,
            listen=self.listen,
            update=self.services.update,
        )

    def _door(self) -> Door:
        return Door(
            ask_vision=self.services.ask_vision,
            journal=self.journal,
            quota=self.quota,
            budget=budget_of(self.settings, self.opening),
            features=self.settings.features,
            run=self.opening.run,
            name=self._new_purchase,
            lifetime=self.lifetime,
            patience=self.settings.patience,
            wall=self.wall,
            listen=self.listen,
            claim=self.leases,
            # Vision may bill what it answers with an error: then it is bought once, like all else.
            most_attempts=MOST_ATTEMPTS if self.settings.in_doubt == "retry" else 1,
        )

    def _new_purchase(self) -> str:
        """A name that grows with time: what is bought together then lies together in the journal."""
        return f"{int(self.wall() * 1000):012x}-{self.new_name()[:20]}"

    def _buyer(self) -> Buyer:
        retries = self.settings.in_doubt == "retry"
        return Buyer(
            door=self.door,
            journal=self.journal,
            doubts=DoubtAllowance(
                share=self.settings.doubt_share if retries else 0.0, floor=self.most_images
            ),
            features=self.settings.features,
            lifetime=self.lifetime,
            patience=self.settings.patience,
            wall=self.wall,
            listen=self.listen,
        )

    def _say_stopping(self) -> None:
        message = "" if self.lifetime.error is None else str(self.lifetime.error)
        self.listen(events.RunStopping(reason=self.lifetime.reason or "", message=message))


def list_groups(run: Run, photos: Channel[Photo]) -> Coroutine[None, None, None]:
    """List the groups of a run from the newest photo down, until the limit."""
    return discover(
        photos,
        groups=list(run.groups),
        limit=run.opening.room(run.settings.limit),
        list_page=run.services.list_page,
        sight=run.book.sight,
        take_pending=run.book.take_pending,
        stopping=lambda: run.lifetime.stopping,
    )
