"""
The journal against a model of dicts: whatever is done to it, in whatever order, and wherever it is
killed, its tables say what the model says.

A kill is what the disk shows at that moment: the files are copied while the connection is open, in
the middle of its transaction if the kill comes before the commit, and the copy is opened again.
Sometimes the copy ends with bytes that no commit ever finished.
"""

from __future__ import annotations

import argparse
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import ClassVar, Final

from hypothesis import seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ingestor.catalog.arriving import shelve
from ingestor.catalog.entries import entries_sql
from ingestor.journal import dead, ledger, listing, results, runs
from ingestor.journal.doubts import doubts_of
from ingestor.journal.schema import migrate
from ingestor.journal.writer import connect
from ingestor.models import Failure, Image, PurchaseState
from tests.builders import a_label, a_photo, an_annotation, an_image

FEATURES: Final = an_annotation("1").features
PHOTOS: Final = [str(number) for number in range(1, 31)]
MOST_IN_A_BATCH: Final = 4
STEPS: Final = 50
QUICK_DISK: Final = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - ours alone
"""A kill leaves the system's cache alone, so syncing to a real disk would show nothing more."""

Ids = st.lists(st.sampled_from(PHOTOS), max_size=8, unique=True)
Killed = st.sampled_from(["no", "no", "no", "before the commit", "after the commit"])
Which = st.integers(0, 10**6)
Tail = st.binary(max_size=5000)
Work = Callable[[sqlite3.Connection], object]


@dataclass(kw_only=True)
class Purchase:
    photos: tuple[str, ...]
    state: str = "open"
    certain: int = 0
    possible: int = 0


@dataclass(kw_only=True)
class Model:
    """What must be true; numbers are those of runs."""

    states: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    """Photos whose result is known, with the one label of each."""
    purchases: dict[str, Purchase] = field(default_factory=dict)
    letters: set[str] = field(default_factory=set)
    shelved: set[str] = field(default_factory=set)


