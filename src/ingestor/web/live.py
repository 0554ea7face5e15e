"""The dashboard while it is open: what changed, every second, as server-sent events."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp_jinja2
import orjson
from aiohttp import web

from ingestor.errors import IngestorError
from ingestor.web.house import HOUSE
from ingestor.web.runs import runs_of

EVERY: Final = 1.0
"""Seconds between looks: a run beats as often."""
FRESH: Final = 0.5
"""Seconds for which what was seen is shown to others as well; less than a dashboard's own pause."""
MOST_STREAMS: Final = 32
"""Dashboards open at once; what is read for one of them is shown on all."""
COME_BACK: Final = b"retry: 3000\n\n"
"""Milliseconds after which a browser comes back when the page was restarted."""


@dataclass(slots=True)
class Streams:
    open: set[asyncio.Task[Any]] = field(default_factory=set)
    shown: bytes = b""
    """What was seen at the last look, and when that was over, by the loop's clock."""
    looked: float = float("-inf")
    looking: asyncio.Lock = field(default_factory=asyncio.Lock)


STREAMS: Final = web.AppKey("streams", Streams)


async def stream(request: web.Request) -> web.StreamResponse:
    streams = request.app[STREAMS]
    task = asyncio.current_task()
    if len(streams.open) >= MOST_STREAMS or task is None:
        raise web.HTTPServiceUnavailable
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    )
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
    """The last look, or a new one: in a large journal it takes a while, and may be for many."""
    streams, clock = request.app[STREAMS], asyncio.get_running_loop().time
    async with streams.looking:
        if clock() >= streams.looked + FRESH:
            streams.shown = await _fragment(request)
            streams.looked = clock()
        return streams.shown


async def _fragment(request: web.Request) -> bytes:
    """The changing part of the page as the server draws it, as one line of JSON."""
    try:
        board = await runs_of(request.app[HOUSE])
    except IngestorError:
        return b'{"html":null}'
    html = aiohttp_jinja2.render_string("_board.html", request, {"board": board})
    return orjson.dumps({"html": html})
