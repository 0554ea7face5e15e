"""A disk that fills up in the middle of a run, a real one where one can be mounted, or that fails."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ingestor import events
from ingestor.catalog.query import Query
from ingestor.engines import local
from ingestor.errors import JournalError, SettingsError
from ingestor.journal import runs
from ingestor.journal.reader import looking_into
from ingestor.journal.writer import Journal, connect
from ingestor.sandbox.server import Sandbox
from ingestor.web.lazy import lazily
from tests.integration.conftest import Brisk, Ingest, in_database, settings_for
from tests.integration.console import SANDBOX, ingestor
from tests.shelves import a_shelved, local_shelf

PHOTOS = 200
DISK = "size=12m"
RESERVE = 4
"""Megabytes."""


@pytest.fixture
def disk(state: Path) -> Iterator[Path]:
    """The state directory of `ingest`, on a file system of its own."""
    state.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting takes root")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", DISK, "tmpfs", str(state)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("nothing can be mounted here")
    yield state
    subprocess.run(["umount", str(state)], check=True)


def fill(place: Path) -> Path:
    """Leave no room at all."""
    filler = place / "filler"
    with filler.open("ab", buffering=0) as file:
        for size in (100_000, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return filler


def test_a_full_disk_is_named_before_a_sandbox_starts_on_it(disk: Path) -> None:
    fill(disk)

    said = ingestor(*SANDBOX, "--group", "zoo", "--limit", "4", "--state", str(disk))

    assert (said.code, said.out) == (2, "")
    assert said.err == (
        f"ingestor: The state directory {disk} cannot be written (No space left on device). "
        "Choose another with --state.\n"
    )


async def test_a_full_disk_stops_buying_and_loses_nothing(
    ingest: Ingest, sandbox: Sandbox, disk: Path
):
    settled = 0

    def fill_early(event: events.Event) -> None:
        nonlocal settled
        settled += isinstance(event, events.BatchSettled)
        if isinstance(event, events.BatchSettled) and settled == 2:
            fill(disk)

    stopped = await ingest(limit=PHOTOS, listen=fill_early, disk_reserve=RESERVE)
    bought = sandbox.bill.units
    (disk / "filler").unlink()
    finished = await ingest(limit=PHOTOS, disk_reserve=RESERVE)

    assert (stopped.ended, stopped.exit_code) == ("disk-full", 3)
    assert "disk is full" in stopped.message
    assert (stopped.stored, stopped.units.certain, stopped.units.possible) == (bought, bought, 0)
    assert 32 <= bought < PHOTOS
    assert (finished.exit_code, len(in_database(sandbox, "/photos"))) == (0, PHOTOS)
    assert (sandbox.bill.units, sandbox.bill.most_for_one_image()) == (PHOTOS, 1)


async def test_a_run_does_not_begin_on_a_disk_without_room(
    ingest: Ingest, sandbox: Sandbox, disk: Path
):
    fill(disk)

    with pytest.raises(SettingsError, match=r"Less than 4 MB .* choose another --state directory"):
        await ingest(limit=PHOTOS, disk_reserve=RESERVE)

    assert sandbox.bill.units == 0
    assert not (disk / "reserve").exists()


async def test_who_paid_already_is_not_sent_to_another_disk(ingest: Ingest, disk: Path):
    await ingest(limit=1, disk_reserve=RESERVE)
    fill(disk)

    with pytest.raises(SettingsError, match="Less than 4 MB are free") as refused:
        await ingest(limit=PHOTOS, disk_reserve=RESERVE)

    assert str(refused.value).endswith("Make room, or lower INGESTOR_DISK_RESERVE.")


async def test_a_full_disk_can_be_looked_at_and_again_when_there_is_room(
    ingest: Ingest, disk: Path
):
    journal = disk / "journal.sqlite3"
    await ingest(limit=20)
    fill(disk)

    with looking_into(journal) as db:
        assert runs.photos_by_state(db) == {"stored": 20}
    async with lazily(journal) as catalog:
        (full,) = await catalog.popular(limit=1)
        (disk / "filler").unlink()
        await ingest(limit=PHOTOS)
        (roomy,) = await catalog.popular(limit=1)

    assert (full.photos or 0) <= 20 < (roomy.photos or 0)


async def test_who_looked_on_a_full_disk_sees_what_is_written_before_it_is_filed_away(disk: Path):
    """A worker's log is written back into the journal after some thousand photos, or in the end."""
    async with local_shelf(disk) as shelf:
        await shelf.put(a_shelved("1", {"Dog": 0.9}))
    fill(disk)

    async with lazily(disk / "journal.sqlite3") as catalog:
        dogs = await catalog.search(Query(labels=("dog",)))
        (disk / "filler").unlink()
        async with local_shelf(disk) as shelf:
            await shelf.put(a_shelved("2", {"Fox": 0.9}))
            foxes = await catalog.search(Query(labels=("fox",)))

    assert (dogs.total, foxes.total) == (1, 1)


