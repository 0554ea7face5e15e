"""
Design errors on purpose, one at a time: each must break an invariant within a few seeds.

They are put into the running process and taken out again; the code that is shipped has no switch for
any of them. A mutant that survives says that the checkers do not look where it hurts.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import fields, replace
from functools import partial
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

import orjson
from msgspec import structs

from ingestor import events, pipeline
from ingestor.apis.vision import answers, client
from ingestor.engines import run as running
from ingestor.engines.book import Book
from ingestor.engines.run import Run
from ingestor.errors import AnswerLost, IngestorError, JournalError, Throttled, Unavailable
from ingestor.journal import claims, dead, facts, ledger, listing, past, recovery, results
from ingestor.journal.writer import Journal
from ingestor.kits import dimension, lifetime, luck, quota, retrying
from ingestor.kits.crew import Crew
from ingestor.kits.pacing import Adaptive
from ingestor.models import Annotation, PurchaseState
from ingestor.purchases import budget, buyer, door, meaning
from ingestor.purchases.door import Door
from ingestor.purchases.meaning import Settled
from ingestor.records import keys
from ingestor.services import ListedPage
from ingestor.stages import discover, download
from ingestor.stages.download import Downloader
from tests.simulation import lives

Swap = tuple[Any, str, Any]
"""Where, which name, and what stands there instead."""
MUTANTS: Final[dict[str, Callable[[], Sequence[Swap]]]] = {}
"""By name; the function's docstring says what is wrong."""


def mutant(make: Callable[[], Sequence[Swap]]) -> Callable[[], Sequence[Swap]]:
    MUTANTS[make.__name__.replace("_", "-")] = make
    return make


@contextmanager
def planted(name: str | None) -> Iterator[None]:
    """With this error in the code; None: with none."""
    with ExitStack() as stack:
        for where, what, instead in MUTANTS[name]() if name else ():
            stack.enter_context(patch.object(where, what, instead, create=True))
        yield


# The journal


NOTICED: Final = ("Violation", "AssertionError", "Livelock", "Deadlock")
"""What a checker says; any other error says that a mutant does not fit the code any more."""


