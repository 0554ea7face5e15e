"""
The database over HTTP: who asks, what for, and what goes wrong on the way.

See https://firebase.google.com/docs/reference/rest/database.
"""

from dataclasses import dataclass
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from ingestor.sandbox.calls import Calls, counted
from ingestor.sandbox.faults import Faults
from ingestor.sandbox.latency import Latency
from ingestor.sandbox.rtdb.answers import answered, preflight, refused, sign_in
from ingestor.sandbox.rtdb.callers import Caller, Scopes, caller_of
from ingestor.sandbox.rtdb.database import DEFAULT_NAMESPACE, Database, Namespace
from ingestor.sandbox.rtdb.keys import path_of
from ingestor.sandbox.rtdb.misbehaviour import (
    AFTER_WRITES,
    BEFORE,
    SLOW_COMMIT,
    SLOW_WRITE,
    STREAM_REDIRECT,
    STREAM_RESET,
    STREAM_REVOKED,
    Throttle,
    linger,
    misbehave,
    veto_of,
)
from ingestor.sandbox.rtdb.parameters import MAX_WRITE_BYTES, Options, options_of
from ingestor.sandbox.rtdb.refusals import CREDENTIAL_GONE, TOO_LARGE, Refused
from ingestor.sandbox.rtdb.settings import PREFIX as SETTINGS_PREFIX
from ingestor.sandbox.rtdb.settings import get_setting, put_setting
from ingestor.sandbox.rtdb.streaming import Stream, Terms, serve_stream
from ingestor.sandbox.rtdb.verbs import Answer, Ask, read, write

UPSTREAM: Final = "database"
SUFFIX: Final = ".json"
VERBS: Final = frozenset({"GET", "PUT", "PATCH", "POST", "DELETE"})
OVERRIDE: Final = "x-http-method-override"
EVENT_STREAM: Final = "text/event-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What the handlers share."""

    database: Database
    faults: Faults
    latency: Latency
    scopes: Scopes
    throttle: Throttle


SITE: Final = web.AppKey("SITE", Site)


def application(
    *, database: Database, faults: Faults, latency: Latency, calls: Calls, scopes: Scopes
) -> web.Application:
    """The database as a site; `scopes` judges access tokens, `owner` is always an admin."""
    app = web.Application(
        client_max_size=MAX_WRITE_BYTES, middlewares=[counted(calls, UPSTREAM), _say_no]
    )
    app[SITE] = Site(
        database=database,
        faults=faults,
        latency=latency,
        scopes=scopes,
        throttle=Throttle(faults),
    )
    app.router.add_route("*", "/{path:.*}", _serve)
    app.on_shutdown.append(_end_streams)
    return app


@web.middleware
async def _say_no(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refused as refusal:
        return refused(refusal)
    except web.HTTPRequestEntityTooLarge:
        return refused(Refused(413, TOO_LARGE))


async def _end_streams(app: web.Application) -> None:
    for listener in app[SITE].database.listeners():
        listener.stop()


async def _serve(request: web.Request) -> web.StreamResponse:
    site = request.app[SITE]
    if request.method == "OPTIONS":
        return preflight()
    await site.latency.pause(UPSTREAM)
    if not request.path.endswith(SUFFIX):
        return sign_in(request.path)
    name = request.query.get("ns", DEFAULT_NAMESPACE)
    fault = site.faults.first(BEFORE, request.path)
    if fault is not None:
        await request.read()
        return await misbehave(fault, request, namespace=name)
    namespace = site.database.namespace(name)
    caller = _caller(request, site)
    target = request.path.removesuffix(SUFFIX)
    if target.startswith(SETTINGS_PREFIX):
        return await _setting(request, target, namespace=namespace, caller=caller)
    ask = await _ask(request, target, caller=caller)
    if ask.verb != "GET":
        return await _write(request, ask, namespace=namespace)
    if EVENT_STREAM in request.headers.get("Accept", ""):
        return await _stream(request, ask, namespace=namespace)
    return answered(read(ask, namespace, now=site.database.now), ask.options)


def _caller(request: web.Request, site: Site) -> Caller:
    return caller_of(request.headers, request.query, scopes=site.scopes, now=site.database.now)


async def _ask(request: web.Request, target: str, *, caller: Caller) -> Ask:
    headers = request.headers
    return Ask(
        verb=_verb(request),
        path=path_of(target),
        options=options_of(request.query),
        caller=caller,
        body=await request.read(),
        if_match=headers.get("if-match"),
        if_none_match=headers.get("if-none-match"),
        wants_etag=headers.get("X-Firebase-ETag", "").lower() == "true",
    )


def _verb(request: web.Request) -> str:
    """The method, or what a POST says it stands for."""
    verb = request.method
    if verb == "POST":
        override = request.headers.get(OVERRIDE) or request.query.get(OVERRIDE)
        verb = override.upper() if override else verb
    verb = "GET" if verb == "HEAD" else verb
    if verb not in VERBS:
        raise Refused(405, "Method not allowed")
    return verb


async def _write(request: web.Request, ask: Ask, *, namespace: Namespace) -> web.StreamResponse:
    site = request.app[SITE]
    faults, database = site.faults, site.database
    site.throttle.admit(len(ask.body))
    await linger(faults, SLOW_WRITE, key=request.path)
    veto = veto_of(faults, database)
    answer = write(ask, namespace, database=database, veto=veto)
    if answer.status == 200:
        await linger(faults, SLOW_COMMIT, key=request.path)
        fault = faults.first(AFTER_WRITES, request.path)
        if fault is not None:
            return await misbehave(fault, request, namespace=namespace.name)
    return answered(answer, ask.options)


async def _setting(
    request: web.Request, target: str, *, namespace: Namespace, caller: Caller
) -> web.Response:
    name = target.removeprefix(SETTINGS_PREFIX)
    if _verb(request) == "PUT":
        body = await request.read()
        value = put_setting(name, namespace, caller=caller, body=body)
        return answered(Answer(value=value), Options())
    body = get_setting(name, namespace, caller=caller)
    return web.Response(body=body, content_type="application/json", charset="utf-8")


async def _stream(request: web.Request, ask: Ask, *, namespace: Namespace) -> web.StreamResponse:
    site = request.app[SITE]
    faults = site.faults
    if faults.strikes(STREAM_REDIRECT, request.path):
        return web.Response(status=307, headers={"Location": str(request.url)})
    stream = Stream(ask, namespace, clock=lambda: site.database.now)
    stream.begin()
    if faults.strikes(STREAM_REVOKED, request.path):
        stream.end("auth_revoked", CREDENTIAL_GONE)
    terms = Terms(
        keep_alive=faults.knob("database.keep-alive-seconds"),
        still_good=lambda: _still_good(request, site),
        cut=faults.strikes(STREAM_RESET, request.path),
    )
    return await serve_stream(request, stream, terms=terms)


def _still_good(request: web.Request, site: Site) -> bool:
    try:
        _caller(request, site)
    except Refused:
        return False
    return True
