"""The same data for programs; `static/openapi.json` says what they may expect, and tests compare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson
from aiohttp import web

from ingestor.errors import SettingsError
from ingestor.web import answers
from ingestor.web.asking import LONGEST_TEXT, read_asking
from ingestor.web.assets import ASSETS
from ingestor.web.house import HOUSE
from ingestor.web.lookout import LOOKOUT
from ingestor.web.runs import plain_runs

MOST_SUGGESTIONS: Final = 24
LONGEST_LIMIT: Final = 2
"""Digits; Python refuses to read a number of thousands of them."""
USUAL_SUGGESTIONS: Final = 8
LONGEST_PHOTO: Final = 40
MOST_BROKEN: Final = 1000
"""Photos reported as broken, until the page is started again (taste)."""
BROKEN: Final[web.AppKey[set[str]]] = web.AppKey("broken", set)
"""The photos that were reported."""


def json_response(answer: object) -> web.Response:
    return web.Response(body=orjson.dumps(answer), content_type="application/json")


async def search(request: web.Request) -> web.Response:
    answer = await answers.found(request.app[HOUSE], read_asking(request.query))
    return json_response(answers.plain_found(answer))


async def suggest(request: web.Request) -> web.Response:
    prefix = request.query.get("q", "")
    if len(prefix) > LONGEST_TEXT:
        raise SettingsError("No label is that long.")
    limit = _limit(request.query, usual=USUAL_SUGGESTIONS)
    tiles = await answers.suggested(request.app[HOUSE], prefix, limit=limit)
    return json_response({"labels": answers.plain_tiles(tiles)})


async def popular(request: web.Request) -> web.Response:
    limit = _limit(request.query, usual=MOST_SUGGESTIONS)
    tiles = await answers.popular(request.app[HOUSE], limit=limit)
    return json_response({"labels": answers.plain_tiles(tiles)})


async def photo(request: web.Request) -> web.Response:
    asking = read_asking(request.query)
    one = await answers.seen(request.app[HOUSE], request.match_info["photo"], asking=asking)
    if one is None:
        raise web.HTTPNotFound
    return json_response(answers.plain_seen(one))


async def runs(request: web.Request) -> web.Response:
    return json_response(plain_runs(await request.app[LOOKOUT].board()))


async def broken(request: web.Request) -> web.Response:
    """
    A browser could not show a picture: written down, for whoever looks after the collection. Once
    for each photo, and for so many only: anybody can ask for this address.
    """
    name, told = request.match_info["photo"], request.app[BROKEN]
    named = len(name) <= LONGEST_PHOTO and name.isascii() and name.isalnum()
    if named and name not in told and len(told) < MOST_BROKEN:
        told.add(name)
        request.app[HOUSE].log(f"a browser could not show the picture of photo {name}")
    return web.Response(status=204)


async def openapi(request: web.Request) -> web.StreamResponse:
    return request.app[ASSETS].answer(request, "openapi.json", cache="no-cache")


def _limit(parameters: Mapping[str, Any], *, usual: int) -> int:
    text = str(parameters.get("limit") or usual)
    number = text.isascii() and text.isdecimal() and len(text) <= LONGEST_LIMIT
    if not (number and 1 <= int(text) <= MOST_SUGGESTIONS):
        raise SettingsError(f"The limit is a number between 1 and {MOST_SUGGESTIONS}.")
    return int(text)
