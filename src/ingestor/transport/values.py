"""What goes into the network and what comes out of it, as values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol
from urllib.parse import urlsplit

from msgspec import Struct

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """
    A body that is made while it is sent: `make()` yields the same bytes every time it is called,
    `length` of them in all, so that a request can be repeated and the whole never stands in memory.
    """

    length: int
    make: Callable[[], Iterable[bytes | memoryview]] = field(repr=False)


class Hidden(dict[str, str]):
    """Headers with a credential: no repr shows them, so that a traceback may show its locals."""

    def __repr__(self) -> str:
        return f"Hidden({', '.join(self)})"


class Room(Protocol):
    """Memory that the caller has set aside for an answer; awaited before an answer outgrows it."""

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    async def __call__(self, total: int) -> None:
        """Have room for so many bytes, all in all."""
        ...


class Request(Struct, frozen=True, kw_only=True):
    """What is to be sent; its repr shows no header, no body and no query."""

    upstream: str
    """Whose connections and statistics it belongs to: flickr, images, vision, database."""
    method: str
    url: str
    """Sent as it stands: whoever makes it has escaped what needs escaping."""
    headers: Mapping[str, str] = NO_HEADERS
    body: bytes | Parts | None = None
    deadline: float
    """Seconds for the whole exchange, from waiting for a connection to the last byte."""
    cap: int
    """Bytes of answer that are accepted; the connection is closed at the first byte above."""
    slowest: float = 0.0
    """
    Bytes a second, over any five seconds, below which the answer is given up, or where it has not begun
    after 15; 0: no such rule. Of a GET alone, as is `room`: nothing else takes either.
    """
    room: Room | None = None
    leaving: Callable[[], None] | None = None
    """
    Called with a connection at hand, right before the first byte leaves, which may be long after the
    request was handed in; a NotSent that it raises is the outcome. Of a GET nobody asks.
    """

    @property
    def sending(self) -> int:
        """Bytes of body."""
        return self.body.length if isinstance(self.body, Parts) else len(self.body or b"")

    def __repr__(self) -> str:
        return f"Request({self.upstream}: {self.method} {place(self.url)})"


class Response(Struct, frozen=True, kw_only=True):
    """What came back, whole."""

    status: int
    headers: Mapping[str, str]
    """Asked for in lower case; those that came are found however they were spelled."""
    body: bytes

    def __repr__(self) -> str:
        """Without what an upstream wrote."""
        return f"Response(status={self.status})"


class Transport(Protocol):
    """The one seam to the network: tests plug in here, or at the far end of a real socket."""

    async def send(self, request: Request) -> Response:
        """Raises NotSent, AnswerLost or AddressRefused; any status is an answer."""
        ...


def place(url: str) -> str:
    """
    Name an address in a message: host and path, nothing that could hold a key or a control
    character.
    """
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an unreadable address"
    text = f"{parts.hostname or ''}{port}{parts.path}"
    return "".join(letter if letter.isprintable() else "?" for letter in text)
