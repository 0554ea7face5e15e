"""
Photos in, images out: bytes held in memory, so many at a time and so many bytes.

Memory is reserved before a download starts and stays reserved until whoever takes the image gives it
back. Concurrency adapts to an image server that throttles on its own, and to a machine that is busy. One
slow picture delays nobody: every worker has one photo in hand, and a retry waits without holding a slot.
Nor does it delay the end: when nothing is left to begin it is asked for once more, and the quicker counts.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from functools import partial

from ingestor import events
from ingestor.errors import (
    IngestorError,
    Throttled,
    TransportError,
    Unavailable,
    VendorError,
    reason_of,
    wish_of,
)
from ingestor.kits.channel import Channel
from ingestor.kits.crew import Crew
from ingestor.kits.lifetime import Lifetime, Stopping
from ingestor.kits.memory import Hold, Memory
from ingestor.kits.pacing import Adaptive
from ingestor.kits.retrying import Repeat, persist
from ingestor.kits.tempo import Tempo
from ingestor.models import Failure, Image, Photo, Size
from ingestor.stages.blame import FEWER, Blame, Trial

STRAGGLING = 4.0
"""So many times as long as usual, and a download gives its slot to another, and goes on without."""
STRAGGLING_SECONDS = 0.1
"""The same at the least: below it nobody has to be let past. Taste."""
LOOK = 0.1
"""Seconds between two looks at who is late."""
LATE = 0.005
"""
Seconds that the loop comes late to a timer where the CPU is what binds: it does half of the time at full
speed with eight downloads, and once in a hundred with 64 while most of the time is waiting (measured).
"""
SMOOTHING = 0.05
"""The weight of the newest download in what is usual; taste."""
SMALLEST_GUESS = 64_000
"""Bytes reserved where the listing names no measures."""
BYTES_PER_PIXEL = 0.5
"""Twice what Flickr's 640 px JPEGs were seen to need; what is larger grows as it is read."""


Fetch = Callable[[Size, Hold], Awaitable[bytes]]
"""One attempt at one rendition; what is held of it has to be awaited before it grows."""
Fail = Callable[[Failure], Awaitable[None]]


