"""
The real process against a sandbox, to be ended at bad moments, and what must be true afterwards.

The sandbox lives in this process: its bill and its database outlive whatever is done to the other
one, as the vendors' would.
"""

from __future__ import annotations

import asyncio
import logging
import random
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson

from ingestor.journal.schema import VERSION
from ingestor.sandbox.options import Options
from ingestor.sandbox.server import DRAWINGS_FOLDER, Sandbox
from tests.campaigns.forks import Forks, Started, forks
from tests.integration.console import UNLIMITED

PATIENCE = 60.0
"""Seconds after which a run of so few photos counts as hanging."""
GLANCE = 0.0005
"""Seconds between looks at whether the moment has come."""
LONGEST, LONGEST_FRESH = 0.6, 2.0
"""Seconds that a fork lives for, and a process that has to import everything first."""
IN_FLIGHT = 4
BATCH = 16
NAMESPACE = "sandbox"


class Broken(AssertionError):
    """A promise was broken; the text says which and how."""


def holds(promise: bool, *what: object) -> None:
    if not promise:
        raise Broken(" ".join(map(str, what)))


@dataclass(frozen=True, kw_only=True)
class Autopsy:
    """What the journal of a dead process says, read from a copy: the next run finds it untouched."""

    healthy: bool = True
    durable: frozenset[str] = frozenset()
    """Photos whose result is known."""
    open: tuple[str, ...] = ()
    """Photos in purchases that have no end, once for each."""
    states: Mapping[str, int] = field(default_factory=dict)
    certain: int = 0
    at_most: int = 0


@dataclass(kw_only=True)
class Arena:
    sandbox: Sandbox
    forks: Forks
    folder: Path
    truth: dict[str, Any] = field(default_factory=dict)
    """What the database holds of each photo after a run that nobody disturbed."""

    def state(self) -> Path:
        """A state directory that nobody has used."""
        state = self.folder / "state"
        shutil.rmtree(state, ignore_errors=True)
        return state

    def forget(self) -> None:
        """Faults, bill and database as on the first day."""
        self.sandbox.faults.clear()
        self.sandbox.bill.clear()
        self.sandbox.database.clear()

    async def run(
        self,
        state: Path,
        photos: int,
        *more: str,
        fresh: bool = False,
        env: Mapping[str, str] = MappingProxyType({}),
    ) -> Started:
        words = (
            *("--group", "zoo", "--limit", str(photos), "--max-in-flight", str(IN_FLIGHT)),
            *("--report", "json", "--state", str(state), *UNLIMITED, *more),
        )
        settings = self.sandbox.addresses.settings()
        folder = self.folder / "said"
        return await self.forks.start(words, env={**settings, **env}, folder=folder, fresh=fresh)

    async def finish(self, state: Path, photos: int, *more: str) -> dict[str, Any]:
        """Run to the end; returns the report of a run that must be complete."""
        run = await self.run(state, photos, *more)
        code = await run.code(patience=PATIENCE)
        holds(code == 0, "exit code", code, run.err.read_text()[-2000:])
        report: dict[str, Any] = orjson.loads(run.out.read_bytes())
        return report

    async def learn_truth(self, photos: int) -> None:
        """One run in peace, which also has every picture drawn, if any are."""
        await self.finish(self.state(), photos)
        self.truth = self.published()
        holds(len(self.truth) == photos, "a run in peace stored", len(self.truth))

    def published(self) -> dict[str, Any]:
        """By photo what the database holds, without the time it was written."""
        return {name: {**photo, "at": 0} for name, photo in self._at("/photos").items()}

    def index(self) -> set[tuple[str, str]]:
        """(label key, photo) as searched for."""
        index = self._at("/index").items()
        return {(key, name.partition("-")[2]) for key, ranks in index for name in ranks}

    def _at(self, path: str) -> dict[str, Any]:
        value = self.sandbox.database.value(NAMESPACE, path)
        return dict(value) if isinstance(value, dict) else {}

    def check_stored(self, photos: int, report: Mapping[str, Any]) -> None:
        """Nothing lost, nothing mixed up, and the accounts add up."""
        ends = ("stored", "skipped", "dead", "pending")
        holds(report["listed"] == photos == sum(report[end] for end in ends), "listed", report)
        holds(report["dead"] == report["pending"] == 0, "not all stored", report)
        found = self.published()
        holds(len(found) == photos, "stored in the database:", len(found), "of", photos)
        wrong = [name for name, photo in found.items() if photo != self.truth[name]]
        holds(not wrong, "not what Vision said:", wrong)
        wanted = {(key, name) for name, photo in found.items() for key in photo.get("labels", {})}
        holds(self.index() == wanted, "index and records disagree")

    def charges(self) -> Counter[str]:
        return Counter(self.sandbox.bill.images)