async def test_a_journal_that_cannot_be_opened_on_a_full_disk_says_why(ingest: Ingest, disk: Path):
    await ingest(limit=20)
    fill(disk)

    with pytest.raises(JournalError, match="The disk is full"):
        async with Journal(disk / "journal.sqlite3"):
            pass


def deleted(state: Path) -> None:
    shutil.rmtree(state)


def moved(state: Path) -> None:
    state.rename(state.with_name("elsewhere"))


def replaced(state: Path) -> None:
    deleted(state)
    state.mkdir()
    connect(state / "journal.sqlite3").close()


@pytest.mark.parametrize("lose", [deleted, moved, replaced])
async def test_nothing_is_bought_for_a_journal_that_is_not_where_it_was(
    ingest: Ingest, sandbox: Sandbox, state: Path, lose: Callable[[Path], None]
):
    lost = False

    def lose_early(event: events.Event) -> None:
        nonlocal lost
        if isinstance(event, events.BatchSettled) and not lost:
            lost = True
            lose(state)

    stopped = await ingest(limit=PHOTOS, listen=lose_early)

    assert (stopped.ended, stopped.exit_code) == ("journal", 1)
    assert "was moved or deleted while it was in use" in stopped.message
    assert stopped.units.certain == sandbox.bill.units < PHOTOS
    assert len(in_database(sandbox, "/photos")) == sandbox.bill.units


async def test_a_run_that_had_nothing_to_buy_says_as_well_that_its_journal_is_gone(
    ingest: Ingest, sandbox: Sandbox, state: Path
):
    """It would be complete, with nothing of it left here, and the next one without a database buys all."""
    await ingest(limit=PHOTOS)

    def lose_it(event: events.Event) -> None:
        if isinstance(event, events.PageListed):
            deleted(state)

    again = await ingest(limit=PHOTOS, listen=lose_it)

    assert (again.ended, again.exit_code) == ("journal", 1)
    assert "was moved or deleted while it was in use" in again.message
    assert (again.skipped, sandbox.bill.units) == (PHOTOS, PHOTOS)


class Failing:
    """A connection whose disk fails, from the moment on that it is told to."""

    def __init__(self, path: Path) -> None:
        self._honest = connect(path)
        self.failing = False

    def execute(self, statement: str, *given: Any) -> Any:
        if self.failing and statement == "COMMIT":
            raise sqlite3.OperationalError("disk I/O error")
        return self._honest.execute(statement, *given)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._honest, name)


@pytest.mark.parametrize("told_to_stop", [False, True], ids=["by itself", "after a signal"])
async def test_a_disk_that_fails_leaves_a_report_of_what_is_on_it(
    sandbox: Sandbox, state: Path, *, told_to_stop: bool
):
    opened: list[Failing] = []
    lifetime = Brisk(drain=8.0)

    def open_failing(path: Path) -> Any:
        opened.append(Failing(path))
        return opened[0]

    def listen(event: events.Event) -> None:
        if isinstance(event, events.BatchSettled):
            opened[0].failing = True
            if told_to_stop:
                lifetime.stop("SIGTERM")

    settings = settings_for(sandbox, state, limit=PHOTOS)
    report = await local.ingest(
        settings,
        listen=listen,
        lifetime=lifetime,
        open_journal=partial(Journal, connect=open_failing),
    )

    assert (report.ended, report.exit_code) == ("journal", 1)
    assert "cannot be written (disk I/O error)" in report.message
    assert report.listed == report.stored + report.skipped + report.dead + report.pending
    assert 0 < report.units.certain <= sandbox.bill.units
    assert sandbox.bill.units <= report.units.certain + report.units.possible
    with looking_into(settings.journal_path) as db:
        assert runs.last_died(db)