class JournalMachine(RuleBasedStateMachine):
    """A run after the other on one journal, each ended by a kill."""

    steps = 0
    kills: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="ingestor-journal-", dir=QUICK_DISK)
        self.lives = 0
        self.path = Path(self.folder.name) / "0" / "journal.sqlite3"
        self.path.parent.mkdir()
        self.model = Model()
        self.run = 0
        self.names = 0
        self.db = self.opened()
        self.unrecovered = True

    def teardown(self) -> None:
        self.db.close()
        self.folder.cleanup()

    def opened(self) -> sqlite3.Connection:
        db = connect(self.path)
        assert db.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
        migrate(db)
        return db

    def write(self, work: Work, killed: str, tail: bytes) -> bool:
        """One transaction, as the writer makes them; False if it was killed before its commit."""
        type(self).steps += 1
        type(self).kills[killed] += 1
        self.db.execute("BEGIN IMMEDIATE")
        work(self.db)
        if killed != "before the commit":
            self.db.execute("COMMIT")
        if killed != "no":
            self.die(tail)
        return killed != "before the commit"

    def die(self, tail: bytes) -> None:
        self.lives += 1
        grave = self.path.parent
        self.path = Path(self.folder.name) / str(self.lives) / self.path.name
        self.path.parent.mkdir()
        for part in ("journal.sqlite3", "journal.sqlite3-wal"):
            with suppress(FileNotFoundError):
                shutil.copy(grave / part, self.path.parent / part)
        log = self.path.with_name("journal.sqlite3-wal")
        if log.exists():
            with log.open("ab") as torn:
                torn.write(tail)
        self.db.close()
        shutil.rmtree(grave)
        self.db = self.opened()
        self.unrecovered = True

    @precondition(lambda self: self.unrecovered)
    @rule(killed=Killed, tail=Tail)
    def recover(self, killed: str, tail: bytes) -> None:
        """The first thing that a run does: purchases that a dead process left open are in doubt."""

        def work(db: sqlite3.Connection) -> None:
            self.run = runs.begin_run(db, run=f"run-{self.lives}", now=1.0)
            ledger.doubt_open_purchases(db, now=1.0)

        if self.write(work, killed, tail):
            for purchase in self.model.purchases.values():
                if purchase.state == "open":
                    purchase.state, purchase.possible = "in-doubt", len(purchase.photos)
            self.unrecovered = killed != "no"

    @precondition(lambda self: not self.unrecovered)
    @rule(ids=Ids, killed=Killed, tail=Tail)
    def page(self, ids: list[str], killed: str, tail: bytes) -> None:
        work = partial(
            listing.sight,
            photos=[a_photo(photo) for photo in ids],
            run=self.run,
            room=None,
            features=None,
            unusable=(),
            now=1.0,
        )
        if self.write(work, killed, tail):
            for photo in ids:
                self.model.states.setdefault(photo, "listed")

    @precondition(lambda self: not self.unrecovered)
    @rule(which=Which, killed=Killed, tail=Tail)
    def intent(self, which: int, killed: str, tail: bytes) -> None:
        photos = tuple(self.those("listed", which)[:MOST_IN_A_BATCH])
        if not photos:
            return
        self.names += 1
        name = f"purchase-{self.names}"
        if self.write(
            partial(ledger.open_purchase, intent=self.an_intent(name, photos)), killed, tail
        ):
            self.model.purchases[name] = Purchase(photos=photos)

    @precondition(lambda self: not self.unrecovered and self.model.labels)
    @rule(which=Which, beside=Which)
    def what_is_known_is_not_for_sale(self, which: int, beside: int) -> None:
        """Asked last thing before the money."""
        known = sorted(self.model.labels)[which % len(self.model.labels)]
        photos = (*self.those("listed", beside)[:2], known)
        type(self).steps += 1
        self.db.execute("BEGIN IMMEDIATE")
        try:
            ledger.open_purchase(self.db, self.an_intent("forbidden", photos))
        except ledger.AlreadyBought:
            return
        finally:
            self.db.execute("ROLLBACK")
        raise AssertionError(f"{known} would have been bought again")

    @precondition(lambda self: not self.unrecovered)
    @rule(which=Which, bad=st.integers(0, 2), again=st.integers(0, 2), killed=Killed, tail=Tail)
    def settle(self, which: int, bad: int, again: int, killed: str, tail: bytes) -> None:
        """Of the images of a purchase, the first are bad, the last want to be asked again."""
        if not (name := self.an_open_one(which)):
            return
        purchase = self.model.purchases[name]
        failed, rest = purchase.photos[:bad], purchase.photos[bad:]
        found = rest[: max(0, len(rest) - again)]
        work = partial(
            ledger.settle_purchase,
            intent=self.an_intent(name, purchase.photos),
            annotations=[an_annotation(photo, a_label(label_of(name))) for photo in found],
            failures=[a_failure(photo) for photo in failed],
            now=2.0,
        )
        if self.write(work, killed, tail):
            purchase.state = "settled"
            purchase.certain = len(found)
            purchase.possible = len(purchase.photos) - len(found)
            self.model.labels |= dict.fromkeys(found, label_of(name))
            self.model.states |= dict.fromkeys(found, "annotated")
            self.bury(failed)

    @precondition(lambda self: not self.unrecovered)
    @rule(
        which=Which,
        state=st.sampled_from(["not-sent", "refused", "in-doubt"]),
        killed=Killed,
        tail=Tail,
    )
    def close(self, which: int, state: str, killed: str, tail: bytes) -> None:
        if not (name := self.an_open_one(which)):
            return
        purchase = self.model.purchases[name]
        work = partial(
            ledger.close_purchase,
            intent=self.an_intent(name, purchase.photos),
            state=PurchaseState(state),
            reason="weather",
            now=2.0,
        )
        if self.write(work, killed, tail):
            purchase.state = state
            purchase.possible = len(purchase.photos) if state == "in-doubt" else 0

    @precondition(lambda self: not self.unrecovered)
    @rule(which=Which, killed=Killed, tail=Tail)
    def fail(self, which: int, killed: str, tail: bytes) -> None:
        photos = self.those("listed", which)[:2]
        failures = [a_failure(photo) for photo in photos]
        if self.write(partial(dead.fail_all, failures=failures, now=2.0), killed, tail):
            self.bury(tuple(photos))

    @precondition(lambda self: not self.unrecovered)
    @rule(which=Which, killed=Killed, tail=Tail)
    def retry(self, which: int, killed: str, tail: bytes) -> None:
        photos = self.those("dead", which)[:2]
        if photos and self.write(partial(dead.retry, photos=photos), killed, tail):
            for photo in photos:
                self.model.states[photo] = "annotated" if photo in self.model.labels else "listed"

    @precondition(lambda self: not self.unrecovered)
    @rule(most=st.integers(1, 5), killed=Killed, tail=Tail)
    def store(self, most: int, killed: str, tail: bytes) -> None:
        batch = results.unpublished(self.db, most=most)
        photos = {one.photo.id: one.annotation.labels[0].name for one in batch}
        assert photos.items() <= self.model.labels.items()
        if self.write(partial(shelve, batch=batch), killed, tail):
            self.model.states |= dict.fromkeys(photos, "stored")
            self.model.shelved |= photos.keys()

    @invariant()
    def the_tables_say_what_the_model_says(self) -> None:
        model, db = self.model, self.db
        assert dict(db.execute("SELECT id, state FROM photos")) == model.states
        assert {row[0] for row in db.execute("SELECT photo FROM annotations")} == set(model.labels)
        assert {row[0] for row in db.execute("SELECT photo FROM dead")} == model.letters
        bought = db.execute("SELECT id, state, certain, possible FROM purchases").fetchall()
        assert {row[0]: row[1:] for row in bought} == {
            name: (purchase.state, purchase.certain, purchase.possible)
            for name, purchase in model.purchases.items()
        }
        images = Counter(row[0] for row in db.execute("SELECT purchase FROM purchased_images"))
        assert images == {
            name: len(one.photos)
            for name, one in model.purchases.items()
            if one.state not in ("not-sent", "refused")
        }
        found = db.execute(
            entries_sql("photo, (SELECT name FROM labels WHERE labels.number = label)", "true")
        )
        assert dict(found.fetchall()) == {photo: model.labels[photo] for photo in model.shelved}

    @invariant()
    def the_accounts_add_up(self) -> None:
        units, purchases = ledger.units_of_journal(self.db), self.model.purchases.values()
        assert units.certain == sum(one.certain for one in purchases)
        assert units.possible == sum(one.possible for one in purchases)
        assert units.reserved == sum(len(one.photos) for one in purchases if one.state == "open")
        in_doubt = [one for one in purchases if one.state in ("open", "in-doubt")]
        found = doubts_of(self.db, living=None)
        assert (found.requests, found.images) == (
            len(in_doubt),
            sum(len(one.photos) for one in in_doubt),
        )

    def those(self, state: str, which: int) -> list[str]:
        """Photos of a state that no open purchase holds, beginning anywhere."""
        held = {
            photo
            for purchase in self.model.purchases.values()
            if purchase.state == "open"
            for photo in purchase.photos
        }
        found = sorted(
            photo
            for photo, own in self.model.states.items()
            if own == state and photo not in held and photo not in self.hidden(state)
        )
        start = which % len(found) if found else 0
        return found[start:] + found[:start]

    def hidden(self, state: str) -> set[str]:
        """A photo whose result is known is not bought, whatever its state."""
        return set(self.model.labels) if state == "listed" else set()

    def an_open_one(self, which: int) -> str:
        names = [name for name, one in self.model.purchases.items() if one.state == "open"]
        return names[which % len(names)] if names else ""

    def an_intent(self, name: str, photos: tuple[str, ...]) -> ledger.Intent:
        return ledger.Intent(
            id=name,
            run=self.run,
            at=1.0,
            features=FEATURES,
            attempt=1,
            units=len(photos),
            images=tuple(an_image_of(photo) for photo in photos),
        )

    def bury(self, photos: tuple[str, ...]) -> None:
        self.model.states |= dict.fromkeys(photos, "dead")
        self.model.letters |= set(photos)


