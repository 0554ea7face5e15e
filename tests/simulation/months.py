"""
What a worker lives in for months, in virtual time: pools that grow and shrink, a network that goes
away, clocks that jump. Of every photo only a few bytes are kept, so that memory that grows is the
worker's.
"""

from __future__ import annotations

import asyncio
from array import array
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ingestor import events
from ingestor.errors import Denied, NotSent, Throttled
from ingestor.journal.writer import Journal
from ingestor.kits.lifetime import Lifetime
from ingestor.models import Annotation, FeatureSet, Image, Label, Photo, Size
from ingestor.sandbox.quotas import Quotas
from ingestor.services import PHOTOS_PER_PAGE, Group, ListedPage, Politely, Services
from ingestor.settings import Settings
from ingestor.worker import Worker
from tests.inline import Inline, nothing_aside
from tests.simulation.loop import LongLoop

FIRST_DAY: Final = 1_790_000_000.0
"""Unix time at the loop's zero, where no clock has jumped."""
HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
COMMIT: Final = 0.0005
"""Seconds."""
SPACING: Final = 60
"""Seconds between the photos that were there before the worker came."""
DIGITS: Final = 7
"""Of a photo's number, behind its group's, in its id."""
WORDS: Final = ("Cat", "Dog", "Owl", "Fox", "Bee", "Elk", "Ape", "Eel")
FEATURES: Final = FeatureSet(max_labels=10)


class Pool:
    """One group's photos. They are numbered as they come; the number is part of the id."""

    def __init__(self, *, size: int) -> None:
        self.rows = array("q", reversed(range(size)))
        """Numbers, newest first."""
        self.dates = array("d", (FIRST_DAY - SPACING * (size - number) for number in range(size)))
        self.shown = bytearray(size)
        self.bought = bytearray(size)
        """How often, by number."""

    def arrive(self, count: int, *, unix: float) -> None:
        first = len(self.dates)
        self.dates.extend([unix] * count)
        self.shown.extend(bytes(count))
        self.bought.extend(bytes(count))
        self.rows[:0] = array("q", reversed(range(first, first + count)))

    def leave(self, numbers: Iterable[int]) -> None:
        gone = set(numbers)
        self.rows = array("q", (number for number in self.rows if number not in gone))


