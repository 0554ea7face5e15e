"""
The four upstreams, with their bad days: what a run is given as its services.

Real are the reading of Vision's answers, the judgement of pictures and the patience with Flickr and
the database; only what would cross the network is made here. Every request has two sides: it may be
lost on its way there, or on its way back, after it has taken effect.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import orjson

from ingestor import events
from ingestor.apis.flickr import Unusable
from ingestor.apis.images import judge
from ingestor.apis.vision import answers
from ingestor.errors import (
    AnswerLost,
    IngestorError,
    NotSent,
    Rejected,
    Throttled,
    Unauthorized,
    Unavailable,
)
from ingestor.kits.lifetime import Lifetime
from ingestor.models import Image, Size
from ingestor.purchases.meaning import Answer
from ingestor.sandbox.quotas import Quotas
from ingestor.services import Group, ListedPage, PoliteDatabase, Politely, Services
from ingestor.settings import Settings
from ingestor.transport import Response
from tests.simulation.checks import Checker
from tests.simulation.database import Tree
from tests.simulation.loop import Loop
from tests.simulation.world import Call, Picture, World, truth

PAID_DEADLINE: Final = 600.0
DEADLINE: Final = 60.0
UNFOCUSED: Final = 10
"""By so much fewer are the faults of upstreams that are not in the focus."""

TOKENS_RENEWED: Final = 0.02
"""Of all paid calls."""
TOKEN_SECONDS: Final = (0.2, 0.2, 2.0, 20.0, 60.0)

Leaving = Callable[[], None]
Weather = tuple[tuple[str, int], ...]
FLICKR: Weather = (("dns", 1), ("reset", 1), ("503", 2), ("429", 1), ("empty", 1), ("twice", 1))
CDN: Weather = (("dns", 1), ("reset", 1), ("503", 2), ("429", 1), ("cut short", 2), ("nothing", 1))
VISION: Weather = (
    *(("dns", 1), ("429", 2), ("429 wait", 1), ("503", 1), ("503 charged", 1), ("401", 1)),
    *(
        ("reset", 2),
        ("500", 2),
        ("short", 2),
        ("long", 1),
        ("garbage", 1),
        ("shaky", 4),
        ("late", 1),
    ),
)
DATABASE: Weather = (
    ("dns", 1),
    ("503", 2),
    ("500 done", 2),
    ("reset done", 2),
    ("429", 1),
    ("401", 1),
)

RETRY_AFTER: tuple[float | None, ...] = (None, 1.0, 5.0)


class Upstreams:
    """All four, for one life of the process."""

    def __init__(self, world: World, loop: Loop, checker: Checker, quotas: Quotas) -> None:
        self.world = world
        self.loop = loop
        self.checker = checker
        self.quotas = quotas
        self.rng = world.rng
        self._tokens = random.Random(f"{world.scenario.seed} {world.life} tokens")
        self._flight = {"flickr": 0, "images": 0, "vision": 0, "updates": 0, "reads": 0}

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
        tree: Any = Tree(self.world, self._carry, self._write)
        database = PoliteDatabase(tree, politely) if self.world.scenario.database else None

        async def list_page(group: str, number: int) -> ListedPage:
            return await politely(
                "flickr", lambda: self._through("flickr", self._page, group, number)
            )

        async def lookup(group: str) -> Group:
            return await politely("flickr", lambda: self._through("flickr", self._group, group))

        yield Services(
            lookup=lookup,
            list_page=list_page,
            fetch=lambda size, room: self._through("images", self._fetch, size, room),
            ask_vision=lambda *asked: self._through("vision", self._annotate, *asked),
            update=database.update if database else None,
            target="https://demo.firebaseio.com" if database else "catalog",
            database=database,
        )

    async def _through(self, upstream: str, ask: Callable[..., Awaitable[Any]], *given: Any) -> Any:
        """One request: a point on each side of it, and never too many at once."""
        self._flight[upstream] += 1
        begun = self.loop.now
        self.checker.in_flight(upstream, self._flight[upstream])
        self.loop.point(upstream)
        try:
            self._be_there(upstream)
            answer = await ask(*given)
        except IngestorError as error:
            if upstream == "images":
                self.checker.picture_refused(self.world.by_url[given[0].url].photo.id)
            self.loop.point(f"{upstream} failed")
            self._note(f"{upstream}: {type(error).__name__} {getattr(error, 'reason', '')}")
            raise
        finally:
            self._flight[upstream] -= 1
        if upstream == "images":
            self.checker.picture_served(begun)
        self.loop.point(f"{upstream} answered")
        return answer

    # Flickr

    async def _group(self, name: str) -> Group:
        await self._weather("flickr", FLICKR)
        return Group(id=name, name="Animals")

    async def _page(self, group: str, number: int) -> ListedPage:
        fault = await self._weather("flickr", FLICKR)
        self._move()
        pool, per_page = self.world.rows(group), self.world.scenario.per_page
        pages = max(1, -(-len(pool) // per_page))
        at = min(number, pages) - 1
        rows = list(pool[at * per_page : (at + 1) * per_page])
        if fault == "empty":
            rows = []
        if fault == "twice" and rows:
            rows = [*rows, rows[0], Unusable(photo_id="", reason="bad-id")]
        self._note(f"flickr: page {number}/{pages}, {len(rows)} rows of {len(pool)}")
        return ListedPage(pages=pages, total=len(pool), rows=rows)

    def _move(self) -> None:
        world = self.world
        if not world.scenario.moving or world.calm:
            return
        if self.rng.random() < 0.25 and world.born < world.scenario.photos + 10:
            world.add_photo()
        if self.rng.random() < 0.1 and len(world.pool) > 3:
            world.remove_photo()

    # Pictures

    async def _fetch(self, size: Size, room: Callable[[int], Awaitable[None]]) -> bytes:
        fault = await self._weather("images", CDN)
        picture = self.world.by_url[size.url]
        if self.rng.random() < 0.1:
            await room(200_000)
        status, body = 200, picture.content
        if picture.trouble == "gone":
            status, body = 404, b""
        elif fault == "cut short":
            body = body[:-4]
        elif fault == "nothing":
            body = b""
        return judge(Response(status=status, headers={}, body=body))

    # Vision

    async def _annotate(self, images: Sequence[Image], leaving: Leaving) -> Sequence[Answer]:
        world = self.world
        await self._renew_token()
        leaving()
        call = Call(
            number=len(world.calls),
            life=world.life,
            machine=world.machine,
            at=world.now,
            photos=tuple(image.photo.id for image in images),
            contents=tuple(world.content_name(image.sha256) for image in images),
        )
        self.checker.before_paying(call, images)
        world.calls.append(call)
        self._note(f"vision: call {call.number} {' '.join(call.photos)}")
        try:
            found = await self._look(call, images, leaving)
        except asyncio.CancelledError:
            call.outcome = "cut"
            self.checker.given_up()
            raise
        except AnswerLost:
            call.outcome, call.doubtful = "lost", True
            raise
        except Unavailable as error:
            call.outcome = "lost" if call.charged else "free"
            call.unavailable = error.reason == "unavailable"
            call.doubtful = not call.unavailable
            raise
        except IngestorError:
            call.outcome = "free"
            raise
        call.outcome = "answered"
        self._note(f"vision: call {call.number} answered")
        return found

    async def _renew_token(self) -> None:
        """Now and then, and now and then it takes long."""
        if self.world.calm or self._tokens.random() >= TOKENS_RENEWED:
            return
        self.loop.point("token")
        await asyncio.sleep(self._tokens.choice(TOKEN_SECONDS))

    async def _look(
        self, call: Call, images: Sequence[Image], _leaving: Leaving
    ) -> Sequence[Answer]:
        world, fault = self.world, self._draw("vision", VISION)
        await asyncio.sleep(self.rng.random() * 0.1)
        if fault == "dns":
            raise NotSent("no address", reason="dns")
        lacking = self.quotas.admit(len(images)) if fault != "429" else None
        self.checker.admitted(lacking)
        if fault in ("429", "429 wait", "503", "401") or lacking:
            await self._travel()
            wait = self.rng.choice((None, 1, 5, 5)) if fault == "429 wait" else None
            self.checker.refused(wait)
            return self._read(images, _refusal(fault, wait))
        if any(world.picture_of(i.photo.id, i.sha256).trouble == "poison" for i in images):
            await self._travel()
            return self._read(images, _error(400, "INVALID_ARGUMENT", "Request is bad."))
        call.charged = True
        if fault in ("reset", "500", "short", "long", "garbage", "503 charged"):
            world.doubtful_images += len(images)
        if self._stalls():
            world.doubtful_images += len(images)
            await asyncio.sleep(PAID_DEADLINE)
            raise AnswerLost("no answer in time", reason="timeout")
        await (
            asyncio.sleep(self.rng.uniform(20, 500))
            if fault == "late"
            else self._travel(self.world.scenario.vision_seconds)
        )
        if fault == "reset":
            raise AnswerLost("connection reset", reason="reset")
        return self._read(images, self._answer(call, images, fault))

    def _answer(self, call: Call, images: Sequence[Image], fault: str) -> Response:
        if fault == "500":
            return Response(status=500, headers={}, body=b"<html>Error</html>")
        if fault == "503 charged":
            return _refusal("503", None)
        if fault == "garbage":
            return Response(status=200, headers={}, body=b'{"responses": [{"labelAnn')
        results = [self._result(image, shaky=fault == "shaky") for image in images]
        call.again = frozenset(
            photo
            for photo, result in zip(call.photos, results, strict=True)
            if result.get("error", {}).get("code", 3) != 3
        )
        if fault == "short":
            del results[self.rng.randrange(len(results))]
        if fault == "long":
            results.insert(0, {})
        return Response(status=200, headers={}, body=orjson.dumps({"responses": results}))

    def _result(self, image: Image, *, shaky: bool) -> dict[str, Any]:
        if b"unreadable" in image.content:
            return {"error": {"code": 3, "message": "Bad image data."}}
        if shaky and self.rng.random() < 0.5:
            return {"error": {"code": self.rng.choice((4, 8, 13, 14)), "message": "Try again."}}
        labels = [
            {"description": name, "score": score, "topicality": score, "mid": ""}
            for name, score in truth(image.content)[: self.world.features.max_labels]
        ]
        return {"labelAnnotations": labels} if labels else {}

    def _read(self, images: Sequence[Image], response: Response) -> Sequence[Answer]:
        return answers.read_annotations(response, images, self.world.features)

    # Database

    async def _carry(self, kind: str, do: Callable[..., Any], *given: Any) -> Any:
        return await self._through(kind, self._do, do, *given)

    async def _do(self, do: Callable[..., Any], *given: Any) -> Any:
        fault = await self._weather("database", DATABASE)
        answer = do(*given)
        if fault == "500 done":
            raise Unavailable("Internal error", upstream="database")
        if fault == "reset done":
            raise AnswerLost("connection reset", reason="reset")
        return answer

    def _write(self, paths: Mapping[str, Any]) -> None:
        if any(picture.trouble == "refused" for _, picture in self._written(paths)):
            raise Rejected("Invalid data", upstream="database", reason="status-400")
        self.world.apply(paths)
        self.checker.updated(paths)
        self._note(f"database: {len(paths)} paths")

    def _written(self, paths: Mapping[str, Any]) -> list[tuple[str, Picture]]:
        ids = {path.split("/")[1][1:] for path in paths if path.endswith("/sha256")}
        return [(photo, self.world.pictures[photo]) for photo in sorted(ids)]

    # Weather

    async def _weather(self, upstream: str, kinds: Weather) -> str:
        """Travel there; what fails on the way raises, what fails later is told."""
        fault = self._draw(upstream, kinds)
        if fault == "dns":
            raise NotSent("no address", reason="dns")
        await self._travel()
        if self._stalls():
            await asyncio.sleep(DEADLINE)
            raise AnswerLost("no answer in time", reason="timeout")
        if fault == "reset":
            raise AnswerLost("connection reset", reason="reset")
        if fault == "503":
            raise Unavailable("unavailable", upstream=upstream)
        if fault == "429":
            wait = self.rng.choice(RETRY_AFTER)
            raise Throttled("too fast", upstream=upstream, retry_after=wait)
        if fault == "401":
            raise Unauthorized("stale", upstream=upstream)
        return fault

    def _be_there(self, upstream: str) -> None:
        away = None if self.world.calm else self.world.scenario.outage
        asked = "database" if upstream in ("updates", "reads") else upstream
        if away and away[0] == asked and away[1] <= self.loop.now < away[1] + away[2]:
            raise NotSent("no connection", reason="connect")

    def _draw(self, upstream: str, kinds: Weather) -> str:
        scenario = self.world.scenario
        rate = scenario.fault_rate / (1 if scenario.focus in ("", upstream) else UNFOCUSED)
        if self.world.calm or self.rng.random() >= rate:
            return ""
        bits = scenario.kinds
        some = [kind for at, kind in enumerate(kinds) if bits >> at & 1] or kinds
        names, weights = zip(*some, strict=True)
        (name,) = self.rng.choices(names, weights)
        return str(name)

    def _stalls(self) -> bool:
        return not self.world.calm and self.rng.random() < self.world.scenario.stall_rate / 5

    async def _travel(self, mean: float = 0.15) -> None:
        await asyncio.sleep(0.01 + self.rng.expovariate(1 / mean))

    def _note(self, text: str) -> None:
        self.world.note(self.loop.points, text)


def _refusal(fault: str, wait: int | None) -> Response:
    match fault:
        case "503":
            return _error(503, "UNAVAILABLE", "The service is currently unavailable.", wait)
        case "401":
            return _error(401, "UNAUTHENTICATED", "Invalid credentials.")
        case _:
            return _error(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", wait)


def _error(status: int, name: str, message: str, wait: int | None = None) -> Response:
    body = {"error": {"code": status, "status": name, "message": message}}
    headers = {} if wait is None else {"retry-after": str(wait)}
    return Response(status=status, headers=headers, body=orjson.dumps(body))
