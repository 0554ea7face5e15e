"""`ingestor worker`: follow groups until told to stop, and be looked at meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry

from ingestor.cli.errand import Errand, errand
from ingestor.cli.flags.of_worker import FOR_ONE_RUN
from ingestor.cli.ingest import require_local
from ingestor.cli.visit import Visit
from ingestor.engines.pulse import Pulse
from ingestor.errors import SettingsError
from ingestor.events import Event
from ingestor.exits import COMPLETE
from ingestor.eyes import Counts, View, address_of, traced, watched
from ingestor.journal.writer import Journal
from ingestor.kits.allocator import keep_usual_blocks
from ingestor.kits.amounts import money
from ingestor.kits.lifetime import Stopping
from ingestor.kits.loops import fast_loop
from ingestor.purchases.pricing import affordable
from ingestor.services import open_services
from ingestor.settings import MEGABYTE
from ingestor.worker import Readiness, Worker

if TYPE_CHECKING:
    from ingestor.settings import Settings

PATIENCE: Final = 3600.0
"""Seconds that an upstream may be away: a worker has time, and nobody to start it again."""


def work(visit: Visit, settings: Settings) -> int:
    """Returns the exit code: that of the signal which stopped it."""
    for name, instead in FOR_ONE_RUN.items():
        if getattr(settings, name) not in (None, False):
            flag = f"--{name.replace('_', '-')}"
            said = instead.format(month=_month_of(settings.max_cost or 0.0))
            raise SettingsError(f"{flag} is not for a worker: {said}.")
    require_local(settings)
    if "patience" not in settings.model_fields_set:
        settings = settings.model_copy(update={"patience": PATIENCE})
    with asyncio.Runner(loop_factory=fast_loop()) as runner:
        return runner.run(_work(visit, settings))


def _month_of(dollars: float) -> str:
    """As a month's bill has it: the free units are among them."""
    return f"{money(dollars)} a month are --max-units-per-month {affordable(dollars)}"


async def _work(visit: Visit, settings: Settings) -> int:
    async with errand(visit, settings, progress=False) as sent:
        # Told to before it has begun, it has nothing to say.
        with suppress(Stopping):
            await _follow(sent)
        return sent.exit_code(otherwise=COMPLETE)


async def _follow(sent: Errand) -> None:
    settings, lifetime = sent.settings, sent.lifetime
    registry = CollectorRegistry()
    counts, view = Counts(registry), View(journal=settings.journal_path)
    pulse = Pulse(settings.state, wall=time.time, awaited=lambda: sent.voice.awaited)
    readiness = Readiness(every=settings.every, lifetime=lifetime)
    view.why_not = readiness.why_not

    def listen(event: Event) -> None:
        counts.listen(event)
        pulse.take(event)
        readiness.listen(event)
        trace(event)
        sent.voice.log(event)

    keep_usual_blocks()
    reserving = Journal(settings.journal_path, reserve=settings.disk_reserve * MEGABYTE)
    with traced(wanted=settings.traces) as trace:
        async with (
            watched(view, registry, address=address_of(settings.eyes)),
            lifetime.opening(reserving) as journal,
            lifetime.opening(open_services(settings, lifetime=lifetime, listen=listen)) as services,
            pulse.beating(),
        ):
            worker = Worker(settings, journal, services, lifetime=lifetime, listen=listen)
            view.statistics = services.statistics
            view.following = lambda: worker.following
            view.gauges = lambda: worker.turns.run.gauges if worker.turns.run else None
            # What it would follow is a setting: told before it says that it has started.
            await lifetime.unless_stopping(worker.names())
            with _told(sent, pulse):
                await worker.work()


@contextmanager
def _told(sent: Errand, pulse: Pulse) -> Iterator[None]:
    """Its first line and its last: between them it may have nothing to say for hours."""
    settings, logger = sent.settings, sent.voice.logger
    file = {"groups_file": str(settings.groups_file)} if settings.groups_file else {}
    logger.info(
        "worker_started",
        groups=list(settings.groups),
        **file,
        every_seconds=settings.every,
        eyes=settings.eyes,
    )
    try:
        yield
    finally:
        logger.info("worker_stopped", reason=sent.lifetime.reason or "error", **pulse.counts)
