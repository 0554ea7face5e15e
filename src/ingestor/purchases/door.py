"""
Every paid request goes through here: reserve, permit, intent, call, settle.

One call of `purchase` is one request. What it leaves in the journal is true at every moment: an
intent before anything is sent, the answer before anything else happens to it, and in between an open
purchase that whoever finds it must count as perhaps billed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial

from ingestor import events
from ingestor.errors import (
    IngestorError,
    JournalError,
    NotSent,
    RunStopped,
    Throttled,
    reason_of,
    wish_of,
)
from ingestor.journal import ledger
from ingestor.journal.writer import THEN_MAKE_ROOM, Journal
from ingestor.kits.breaker import Breaker, Exhausted
from ingestor.kits.lifetime import Lifetime, Stopping
from ingestor.kits.quota import Permit, Quota
from ingestor.models import FeatureSet, Image, PurchaseState
from ingestor.purchases.budget import Budget
from ingestor.purchases.claim import Claim, Unshared
from ingestor.purchases.meaning import Answer, Settled, judge, serves, state_after

MOST_ATTEMPTS = 4
"""Purchases that one image may be part of because of transient errors of its own."""
SMOOTHING = 0.2
"""Weight of the newest call in the smoothed latency: follows a change within about ten calls."""

AskVision = Callable[[Sequence[Image], Callable[[], None]], Awaitable[Sequence[Answer]]]
"""
The paid call itself: one answer for each image, in order, or an error of our tree. The function that it
is given is called right before anything is sent; where that raises, nothing is.
"""


class OneAtATime(Exception):
    """Vision serves nobody: whoever wants to know whether it does again asks about one image."""


class SettledUnsaved(JournalError):
    """The answer came and the disk refused it: paid, known, and only in memory."""

    def __init__(self, settled: Settled, cause: JournalError) -> None:
        super().__init__(*cause.args)
        self.settled = settled


class Door:
    """One per run; many tasks may pass at once."""

    def __init__(
        self,
        *,
        ask_vision: AskVision,
        journal: Journal,
        quota: Quota,
        budget: Budget,
        features: FeatureSet,
        run: int,
        name: Callable[[], str],
        lifetime: Lifetime,
        patience: float,
        wall: Callable[[], float],
        listen: events.Listener = events.ignore,
        claim: Claim | None = None,
        most_attempts: int = MOST_ATTEMPTS,
    ) -> None:
        """
        `name` makes purchase ids; `wall` is unix time; `most_attempts`:
        purchases of an image for errors of its own, each of which may have been billed.
        """
        self._claim = claim or Unshared()
        self._ask_vision = ask_vision
        self._journal = journal
        self._quota = quota
        self._budget = budget
        self._features = features
        self._run = run
        self._name = name
        self._lifetime = lifetime
        self._patience = patience
        self._clock = lifetime.clock
        self._wall = wall
        self._listen = listen
        self._most_attempts = most_attempts
        self.breaker = Breaker(clock=lifetime.clock, rest=lifetime.rest, patience=patience)
        self.answered_at = float("-inf")
        """The loop's time of the last usable answer."""
        self.latency = 0.0
        """
        Seconds from a permit to the answer on the disk, smoothed; 0 until the first one. A slow disk
        keeps a call's place as long as a slow upstream does.
        """

    async def purchase(self, images: Sequence[Image], *, attempt: int) -> Settled:
        """
        Make one paid request.

        Raises OneAtATime, ShortOfUnits or RunStopped before anything is spent, QuotaClosed or
        Stopping when the run stops first, the call's own error after the purchase was closed by what
        it means, and SettledUnsaved.
        """
        try:
            await self.breaker.leave_alone()
            self._require_trust(images)
            async with self.breaker.turn():
                return await self._purchase(images, attempt=attempt)
        except Exhausted as exhausted:
            raise _away(exhausted.wish, self._patience) from None

    async def _purchase(self, images: Sequence[Image], *, attempt: int) -> Settled:
        units = len(images) * self._features.units_per_image
        self._require_room()
        await self._claim.ready()
        await self._budget.reserve(units)
        try:
            permit, intent = await self._prepare(images, units, attempt)
        except BaseException:
            await self._budget.settle(units, spent=0)
            raise
        started = self._clock()
        sent = False

        def leaving() -> None:
            nonlocal sent
            self._let_go(permit)
            sent = True

        try:
            answers = await self._ask_vision(images, leaving)
        except IngestorError as error:
            await self._close(intent, permit, error, sent=sent)
            if isinstance(error, NotSent):
                self._require_going_on()
            raise
        except BaseException:
            await self._cut_short(intent, None if sent else permit)
            raise
        self._quota.answered(permit)
        # Paid for: from here to the journal nothing else is awaited.
        settled = await self._settle(intent, permit, answers, seconds=self._clock() - started)
        newest = SMOOTHING if self.latency else 1.0
        self.latency += newest * (self._clock() - permit.granted - self.latency)
        return settled

    async def _prepare(
        self, images: Sequence[Image], units: int, attempt: int
    ) -> tuple[Permit, ledger.Intent]:
        permit = await self._quota.acquire(1, len(images))
        try:
            # Others may have found out while we waited for it.
            self._require_trust(images)
            return permit, await self._open(images, units, attempt)
        except BaseException:
            self._quota.give_back(permit)
            raise

    async def _open(self, images: Sequence[Image], units: int, attempt: int) -> ledger.Intent:
        intent = ledger.Intent(
            id=self._name(),
            run=self._run,
            at=self._wall(),
            features=self._features.key,
            attempt=attempt,
            units=units,
            images=tuple(images),
            epoch=self._claim.epoch,
        )
        await self._journal.write(partial(ledger.open_purchase, intent=intent))
        try:
            self._require_leave()
        except NotSent as error:
            await self._take_back(intent, error.reason)
            self._require_going_on()
            raise
        self._listen(
            events.BatchSent(
                purchase=intent.id,
                images=len(images),
                units=units,
                attempt=attempt,
                ids=tuple(image.photo.id for image in images),
            )
        )
        return intent

    def _let_go(self, permit: Permit) -> None:
        """Asked with a connection at hand, right before the first byte leaves. Raises NotSent."""
        self._require_leave()
        if not self._quota.may_leave(permit):
            raise NotSent("It took so long that its permit is over.", reason="late")

    def _require_leave(self) -> None:
        """
        What may have changed since the purchase began: while its intent was written, and once more
        while a token was renewed and a connection made. Raises NotSent.
        """
        if self._lifetime.stopping:
            raise NotSent("The run was told to stop.", reason="stopping")
        if self._journal.full is not None or self._journal.broken is not None:
            raise NotSent("The disk may not take the answer.", reason="disk-full")
        if self._journal.gone is not None:
            raise NotSent("Nobody would find the answer again.", reason="journal")
        if not self._claim.safe:
            # We were frozen, or waited long: somebody else may be about to buy the same.
            raise NotSent("The lease has to be renewed before anything is bought.", reason="lease")

    def _require_trust(self, images: Sequence[Image]) -> None:
        if self.breaker.open and len(images) > 1:
            raise OneAtATime

    def _require_going_on(self) -> None:
        """Whether a repeat makes sense. Raises Stopping, or what `_require_room` does."""
        if self._lifetime.stopping:
            raise Stopping
        self._require_room()

    def _require_room(self) -> None:
        """What is left is for answers in flight. Raises RunStopped, or JournalError for a lost file."""
        if self._journal.gone is not None:
            raise self._journal.gone
        if self._journal.full is not None:
            raise RunStopped(self._journal.full, reason="disk-full", then=THEN_MAKE_ROOM)

    async def _settle(
        self, intent: ledger.Intent, permit: Permit, answers: Sequence[Answer], *, seconds: float
    ) -> Settled:
        settled = judge(intent, answers, most_attempts=self._most_attempts)
        try:
            await self._journal.write(
                partial(
                    ledger.settle_purchase,
                    intent=intent,
                    annotations=settled.annotations,
                    failures=settled.failures,
                    now=self._wall(),
                )
            )
        except JournalError as error:
            raise SettledUnsaved(settled, error) from error
        finally:
            # Whatever the disk said, it is spent, and others wait to hear of it.
            await self._budget.settle(intent.units, spent=intent.units)
        if serves(answers):
            self.answered_at = self._clock()
            self.breaker.succeeded(begun=permit.granted)
        else:
            self.breaker.failed(begun=permit.granted)
        self._listen(
            events.BatchSettled(
                purchase=intent.id,
                annotated=len(settled.annotations),
                failed=len(intent.images) - len(settled.annotations),
                seconds=seconds,
            )
        )
        return settled

    async def _close(
        self, intent: ledger.Intent, permit: Permit, error: IngestorError, *, sent: bool
    ) -> None:
        """Close a purchase that brought no answer, by what the error means for the money."""
        state = state_after(error)
        doubtful = state is PurchaseState.IN_DOUBT
        if state is PurchaseState.NOT_SENT and not sent:
            # One that was refused for its token, which could not be renewed, used its quota.
            self._quota.give_back(permit)
        elif isinstance(error, Throttled):
            self._slow_down(permit, error)
        else:
            # A refusal is made more quickly than labels are: neither says how quick those can be.
            self._quota.answered(permit, in_doubt=True)
        if doubtful:
            self.breaker.failed(begun=permit.granted, wish=wish_of(error))
        try:
            await self._write_close(intent, state, reason_of(error))
        finally:
            await self._budget.settle(intent.units, spent=intent.units if doubtful else 0)
        if doubtful:
            self._listen(
                events.PurchaseInDoubt(
                    purchase=intent.id, images=len(intent.images), reason=reason_of(error)
                )
            )
        else:
            self._tell_unbilled(intent, reason_of(error))

    async def _cut_short(self, intent: ledger.Intent, unused: Permit | None) -> None:
        """Once it is sent, and its permit used, it is perhaps billed, and the journal keeps it open."""
        spent = intent.units
        try:
            if unused is not None:
                self._quota.give_back(unused)
                with suppress(JournalError):
                    await self._take_back(intent, "cut-short")
                    spent = 0
        finally:
            # Others wait to hear of it, whoever is cut short once more.
            await self._budget.settle(intent.units, spent=spent)

    async def _take_back(self, intent: ledger.Intent, reason: str) -> None:
        await self._write_close(intent, PurchaseState.NOT_SENT, reason)
        self._tell_unbilled(intent, reason)

    def _tell_unbilled(self, intent: ledger.Intent, reason: str) -> None:
        self._listen(
            events.PurchaseUnbilled(purchase=intent.id, images=len(intent.images), reason=reason)
        )

    async def _write_close(self, intent: ledger.Intent, state: PurchaseState, reason: str) -> None:
        await self._journal.write(
            partial(
                ledger.close_purchase, intent=intent, state=state, reason=reason, now=self._wall()
            )
        )

    def _slow_down(self, permit: Permit, error: Throttled) -> None:
        # A wish beyond our patience ends the run through the retries; it must not freeze the quota.
        wish = None if error.retry_after is None else min(error.retry_after, self._patience)
        if self._quota.refuse(permit, retry_after=wish):
            self._listen(events.UpstreamThrottled(upstream="vision", rate=self._quota.rate))


def _away(wish: float, patience: float) -> RunStopped:
    said = f"asks us to wait {wish:.0f} s" if wish else f"has served nobody for {patience:.0f} s"
    return RunStopped(
        f"Vision {said}.",
        reason="vision-unavailable",
        then="Everything bought is saved; run the same command again later.",
    )
