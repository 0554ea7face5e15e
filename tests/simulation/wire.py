"""
Whole runs over connections: the real HTTP client against the real sandbox, on the virtual clock.

Ours is real from the run down to the HTTP client, and so is everything of the sandbox; only the
connector is replaced. The checks are those of the other schedules, and the bill is asked, too,
whether what was said to be free was.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeVar
from unittest.mock import patch

import aiohttp
from pydantic import SecretStr

from ingestor import events
from ingestor.errors import AnswerLost, IngestorError, Throttled, Unavailable
from ingestor.kits.lifetime import Lifetime
from ingestor.models import Annotation, Image
from ingestor.purchases.meaning import Answer
from ingestor.report import Report
from ingestor.sandbox import flickr
from ingestor.sandbox.quotas import Quotas
from ingestor.sandbox.vision import app as vision
from ingestor.services import Services, open_services
from ingestor.settings import Settings
from ingestor.transport import HttpTransport, Request, Response
from tests.simulation.checks import MOST_READS, MOST_UPDATES, Checker
from tests.simulation.lives import Life, Verdict, live
from tests.simulation.loop import Loop, collect
from tests.simulation.network import ADDRESSES, KEY, SIDE, Network
from tests.simulation.scenario import Fate, Scenario
from tests.simulation.upstreams import Leaving, Upstreams
from tests.simulation.world import Call
from tests.simulation.zoo import ZooWorld

T = TypeVar("T")

FLICKR_KEY: Final = "0123456789abcdef0123456789abcdef"
TLS: Final = ssl.create_default_context()
"""Made once: reading all authorities takes as long as a schedule. Nobody speaks TLS here."""
POINTS_OF_A_REQUEST: Final = 4
"""A life has about so many times the points of one without connections."""
GLANCE_SECONDS: Final = 5.0
"""Between looks of a sandbox that never answers, whether somebody still listens. Four such requests,
at its own pace and for ten minutes, have a hundred thousand points; the run beside them has three
thousand."""
MOST_PHOTOS: Final = 16
MOST_FATES: Final = 2

logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)


def live_on_the_wire(scenario: Scenario) -> Verdict:
    """Carry out one schedule; never raises."""
    return live(scenario, make=ZooWorld.of, life=WireLife)


def scenario_of(seed: int, **given: Any) -> Scenario:
    """As without connections, but for fewer photos, and fates among more points."""
    drawn = Scenario.of(seed)
    fates = tuple(
        Fate(fate.kind, fate.point * POINTS_OF_A_REQUEST - seed % POINTS_OF_A_REQUEST)
        for fate in drawn.fates[:MOST_FATES]
    )
    return replace(drawn, photos=min(drawn.photos, MOST_PHOTOS), **{"fates": fates, **given})


class WireUpstreams(Upstreams):
    """The services as they are opened for every run, and eyes on each request."""

    world: ZooWorld

    def __init__(self, world: ZooWorld, loop: Loop, checker: Checker, quotas: Quotas) -> None:
        super().__init__(world, loop, checker, quotas)
        world.checker = checker
        checker.most_flying["database"] = MOST_UPDATES + MOST_READS
        self._requests = dict.fromkeys(ADDRESSES, 0)

    @asynccontextmanager
    async def open(
        self, settings: Settings, *, lifetime: Lifetime, listen: events.Listener
    ) -> AsyncIterator[Services]:
        network = Network(self.world, self.loop)
        await network.open()
        async with open_services(
            settings,
            lifetime=lifetime,
            listen=listen,
            open_transport=partial(
                Watched,
                watch=self.watched,
                tls=TLS,
                network=network,
            ),
        ) as services:
            self._ask = services.ask_vision
            yield replace(
                services, ask_vision=lambda *asked: self._through("vision", self._annotate, *asked)
            )

    async def watched(
        self, request: Request, send: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        """One request: a point on each side of it, and never too many at once."""
        name = request.upstream
        self.world.requests += 1
        self._requests[name] += 1
        self.checker.in_flight(name, self._requests[name])
        self.loop.point(name)
        try:
            response = await send(request)
        except IngestorError as error:
            self._note(f"{name}: {request.method} {type(error).__name__} {error}")
            raise
        finally:
            self._requests[name] -= 1
        self._note(f"{name}: {request.method} {response.status}, {len(response.body)} bytes")
        self.loop.point(f"{name} {response.status}")
        return response

    def _be_there(self, upstream: str) -> None:
        """Who is away is away for connections."""

    async def _look(
        self, call: Call, images: Sequence[Image], leaving: Leaving
    ) -> Sequence[Answer]:
        try:
            answers = await self._ask(images, leaving)
        except (AnswerLost, Unavailable) as error:
            if call.charged:
                self.world.doubtful_images += len(images)
            self.checker.refused(getattr(error, "retry_after", None))
            raise
        except IngestorError as error:
            self.checker.hold(not call.charged, f"call {call.number} was charged: {error}")
            if isinstance(error, Throttled):
                self.checker.refused(error.retry_after)
            raise
        self.checker.hold(call.charged, f"call {call.number} was answered and not charged")
        call.again = frozenset(
            answer.photo_id
            for answer in answers
            if not isinstance(answer, Annotation) and answer.transient
        )
        return answers


class Watched(HttpTransport):
    """The transport, every request of which is looked at."""

    def __init__(
        self,
        *,
        watch: Callable[[Request, Callable[[Request], Awaitable[Response]]], Awaitable[Response]],
        **given: Any,
    ) -> None:
        super().__init__(**given)
        self._watch = watch

    async def send(self, request: Request) -> Response:
        return await self._watch(request, super().send)


class WireLoop(Loop):
    """The vendors' side lives here, too; what it still does when ours ends is its own affair."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._theirs: set[asyncio.Task[Any]] = set()

    def create_task(
        self,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        **given: Any,
    ) -> asyncio.Task[T]:
        task = super().create_task(coro, **given)
        if SIDE.get() == "theirs":
            self._theirs.add(task)
        return task

    def _find_left_behind(self) -> None:
        everybody, self._tasks = self._tasks, [t for t in self._tasks if t not in self._theirs]
        super()._find_left_behind()
        self._tasks = everybody


class WireLife(Life):
    """One process among connections."""

    loop_of = WireLoop
    upstreams_of = WireUpstreams

    def run(self) -> Report | None:
        with (
            # The pool asks the machine's clock how old an idle connection is.
            patch.object(aiohttp.connector, "monotonic", self.loop.time),
            patch.object(vision, "GLANCE_SECONDS", GLANCE_SECONDS),
        ):
            report = super().run()
        if report is None:
            # What is left of generators says its last words when its memory is taken, to whatever
            # loop runs then: it must not be another life's.
            collect()
        return report

    def settings(self) -> Settings:
        database = f"{ADDRESSES['database']}/?ns=sandbox"
        addresses = {
            "flickr_url": ADDRESSES["flickr"] + flickr.PATH,
            "image_url": ADDRESSES["images"],
            "vision_url": ADDRESSES["vision"],
            "database_url": database if self.world.scenario.database else None,
            "flickr_api_key": SecretStr(FLICKR_KEY),
            "google_api_key": SecretStr(KEY),
        }
        return super().settings().model_copy(update=addresses)
