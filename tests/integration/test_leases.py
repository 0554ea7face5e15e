"""Two machines and one database: one of them buys."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from ingestor import events
from ingestor.engines import local
from ingestor.errors import RunStopped
from ingestor.exits import exit_code_of
from ingestor.kits.lifetime import Lifetime
from ingestor.report import Report
from ingestor.sandbox.server import Sandbox
from tests.integration.conftest import Ingest, in_database, settings_for

PHOTOS = 80


def another_machine(
    sandbox: Sandbox, tmp_path: Path, **given: object
) -> Coroutine[Any, Any, Report]:
    """A run with a journal of its own."""
    settings = settings_for(sandbox, tmp_path / "another", **{"limit": PHOTOS, **given})
    return local.ingest(settings, lifetime=Lifetime(drain=8.0))


async def meanwhile(
    ingest: Ingest, sandbox: Sandbox, tmp_path: Path, **given: object
) -> tuple[Any, Any]:
    """Start another machine when this one has bought its first batch; returns both outcomes."""
    bought = asyncio.Event()

    def listen(event: events.Event) -> None:
        if isinstance(event, events.BatchSettled):
            bought.set()

    async def second() -> Report:
        await bought.wait()
        return await another_machine(sandbox, tmp_path, **given)

    return await asyncio.gather(
        ingest(limit=PHOTOS, listen=listen), second(), return_exceptions=True
    )


async def test_the_second_machine_leaves_and_says_who_works(
    ingest: Ingest, sandbox: Sandbox, tmp_path: Path
):
    first, second = await meanwhile(ingest, sandbox, tmp_path)

    assert isinstance(second, RunStopped)
    assert (second.reason, exit_code_of(second)) == ("lease", 3)
    assert f"{first.run_id}@" in str(second)
    assert (first.exit_code, sandbox.bill.units) == (0, PHOTOS)


async def test_what_another_machine_bought_since_is_not_bought_again(
    ingest: Ingest, sandbox: Sandbox, tmp_path: Path
):
    await ingest(limit=20)
    await another_machine(sandbox, tmp_path, limit=60)

    again = await ingest(limit=PHOTOS)

    assert (again.skipped, again.units.certain) == (60, 20)
    assert (sandbox.bill.units, sandbox.bill.most_for_one_image()) == (PHOTOS, 1)


async def test_what_one_left_pending_and_another_bought_is_not_bought_again(
    ingest: Ingest, sandbox: Sandbox, tmp_path: Path
):
    await ingest(limit=PHOTOS, max_units=16)
    await another_machine(sandbox, tmp_path)

    again = await ingest(limit=PHOTOS)

    assert (again.skipped, again.units.certain, again.pending) == (PHOTOS, 0, 0)
    assert sandbox.bill.units == PHOTOS


async def test_runs_and_purchases_know_their_epoch(ingest: Ingest, sandbox: Sandbox, state: Path):
    await ingest(limit=16)
    await ingest(limit=32)

    db = sqlite3.connect(state / "journal.sqlite3")
    assert db.execute("SELECT epoch FROM runs ORDER BY number").fetchall() == [(1,), (2,)]
    assert db.execute("SELECT DISTINCT epoch FROM purchases ORDER BY 1").fetchall() == [(1,), (2,)]
    db.close()
    (lease,) = in_database(sandbox, "/leases").values()
    assert isinstance(lease, dict)
    assert (lease["epoch"], lease["until"]) == (2, 0)


@pytest.mark.parametrize("given", [{"dry_run": True}, {"database_url": None}], ids=str)
async def test_nobody_takes_a_lease_who_does_not_share_or_buy(
    sandbox: Sandbox, state: Path, given: dict[str, object]
):
    settings = settings_for(sandbox, state, limit=10, **given)
    lifetime = Lifetime(drain=8.0)

    if settings.dry_run:
        await local.forecast(settings, lifetime=lifetime)
    else:
        await local.ingest(settings, lifetime=lifetime)

    assert in_database(sandbox, "/leases") == {}
