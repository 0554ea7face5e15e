"""
The only client socket of the house: a request value goes in, a response value comes out.

Foreign errors stop here: whatever aiohttp, the resolver or TLS raise leaves this room as one of
`errors.TransportError`'s three kinds, which tell the paid call what it must assume.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """
    A body that is made while it is sent: `make()` yields the same bytes every time it is called,
    `length` of them in all, so that a request can be repeated and the whole never stands in memory.
    """

    length: int
    make: Callable[[], Iterable[bytes]] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be sent. Secrets belong in `headers` or `body`, which no repr and no log shows."""

    upstream: str
    """Whose pool, limits and statistics it belongs to: flickr, images, vision, database, google."""
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | Parts | None = field(default=None, repr=False)
    deadline: float
    """Seconds for the whole exchange, from waiting for a connection to the last byte."""
    cap: int
    """Bytes of answer that are accepted; the connection is closed at the first byte above."""
    slowest: float = 0.0
    """Bytes a second, over any five seconds, below which the answer is given up; 0: no such rule."""
    room: Callable[[int], Awaitable[None]] | None = field(default=None, repr=False)
    """Awaited with the total of bytes about to be held, before they are read beyond what was said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What came back, whole. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Transport(Protocol):
    """The one seam to the network: tests plug in here, or at the far end of a real socket."""

    async def send(self, request: Request) -> Response:
        """Raises NotSent, AnswerLost or AddressRefused; any status is an answer."""
        ...