def label_of(purchase: str) -> str:
    return f"bought by {purchase}"


def an_image_of(photo: str) -> Image:
    return an_image(photo, content=photo.encode())


def a_failure(photo: str) -> Failure:
    return Failure(photo_id=photo, stage="annotate", reason="weather", paid="maybe")


def campaign(*, examples: int, first_seed: int, steps: int = STEPS) -> tuple[int, Counter[str]]:
    """Returns how many steps were made, and how often they ended in which kill."""
    JournalMachine.steps = 0
    JournalMachine.kills.clear()
    run_state_machine_as_test(
        seed(first_seed)(JournalMachine),
        settings=settings(
            max_examples=examples, stateful_step_count=steps, database=None, deadline=None
        ),
    )
    return JournalMachine.steps, Counter(JournalMachine.kills)


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/campaign journal", description=__doc__)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    started, made, number = time.monotonic(), 0, given.seed
    kills: Counter[str] = Counter()
    while made < given.steps:
        steps, killed = campaign(examples=200, first_seed=number)
        made, kills, number = made + steps, kills + killed, number + 1
    sys.stdout.write(f"{'steps, each compared with the model':<50}{made:>8}\n")
    for name in ("before the commit", "after the commit"):
        sys.stdout.write(f"{f'killed {name}':<50}{kills[name]:>8}\n")
    sys.stdout.write(f"{'seconds':<50}{time.monotonic() - started:>8.0f}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
