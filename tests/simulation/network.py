"""
The sandbox's sites and the way there: no socket, but everything that can happen to a connection.

Who connects may be refused, find no address or hear nothing; a connection that stands has a route of
its own, which may tear what is sent into pieces, hold pieces up, and cut it at any byte.
"""

from __future__ import annotations

import asyncio
import errno
import random
from collections.abc import Callable
from contextvars import Context, ContextVar, copy_context
from typing import TYPE_CHECKING, Final, Literal

import aiohttp
from aiohttp import web

from ingestor.errors import NotSent
from ingestor.sandbox import flickr, images, vision
from ingestor.sandbox.calls import Calls
from ingestor.sandbox.latency import Latency
from ingestor.sandbox.pictures import Pictures
from ingestor.sandbox.rtdb.app import application as database_application
from ingestor.sandbox.server import DROPPED_WITH_THE_CLIENT, KEEP_ALIVE_SECONDS
from ingestor.sandbox.tokens import Tokens
from ingestor.transport.allowlist import Origin
from ingestor.transport.connector import CONNECT_SECONDS
from ingestor.transport.http import KEEPALIVE, USUAL_KEEPALIVE
from ingestor.transport.lines.dialing import Dial
from ingestor.transport.lines.line import Line
from ingestor.transport.translation import explain
from tests.inline import Inline
from tests.simulation.pipes import Cut, Kind, Protocol, Route, joined
from tests.simulation.zoo import POISON, ZooWorld, drawn

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.client_reqrep import ClientRequest
    from aiohttp.tracing import Trace

ADDRESSES: Final = {
    "flickr": "http://127.0.0.1:1001",
    "images": "http://127.0.0.1:1002",
    "vision": "http://127.0.0.1:1003",
    "database": "http://127.0.0.1:1004",
}
KEY: Final = "AIza-canary-of-the-simulation"
PLAIN_VISION_SECONDS: Final = 0.6
"""What the sandbox takes for a few images, when it is not made slower."""
Trouble = Literal["", "dns", "connect", "connect-timeout"]
TROUBLES: Final[tuple[Trouble, ...]] = ("dns", "connect", "connect-timeout")
KINDS: Final[tuple[Kind, ...]] = ("reset", "reset", "reset", "closed", "closed", "closed", "silent")
REACHES: Final = (50, 500, 5_000, 50_000, 300_000)
"""Bytes before a cut: in the headers, in a picture, in a paid request, after several of them."""
NO_CONNECTION: Final = 0.3
"""Connections that are not made, for each one that is cut."""

FAULTS: Final = (
    *("flickr.unavailable", "flickr.201-comma", "flickr.odd-stat", "flickr.jsonp", "flickr.html"),
    *("flickr.malformed", "flickr.nested", "flickr.throttled", "flickr.throttled-hint"),
    *("flickr.error", "flickr.bad-gateway", "flickr.slow-body", "flickr.reset"),
    *("flickr.arrival", "flickr.removal", "flickr.double-rows", "flickr.odd-totals"),
    *("flickr.huge-totals", "flickr.empty-page"),
    *("image.html", "image.cut-short", "image.truncated", "image.empty"),
    *("image.one-byte", "image.stall", "image.reset", "image.half-closed", "image.garbage"),
    *("image.long-header", "image.stale-connection", "image.throttled"),
    *("image.throttled-hint", "image.unavailable", "image.error"),
    *("vision.hang-up", "vision.throttled", "vision.throttled-hint", "vision.unavailable"),
    *("vision.unavailable-billed", "vision.internal", "vision.deadline", "vision.bad-gateway"),
    *("vision.stall", "vision.reset", "vision.disconnect", "vision.cut-short"),
    *("vision.truncated", "vision.garbage", "vision.html", "vision.no-body"),
    *("vision.synthetic-400", "vision.wrong-types", "vision.no-responses"),
    *("vision.empty-responses", "vision.short", "vision.long", "vision.late"),
    *("vision.image-internal", "vision.image-unavailable", "vision.image-deadline"),
    *("vision.image-exhausted",),
    *("database.unavailable", "database.internal-error", "database.bad-gateway"),
    *("database.gateway-timeout", "database.stall", "database.reset", "database.throttled"),
    *("database.error-after-apply", "database.reset-after-apply", "database.stall-after-apply"),
    *("database.slow-write", "database.slow-commit", "database.unexpected-body"),
)
"""
All that pass, and leave a photo as bad as it was: others are faults of a photo for good, or show one
that is gone.
"""
MOST_FAULTS: Final = 8
"""At once: few enough that each one strikes."""

SIDE: ContextVar[str] = ContextVar("side", default="ours")
"""Whose task it is that runs."""


