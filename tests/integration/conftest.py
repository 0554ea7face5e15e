"""The real machine on loopback: a sandbox in this process, and runs against it."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ingestor import events
from ingestor.engines import local
from ingestor.journal import ledger
from ingestor.journal.writer import Journal
from ingestor.kits.lifetime import Lifetime
from ingestor.report import Report
from ingestor.sandbox.options import Options
from ingestor.sandbox.server import Sandbox
from ingestor.sandbox.service_account import KEY_FILE, ServiceAccount
from ingestor.settings import Settings
from tests.builders import an_image
from tests.sandboxes import NO_QUOTAS, way_to

Ingest = Callable[..., Awaitable[Report]]


class Brisk(Lifetime):
    """A run's, but rests are short: how long to rest after which failure is unit tests' to say."""

    async def rest(self, seconds: float) -> None:
        await super().rest(seconds / 50)


@pytest.fixture
def zoo_photos() -> int:
    """How many the zoo has; a file whose tests need fewer says so."""
    return 400


@pytest.fixture(scope="session")
def account_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One RSA key for all sandboxes of this process: making one takes as long as forty photos."""
    memory = tmp_path_factory.mktemp("account")
    ServiceAccount.kept_in(memory, now=time.time)
    return memory / KEY_FILE


@pytest.fixture
async def sandbox(tmp_path: Path, zoo_photos: int, account_key: Path) -> AsyncIterator[Sandbox]:
    memory = tmp_path / "sandbox"
    memory.mkdir()
    shutil.copy(account_key, memory)
    options = Options(
        port=0,
        fast=True,
        photos=zoo_photos,
        sketches=True,
        images_per_minute=0,
        requests_per_minute=0,
        memory=memory,
    )
    async with Sandbox(options) as running:
        yield running


def in_database(sandbox: Sandbox, path: str, *, namespace: str = "sandbox") -> dict[str, object]:
    value = sandbox.database.value(namespace, path)
    return dict(value) if isinstance(value, dict) else {}


def settings_for(sandbox: Sandbox, state: Path, **given: Any) -> Settings:
    usual = {"groups": ("zoo",), "state": state, "disk_reserve": 0}
    return Settings.read(**{**usual, **way_to(sandbox), **NO_QUOTAS, **given})


async def lose_answers(state: Path) -> None:
    """Have all pending photos in a paid request of a process that died before the answer came."""
    async with Journal(state / "journal.sqlite3") as journal:
        waiting = await journal.read(_waiting)
        intent = ledger.Intent(
            id="lost",
            run=1,
            at=time.time(),
            features="f",
            attempt=1,
            units=len(waiting),
            images=tuple(an_image(photo, content=photo.encode()) for photo in waiting),
        )
        await journal.write(partial(ledger.open_purchase, intent=intent))


def _waiting(db: sqlite3.Connection) -> list[str]:
    return [photo for (photo,) in db.execute("SELECT id FROM photos WHERE state = 'listed'")]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The directory of the journal, one for each test."""
    return tmp_path / "state"


@pytest.fixture
def ingest(sandbox: Sandbox, state: Path) -> Ingest:
    """Run `ingest(limit=…, groups=…, …)` on the sandbox, with one state directory per test."""

    async def run(
        *,
        lifetime: Lifetime | None = None,
        listen: events.Listener = events.ignore,
        **given: Any,
    ) -> Report:
        settings = settings_for(sandbox, given.pop("state", state), **given)
        return await local.ingest(
            settings, listen=listen, lifetime=lifetime or Brisk(drain=settings.drain)
        )

    return run
