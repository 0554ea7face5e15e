"""`ingestor --group …`: one run from listing to report, or its forecast."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Final

from ingestor.cli.errand import Errand, errand
from ingestor.cli.redaction import Redaction
from ingestor.cli.reporting import Printer, last_words
from ingestor.cli.spelling import state_flag
from ingestor.cli.visit import Visit
from ingestor.errors import IngestorError, SettingsError
from ingestor.exits import COMPLETE, OTHER
from ingestor.journal import runs
from ingestor.journal.reader import looking_into
from ingestor.kits.lifetime import Stopping
from ingestor.kits.loops import fast_loop
from ingestor.report import Report

if TYPE_CHECKING:
    from ingestor.settings import Settings

MOST_LOOKED_AT: Final = 1_000
"""Known photos, for a hint; a million would take a second (taste)."""


def ingest(visit: Visit) -> int:
    """Run what the flags ask for; returns the exit code."""
    settings = visit.settings()
    if not settings.groups:
        raise SettingsError(
            "Which group? Give --group with the id or the address of a Flickr group, or see it "
            "work without any key: ingestor --sandbox --group zoo --limit 1000."
        )
    require_local(settings)
    with asyncio.Runner(loop_factory=fast_loop()) as runner:
        return runner.run(_run(visit, settings))


async def _run(visit: Visit, settings: Settings) -> int:
    async with errand(visit, settings) as sent:
        try:
            return await _carry_out(sent, redaction=visit.redaction)
        except Stopping:
            return sent.interrupted(otherwise=OTHER)


async def _carry_out(sent: Errand, *, redaction: Redaction) -> int:
    # It takes a second: who asks for what cannot be done is told without it.
    from ingestor.engines import local

    settings, voice, lifetime = sent.settings, sent.voice, sent.lifetime
    printer = Printer(settings, redaction=redaction, stdout=sys.stdout)
    if settings.dry_run:
        with voice.listing() as listen:
            # Nothing is bought, so nothing has to be awaited.
            forecast = await lifetime.unless_stopping(
                local.forecast(settings, listen=listen, lifetime=lifetime)
            )
        printer.forecast(forecast)
        return COMPLETE
    async with voice.progress() as listen:
        report = await local.ingest(settings, listen=listen, lifetime=lifetime)
    printer.report(report, otherwise=knew_otherwise(settings, report))
    if report.message and report.exit_code:
        voice.say(last_words(report, state=state_flag(settings.state)))
    return report.exit_code


def knew_otherwise(settings: Settings, report: Report) -> bool:
    """Whether known photos were passed over that have other features than those asked for now."""
    if settings.reannotate or not report.by_reason.get("known"):
        return False
    try:
        with looking_into(settings.journal_path) as db:
            return runs.knew_otherwise(
                db, report.run_id, features=settings.features.key, most=MOST_LOOKED_AT
            )
    except IngestorError:
        # It would be a hint; the report says what matters.
        return False


def require_local(settings: Settings) -> None:
    """Raises SettingsError where stages are to run elsewhere."""
    if settings.engine == "ray":
        raise SettingsError("--engine ray is not built yet; leave it out to run in this process.")
