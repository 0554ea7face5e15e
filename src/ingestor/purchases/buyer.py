"""
What follows from a purchase: repeats that are free, halves, single images, doubt.

A batch enters, and every image of it leaves with an outcome, unless the run is stopping: then those
without one stay pending in the journal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ingestor import events
from ingestor.errors import (
    AddressRefused,
    AnswerLost,
    IngestorError,
    NotSent,
    Rejected,
    RunStopped,
    Throttled,
    Unauthorized,
    Unavailable,
    denied_by_place,
    reason_of,
    retry_hint,
)
from ingestor.journal import dead, results
from ingestor.journal.writer import Journal
from ingestor.kits.lifetime import Lifetime, Stopping
from ingestor.kits.quota import QuotaClosed
from ingestor.kits.retrying import FIRST_WAIT, Hint, Repeat, persist
from ingestor.models import Annotation, Failure, FeatureSet, Image, Paid, Published
from ingestor.purchases.budget import DoubtAllowance, ShortOfUnits
from ingestor.purchases.door import Door, OneAtATime, SettledUnsaved
from ingestor.purchases.meaning import Settled

MOST_REFUSALS = 1_000
"""
Attempts at one batch that were refused or never sent; they cost nothing but patience, and a worker's
hour has room for 240.
"""
MOST_UNAVAILABLE = 3
"""Repeats after Google's own 503: each may have been billed, so they are few, and none of a doubt."""

MOST_REFUSED = 16
"""Images refused one by one until all are thought to be: in a row, as many as one request has."""

Outcome = Published | Failure


@dataclass(slots=True)
class _Batch:
    """Images on their way, and what they have been through."""

    images: Sequence[Image]
    outcomes: list[Outcome]
    """What has become of them, and of the others that they came with."""
    attempt: int = 1
    doubted: bool = False


