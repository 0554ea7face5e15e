"""
How a run ends: its photos and money are counted, the database is told, and the end is written down.

A disk that takes no more can still be read, and nobody waits for a database that is silent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

from ingestor.errors import IngestorError, JournalError, reason_of
from ingestor.exits import exit_code_of
from ingestor.journal import runs
from ingestor.journal.counts import Counted
from ingestor.journal.reader import looking_into
from ingestor.journal.writer import Journal, Work
from ingestor.kits.lifetime import Lifetime, Stopping
from ingestor.report import Report

COURTESY = 1.0
"""Seconds for telling the database of a run that was stopped: with the drain under ten in all."""


async def counted(journal: Journal, count: Work[Counted]) -> Counted:
    """Read from the journal's file where nothing can be written into it any more: what counts is there."""
    try:
        return await journal.read(count)
    except JournalError as error:
        try:
            with looking_into(journal.path) as db:
                return count(db)
        except IngestorError:
            raise error from None


async def tell(
    report: Report,
    close: Callable[[Report], Awaitable[None]],
    *,
    lifetime: Lifetime,
    patience: float,
) -> None:
    """Tell the database: a courtesy, for the journal knows it all, and nothing may hold up an exit."""
    with suppress(IngestorError, Stopping, TimeoutError):
        async with asyncio.timeout(patience) as end:
            # A signal may come before, or while the database takes its time.
            with lifetime.at_stop(lambda: end.reschedule(lifetime.clock() + COURTESY)):
                await close(report)


async def written_down(report: Report, journal: Journal, *, run: int, now: float) -> Report:
    """
    Returns the report as it was written; where the disk refuses, or has the journal no more, that is how
    the run ended.
    """
    end = partial(runs.end_run, number=run, reason=report.ended, report=report.as_json(), now=now)
    try:
        await journal.write(end)
    except JournalError as error:
        return _unwritten(report, error)
    return _unwritten(report, journal.gone) if journal.gone else report


def _unwritten(report: Report, error: JournalError) -> Report:
    return replace(
        report, ended=reason_of(error), message=str(error), exit_code=exit_code_of(error)
    )
