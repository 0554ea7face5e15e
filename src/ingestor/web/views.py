"""One function per page: what it asks, and which template shows it."""

from __future__ import annotations

from typing import Any, Final

import aiohttp_jinja2
from aiohttp import web

from ingestor.web import answers, api
from ingestor.web.asking import Asking, read_asking
from ingestor.web.collection import collection_of
from ingestor.web.house import HOUSE
from ingestor.web.lazy import FIRST, NothingYet
from ingestor.web.lookout import LOOKOUT
from ingestor.web.security import wants_json
from ingestor.web.ways import way_on

POPULAR: Final = 24
FEWER: Final = 12
"""Labels shown where nothing was found: a way on."""
SAMPLES: Final = 3
"""Labels of a card that are shown below it."""


async def search(request: web.Request) -> web.StreamResponse:
    asking = read_asking(request.query)
    if wants_json(request):
        return await (api.search if asking.groups else api.popular)(request)
    if not asking.groups:
        return await _welcome(request, asking)
    house = request.app[HOUSE]
    collection = await collection_of(house)
    answer = await answers.found(house, asking, invented=collection.invented)
    nothing = not answer.cards and not asking.after
    way = await way_on(house, answer.asking, near=bool(answer.near)) if nothing else None
    tiles = await answers.popular(house, limit=FEWER) if nothing else ()
    return _page(
        request,
        "results.html",
        found=answer,
        asking=answer.asking,
        way=way,
        tiles=tiles,
        collection=collection,
    )


async def photo(request: web.Request) -> web.StreamResponse:
    if wants_json(request):
        return await api.photo(request)
    asking = read_asking(request.query)
    house, name = request.app[HOUSE], request.match_info["photo"]
    collection = await collection_of(house)
    one = await answers.seen(house, name, asking=asking, invented=collection.invented)
    if one is None:
        raise web.HTTPNotFound
    return _page(request, "photo.html", seen=one, asking=asking, collection=collection)


async def runs(request: web.Request) -> web.StreamResponse:
    if wants_json(request):
        return await api.runs(request)
    board = await request.app[LOOKOUT].board()
    return _page(request, "runs.html", board=board, asking=Asking())


async def _welcome(request: web.Request, asking: Asking) -> web.StreamResponse:
    """The page before anything is asked."""
    tiles: tuple[answers.Tile, ...] = ()
    house, why = request.app[HOUSE], FIRST
    try:
        tiles = await answers.popular(house, limit=POPULAR)
    except NothingYet as error:
        why = house.why_nothing(error)
    collection = await collection_of(house)
    return _page(
        request, "welcome.html", tiles=tiles, why=why, asking=asking, collection=collection
    )


def _page(request: web.Request, template: str, **shown: Any) -> web.Response:
    return aiohttp_jinja2.render_template(template, request, {"path": request.path, **shown})
