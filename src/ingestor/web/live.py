"""The dashboard while it is open: what changed, every second, as server-sent events."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp_jinja2
import orjson
from aiohttp import web

from ingestor.errors import IngestorError
from ingestor.web.lookout import LOOKOUT
from ingestor.web.runs import Board

EVERY: Final = 1.0
"""Seconds between looks: a run beats as often."""
MOST_STREAMS: Final = 32
"""Dashboards open at once (taste); what is read for one of them is shown on all."""
HEADERS: Final = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    # Otherwise nginx passes on what fills its buffers, and keeps the rest (seen: all of it).
    "X-Accel-Buffering": "no",
}
COME_BACK: Final = b"retry: 3000\n\n"
"""Milliseconds after which a browser comes back when the page was restarted (taste)."""


@dataclass(slots=True)
class Streams:
    open: set[asyncio.Task[Any]] = field(default_factory=set)
    drawn: tuple[Board, bytes] | None = None
    """What was seen last, and how it looks on the page."""


STREAMS: Final = web.AppKey("streams", Streams)


async def stream(request: web.Request) -> web.StreamResponse:
    streams = request.app[STREAMS]
    task = asyncio.current_task()
    if len(streams.open) >= MOST_STREAMS or task is None:
        raise web.HTTPServiceUnavailable
    response = web.StreamResponse(headers=HEADERS)
    await response.prepare(request)
    streams.open.add(task)
    try:
        await response.write(COME_BACK)
        before = b""
        while True:
            now = await _shown(request)
            # A comment keeps proxies from giving the connection up.
            await response.write(b":\n\n" if now == before else b"data: " + now + b"\n\n")
            before = now
            await asyncio.sleep(EVERY)
    except ConnectionError:
        return response
    finally:
        streams.open.discard(task)


async def end_streams(app: web.Application) -> None:
    for task in app[STREAMS].open:
        task.cancel()


async def _shown(request: web.Request) -> bytes:
    """What was seen last, as one line of JSON: drawn once for all dashboards."""
    streams = request.app[STREAMS]
    try:
        board = await request.app[LOOKOUT].board()
    except IngestorError:
        return b'{"html":null}'
    if streams.drawn is None or streams.drawn[0] is not board:
        streams.drawn = board, _fragment(request, board)
    return streams.drawn[1]


def _fragment(request: web.Request, board: Board) -> bytes:
    """The changing part of the page as the server draws it."""
    html = aiohttp_jinja2.render_string("_board.html", request, {"board": board})
    return orjson.dumps({"html": html})
