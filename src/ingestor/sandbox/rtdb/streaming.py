"""
Event streams: the value first, then what changes, relative to the path that is listened to.

See https://firebase.google.com/docs/reference/rest/database#section-streaming.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import orjson
from aiohttp import web

from ingestor.sandbox.rtdb.database import Change, Namespace
from ingestor.sandbox.rtdb.keys import Path
from ingestor.sandbox.rtdb.nodes import JSON, json_of
from ingestor.sandbox.rtdb.refusals import CREDENTIAL_GONE, Refused
from ingestor.sandbox.rtdb.tree import Tree, Write
from ingestor.sandbox.rtdb.verbs import Ask, require_read, value_for
from ingestor.sandbox.wire import hang_up

HEADERS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache",
    "Access-Control-Allow-Origin": "*",
}

KEEP_ALIVE: Final = b"event: keep-alive\ndata: null\n\n"

MAX_WAITING: Final = 10_000
"""Events a slow reader may lag behind before his stream is cancelled; taste."""

TOO_FAR_BEHIND: Final = (
    "The specified payload is too large, please request a location with less data."
)

Happening: TypeAlias = tuple[str, str, JSON]
"""The event's name, the path relative to the stream's, the value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """
    How long a stream may go on.

    `still_good` tells whether the credential is; it is asked at every keep-alive, which comes
    after so many seconds of silence.
    """

    keep_alive: float
    still_good: Callable[[], bool]
    cut: bool
    """Reset the connection after the first event."""


class Stream:
    """One open stream: takes part in changes as they happen, is written out when there is time."""

    def __init__(self, ask: Ask, namespace: Namespace, *, clock: Callable[[], int]) -> None:
        self._ask = ask
        self._namespace = namespace
        self._clock = clock
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._shown: JSON = None

    def begin(self) -> None:
        """Queue the present value and listen from now on. Raises `Refused`."""
        require_read(self._ask, self._namespace, now=self._clock())
        self._shown = self._value()
        self._waiting.put_nowait(event("put", {"path": "/", "data": self._shown}))
        self._namespace.listeners.add(self)

    def close(self) -> None:
        self._namespace.listeners.discard(self)

    def hear(self, change: Change) -> None:
        if self._waiting.qsize() >= MAX_WAITING:
            self.end("cancel", TOO_FAR_BEHIND)
            return
        for name, path, value in self._happenings(change):
            self._waiting.put_nowait(event(name, {"path": path, "data": value}))

    def may_stay(self) -> bool:
        try:
            require_read(self._ask, self._namespace, now=self._clock())
        except Refused:
            return False
        return True

    def end(self, name: str, reason: str) -> None:
        """Say why, then nothing more; the reason is sent as it is, without quotes."""
        self.close()
        self._waiting.put_nowait(f"event: {name}\ndata: {reason}\n\n".encode())
        self.stop()

    def stop(self) -> None:
        self._waiting.put_nowait(None)

    async def next(self, within: float) -> bytes | None:
        """The next event, a keep-alive after so many silent seconds, None at the end."""
        try:
            async with asyncio.timeout(within):
                return await self._waiting.get()
        except TimeoutError:
            return KEEP_ALIVE

    def _happenings(self, change: Change) -> Iterator[Happening]:
        tree, path = self._namespace.tree, self._ask.path
        if self._ask.options.query is None:
            yield from happenings(change, path=path, tree=tree)
            return
        # What a query leaves over is sent whole, and only if it is something else now.
        if any(_concerns(write.path, path) for write in change.writes):
            value = self._value()
            if value != self._shown:
                self._shown = value
                yield "put", "/", value

    def _value(self) -> JSON:
        return value_for(self._namespace.tree.at(self._ask.path), self._ask.options)


async def serve_stream(request: web.Request, stream: Stream, *, terms: Terms) -> web.StreamResponse:
    """Write out a stream that has begun, until either side ends it."""
    response = web.StreamResponse(headers=HEADERS)
    try:
        await response.prepare(request)
        while (piece := await stream.next(terms.keep_alive)) is not None:
            await response.write(piece)
            if terms.cut:
                return hang_up(request)
            if piece is KEEP_ALIVE and not terms.still_good():
                stream.end("auth_revoked", CREDENTIAL_GONE)
    except ConnectionError:
        # The reader left, which is how most streams end.
        pass
    finally:
        stream.close()
    return response


def event(name: str, value: JSON) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(value) + b"\n\n"


def happenings(change: Change, *, path: Path, tree: Tree) -> Iterator[Happening]:
    """What a listener at `path` is told of a change that the tree has taken in already."""
    concerned = [write for write in change.writes if _concerns(write.path, path)]
    if not concerned:
        return
    if any(len(write.path) < len(path) for write in concerned):
        yield "put", "/", tree.value(path)
    elif not change.merged:
        (write,) = concerned
        yield "put", _relative(write.path, path), json_of(write.node)
    elif len(change.base) >= len(path):
        yield "patch", _relative(change.base, path), _members(concerned, change.base)
    else:
        yield from _above(concerned, path)


def _above(writes: list[Write], path: Path) -> Iterator[Happening]:
    """An update whose base lies above the listener touches him and what is below him."""
    if writes[0].path == path:
        yield "put", "/", json_of(writes[0].node)
    else:
        yield "patch", "/", _members(writes, path)


def _members(writes: list[Write], base: Path) -> dict[str, JSON]:
    return {_relative(write.path, base).lstrip("/"): json_of(write.node) for write in writes}


def _concerns(written: Path, path: Path) -> bool:
    common = min(len(written), len(path))
    return written[:common] == path[:common]


def _relative(written: Path, path: Path) -> str:
    return "/" + "/".join(written[len(path) :])