def autopsy(state: Path) -> Autopsy:
    """Look into a copy of what a dead process left."""
    journal = state / "journal.sqlite3"
    if not journal.exists():
        return Autopsy()
    with tempfile.TemporaryDirectory(dir=state.parent) as table:
        for part in state.glob("journal.sqlite3*"):
            shutil.copy(part, table)
        with closing(sqlite3.connect(Path(table) / journal.name)) as db:
            return _looked_into(db)


def _looked_into(db: sqlite3.Connection) -> Autopsy:
    (verdict,) = db.execute("PRAGMA integrity_check(1)").fetchone()
    if db.execute("PRAGMA user_version").fetchone()[0] < VERSION:
        # Killed between two steps of making it: not all tables are there, and nothing is in them.
        return Autopsy(healthy=verdict == "ok")
    certain, at_most = db.execute(
        "SELECT coalesce(sum(certain), 0), coalesce(sum(certain + possible + "
        "CASE state WHEN 'open' THEN units ELSE 0 END), 0) FROM "
        "(SELECT certain, possible, units, state FROM purchases "
        "UNION ALL SELECT certain, possible, 0, '' FROM spent)"
    ).fetchone()
    still_open = db.execute(
        "SELECT photo FROM purchased_images JOIN purchases ON purchases.id = purchase "
        "WHERE state = 'open'"
    )
    return Autopsy(
        healthy=verdict == "ok",
        durable=frozenset(photo for (photo,) in db.execute("SELECT photo FROM annotations")),
        open=tuple(photo for (photo,) in still_open),
        states=dict(db.execute("SELECT state, count(*) FROM photos GROUP BY 1").fetchall()),
        certain=certain,
        at_most=at_most,
    )


@dataclass(frozen=True, kw_only=True)
class Moment:
    """When to strike: so many seconds after the start, or after the nth paid request was charged."""

    seconds: float
    request: int = 0
    said: bool = False
    """Only when the report is out: what is left is to leave."""

    @classmethod
    def drawn(cls, dice: random.Random, *, fresh: bool) -> Moment:
        """Three of four are close to buying, the others at any time of the process."""
        if dice.random() < 0.25:
            return cls(seconds=dice.uniform(0.0, LONGEST_FRESH if fresh else LONGEST))
        return cls(request=dice.randint(1, 3), seconds=dice.choice((0.0, dice.uniform(0, 0.06))))

    async def come(self, arena: Arena, run: Started) -> bool:
        """Wait for it; False if the process has ended by itself."""
        bill = arena.sandbox.bill
        wanted = bill.requests + self.request
        # The sandbox makes no event of it.
        while self.request and bill.requests < wanted and not run.ended.done():  # noqa: ASYNC110
            await asyncio.sleep(GLANCE)
        while self.said and not run.said and not run.ended.done():  # noqa: ASYNC110
            await asyncio.sleep(GLANCE)
        await asyncio.wait((run.ended,), timeout=self.seconds)
        return not run.ended.done()


@asynccontextmanager
async def arena(drawings: Path | None = None, *, learn: int = 0) -> AsyncIterator[Arena]:
    """
    A sandbox, a warm interpreter and a place to work in; of so many photos, the newest, `learn` what
    a run in peace stores. Pictures are plain sheets, unless there is a folder to keep drawings in.
    """
    # A client that is killed while it writes is what happens here all day.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="ingestor-campaign-") as name:
        folder = Path(name)
        options = Options(
            port=0,
            fast=True,
            photos=400,
            sketches=drawings is None,
            images_per_minute=0,
            requests_per_minute=0,
            memory=_memory(folder, drawings),
        )
        async with Sandbox(options) as sandbox, forks() as warm:
            ready = Arena(sandbox=sandbox, forks=warm, folder=folder)
            if learn:
                await ready.learn_truth(learn)
            yield ready


def _memory(folder: Path, drawings: Path | None) -> Path:
    """The sandbox's own, but for the drawings, which may be shared."""
    memory = folder / "sandbox"
    memory.mkdir()
    if drawings is not None:
        drawings.mkdir(parents=True, exist_ok=True)
        (memory / DRAWINGS_FOLDER).symlink_to(drawings.resolve())
    return memory
