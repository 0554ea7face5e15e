"""
Connections without a kernel: two ends in the memory of one loop, late, in pieces, and cut by seed.

Real protocols sit on both ends: our clients' on one, aiohttp's server's on the other. A connection may
be reset in the middle of a body, closed by somebody in between, or fall silent, whatever either side
believes.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass
from typing import Any, Final, Literal

HIGH_WATER: Final = 65_536
LOW_WATER: Final = 16_384
"""Bytes under way at which a writer is asked to wait, and may go on: asyncio's own."""
AFTER: Final = 1e-6
"""Seconds between two arrivals at the least: they come in the order in which they were sent."""

Protocol = asyncio.Protocol | asyncio.BufferedProtocol
Kind = Literal["reset", "closed", "silent"]


@dataclass(slots=True, kw_only=True)
class Cut:
    """What happens to a connection once so many bytes have gone in one direction."""

    kind: Kind
    upward: bool
    """From the client to the server."""
    after: int
    happened: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What a connection is like."""

    dice: random.Random
    seconds: float
    """One way, on the average."""
    torn: float
    """The share of writes that arrive in pieces."""
    held_up: float
    """The most seconds that a piece on its way down may be late."""
    cut: Cut | None


class End(asyncio.Transport):
    """One side's transport."""

    peer: End

    def __init__(
        self,
        protocol: Protocol,
        *,
        loop: asyncio.AbstractEventLoop,
        route: Route,
        context: Context,
        upward: bool,
    ) -> None:
        """`context` is what the protocol is called in, and what its tasks therefore inherit."""
        super().__init__()
        self._protocol = protocol
        self._loop = loop
        self._route = route
        self._context = context
        self._upward = upward
        cut = route.cut
        self._left = cut.after if cut is not None and cut.upward == upward else None
        self._last = 0.0
        self._flying = 0
        self._waiting = False
        self._reading = True
        self._held: list[Callable[[], None]] = []
        self._closing = self._lost = self._dark = False

    # What a protocol asks of it

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if self._closing or self._lost or self._dark:
            return
        content = bytes(data)
        if self._left is not None and len(content) >= self._left:
            self._ship(content[: self._left])
            self._left = None
            self._break()
            return
        if self._left is not None:
            self._left -= len(content)
        self._ship(content)

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        return False

    def is_closing(self) -> bool:
        return self._closing or self._lost

    def close(self) -> None:
        """What was written arrives, and then its end."""
        if self.is_closing():
            return
        self._closing = True
        self._send(self.peer._hear_end)
        self._loop.call_soon(self._lose, None, context=self._context)

    def abort(self) -> None:
        """The other side hears of a reset, as by RST."""
        if self._lost:
            return
        self._closing = True
        self._send(self.peer._lose, ConnectionResetError("reset by the other side"))
        self._loop.call_soon(self._lose, None, context=self._context)

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        if not self._reading:
            self._reading = True
            self._loop.call_soon(self._catch_up, context=self._context)

    def is_reading(self) -> bool:
        return self._reading

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        raise NotImplementedError

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def get_write_buffer_size(self) -> int:
        return self._flying

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"socket": Plug(), "peername": ("127.0.0.1", 1)}.get(name, default)

    def begin(self) -> None:
        self._context.run(self._protocol.connection_made, self)

    # What happens between the ends

    def _ship(self, content: bytes) -> None:
        dice, start = self._route.dice, 0
        torn = len(content) > 1 and dice.random() < self._route.torn
        for cut in sorted(dice.randrange(1, len(content)) for _ in range(3)) if torn else ():
            self._send(self.peer._hear, content[start:cut], late=self._late())
            start = cut
        self._send(self.peer._hear, content[start:])
        self._flying += len(content)
        if self._flying > HIGH_WATER and not self._waiting:
            self._waiting = True
            self._protocol.pause_writing()

    def _late(self) -> float:
        """Pieces on their way up are not: the vendor's quota counts on arrival."""
        return 0.0 if self._upward else self._route.dice.random() * self._route.held_up

    def _send(self, hear: Callable[..., None], *what: Any, late: float = 0.0) -> None:
        if self._dark:
            return
        seconds = self._route.seconds * (0.5 + self._route.dice.random()) + late
        self._last = max(self._loop.time() + seconds, self._last + AFTER)
        self._loop.call_at(self._last, hear, *what, context=self.peer._context)

    def _break(self) -> None:
        assert self._route.cut is not None
        self._route.cut.happened = True
        match self._route.cut.kind:
            case "silent":
                self._dark = self.peer._dark = True
            case "closed":
                self._send(self.peer._hear_end)
                self.peer._send(self._hear_end)
            case "reset":
                self._send(self.peer._lose, ConnectionResetError("reset on the way"))
                self.peer._send(self._lose, ConnectionResetError("reset on the way"))

    def _hear(self, content: bytes) -> None:
        self.peer._landed(len(content))
        if self._closing or self._lost:
            return
        if self._reading and not self._held:
            self._take(content)
        else:
            self._held.append(lambda: self._take(content))

    def _take(self, content: bytes) -> None:
        if isinstance(self._protocol, asyncio.Protocol):
            self._protocol.data_received(content)
            return
        basket = memoryview(self._protocol.get_buffer(len(content)))
        length = min(len(basket), len(content))
        basket[:length] = content[:length]
        self._protocol.buffer_updated(length)
        if length < len(content):
            self._held.insert(0, lambda: self._take(content[length:]))
            self._loop.call_soon(self._catch_up, context=self._context)

    def _hear_end(self) -> None:
        if self._closing or self._lost:
            return
        if self._reading and not self._held:
            self._end()
        else:
            self._held.append(self._end)

    def _end(self) -> None:
        if not self._protocol.eof_received():
            self.close()

    def _catch_up(self) -> None:
        while self._held and self._reading and not (self._closing or self._lost):
            self._held.pop(0)()

    def _lose(self, error: Exception | None) -> None:
        if not self._lost:
            self._lost = self._closing = True
            self._held.clear()
            self._protocol.connection_lost(error)

    def _landed(self, length: int) -> None:
        self._flying -= length
        if self._waiting and self._flying <= LOW_WATER and not self._lost:
            self._waiting = False
            self._protocol.resume_writing()


class Plug:
    """What stands where a socket is looked for: options can be set, and mean nothing."""

    family = socket.AF_UNIX

    def setsockopt(self, *_option: object) -> None:
        """Nothing to be done."""


def joined(
    client: Protocol,
    server: Protocol,
    *,
    loop: asyncio.AbstractEventLoop,
    route: Route,
    contexts: tuple[Context, Context],
) -> None:
    """Connect the two; each is called in its own of the `contexts`."""
    near = End(client, loop=loop, route=route, context=contexts[0], upward=True)
    far = End(server, loop=loop, route=route, context=contexts[1], upward=False)
    near.peer, far.peer = far, near
    far.begin()
    near.begin()