@dataclass(slots=True)
class Outside:
    """The upstreams, and what they will remember when a worker is gone."""

    pools: dict[str, Pool]
    """By NSID."""
    clock: Callable[[], float] = float
    clock_is_wrong_by: float = 0.0
    away: list[tuple[float, float]] = field(default_factory=list)
    """When nothing can be reached, by the loop's time."""
    gone: set[str] = field(default_factory=set)
    """Groups that nobody finds any more."""
    vision_hangs: bool = False
    quotas: Quotas | None = None
    """What Vision allows, if that is less than the worker believes."""
    refusals: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    listings: list[tuple[float, str, int]] | None = None
    """(time, group, page) of each, if somebody wants to know."""
    annotated: Callable[[str, int], None] = lambda _group, _number: None

    def time(self) -> float:
        """The loop's, of whatever life."""
        return self.clock()

    def wall(self) -> float:
        return FIRST_DAY + self.clock() + self.clock_is_wrong_by

    @property
    def units(self) -> int:
        return sum(sum(pool.bought) for pool in self.pools.values())

    def unbought(self) -> int:
        """Photos that are there and have no annotation."""
        return sum(not pool.bought[number] for pool in self.pools.values() for number in pool.rows)

    def most_for_one_photo(self) -> int:
        return max(max(pool.bought, default=0) for pool in self.pools.values())

    @asynccontextmanager
    async def open(
        self, settings: Settings, *, lifetime: Lifetime, listen: events.Listener
    ) -> AsyncIterator[Services]:
        politely = Politely(
            lifetime=lifetime,
            patience=settings.patience,
            listen=listen,
            flickr_calls_per_hour=settings.flickr_calls_per_hour,
        )
        yield Services(
            lookup=lambda name: politely("flickr", lambda: self._lookup(name)),
            list_page=lambda group, page: politely("flickr", lambda: self._page(group, page)),
            fetch=self._fetch,
            ask_vision=self._annotate,
            update=None,
            target="catalog",
        )

    async def _asked(self, upstream: str, *, seconds: float) -> None:
        if any(start <= self.clock() < end for start, end in self.away):
            raise NotSent("no route to host", reason="connect")
        self.calls[upstream] += 1
        await asyncio.sleep(seconds)

    async def _lookup(self, name: str) -> Group:
        await self._asked("flickr", seconds=0.2)
        self._be_there(name)
        return Group(id=name, name=f"The {name}")

    def _be_there(self, name: str) -> None:
        if name in self.gone:
            raise Denied("Group not found", upstream="flickr", reason="group-not-found")

    async def _page(self, group: str, number: int) -> ListedPage:
        await self._asked("flickr", seconds=0.2)
        self._be_there(group)
        if self.listings is not None:
            self.listings.append((self.clock(), group, number))
        pool = self.pools[group]
        at = (number - 1) * PHOTOS_PER_PAGE
        numbers = pool.rows[at : at + PHOTOS_PER_PAGE]
        for shown in numbers:
            pool.shown[shown] = 1
        return ListedPage(
            pages=-(-len(pool.rows) // PHOTOS_PER_PAGE),
            total=len(pool.rows),
            rows=[a_photo(group, number, added=int(pool.dates[number])) for number in numbers],
        )

    async def _fetch(self, size: Size, _room: Callable[[int], Awaitable[None]]) -> bytes:
        await self._asked("images", seconds=0.1)
        return size.url.encode()

    async def _annotate(
        self, images: Sequence[Image], leaving: Callable[[], None]
    ) -> list[Annotation]:
        leaving()
        await self._asked("vision", seconds=0.8)
        if self.quotas and self.quotas.admit(len(images)):
            self.refusals += 1
            raise Throttled("quota exceeded", upstream="vision")
        if self.vision_hangs:
            await asyncio.sleep(DAY)
        for image in images:
            group, number = image.photo.group, int(image.photo.id[-DIGITS:])
            self.pools[group].bought[number] += 1
            self.annotated(group, number)
        return [an_annotation(image) for image in images]


def a_photo(group: str, number: int, *, added: int) -> Photo:
    id_ = f"{group.partition('@')[0]}{number:0{DIGITS}}"
    return Photo(
        id=id_,
        group=group,
        owner="12345678@N00",
        owner_name="Jane",
        title=f"Photo {number}",
        page=f"https://www.flickr.com/photos/12345678@N00/{id_}/",
        sizes=(Size(url=f"https://live.staticflickr.com/1/{id_}_z.jpg", width=640, height=480),),
        thumb=f"https://live.staticflickr.com/1/{id_}_n.jpg",
        license="4",
        uploaded=added - 5,
        date_added=added,
    )


def an_annotation(image: Image) -> Annotation:
    first, second = image.sha256[0], image.sha256[1]
    names = dict.fromkeys(WORDS[int(letter, 16) % 8] for letter in (first, second))
    return Annotation(
        photo_id=image.photo.id,
        labels=tuple(Label(name=name, score=0.9, topicality=0.9, mid="") for name in names),
        safe=None,
        model="builtin/stable",
        sha256=image.sha256,
        features=FEATURES.key,
    )


@dataclass(slots=True, kw_only=True)
class Life:
    """One worker process, from its start until it is told to stop."""

    outside: Outside
    state: Path
    listen: events.Listener = events.ignore
    given: dict[str, Any] = field(default_factory=dict)
    """Settings other than the usual."""
    plan: Sequence[tuple[float, Callable[[Life], object]]] = ()
    """What happens so many seconds after the start."""
    loop: LongLoop = field(init=False)
    lifetime: Lifetime = field(init=False)
    worker: Worker = field(init=False)

    def run(self, *, seconds: float) -> float:
        """Returns the time between the signal, so many seconds from the start, and the end."""
        start = self.outside.clock()
        self.loop = LongLoop(start=start, crash_at=None, latency=lambda: COMMIT)
        self.outside.clock = self.loop.time
        with nothing_aside():
            self.loop.run(self._main(seconds))
        assert not self.loop.complaints, self.loop.complaints
        return self.loop.time() - start - seconds

    async def _main(self, seconds: float) -> None:
        settings = self._settings()
        self.lifetime = Lifetime(drain=settings.drain)
        self.loop.call_later(seconds, self.lifetime.stop, "SIGTERM")
        for when, what in self.plan:
            self.loop.call_later(when, what, self)
        async with (
            Journal(settings.journal_path, thread=Inline()) as journal,
            self.outside.open(settings, lifetime=self.lifetime, listen=self.listen) as services,
        ):
            self.worker = Worker(
                settings,
                journal,
                services,
                lifetime=self.lifetime,
                listen=self.listen,
                wall=self.outside.wall,
                dice=lambda: 0.5,
            )
            await self.worker.work()
        self.lifetime.close()

    def _settings(self) -> Settings:
        usual = Settings(
            groups=tuple(self.outside.pools),
            state=self.state,
            patience=HOUR,
            vision_url="http://127.0.0.1:1",
        )
        return usual.model_copy(update=self.given)
