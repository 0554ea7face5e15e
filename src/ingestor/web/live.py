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
MOST_STREAMS: Final = 32
"""Dashboards open at once; each reads the journal once a second."""
COME_BACK: Final = b"retry: 3000\n\n"
"""Milliseconds after which a browser comes back when the page was restarted."""


@dataclass(slots=True)
class Streams:
    open: set[asyncio.Task[Any]] = field(default_factory=set)


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
            now = await _fragment(request)
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


async def _fragment(request: web.Request) -> bytes:
    """The changing part of the page as the server draws it, as one line of JSON."""
    try:
        board = await runs_of(request.app[HOUSE])
    except IngestorError:
        return b'{"html":null}'
    html = aiohttp_jinja2.render_string("_board.html", request, {"board": board})
    return orjson.dumps({"html": html})