class Network:
    """One life's; the sites begin anew with it, what they know does not."""

    def __init__(self, world: ZooWorld, loop: asyncio.AbstractEventLoop) -> None:
        self._world = world
        self._loop = loop
        self._dice = random.Random(f"{world.scenario.seed} {world.life} network")
        self._servers: dict[str, web.Server] = {}

    async def open(self) -> None:
        self._set_weather()
        for name, app in self._applications().items():
            runner = web.AppRunner(
                app,
                access_log=None,
                handler_cancellation=name in DROPPED_WITH_THE_CLIENT,
                keepalive_timeout=KEEP_ALIVE_SECONDS,
            )
            await runner.setup()
            assert runner.server is not None
            self._servers[name] = runner.server

    def connector(self, name: str) -> aiohttp.BaseConnector:
        return PipeConnector(self, name, keepalive=KEEPALIVE.get(name, USUAL_KEEPALIVE))

    def dial(self, name: str) -> Dial:
        """For the lines on which pictures come."""

        async def dialed(origin: Origin, new_line: Callable[[], Line]) -> Line:
            line = new_line()
            if trouble := await self.connect(name, line):
                raise explain(trouble, place=origin.host, kind=NotSent)
            return line

        return dialed

    async def connect(self, name: str, client: Protocol) -> Trouble:
        """Returns why there is no connection."""
        await asyncio.sleep(0.001 + 0.01 * self._dice.random())
        trouble = self._trouble_connecting(name)
        self._world.unconnected += bool(trouble)
        if trouble == "connect-timeout":
            await asyncio.sleep(CONNECT_SECONDS)
        if trouble:
            return trouble
        theirs = Context()
        theirs.run(SIDE.set, "theirs")
        joined(
            client,
            self._servers[name](),
            loop=self._loop,
            route=self._route(),
            contexts=(copy_context(), theirs),
        )
        return ""

    def _trouble_connecting(self, name: str) -> Trouble:
        world = self._world
        away = None if world.calm else world.scenario.outage
        if away and away[0] == name and away[1] <= world.now < away[1] + away[2]:
            return "connect"
        if self._dice.random() < self._rate * NO_CONNECTION:
            return self._dice.choice(TROUBLES)
        return ""

    def _route(self) -> Route:
        # Its own dice: in which order many connections are closed at once is nobody's promise.
        dice, cut = random.Random(self._dice.random()), None
        if dice.random() < self._rate:
            after = int(dice.choice(REACHES) * dice.random()) + 1
            cut = Cut(kind=dice.choice(KINDS), upward=dice.random() < 0.5, after=after)
            self._world.cuts.append(cut)
        return Route(
            dice=dice,
            seconds=dice.choice((0.001, 0.02)),
            torn=dice.choice((0.0, 0.0, 0.3, 1.0)),
            held_up=dice.choice((0.0, 0.0, 0.5, 5.0)) if self._rate else 0.0,
            cut=cut,
        )

    @property
    def _rate(self) -> float:
        return 0.0 if self._world.calm else self._world.scenario.fault_rate

    def _set_weather(self) -> None:
        faults, dice = self._world.faults, self._dice
        faults.clear()
        faults.set("vision.poison-images", POISON)
        faults.set("vision.late-seconds", dice.choice((3.0, 130.0)))
        for name in dice.sample(FAULTS, k=dice.randint(1, MOST_FAULTS)) if self._rate else ():
            faults.set(name, self._rate * dice.choice((0.3, 1.0)))

    def _applications(self) -> dict[str, web.Application]:
        world, scenario = self._world, self._world.scenario
        calls = Calls(clock=self._loop.time)
        latency = Latency(
            scenario.seed + world.life, scale=scenario.vision_seconds / PLAIN_VISION_SECONDS
        )
        return {
            "flickr": flickr.application(
                flickr.Api(
                    world=world.zoo,
                    image_url=ADDRESSES["images"],
                    faults=world.faults,
                    latency=latency,
                    calls=calls,
                    clock=self._loop.time,
                )
            ),
            "images": images.application(
                images.Cdn(
                    world=world.zoo,
                    pictures=Pictures(drawn, thread=Inline()),
                    faults=world.faults,
                    latency=latency,
                    calls=calls,
                    clock=self._loop.time,
                )
            ),
            "vision": vision.application(
                vision.Vision(
                    world=world.zoo,
                    faults=world.faults,
                    latency=latency,
                    calls=calls,
                    bill=world.bill,
                    quotas=world.quotas,
                    tokens=Tokens(clock=self._loop.time),
                    key=KEY,
                )
            ),
            "database": database_application(
                database=world.database_site,
                faults=world.faults,
                latency=latency,
                calls=calls,
                scopes=lambda _token: None,
            ),
        }


class PipeConnector(aiohttp.BaseConnector):
    """Everything of aiohttp's pool, and connections from the network above."""

    def __init__(self, network: Network, name: str, *, keepalive: float) -> None:
        super().__init__(limit=0, keepalive_timeout=keepalive)
        self._network = network
        self._name = name

    async def _create_connection(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 (aiohttp's signature)
    ) -> ResponseHandler:
        """Raises as the connector of every day does."""
        protocol: ResponseHandler = self._factory()
        match await self._network.connect(self._name, protocol):
            case "dns":
                no_name = OSError(errno.ENOENT, "no such name")
                raise aiohttp.ClientConnectorDNSError(req.connection_key, no_name)
            case "connect-timeout":
                raise aiohttp.ConnectionTimeoutError("connecting takes too long")
            case "connect":
                refused = OSError(errno.ECONNREFUSED, "refused")
                raise aiohttp.ClientConnectorError(req.connection_key, refused)
        return protocol