def innermost(error: BaseException) -> BaseException:
    return innermost(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


@mutant
def no_fsync() -> Sequence[Swap]:
    """Commits are not synced."""
    honest = lives.connect

    def connect(disk: Any) -> Any:
        honest(disk).execute("PRAGMA synchronous=NORMAL")
        return disk

    return [(lives, "connect", connect)]


@mutant
def result_journaled_after_storing() -> Sequence[Swap]:
    """The answer is passed on at once, and written down two seconds later."""

    async def settle(
        self: Any, intent: Any, _permit: Any, found: Any, *, seconds: float
    ) -> Settled:
        settled = meaning.judge(intent, found, most_attempts=door.MOST_ATTEMPTS)

        async def write_later() -> None:
            await asyncio.sleep(2)
            with contextlib.suppress(JournalError):
                await self._journal.write(_settling(self, intent, settled))

        self.later = asyncio.create_task(write_later())
        await self._budget.settle(intent.units, spent=intent.units)
        return settled

    return [(Door, "_settle", settle)]


@mutant
def result_never_journaled() -> Sequence[Swap]:
    """The purchase is closed, and what it taught is passed on and not written down."""

    def settle_purchase(db: Any, intent: Any, *, failures: Any, now: float, **_: Any) -> None:
        for failure in failures:
            dead.fail(db, failure, now=now)
        ledger._close(
            db, intent.id, PurchaseState.SETTLED, certain=intent.units, possible=0, reason=None, now=now
        )  # fmt: skip

    return [(ledger, "settle_purchase", settle_purchase)]


@mutant
def settling_not_awaited() -> Sequence[Swap]:
    """The write is handed in, and nobody waits for the disk."""
    return _not_awaited(ledger.settle_purchase)


@mutant
def settling_forgotten() -> Sequence[Swap]:
    """The answer is kept, and its purchase stays open."""

    def settle_purchase(db: Any, intent: Any, *, annotations: Any, now: float, **_: Any) -> None:
        sizes = {image.photo.id: image.size for image in intent.images}
        for found in annotations:
            results.keep(db, found, size=sizes[found.photo_id], purchase=intent.id, now=now)

    return [(ledger, "settle_purchase", settle_purchase)]


@mutant
def intent_not_written() -> Sequence[Swap]:
    """The paid call leaves without a word in the journal."""
    return [(ledger, "open_purchase", lambda db, intent: None)]


@mutant
def intent_after_the_call() -> Sequence[Swap]:
    """First the money, then the intent."""

    async def purchase(self: Any, images: Any, *, attempt: int) -> Settled:
        await self._budget.reserve(len(images))
        permit = await self._quota.acquire(1, len(images))
        found = await self._ask_vision(images, int)
        intent = await self._open(images, len(images), attempt)
        settled: Settled = await self._settle(intent, permit, found, seconds=1.0)
        return settled

    return [(Door, "purchase", purchase)]


@mutant
def intent_not_awaited() -> Sequence[Swap]:
    """The call leaves while the disk still writes the intent."""
    return _not_awaited(ledger.open_purchase)


@mutant
def disk_failure_ignored() -> Sequence[Swap]:
    """What the disk refused is written again, and believed the second time."""
    honest = Journal._transaction

    def transaction(self: Any, works: Any) -> list[Any]:
        outcomes = honest(self, works)
        if self.broken is None:
            return outcomes
        self.broken = None
        return honest(self, works)

    return [(Journal, "_transaction", transaction)]


@mutant
def failure_not_journaled() -> Sequence[Swap]:
    """A photo that could not be fetched is forgotten."""

    async def failed(self: Any, failure: Any) -> None:
        self._listen(events.PhotoFailed.of(failure))

    return [(Book, "failed", failed)]


@mutant
def page_mark_before_its_photos() -> Sequence[Swap]:
    """That a page was read is durable before its photos are, and a new run goes on behind it."""
    honest = Book.sight

    async def sight(self: Any, group: str, number: int, page: Any, *, room: Any) -> Any:
        marked = await self._journal.read(partial(facts.fact, name="mark"))
        run, done = (marked or "0 0").split()
        if int(run) < self._run and number <= int(done):
            page = ListedPage(pages=page.pages, total=page.total, rows=())
        elif number > int(done):
            write = partial(facts.set_fact, name="mark", value=f"{self._run} {number}")
            await self._journal.write(write)
        return await honest(self, group, number, page, room=room)

    return [(Book, "sight", sight)]


@mutant
def page_not_written_before_its_photos_go_on() -> Sequence[Swap]:
    """Photos travel on while their page is still to be written."""
    honest = Book.sight

    async def sight(self: Any, group: str, number: int, page: Any, *, room: Any) -> Any:
        photos, _ = page.photos_and_failures(group)

        async def write_later() -> None:
            await asyncio.sleep(5)
            await honest(self, group, number, page, room=room)

        self.later = asyncio.create_task(write_later())
        return _sighting(fresh=tuple(photos))

    return [(Book, "sight", sight)]


# Recovery


@mutant
def lost_journal_asks_once() -> Sequence[Swap]:
    """Only the first run of a new journal asks the database, even if it is killed."""
    return [(claims, "suspect", lambda _db, groups: None)]


@mutant
def quota_forgotten_on_restart() -> Sequence[Swap]:
    """A new process believes that nothing was spent in the last minute."""
    return [(ledger, "purchases_since", lambda db, moment, *, now: [])]


@mutant
def budget_of_killed_runs_forgotten() -> Sequence[Swap]:
    """Every restart has the whole ceiling again."""
    return [(ledger, "units_since_last_end", lambda db, run, **_: ledger.Units())]


@mutant
def ceiling_summed_up_with_the_past() -> Sequence[Swap]:
    """What runs that died have spent is summed up, and no part of the ceiling they share any more."""
    return [(past, "last_ended", lambda _db, *, before: before)]


@mutant
def past_is_free() -> Sequence[Swap]:
    """Of what is long past nothing is left."""
    return [(past, "SUM_UP", "SELECT ?")]


@mutant
def past_doubts_forgotten() -> Sequence[Swap]:
    """What is in doubt is summed up like all else."""
    return [(past, "PAST", past.PAST.replace("id IN in_question", "0"))]


@mutant
def open_purchases_of_the_dead_are_free() -> Sequence[Swap]:
    """What a killed process was paying for counts as nothing."""
    honest = ledger.doubt_open_purchases

    def doubt(db: Any, *, now: float) -> None:
        honest(db, now=now)
        db.execute("UPDATE purchases SET possible = 0 WHERE reason = 'process died'")

    return [(ledger, "doubt_open_purchases", doubt)]


@mutant
def pending_not_resumed() -> Sequence[Swap]:
    """What a killed run had listed waits for its page to come again."""

    async def take_pending(self: Any, most: int, *, listed: bool) -> Sequence[Any]:
        return ()

    return [(Book, "take_pending", take_pending)]


@mutant
def leftovers_not_published() -> Sequence[Swap]:
    """What was bought and not stored stays where it is."""

    async def publish_left_over(self: Any) -> None:
        pass

    return [(Book, "publish_left_over", publish_left_over)]


@mutant
def doubtful_not_parked_on_restart() -> Sequence[Swap]:
    """The mode that buys at most once forgets what a killed process was buying."""
    return [(recovery, "_park", lambda db, **_given: ())]


@mutant
def listing_ends_at_what_is_pending() -> Sequence[Swap]:
    """Two pages of photos known to this run end the walk, wherever they are known from."""

    def note(self: Any, page: Any, new: int) -> None:
        self.pages += 1
        self.brought += new
        self.stale = 0 if new else self.stale + 1
        self.shrank = self.shrank or page.total < self.total
        self.total = page.total

    return [(discover._Pass, "note", note)]


# The store


@mutant
def stored_mark_before_the_write() -> Sequence[Swap]:
    """A photo counts as stored, and then is."""
    honest = Book.write

    async def write(self: Any, batch: Any, **given: Any) -> None:
        photos = [published.photo.id for published in batch]
        await self._journal.write(partial(results.mark_stored, photos=photos))
        await honest(self, batch, **given)

    return [(Book, "write", write)]


@mutant
def paths_of_a_photo_in_two_updates() -> Sequence[Swap]:
    """First the records, then the index."""
    honest = Book.__init__

    def init(self: Any, **given: Any) -> None:
        whole = given["update"]

        async def update(paths: Mapping[str, Any]) -> None:
            photos = {path: value for path, value in paths.items() if path.startswith("photos/")}
            await whole(photos)
            await whole({path: value for path, value in paths.items() if path not in photos})

        honest(self, **{**given, "update": whole and update})

    return [(Book, "__init__", init)]


@mutant
def forbidden_signs_all_alike() -> Sequence[Swap]:
    """What a key must not hold becomes the same sign everywhere: other labels come under this one."""
    return [(keys, "key_of", lambda label: keys.FORBIDDEN.sub("_", label.casefold()))]


# What follows from an answer


@mutant
def errors_of_an_image_tried_for_ever() -> Sequence[Swap]:
    """Each time Vision says "try again" it is tried again."""
    return [(running, "MOST_ATTEMPTS", 1000)]


@mutant
def own_errors_repeated_in_park() -> Sequence[Swap]:
    """An image that failed by itself is bought again, although nothing may be bought twice."""
    honest = meaning.judge

    def judge(intent: Any, found: Any, *, most_attempts: int) -> Settled:
        return honest(intent, found, most_attempts=door.MOST_ATTEMPTS)

    return [(door, "judge", judge)]


@mutant
def unavailable_repeated_for_ever() -> Sequence[Swap]:
    """Google's 503 is repeated like a refusal that costs nothing."""
    return [(buyer, "MOST_UNAVAILABLE", 1000)]


@mutant
def whole_batch_again_for_one_image() -> Sequence[Swap]:
    """One image's trouble spoils the batch."""
    honest = meaning.judge

    def judge(intent: Any, found: Any, *, most_attempts: int) -> Settled:
        settled = honest(intent, found, most_attempts=most_attempts)
        if settled.again:
            return Settled(annotations=(), failures=(), again=intent.images)
        return settled

    return [(door, "judge", judge)]


@mutant
def wrong_count_trusted_by_position() -> Sequence[Swap]:
    """Answers are given to images in their order, however many there are."""
    honest = answers.read_annotations

    def read(response: Any, images: Any, features: Any) -> Any:
        with contextlib.suppress(ValueError, KeyError):
            rows = orjson.loads(response.body)["responses"]
            rows = (rows + [{}] * len(images))[: len(images)]
            response = structs.replace(response, body=orjson.dumps({"responses": rows}))
        return honest(response, images, features)

    return _read_by(read)


@mutant
def answers_mixed_up() -> Sequence[Swap]:
    """The first image gets the second one's labels, and so on."""
    honest = answers.read_annotations

    def read(response: Any, images: Any, features: Any) -> Any:
        found = honest(response, images, features)
        good = [answer for answer in found if isinstance(answer, Annotation)]
        labels = [answer.labels for answer in good]
        mixed = zip(good, labels[1:] + labels[:1], strict=True)
        swapped = {
            answer.photo_id: structs.replace(answer, labels=other) for answer, other in mixed
        }
        return [swapped.get(answer.photo_id, answer) for answer in found]

    return _read_by(read)


@mutant
def no_labels_is_no_answer() -> Sequence[Swap]:
    """A picture of nothing is asked about again."""
    honest = answers.read_annotations

    def read(response: Any, images: Any, features: Any) -> Any:
        return [
            answers.ImageError(photo_id=found.photo_id, code=14, message="empty", transient=True)
            if isinstance(found, Annotation) and not found.labels
            else found
            for found in honest(response, images, features)
        ]

    return _read_by(read)


@mutant
def late_answer_dropped() -> Sequence[Swap]:
    """A paid call is given up after ten seconds, although it would be answered."""
    honest = Door.__init__

    def init(self: Any, *, ask_vision: Any, **given: Any) -> None:
        async def hasty(*asked: Any) -> Any:
            try:
                async with asyncio.timeout(10):
                    return await ask_vision(*asked)
            except TimeoutError:
                raise AnswerLost("too slow", reason="timeout") from None

        honest(self, ask_vision=hasty, **given)

    return [(Door, "__init__", init)]


@mutant
def sent_without_a_last_look() -> Sequence[Swap]:
    """Whether a purchase may go on is asked before its token is renewed, and not after."""
    honest = Door.__init__

    def init(self: Any, *, ask_vision: Any, **given: Any) -> None:
        honest(self, ask_vision=lambda images, _leaving: ask_vision(images, int), **given)

    return [(Door, "__init__", init)]


@mutant
def lost_answer_taken_as_refusal() -> Sequence[Swap]:
    """What was lost on the way back counts as not billed."""
    return _taken_as_refusal(AnswerLost)


@mutant
def unavailable_taken_as_free() -> Sequence[Swap]:
    """Google's 503 counts as not billed."""
    return _taken_as_refusal(Unavailable)


@mutant
def unavailable_repeated_where_nothing_may_be() -> Sequence[Swap]:
    """The mode that buys at most once repeats Google's 503 like the other one."""
    honest = buyer._free_to_repeat
    return [(buyer, "_free_to_repeat", lambda _most: honest(3))]


@mutant
def lost_answer_repeated_as_if_free() -> Sequence[Swap]:
    """A doubt is tried again like what was never sent."""
    honest = buyer._free_to_repeat

    def free(*given: Any) -> Any:
        hint = honest(*given)
        return lambda error: True if isinstance(error, AnswerLost) else hint(error)

    return [(buyer, "_free_to_repeat", free)]


@mutant
def doubt_allowance_ignored() -> Sequence[Swap]:
    """Everything in doubt is bought again."""
    return [(budget.DoubtAllowance, "allow", lambda _self, _images: True)]


@mutant
def doubted_twice() -> Sequence[Swap]:
    """The second doubt about an image is treated like the first."""
    honest = buyer.Buyer._doubt

    async def doubt(self: Any, batch: Any, error: Any) -> None:
        batch.doubted = False
        await honest(self, batch, error)

    return [(buyer.Buyer, "_doubt", doubt)]


@mutant
def given_up_without_a_letter() -> Sequence[Swap]:
    """What is given up in doubt is told to people, and not written down."""

    def fail_all(db: Any, failures: Any, *, now: float) -> None:
        pass

    return [(buyer, "dead", SimpleNamespace(fail_all=fail_all))]


@mutant
def front_ends_errors_repeated_as_google_s_own() -> Sequence[Swap]:
    """Any 5xx is repeated three times before it is in doubt."""
    honest = buyer._free_to_repeat

    def free(*given: Any) -> Any:
        hint = honest(*given)
        google_s = Unavailable("", upstream="vision")
        return lambda error: hint(google_s if isinstance(error, Unavailable) else error)

    return [(buyer, "_free_to_repeat", free)]


@mutant
def refused_batch_loses_a_half() -> Sequence[Swap]:
    """Of a batch that Vision refuses only the first half is tried again."""

    async def isolate(self: Any, batch: Any, error: Any) -> None:
        if len(batch.images) == 1:
            await self._bury(batch, error=error, reason=f"vision-{error.reason}", paid="no")
            return
        await self._buy(buyer._split(batch, len(batch.images) // 2)[0])

    return [(buyer.Buyer, "_isolate", isolate)]


@mutant
def refused_batch_buried_whole() -> Sequence[Swap]:
    """One bad picture takes its neighbours with it."""

    async def isolate(self: Any, batch: Any, error: Any) -> None:
        await self._bury(batch, error=error, reason=f"vision-{error.reason}", paid="no")

    return [(buyer.Buyer, "_isolate", isolate)]


# What is bought at all


@mutant
def twins_bought() -> Sequence[Swap]:
    """Equal pictures that travel together are bought one by one."""

    async def annotate(self: Any, images: Any, outcomes: Any) -> None:
        work = partial(
            results.reuse_all, images=images, features=self._features.key, now=self._wall()
        )
        known = await self._journal.write(work)
        unknown = []
        for image, found in zip(images, known, strict=True):
            if found is None:
                unknown.append(image)
            else:
                outcomes.append(buyer._published(image, found))
        if unknown:
            await self._buy(buyer._Batch(unknown, outcomes))

    return [(buyer.Buyer, "_annotate_unknown", annotate)]


@mutant
def twins_of_other_batches_bought() -> Sequence[Swap]:
    """Of a picture that another batch is buying, one buys a second one at the same time."""

    async def buy(self: Any, contents: Any, outcomes: Any) -> None:
        await self._buy(buyer._Batch(list(contents.values()), outcomes))

    return [(buyer.Buyer, "_buy_contents", buy)]


@mutant
def known_bytes_bought_again() -> Sequence[Swap]:
    """What the same picture taught before is not looked up."""
    return [(results, "reuse_all", lambda db, images, **_: [None] * len(images))]


@mutant
def dead_letters_bought_again() -> Sequence[Swap]:
    """A photo that failed is tried again by every run."""
    honest = listing._finished

    def finished(db: Any, states: Any, features: Any) -> set[str]:
        return {photo for photo in honest(db, states, features) if states[photo] != "dead"}

    return [(listing, "_finished", finished)]


@mutant
def repeated_rows_sent_on_again() -> Sequence[Swap]:
    """A photo that comes on two pages travels twice."""
    honest = Book.sight

    async def sight(self: Any, group: str, number: int, page: Any, *, room: Any) -> Any:
        sighting = await honest(self, group, number, page, room=room)
        photos, unusable = page.photos_and_failures(group)
        bare = {failure.photo_id for failure in unusable}
        again = [photo for photo in photos if photo.id not in bare and not photo.is_video]
        return replace(sighting, fresh=tuple(again))

    return [(Book, "sight", sight)]


@mutant
def ceiling_looked_at_after_paying() -> Sequence[Swap]:
    """The last purchase may be larger than what is left."""

    def fits(self: Any, units: int) -> bool:
        return self.ceiling is None or self.spent + self.reserved < self.ceiling

    return [(budget.Budget, "_fits", fits)]


@mutant
def ceiling_off_by_one() -> Sequence[Swap]:
    """One unit more than was allowed."""

    def fits(self: Any, units: int) -> bool:
        return self.ceiling is None or self.spent + self.reserved + units <= self.ceiling + 1

    return [(budget.Budget, "_fits", fits)]


@mutant
def doubtful_units_given_back() -> Sequence[Swap]:
    """What was perhaps billed can be spent again."""
    honest = Door._close

    async def close(self: Any, intent: Any, permit: Any, error: Any, *, sent: bool) -> None:
        await honest(self, intent, permit, error, sent=sent)
        if isinstance(error, AnswerLost):
            await self._budget.settle(0, spent=-intent.units)

    return [(Door, "_close", close)]


# Limits


@mutant
def paid_calls_unlimited() -> Sequence[Swap]:
    """As many paid calls as there are batches."""

    async def enter(self: Any) -> None:
        self.in_flight += 1

    return [(Adaptive, "enter", enter)]


@mutant
def downloads_unlimited() -> Sequence[Swap]:
    """Every worker there is downloads, slot or not, and there are too many."""

    async def attempt(self: Any, trial: Any, size: Any, hold: Any) -> Any:
        return await self._fetch(size, hold)

    honest = Run.__init__

    def init(self: Any, settings: Any, *given: Any, **named: Any) -> None:
        honest(self, settings.model_copy(update={"max_downloads": 9}), *given, **named)

    return [(Downloader, "_attempt", attempt), (Run, "__init__", init)]


@mutant
def outages_held_against_photos() -> Sequence[Swap]:
    """A photo that fails six times is given up, however all others fare meanwhile."""
    return [(download, "persist", partial(retrying.persist, attempts=luck.FEWEST))]


@mutant
def helpers_beside_all_workers() -> Sequence[Swap]:
    """Who is late is helped by one more, and not in the place of somebody who is done."""
    return [(Crew, "_helping", lambda _self: -9)]


def _unrecorded(costs: tuple[float, ...], now: float) -> quota.Permit:
    until = now + dimension.WINDOW
    return quota.Permit(now, [dimension.Spent(until, 0, cost, now) for cost in costs])


@mutant
def no_quota() -> Sequence[Swap]:
    """Nobody counts requests and images."""

    async def acquire(self: Any, *costs: float) -> Any:
        if self._closed:
            raise quota.QuotaClosed
        return _unrecorded(costs, self._clock())

    return [(quota.Quota, "acquire", acquire)]


@mutant
def window_of_a_minute_forgotten() -> Sequence[Swap]:
    """The bucket alone is asked: a burst on top of a full minute passes."""
    return [(dimension.Dimension, "_seconds_until_window", lambda *_given, **_named: 0.0)]


@mutant
def repeats_without_a_permit() -> Sequence[Swap]:
    """A second attempt does not count as a request."""
    honest = quota.Quota.acquire
    asked: set[float] = set()

    async def acquire(self: Any, *costs: float) -> Any:
        if self.refused and not self._closed and self.refused not in asked:
            return _unrecorded(costs, self._clock())
        return await honest(self, *costs)

    return [(quota.Quota, "acquire", acquire)]


@mutant
def retry_after_ignored() -> Sequence[Swap]:
    """The vendor's wish is heard and forgotten."""
    honest = quota.Quota.refuse

    def hint(error: BaseException) -> bool | float:
        return isinstance(error, Throttled | Unavailable)

    return [
        (quota.Quota, "refuse", _without_wish(honest)),
        (buyer, "retry_hint", hint),
    ]


# Stopping


@mutant
def stop_ignored_by_the_door() -> Sequence[Swap]:
    """A purchase is made all the same if the signal comes while its intent is written, or later."""
    honest = Door._require_leave

    def require_leave(self: Any) -> None:
        real = self._lifetime
        self._lifetime = _Deaf()
        try:
            honest(self)
        finally:
            self._lifetime = real

    return [(Door, "_require_leave", require_leave)]


@mutant
def quota_stays_open_when_stopping() -> Sequence[Swap]:
    """Those who wait for a permit get one although the run is stopping."""
    return [(quota.Quota, "close", lambda self: None), *stop_ignored_by_the_door()]


@mutant
def no_grace_for_paid_calls() -> Sequence[Swap]:
    """A signal cuts paid calls at once."""
    honest = lifetime.Lifetime.stop

    def stop(self: Any, reason: str, error: Any = None) -> None:
        honest(self, reason, error)
        self.cut()

    return [(lifetime.Lifetime, "stop", stop)]


@mutant
def no_end_of_the_grace_period() -> Sequence[Swap]:
    """After a signal paid calls are awaited, however long they take."""
    return [(lifetime.Lifetime, "cut", lambda _self: None)]


def _read_by(read: Any) -> Sequence[Swap]:
    """Answers are read by this instead: the client, too, has the name."""
    return [(where, "read_annotations", read) for where in (answers, client)]


def _sighting(**given: Any) -> listing.Sighting:
    """With nothing for what it does not name."""
    empty: dict[str, Any] = {
        field.name: 0 if field.type == "int" else () for field in fields(listing.Sighting)
    }
    return listing.Sighting(**(empty | given))


def _without_wish(refuse: Any) -> Any:
    return lambda quota, permit, **_: refuse(quota, permit)


@mutant
def ceiling_cuts_paid_calls() -> Sequence[Swap]:
    """The grace period of a signal begins at a ceiling, too, where nobody waits."""
    honest = lifetime.Lifetime.stop

    def stop(self: Any, reason: str, error: Any = None) -> None:
        honest(self, reason, error)
        if error is not None:
            asyncio.get_running_loop().call_later(self.drain, self.cut)

    return [(lifetime.Lifetime, "stop", stop)]


@mutant
def front_door_left_open() -> Sequence[Swap]:
    """Discovery that is stopped before its first step leaves its channel open."""
    return [(pipeline, "run", partial(_run, close=False))]


@mutant
def listing_error_cancels_paid_calls() -> Sequence[Swap]:
    """What ends the listing ends everything else at once."""
    return [(pipeline, "run", partial(_run, close=True))]


def _not_awaited(step: object) -> Sequence[Swap]:
    honest = Journal.write

    async def write(self: Any, work: Any) -> Any:
        if getattr(work, "func", None) is not step:
            return await honest(self, work)
        self.pending = asyncio.create_task(honest(self, work))
        return None

    return [(Journal, "write", write)]


def _taken_as_refusal(kind: type[IngestorError]) -> Sequence[Swap]:
    honest = meaning.state_after

    def state(error: IngestorError) -> PurchaseState:
        return PurchaseState.REFUSED if isinstance(error, kind) else honest(error)

    return [(door, "state_after", state)]


async def _run(
    channels: pipeline.Channels,
    *,
    close: bool,
    discover: Any,
    download: Any,
    annotate: Any,
    store: Any,
    lifetime: lifetime.Lifetime,
) -> None:
    async with asyncio.TaskGroup() as stages:
        door = stages.create_task(discover(channels.photos), name="discover")
        stages.create_task(download(channels.photos, channels.images), name="download")
        stages.create_task(annotate(channels.images, channels.published), name="annotate")
        stages.create_task(store(channels.published), name="store")
        with lifetime.at_stop(door.cancel):
            await asyncio.wait((door,))
            if close:
                channels.photos.close()


class _Deaf:
    stopping = False


def _settling(self: Any, intent: Any, settled: Settled) -> Any:
    return partial(
        ledger.settle_purchase,
        intent=intent,
        annotations=settled.annotations,
        failures=settled.failures,
        now=self._wall(),
    )
