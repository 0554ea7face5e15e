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
from typing import Final, Protocol

from ingestor import events
from ingestor.errors import (
    AddressRefused,
    IngestorError,
    NotSent,
    RunStopped,
    Throttled,
    TransportError,
    Unavailable,
    VendorError,
    reason_of,
    retry_hint,
    wish_of,
)
from ingestor.kits.channel import Channel
from ingestor.kits.crew import Crew
from ingestor.kits.lifetime import Lifetime, Stopping
from ingestor.kits.luck import Luck
from ingestor.kits.memory import Hold, Memory
from ingestor.kits.pacing import Adaptive
from ingestor.kits.retrying import LONGEST_WAIT, Repeat, persist
from ingestor.kits.tempo import Tempo
from ingestor.models import Failure, Image, Photo, Size


class Room(Protocol):
    """What a download has reserved; awaited before more than that is held."""

    @property
    def size(self) -> int: ...

    async def __call__(self, total: int) -> None: ...


Fetch = Callable[[Size, Room], Awaitable[bytes]]
"""One attempt at one rendition."""
Fail = Callable[[Failure], Awaitable[None]]

SEVERAL = 4
"""Photos that fail side by side, without any success, before the image server is to blame."""
IN_A_ROW = 32
"""
Photos given up for what may be everybody's trouble, without a picture between them, before it is taken for
that: where half of all are bad by themselves, one run in a hundred thousand meets so many (taste).
"""
OF_THE_PHOTO: Final = frozenset({"gone", "too-large", "url-refused"})
"""Answers that say something about one picture alone."""
FEWER: Final = {"not-an-image": 2, "corrupt": 2, "empty": 2}
"""Attempts where the answer itself is wrong: once more, in case it was a bad moment."""
STRAGGLING = 4.0
"""So many times as long as usual, and a download gives its slot to another, and goes on without."""
STRAGGLING_SECONDS = 0.1
"""The same at the least: below it nobody has to be let past. Taste."""
LOOK = 0.1
"""Seconds between two looks at who is late, and at what others meet with."""
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


class Downloader:
    """The workers' common ground: what is in flight, what is held, when it last went well."""

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
        self._succeeded_at = clock()
        self._served_since = float("-inf")
        """When the latest of the attempts that succeeded began."""
        self._luck = Luck()
        self._failing: set[str] = set()
        """Photos whose last attempt failed, and which are tried again."""
        self._given_up = 0
        """Photos, since the last picture."""
        self._turned_away: set[str] = set()
        """Photos that are to wait longer than we do; it is being found out whether others are, too."""
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

        Raises RunStopped when nobody has had a picture for as long as our patience lasts.
        """
        started = self._clock()
        failure = Failure(photo_id=photo.id, stage="download", reason="no-url")
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
        return failure

    async def _persist(self, photo: Photo, size: Size, hold: Hold) -> bytes | Failure:
        failed_at, tries, its_own = self._clock(), 0, 0

        def hint(error: BaseException) -> bool | float:
            nonlocal failed_at, its_own
            # Where nobody is served, or it was never sent, that says nothing of the photo.
            its_own += self._served_since > failed_at and not isinstance(error, NotSent)
            failed_at = self._clock()
            self._luck.tried(tries, failed=True)
            if its_own >= self._luck.too_many or tries >= FEWER.get(reason_of(error), float("inf")):
                return False
            self._failing.add(photo.id)
            return retry_hint(error)

        async def attempt() -> bytes:
            nonlocal tries
            tries += 1
            content = await self._attempt(photo, size, hold)
            self._luck.tried(tries, failed=False)
            return content

        await hold.reserve(_guess(size))
        try:
            return await persist(
                attempt,
                hint=hint,
                rest=self._lifetime.rest,
                patience=self._patience,
                proven=lambda: self._succeeded_at,
                clock=self._clock,
                noticed=self._noticed,
            )
        except (VendorError, TransportError) as error:
            await self._blame_the_server(photo, error)
            return Failure(
                photo_id=photo.id,
                stage="download",
                reason=reason_of(error),
                detail=str(error),
                attempts=tries,
            )
        finally:
            self._failing.discard(photo.id)

    async def _attempt(self, photo: Photo, size: Size, hold: Hold) -> bytes:
        epoch = await self._slots.enter()
        if self._tempo.watching:
            await self._take_turn()
        begun = self._clock()
        self._begun[hold] = begun, photo.id
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
                self._late.discard(photo.id)
        self._succeeded_at = self._clock()
        self._given_up = 0
        self._served_since = max(self._served_since, begun)
        newest = SMOOTHING if self._usual else 1.0
        self._usual += newest * (self._succeeded_at - begun - self._usual)
        return content

    async def _take_turn(self) -> None:
        try:
            await self._tempo.turn()
        except BaseException:
            self._slots.leave()
            raise

    def _slow_down(self, error: IngestorError, epoch: int) -> None:
        """For everybody: what the server wants of one of us, it wants of us all."""
        if _is_too_much(error):
            self._slots.too_much(epoch)
        if isinstance(error, Throttled | Unavailable) and reason_of(error) not in FEWER:
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

    async def _blame_the_server(self, photo: Photo, error: IngestorError) -> None:
        """Where it is no photo's fault the run is over."""
        if reason_of(error) not in OF_THE_PHOTO:
            self._given_up += 1
            # Of a certificate, or an address that is not the server's, no other photo has a better one.
            if isinstance(error, AddressRefused) or self._given_up >= IN_A_ROW:
                raise _unavailable("Not one picture is to be had", error) from error
        if retry_hint(error) is False or reason_of(error) in FEWER:
            return
        wish = wish_of(error)
        if wish > self._patience:
            if not await self._turns_all_away(photo):
                return
            said = f"The image server asks us to wait {wish:.0f} s"
        else:
            several = len(self._failing) >= SEVERAL or isinstance(error, NotSent)
            if not (several and self._nobody_succeeds(wish)):
                return
            said = f"No picture could be downloaded for {self._patience:.0f} s"
        raise _unavailable(said, error) from error

    def _nobody_succeeds(self, wish: float) -> bool:
        # The last wait that would have passed our patience is not waited for.
        return self._clock() - self._succeeded_at >= self._patience - LONGEST_WAIT - wish

    async def _turns_all_away(self, photo: Photo) -> bool:
        """
        Whether it serves nobody whom it hears after it has asked this photo to wait longer than we
        do. Where nobody else is left to ask for, that is taken for all.
        """
        since = self._clock()
        self._turned_away.add(photo.id)
        try:
            while self._clock() - since < LONGEST_WAIT and len(self._turned_away) < SEVERAL:
                if self._served_since > since:
                    return False
                await self._lifetime.rest(LOOK)
            return True
        finally:
            self._turned_away.discard(photo.id)

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


def _unavailable(said: str, error: IngestorError) -> RunStopped:
    return RunStopped(
        f"{said} ({error}). Nothing is lost; run the same command again when the image server answers.",
        reason="images-unavailable",
    )


def _is_too_much(error: IngestorError) -> bool:
    """What an overloaded server shows: refusals for speed, 503, timeouts."""
    return isinstance(error, Throttled) or reason_of(error) in ("unavailable", "timeout")
