"""
The transport itself: an aiohttp session for each upstream, and beside it the short way for a GET.

They share nothing but this room: its allow-list, its caps, its words for what went wrong.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self
from weakref import WeakSet

import aiohttp

from ingestor.errors import AddressRefused, TransportError
from ingestor.transport.allowlist import AllowList
from ingestor.transport.caps import LONGEST_HEADER, MOST_HEADERS
from ingestor.transport.connector import CONNECT_SECONDS, LookUp
from ingestor.transport.exchange import Exchange
from ingestor.transport.lines.fetcher import Fetcher
from ingestor.transport.marks import MarkingRequest, Marks
from ingestor.transport.network import Internet, Network
from ingestor.transport.pace import WINDOW_SECONDS
from ingestor.transport.safety import require_safe_http, verifying
from ingestor.transport.statistics import CallStatistics
from ingestor.transport.translation import FOREIGN, translate
from ingestor.transport.values import Request, Response, place

USUAL_KEEPALIVE = 15.0
"""Seconds that an idle connection is worth reusing; aiohttp's own default."""
KEEPALIVE: Mapping[str, float] = MappingProxyType({"vision": 4.0, "images": 50.0})
"""
Vision: a POST on a reused connection that the server closes at that moment looks sent, and so perhaps
billed. Common servers close idle connections after 5 s at the earliest (Node, Apache): below that,
the trap is shut, and at full pace a connection rests for less than a second.

Pictures: under the default quota a dozen are fetched at once, and now and then three times as many: for
those, too, connections are there. Common servers keep idle ones for a minute (nginx: 75 s), and a GET that
meets one which has just been closed is repeated.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Upstream:
    session: aiohttp.ClientSession
    fetcher: Fetcher
    """The short way."""
    allowed: AllowList
    calls: CallStatistics = field(default_factory=CallStatistics)
    connections: WeakSet[object] = field(default_factory=WeakSet)
    """Those that a request was sent on."""

    async def exchange(self, request: Request, marks: Marks) -> Response:
        """The long way. Raises one of `FOREIGN`, or our own mistake in making the body."""
        exchange = Exchange(request, marks=marks)
        try:
            return await exchange.run(self.session, self.allowed.admit(request.url))
        except FOREIGN:
            if exchange.mistake is not None:
                raise exchange.mistake from None
            raise
        finally:
            self._look_at(marks)

    def _look_at(self, marks: Marks) -> None:
        """Whether the connection is one of those that carried a request before."""
        if marks.connection is not None:
            marks.reused = marks.connection in self.connections
            self.connections.add(marks.connection)

    def note(
        self,
        request: Request,
        outcome: Response | TransportError | None,
        *,
        marks: Marks,
        seconds: float,
    ) -> None:
        """Count a call; without an outcome it was cancelled, or failed by our own mistake."""
        calls = self.calls
        calls.count += 1
        calls.bytes_out += marks.head + request.sending
        calls.bytes_in += marks.received
        calls.reused += marks.reused
        calls.took(seconds)
        match outcome:
            case Response(status=status):
                calls.statuses[status] += 1
            case TransportError(reason=reason):
                calls.failures[reason] += 1
            case None:
                calls.failures["cancelled"] += 1


class HttpTransport:
    """
    An open `Transport`. Enter it once; leaving it closes every connection.

    Another `network` may be below it (memory pipes in a simulation); the allow-list is still asked here
    for every request.
    """

    def __init__(
        self,
        *,
        origins: Mapping[str, Sequence[str]],
        user_agent: str,
        keepalive: Mapping[str, float] = KEEPALIVE,
        tls: ssl.SSLContext | None = None,
        network: Network | None = None,
        window: float = WINDOW_SECONDS,
        look_up: LookUp = socket.getaddrinfo,
    ) -> None:
        """Raises SettingsError for an origin or a TLS context that is not safe."""
        self._allowed = {name: AllowList(texts) for name, texts in origins.items()}
        self._user_agent = user_agent
        self._keepalive = {name: keepalive.get(name, USUAL_KEEPALIVE) for name in origins}
        self._network = network or Internet(
            self._allowed, keepalive=self._keepalive, tls=verifying(tls), look_up=look_up
        )
        self._window = window
        self._upstreams: dict[str, _Upstream] = {}
        self._exits = AsyncExitStack()
        self._clock: Callable[[], float] = time.monotonic
        """The loop's, from entering on: to ask which loop runs takes a system call (Python 3.11)."""

    @property
    def calls(self) -> Mapping[str, CallStatistics]:
        """By upstream; those that were never called are there, too."""
        return {name: upstream.calls for name, upstream in self._upstreams.items()}

    async def __aenter__(self) -> Self:
        require_safe_http()
        self._clock = asyncio.get_running_loop().time
        for name, allowed in self._allowed.items():
            session = await self._exits.enter_async_context(self._session(name))
            fetcher = self._fetcher(name)
            self._exits.push_async_callback(fetcher.close)
            self._upstreams[name] = _Upstream(session=session, fetcher=fetcher, allowed=allowed)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exits.aclose()

    async def send(self, request: Request) -> Response:
        """Raises NotSent, AnswerLost or AddressRefused; any status is an answer."""
        outcome = await self._outcome(request)
        # Raised here, where no frame of aiohttp is on the way whose locals show a key.
        match outcome:
            case TransportError():
                raise outcome
            case Response():
                return outcome

    async def _outcome(self, request: Request) -> Response | TransportError:
        upstream = self._upstreams.get(request.upstream)
        if upstream is None:
            return AddressRefused(
                f"{place(request.url)}: there is no upstream {request.upstream!r}",
                reason="not-allowed",
            )
        marks = Marks(leaving=request.leaving)
        now = self._clock
        started = now()
        outcome: Response | TransportError | None = None
        try:
            if request.method == "GET" and request.body is None:
                due = started + request.deadline
                outcome = await upstream.fetcher.fetch(request, marks=marks, due=due)
            else:
                outcome = await upstream.exchange(request, marks)
        except FOREIGN as error:
            outcome = translate(error, marks=marks, place=place(request.url))
        finally:
            upstream.note(request, outcome, marks=marks, seconds=now() - started)
        return outcome

    def _session(self, name: str) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=self._network.connector(name),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            headers={"User-Agent": self._user_agent, "Accept-Encoding": "identity"},
            # The deadline of a request is kept by its exchange, with one timer instead of three.
            # For itself aiohttp tries each address of a name for as long as the first.
            timeout=aiohttp.ClientTimeout(
                total=None, connect=2 * CONNECT_SECONDS, sock_connect=CONNECT_SECONDS
            ),
            max_line_size=LONGEST_HEADER,
            max_field_size=LONGEST_HEADER,
            max_headers=MOST_HEADERS,
            request_class=MarkingRequest,
        )

    def _fetcher(self, name: str) -> Fetcher:
        return Fetcher(
            allowed=self._allowed[name],
            dial=self._network.dial(name),
            user_agent=self._user_agent,
            keepalive=self._keepalive[name],
            window=self._window,
        )