class Downloader:
    """The workers' common ground: what is in flight, what is held, and who is late."""

    def __init__(
        self,
        *,
        fetch: Fetch,
        slots: Adaptive,
        memory: Memory,
        lifetime: Lifetime,
        patience: float,
        clock: Callable[[], float],
        listen: events.Listener,
    ) -> None:
        self._fetch = fetch
        self._slots = slots
        self._memory = memory
        self._lifetime = lifetime
        self._patience = patience
        self._clock = clock
        self._listen = listen
        self._blame = Blame(lifetime=lifetime, patience=patience, clock=clock)
        self._tempo = Tempo(clock=clock)
        self._begun: dict[Hold, tuple[float, str]] = {}
        """Since when each download holds its slot, and of which photo; the oldest first."""
        self._late: set[str] = set()
        """Photos whose downloads gave their slots to others, and go on."""
        self._usual = 0.0
        """Seconds of a download, smoothed; 0 until the first one."""
        self._look: asyncio.TimerHandle | None = None
        self._due = 0.0
        """When the next look is to be, by the clock."""

    def is_late(self, photo: Photo) -> bool:
        """Whether it takes much longer than usual, and is not waiting for another try."""
        return photo.id in self._late

    async def image_of(self, photo: Photo) -> Image | Failure:
        """
        Download one photo in the first rendition that fits.

        Raises RunStopped where it is no fault of the photo's that there is none.
        """
        started = self._clock()
        failure: Failure | None = None
        for size in photo.sizes:
            hold = Hold(self._memory)
            try:
                content = await self._persist(photo, size, hold)
            except BaseException:
                hold.release()
                raise
            if isinstance(content, bytes):
                length = len(content)
                hold.shrink(length)
                self._listen(
                    events.ImageDownloaded(
                        photo=photo.id, size=length, seconds=self._clock() - started
                    )
                )
                return Image(
                    photo=photo,
                    content=content,
                    sha256=hashlib.sha256(content).hexdigest(),
                    size=size,
                    reserved=hold.size,
                )
            hold.release()
            failure = content
            if failure.reason != "too-large":
                break
        return failure or Failure(photo_id=photo.id, stage="download", reason="no-url")

    async def _persist(self, photo: Photo, size: Size, hold: Hold) -> bytes | Failure:
        blame, trial = self._blame, Trial(photo.id, failed_at=self._clock())
        await hold.reserve(_guess(size))
        try:
            return await persist(
                partial(self._attempt, trial, size, hold),
                hint=partial(blame.failed, trial),
                rest=self._lifetime.rest,
                patience=self._patience,
                proven=lambda: blame.served_at,
                clock=self._clock,
                noticed=self._noticed,
            )
        except (VendorError, TransportError) as error:
            await blame.given_up(trial, error)
            return Failure(
                photo_id=photo.id,
                stage="download",
                reason=reason_of(error),
                detail=str(error),
                attempts=trial.tries,
            )
        finally:
            blame.over(trial)

    async def _attempt(self, trial: Trial, size: Size, hold: Hold) -> bytes:
        trial.tries += 1
        epoch = await self._slots.enter()
        if self._tempo.watching:
            await self._take_turn()
        begun = self._clock()
        self._begun[hold] = begun, trial.photo
        if self._look is None:
            self._look_later()
        try:
            content = await self._fetch(size, hold)
            self._slots.succeeded()
            if self._tempo.watching:
                self._tempo.served()
        except (Throttled, Unavailable, TransportError) as error:
            self._slow_down(error, epoch)
            raise
        finally:
            if self._begun.pop(hold, None) is not None:
                self._slots.leave()
            else:
                self._late.discard(trial.photo)
        now = self._clock()
        self._blame.served(trial, begun=begun, now=now)
        newest = SMOOTHING if self._usual else 1.0
        self._usual += newest * (now - begun - self._usual)
        return content

    async def _take_turn(self) -> None:
        try:
            await self._tempo.turn()
        except BaseException:
            self._slots.leave()
            raise

    def _slow_down(self, error: IngestorError, epoch: int) -> None:
        """
        For everybody: what the server wants of one of us, it wants of us all. Where a few are refused
        whatever is asked, fewer at once would be refused as well.
        """
        refused = isinstance(error, Throttled | Unavailable) and reason_of(error) not in FEWER
        if _is_too_much(error) and not (refused and self._tempo.weather):
            self._slots.too_much(epoch)
        if refused:
            wait = wish_of(error)
            # A wish that passes our patience is the run's end, which waiting would only put off.
            self._tempo.refused(wait=wait if wait <= self._patience else 0.0)

    def _look_later(self) -> None:
        self._due = self._clock() + LOOK
        self._look = asyncio.get_running_loop().call_later(LOOK, self._look_around)

    def _look_around(self) -> None:
        """One timer for all costs a picture nothing."""
        self._look = None
        if self._clock() - self._due > LATE:
            self._slots.strained()
        else:
            self._slots.relieved()
        self._pass_stragglers()
        if self._begun:
            self._look_later()

    def _pass_stragglers(self) -> None:
        """
        Let others have the slots of downloads that take much longer than usual.

        Where the image server throttles there are few slots, and a few pictures that trickle would
        hold up all others until they are given up.
        """
        latest = self._clock() - max(STRAGGLING_SECONDS, STRAGGLING * self._usual)
        late = [hold for hold, (begun, _) in self._begun.items() if begun <= latest and self._usual]
        for hold in late:
            _, photo = self._begun.pop(hold)
            self._late.add(photo)
            self._slots.leave()

    def _noticed(self, repeat: Repeat) -> None:
        self._listen(events.RetryScheduled.of(upstream="images", **repeat._asdict()))


async def download(
    photos: Channel[Photo],
    images: Channel[Image],
    *,
    image_of: Callable[[Photo], Awaitable[Image | Failure]],
    is_late: Callable[[Photo], bool],
    failed: Fail,
    workers: int,
    lifetime: Lifetime,
) -> None:
    """
    Turn every photo into an image or a failure; owns `images`.

    On stopping, downloads in flight are cancelled and the photos that still come are let go.
    """
    # What concerns the run stops it, and is not raised: other stages have paid calls in flight.

    async def make(photo: Photo) -> Image | Failure | None:
        try:
            return await image_of(photo)
        except Stopping:
            return None
        except IngestorError as error:
            lifetime.stop(reason_of(error), error)
            return None

    async def deliver(result: Image | Failure | None) -> None:
        try:
            match result:
                case Failure():
                    await failed(result)
                case Image():
                    await images.send(result)
        except IngestorError as error:
            lifetime.stop(reason_of(error), error)

    crew = Crew(
        workers,
        make=make,
        deliver=deliver,
        is_late=is_late,
        # Of two, the one that goes on may have a picture yet.
        counts=lambda result: isinstance(result, Image),
        name="download",
    )
    async with images:
        with lifetime.at_stop(crew.stop):
            await crew.work(photos)
        # Only when stopping is anything left: it stays pending in the journal.
        async for _ in photos:
            pass


def _guess(size: Size) -> int:
    return max(SMALLEST_GUESS, int(size.width * size.height * BYTES_PER_PIXEL))


def _is_too_much(error: IngestorError) -> bool:
    """What an overloaded server shows: refusals for speed, 503, timeouts."""
    return isinstance(error, Throttled) or reason_of(error) in ("unavailable", "timeout")