class Buyer:
    """One per run; `annotate` may be called by many tasks at once."""

    def __init__(
        self,
        *,
        door: Door,
        journal: Journal,
        doubts: DoubtAllowance,
        features: FeatureSet,
        lifetime: Lifetime,
        patience: float,
        wall: Callable[[], float],
        listen: events.Listener = events.ignore,
    ) -> None:
        self._door = door
        self._journal = journal
        self._doubts = doubts
        self._features = features
        self._lifetime = lifetime
        self._patience = patience
        self._wall = wall
        self._listen = listen
        self._refused = 0
        """Images that were refused alone, since the last answer."""
        self._answered_at = door.answered_at
        self._being_bought: dict[str, asyncio.Event] = {}
        """By content: set when the purchase it is part of is over, however it ended."""

    async def annotate(self, images: Sequence[Image]) -> list[Outcome]:
        """
        Have images annotated, buying only what is not known.

        An error that concerns the run stops it (`Lifetime.stop`) and is not raised: what other
        purchases brought must still be stored.
        """
        outcomes: list[Outcome] = []
        try:
            await self._annotate_unknown(images, outcomes)
        except (Stopping, QuotaClosed):
            pass
        except IngestorError as error:
            self._lifetime.stop(reason_of(error), error)
        return outcomes

    async def _annotate_unknown(self, images: Sequence[Image], outcomes: list[Outcome]) -> None:
        """Take what the same bytes taught us before, or are about to; of equal images buy one."""
        known = await self._journal.write(
            partial(results.reuse_all, images=images, features=self._features.key, now=self._wall())
        )
        unknown: dict[str, Image] = {}
        twins: list[Image] = []
        for image, annotation in zip(images, known, strict=True):
            if annotation is not None:
                outcomes.append(_published(image, annotation))
                self._listen(events.AnnotationReused(photo=image.photo.id))
            elif image.sha256 in unknown or image.sha256 in self._being_bought:
                twins.append(image)
            else:
                unknown[image.sha256] = image
        if unknown:
            await self._buy_contents(unknown, outcomes)
        if twins:
            # Ours are bought by now, so nobody who waits for us can keep us waiting.
            others = {self._being_bought.get(image.sha256) for image in twins} - {None}
            await asyncio.gather(*(bought.wait() for bought in others if bought))
            await self._annotate_unknown(twins, outcomes)

    async def _buy_contents(self, contents: Mapping[str, Image], outcomes: list[Outcome]) -> None:
        """Buy images of different contents, known to all other batches as being bought."""
        bought = asyncio.Event()
        self._being_bought |= dict.fromkeys(contents, bought)
        try:
            await self._buy(_Batch(list(contents.values()), outcomes))
        finally:
            for content in contents:
                del self._being_bought[content]
            bought.set()

    async def _buy(self, batch: _Batch) -> None:
        """Buy a batch, and whatever has to follow."""
        try:
            settled = await self._purchase(batch)
        except ShortOfUnits as short:
            await self._buy_in_parts(batch, short.left // self._features.units_per_image)
        except OneAtATime:
            await self._buy_in_parts(batch, 1)
        except Rejected as error:
            await self._isolate(batch, error)
        except (AnswerLost, Unavailable) as error:
            await self._doubt(batch, error)
        except (Throttled, NotSent) as error:
            raise _out_of_patience(error, self._patience) from error
        except SettledUnsaved as error:
            self._take(error.settled, batch)
            raise
        except AddressRefused as error:
            raise denied_by_place(error, upstream="vision") from error
        else:
            self._take(settled, batch)
            if settled.again:
                await self._lifetime.rest(FIRST_WAIT * 2.0 ** (batch.attempt - 1))
                await self._buy(replace(batch, images=settled.again, attempt=batch.attempt + 1))

    async def _purchase(self, batch: _Batch) -> Settled:
        """Repeat until there is an answer, as long as repeating costs nothing, or nearly."""
        again = 0 if self._doubts.none or batch.doubted else MOST_UNAVAILABLE
        return await persist(
            lambda: self._door.purchase(batch.images, attempt=batch.attempt),
            hint=_free_to_repeat(again),
            rest=self._lifetime.rest,
            patience=self._patience,
            proven=lambda: self._door.answered_at,
            clock=self._lifetime.clock,
            attempts=MOST_REFUSALS,
            noticed=self._noticed,
        )

    async def _buy_in_parts(self, batch: _Batch, affordable: int) -> None:
        """
        The last units of a ceiling buy what they can; the next reservation ends the run. And where
        nobody knows whether Vision serves us, one image goes before the others.
        """
        for part in _split(batch, max(1, min(affordable, len(batch.images) - 1))):
            await self._buy(part)

    async def _isolate(self, batch: _Batch, error: Rejected) -> None:
        """A refused batch is not billed: halve it until the image that spoils it is alone."""
        if len(batch.images) == 1:
            self._require_some_sense(error)
            await self._bury(batch, error=error, reason=f"vision-{error.reason}", paid="no")
            return
        for half in _split(batch, len(batch.images) // 2):
            await self._buy(half)

    def _require_some_sense(self, error: Rejected) -> None:
        """Where one image after another is refused, and none is taken, it is not the images."""
        if self._answered_at != self._door.answered_at:
            self._refused, self._answered_at = 0, self._door.answered_at
        self._refused += 1
        if self._refused >= MOST_REFUSED:
            raise RunStopped(
                f"Vision refuses every image ({error}).",
                reason="vision-refuses",
                then="None of these was bought; find out why before running the same command again.",
            )

    async def _doubt(self, batch: _Batch, error: AnswerLost | Unavailable) -> None:
        """Nobody here can know whether it was billed: repeat once if the allowance lasts, or park."""
        if self._lifetime.stopping:
            raise Stopping
        if batch.doubted or not self._doubts.allow(len(batch.images)):
            await self._bury(batch, error=error, reason="in-doubt", paid="maybe")
            return
        # A wrong count says that answers and images cannot be matched: alone they can.
        alone = error.reason == "wrong-count"
        parts = [[image] for image in batch.images] if alone else [batch.images]
        for part in parts:
            again = replace(batch, images=part, attempt=batch.attempt + 1, doubted=True)
            await self._buy(again)

    async def _bury(self, batch: _Batch, *, error: IngestorError, reason: str, paid: Paid) -> None:
        failures = [
            Failure(
                photo_id=image.photo.id,
                stage="annotate",
                reason=reason,
                detail=str(error),
                attempts=batch.attempt,
                paid=paid,
            )
            for image in batch.images
        ]
        await self._journal.write(partial(dead.fail_all, failures=failures, now=self._wall()))
        self._end(failures, batch)

    def _take(self, settled: Settled, batch: _Batch) -> None:
        images = {image.photo.id: image for image in batch.images}
        batch.outcomes += [_published(images[one.photo_id], one) for one in settled.annotations]
        self._end(settled.failures, batch)
        self._doubts.bought += len(settled.annotations)

    def _end(self, failures: Sequence[Failure], batch: _Batch) -> None:
        batch.outcomes += failures
        for failure in failures:
            self._listen(events.PhotoFailed.of(failure))

    def _noticed(self, repeat: Repeat) -> None:
        self._listen(events.RetryScheduled.of(upstream="vision", **repeat._asdict()))


def _free_to_repeat(most_unavailable: int) -> Hint:
    """
    A hint for one batch: refusals and what was never sent, a few times Google's own 503 (which may
    have been billed), and once a credential that has been renewed since.
    """
    unavailable = unauthorized = 0

    def hint(error: BaseException) -> bool | float:
        nonlocal unavailable, unauthorized
        if isinstance(error, Unauthorized):
            unauthorized += 1
            return unauthorized == 1
        if isinstance(error, Unavailable) and error.reason == "unavailable":
            unavailable += 1
            return retry_hint(error) if unavailable <= most_unavailable else False
        if isinstance(error, NotSent | Throttled) and error.reason != "daily-quota":
            return retry_hint(error)
        return False

    return hint


def _split(batch: _Batch, at: int) -> tuple[_Batch, _Batch]:
    return replace(batch, images=batch.images[:at]), replace(batch, images=batch.images[at:])


def _out_of_patience(error: Throttled | NotSent, patience: float) -> RunStopped:
    why = str(error).rstrip(".")
    if error.reason == "daily-quota":
        return RunStopped(
            f"A daily quota of Google's is used up until midnight Pacific time ({why}).",
            reason=error.reason,
            then="Everything bought is saved; run the same command again after that.",
        )
    if isinstance(error, Throttled):
        return RunStopped(
            f"Vision kept refusing for speed ({why}).",
            reason=error.reason,
            then="Everything bought is saved; run the same command again later.",
        )
    return RunStopped(
        f"Vision could not be reached for {patience:.0f} s ({why}).",
        reason="vision-unreachable",
        then="Nothing is lost; run the same command again when the network is back.",
    )


def _published(image: Image, annotation: Annotation) -> Published:
    return Published(photo=image.photo, size=image.size, annotation=annotation)
