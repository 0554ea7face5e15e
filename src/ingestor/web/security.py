"""
What every answer says and no request gets around: headers, deadlines, calm pages for trouble.

Browsers are told to run our own scripts and styles only, to load pictures from one place, and to
tell nobody where they came from.
"""

from __future__ import annotations

import asyncio
from typing import Final

import aiohttp_jinja2
from aiohttp import web
from aiohttp.typedefs import Handler

from ingestor.errors import IngestorError, JournalError, SettingsError
from ingestor.web.asking import LONGEST_TEXT, Asking
from ingestor.web.gate import LIVE
from ingestor.web.house import HOUSE
from ingestor.web.lazy import NothingYet

DEADLINE: Final = 15.0
"""Seconds for one page; the database may need several round trips."""
RETRY_SECONDS: Final = "5"

TITLES: Final = {
    400: "That could not be read",
    404: "Nothing is here",
    405: "Looking only",
    421: "Not by this name",
    429: "Many are looking",
    503: "One moment, please",
}
NOTHING_YET: Final = "Nothing here yet"
UNREADABLE: Final = "The collection cannot be read"
WRITTEN_DOWN: Final = "Whoever looks after this page was told why."
SENTENCES: Final = {
    404: "The address leads nowhere, or the picture was taken away.",
    405: "This page only answers questions (GET).",
    421: "Ask by number, as localhost, or by a name that was allowed with --name.",
    429: "More people are looking than can be served at once. Try again in a moment.",
    500: "This should not have happened. It was written down.",
    503: "The collection does not answer at the moment. Nothing is lost; try again shortly.",
}
AGAIN: Final = frozenset({429, 500, 503})
"""After which the same address may well be answered."""


def headers(image_origin: str) -> dict[str, str]:
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        f"img-src 'self' {image_origin}; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """A signal, so that it reaches streams, files and errors alike."""
    for name, value in headers(request.app[HOUSE].image_origin).items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-cache")
    response.headers["Server"] = "ingestor"


@web.middleware
async def calmly(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever goes wrong into a page, or into JSON where JSON was asked for."""
    try:
        if request.path == LIVE:
            return await handler(request)
        async with asyncio.timeout(DEADLINE):
            return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        response = trouble(request, error.status)
        if isinstance(error, web.HTTPMethodNotAllowed):
            # What may be done instead is part of that answer (RFC 9110, section 15.5.6).
            response.headers["Allow"] = error.headers["Allow"]
        return response
    except NothingYet as error:
        why = request.app[HOUSE].why_nothing(error)
        return trouble(request, 503, why, title=NOTHING_YET)
    except SettingsError as error:
        return trouble(request, 400, str(error))
    except JournalError as error:
        # As a rule it does not pass by itself, but the owner of the machine can do something about it.
        house = request.app[HOUSE]
        house.log(f"{request.path}: {error}")
        why = WRITTEN_DOWN if house.strangers else str(error)
        return trouble(request, 503, why, title=UNREADABLE)
    except (IngestorError, TimeoutError) as error:
        request.app[HOUSE].log(f"{request.path}: {type(error).__name__}: {error}")
        return trouble(request, 503)
    except Exception as error:  # noqa: BLE001 - whoever looks is shown a page, not a trace
        request.app[HOUSE].log(f"{request.path}: bug: {type(error).__name__}: {error}")
        return trouble(request, 500)


def trouble(
    request: web.Request, status: int, sentence: str = "", *, title: str = ""
) -> web.Response:
    title = title or TITLES.get(status, "Something went wrong")
    sentence = sentence or SENTENCES.get(status, "")
    if wants_json(request):
        response = web.json_response({"error": sentence or title}, status=status)
    else:
        # With one slash: two would lead to another host.
        again = "/" + request.path_qs.lstrip("/") if status in AGAIN else ""
        # What could not be read is put right where it stands.
        typed = request.query.get("q", "")[:LONGEST_TEXT] if status == 400 else None
        said = {"title": title, "sentence": sentence, "again": again, "path": request.path}
        shown = {**said, "typed": typed, "asking": Asking()}
        response = aiohttp_jinja2.render_template("trouble.html", request, shown, status=status)
    if status in AGAIN:
        response.headers["Retry-After"] = RETRY_SECONDS
    response.headers["Cache-Control"] = "no-store"
    return response


def wants_json(request: web.Request) -> bool:
    return request.path.startswith("/api/") or request.query.get("format") == "json"
