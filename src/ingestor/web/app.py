"""Which address leads to which view, and how the page is served until told to stop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import aiohttp_jinja2
import jinja2
from aiohttp import web

from ingestor.kits.connections import Connections
from ingestor.web import api, gate, live, views
from ingestor.web.answers import NOTICE
from ingestor.web.asking import alone
from ingestor.web.assets import ASSETS, SHORT, Assets
from ingestor.web.bugs import bugs_told_to
from ingestor.web.cards import flickr_page
from ingestor.web.house import HOUSE, House
from ingestor.web.lookout import LOOKOUT, Lookout
from ingestor.web.runs import STATES, runs_of
from ingestor.web.security import add_headers, calmly
from ingestor.web.wording import FILTERS

HERE: Final = Path(__file__).parent
STATIC: Final = HERE / "static"
LARGEST_REQUEST: Final = 64 * 1024
"""Bytes; nobody has anything to send."""
LONGEST_ADDRESS: Final = 16 * 1024
"""Bytes; a thousand characters of any script are at most twelve each, as an address has them."""
KEEP_ALIVE: Final = 30.0
"""Seconds that a browser may keep a connection without asking anything."""
GRACE: Final = 2.0
"""Seconds for answers under way when the page is told to stop; live streams never end by themselves."""


def application(house: House) -> web.Application:
    app = web.Application(
        middlewares=[gate.compressed, calmly, gate.by_our_name, gate.not_too_many],
        client_max_size=LARGEST_REQUEST,
    )
    app[HOUSE] = house
    app[ASSETS] = Assets(STATIC)
    app[gate.CROWD] = gate.Crowd()
    app[api.BROKEN] = set()
    app[LOOKOUT] = Lookout(partial(runs_of, house))
    app[live.STREAMS] = live.Streams()
    environment = aiohttp_jinja2.setup(
        app,
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        # A page is of one version from start to end, also while another is being installed.
        auto_reload=False,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        filters={**FILTERS, "flickr_page": flickr_page},
    )
    environment.globals |= {
        "alone": alone,
        "asset": app[ASSETS].address,
        "notice": NOTICE,
        "state_flag": house.state_flag,
        "states": STATES,
    }
    # Compiled now, not while the first visitor waits.
    for name in environment.list_templates():
        environment.get_template(name)
    app.router.add_get("/", views.search)
    app.router.add_get("/photo/{photo}", views.photo)
    app.router.add_get("/runs", views.runs)
    app.router.add_get("/runs/live", live.stream, allow_head=False)
    app.router.add_get("/api/search", api.search)
    app.router.add_get("/api/suggest", api.suggest)
    app.router.add_get("/api/popular", api.popular)
    app.router.add_get("/api/photo/{photo}", api.photo)
    app.router.add_get("/api/runs", api.runs)
    app.router.add_get("/api/broken/{photo}", api.broken)
    app.router.add_get("/api/openapi.json", api.openapi)
    app.router.add_get("/static/{version}/{name}", static)
    app.router.add_get("/favicon.ico", favicon)
    app.router.add_get("/healthz", healthy)
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(live.end_streams)
    return app


@asynccontextmanager
async def serving(house: House, *, host: str, port: int) -> AsyncIterator[str]:
    """Serve while in the block; yields the address. Raises OSError where it cannot listen."""
    app = application(house)
    connections = Connections()
    app.middlewares.insert(0, gate.counted(connections))
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=bugs_told_to(house.log),
        keepalive_timeout=KEEP_ALIVE,
        max_line_size=LONGEST_ADDRESS,
        shutdown_timeout=GRACE,
    )
    await runner.setup()
    try:
        async with connections.listening(runner, host=host, port=port) as address:
            yield address
    finally:
        await runner.cleanup()


async def static(request: web.Request) -> web.StreamResponse:
    return request.app[ASSETS].answer(request, request.match_info["name"])


async def favicon(request: web.Request) -> web.StreamResponse:
    return request.app[ASSETS].answer(request, "icon.svg", cache=SHORT)


async def healthy(_request: web.Request) -> web.StreamResponse:
    return web.Response(text="ok\n")
