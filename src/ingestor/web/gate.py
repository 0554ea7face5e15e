"""
Which requests are let in: those meant for this page, and no more at once than can be answered.

A name of somebody else's that is made to point at this machine would let his scripts read our
answers, since browsers take name and port for the origin (DNS rebinding). So a request names this
machine by number, as localhost, or by a name that was allowed.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from ingestor.kits.connections import Connections
from ingestor.web.house import HOUSE

MOST_QUESTIONS: Final = 64
"""Being answered at once; the embedded catalog takes one after the other, some milliseconds each."""
SMALLEST_TO_COMPRESS: Final = 1000
"""Bytes: below it, compressing saves no packet."""
LIVE: Final = "/runs/live"
"""Never ends; it has a limit of its own."""
AT_HAND: Final = ("/healthz", "/static/", "/favicon.ico")
"""Answered at once whoever waits: a page that was let in needs its style, and is in good health."""


@dataclass(slots=True)
class Crowd:
    questions: int = 0


CROWD: Final = web.AppKey("crowd", Crowd)


def counted(connections: Connections) -> Middleware:
    @web.middleware
    async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
        with connections.answering(request.protocol):
            return await handler(request)

    return count


@web.middleware
async def by_our_name(request: web.Request, handler: Handler) -> web.StreamResponse:
    names = request.app[HOUSE].names
    if names is not None and not is_ours(request.host, names=names):
        raise web.HTTPMisdirectedRequest
    return await handler(request)


@web.middleware
async def not_too_many(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Who comes when the house is full is told so at once, rather than let wait."""
    if request.path == LIVE or request.path.startswith(AT_HAND):
        return await handler(request)
    crowd = request.app[CROWD]
    if crowd.questions >= MOST_QUESTIONS:
        raise web.HTTPTooManyRequests
    crowd.questions += 1
    try:
        return await handler(request)
    finally:
        crowd.questions -= 1


@web.middleware
async def compressed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A page of cards is eight times smaller (measured), and says nothing that is secret."""
    response = await handler(request)
    if isinstance(response, web.Response) and "Content-Encoding" not in response.headers:
        response.headers["Vary"] = "Accept-Encoding"
        body = response.body
        if isinstance(body, bytes) and len(body) >= SMALLEST_TO_COMPRESS:
            response.enable_compression()
    return response


def is_ours(host: str, *, names: tuple[str, ...]) -> bool:
    """Whether a Host header, port and all, means this page. No name can stand for a number."""
    bare = host.casefold()
    bare = bare[1 : bare.find("]")] if bare.startswith("[") else bare.rpartition(":")[0] or bare
    bare = bare.removesuffix(".")
    if bare == "localhost" or bare.endswith(".localhost") or bare in names:
        return True
    try:
        ipaddress.ip_address(bare)
    except ValueError:
        return False
    return True
