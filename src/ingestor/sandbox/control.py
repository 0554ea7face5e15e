"""
The control site: what the upstreams saw, what they charge, and how they are to behave.

| request | does |
|---|---|
| GET /hello | seed, version, addresses |
| GET /bill | requests, units, images, possible, what was charged more than once |
| GET /bill/images | how often each image was charged |
| GET /calls | calls, answers, refusals and the busiest minute of each upstream |
| GET /faults | rates, knobs, how often each struck, and what each one does |
| PUT /faults | {name: rate or knob, ...}: behave so from now on |
| POST /faults | {name: times, ...}: let the next so many requests be hit |
| DELETE /faults | behave |
| GET, PUT /quota | {"requests": N, "images": N} per minute; 0 is no limit |
| POST /pool/{group} | {"arrive": N, "withdraw": [id, ...]}; group by NSID or alias |
| POST /tokens/revoke | no access token given out so far is good any more |
| POST /keys | {"flickr": false, "google": true}: which API keys are good |
| GET /database | the tree; ?ns= another namespace, ?path= a part |
| POST /reset | as at the start; {"only": ["bill", ...]} for a part |

Everything is JSON. What is not understood is answered with 400 or 404 and a sentence.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from ingestor.sandbox.bill import Bill
from ingestor.sandbox.calls import Calls
from ingestor.sandbox.faults import Faults
from ingestor.sandbox.quotas import Quotas
from ingestor.sandbox.rtdb.database import DEFAULT_NAMESPACE, Database
from ingestor.sandbox.rtdb.refusals import Refused
from ingestor.sandbox.tokens import Tokens
from ingestor.sandbox.world import World

MOST_ARRIVALS: Final = 100_000
"""At once; more photos than any pool of the made world has."""


class Unclear(Exception):
    """A request that cannot be carried out; the argument is the sentence to answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    """What a view may look at and turn."""

    hello: Mapping[str, object]
    """What the sandbox says of itself."""
    world: World
    faults: Faults
    calls: Calls
    bill: Bill
    quotas: Quotas
    tokens: Tokens
    database: Database
    keys: Mapping[str, str]
    """The API keys of `flickr` and `google`."""
    disabled_keys: set[str]
    """Those that are refused; the upstreams have the same set."""


CONTROLS: Final = web.AppKey("controls", Controls)


def application(controls: Controls) -> web.Application:
    app = web.Application(middlewares=[_in_a_sentence])
    app[CONTROLS] = controls
    app.router.add_routes(
        [
            web.get("/hello", show_hello),
            web.get("/bill", show_bill),
            web.get("/bill/images", show_charges),
            web.get("/calls", show_calls),
            web.get("/faults", show_faults),
            web.put("/faults", set_faults),
            web.post("/faults", queue_faults),
            web.delete("/faults", clear_faults),
            web.get("/quota", show_quota),
            web.put("/quota", set_quota),
            web.post("/pool/{group}", move_pool),
            web.post("/tokens/revoke", revoke_tokens),
            web.post("/keys", switch_keys),
            web.get("/database", show_database),
            web.post("/reset", reset),
        ]
    )
    return app


@web.middleware
async def _in_a_sentence(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as answer:
        where = f"{request.method} {request.path}"
        return _json({"error": f"{where}: {answer.reason}"}, status=answer.status)
    except (Unclear, ValueError) as error:
        return _json({"error": str(error)}, status=400)
    except Refused as refusal:
        return _json({"error": refusal.text}, status=refusal.status)


async def show_hello(request: web.Request) -> web.Response:
    return _json(request.app[CONTROLS].hello)


async def show_bill(request: web.Request) -> web.Response:
    return _json(request.app[CONTROLS].bill.summary())


async def show_charges(request: web.Request) -> web.Response:
    return _json(dict(request.app[CONTROLS].bill.images))


async def show_calls(request: web.Request) -> web.Response:
    return _json(request.app[CONTROLS].calls.summary())


async def show_faults(request: web.Request) -> web.Response:
    faults = request.app[CONTROLS].faults
    return _json(
        {
            "rates": faults.rates(),
            "knobs": faults.knobs,
            "counts": faults.counts(),
            "known": faults.known,
        }
    )


async def set_faults(request: web.Request) -> web.Response:
    """All or nothing: a wrong name or rate leaves everything as it was."""
    faults = request.app[CONTROLS].faults
    wanted = {name: _number(value) for name, value in (await _object(request)).items()}
    for name, value in wanted.items():
        faults.check(name, value)
    for name, value in wanted.items():
        faults.set(name, value)
    return await show_faults(request)


async def queue_faults(request: web.Request) -> web.Response:
    faults = request.app[CONTROLS].faults
    wanted = {name: _count(value) for name, value in (await _object(request)).items()}
    for name, times in wanted.items():
        faults.queue(name, times)
    return _json({"queued": wanted})


async def clear_faults(request: web.Request) -> web.Response:
    request.app[CONTROLS].faults.clear()
    return await show_faults(request)


async def show_quota(request: web.Request) -> web.Response:
    quotas = request.app[CONTROLS].quotas
    return _json(
        {
            "requests": quotas.requests.limit,
            "images": quotas.images.limit,
            "busiest_minute": {
                "requests": quotas.requests.busiest,
                "images": quotas.images.busiest,
            },
        }
    )


async def set_quota(request: web.Request) -> web.Response:
    wanted = await _object(request, only={"requests", "images"})
    limits = {name: _count(value) for name, value in wanted.items()}
    request.app[CONTROLS].quotas.change(**limits)
    return await show_quota(request)


async def move_pool(request: web.Request) -> web.Response:
    world = request.app[CONTROLS].world
    name = request.match_info["group"]
    group = world.group_called(name)
    if group is None:
        known = ", ".join(group.alias for group in world.groups.values())
        return _json({"error": f"there is no group {name!r}, only {known}"}, status=404)
    wanted = await _object(request, only={"arrive", "withdraw"})
    count, gone = _count(wanted.get("arrive", 0)), wanted.get("withdraw", [])
    if count > MOST_ARRIVALS:
        raise Unclear(f"at most {MOST_ARRIVALS} photos can arrive at once")
    if not isinstance(gone, list) or not all(isinstance(photo_id, str) for photo_id in gone):
        raise Unclear("withdraw takes a list of photo ids, as strings")
    withdrawn = world.withdraw(group.nsid, ids=gone)
    return _json({"arrived": world.arrive(group.nsid, count=count), "withdrawn": withdrawn})


async def revoke_tokens(request: web.Request) -> web.Response:
    """Streams that are open on the database hear `auth_revoked`."""
    controls = request.app[CONTROLS]
    controls.database.revoke_streams()
    return _json({"revoked": controls.tokens.revoke_all()})


async def switch_keys(request: web.Request) -> web.Response:
    controls = request.app[CONTROLS]
    for name, good in (await _object(request, only=set(controls.keys))).items():
        if not isinstance(good, bool):
            raise Unclear(f"{name} takes true or false")
        change = controls.disabled_keys.discard if good else controls.disabled_keys.add
        change(controls.keys[name])
    good_keys = {name: key not in controls.disabled_keys for name, key in controls.keys.items()}
    return _json(good_keys)


async def show_database(request: web.Request) -> web.Response:
    namespace = request.query.get("ns", DEFAULT_NAMESPACE)
    path = request.query.get("path", "/")
    return _json(request.app[CONTROLS].database.value(namespace, path))


async def reset(request: web.Request) -> web.Response:
    controls = request.app[CONTROLS]
    parts: Mapping[str, Callable[[], object]] = {
        "world": controls.world.reset,
        "faults": controls.faults.clear,
        "calls": controls.calls.clear,
        "bill": controls.bill.clear,
        "quota": controls.quotas.clear,
        "tokens": controls.tokens.revoke_all,
        "database": controls.database.clear,
        "keys": controls.disabled_keys.clear,
    }
    only = (await _object(request, only={"only"})).get("only", list(parts))
    if not isinstance(only, list) or not set(only) <= parts.keys():
        raise Unclear(f"only takes a list out of {', '.join(parts)}")
    for name in only:
        parts[name]()
    return _json({"reset": only})


async def _object(request: web.Request, *, only: set[str] | None = None) -> dict[str, Any]:
    """The body as a JSON object; an empty one counts as `{}`."""
    body = await request.read()
    try:
        value = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        raise Unclear("the body is not JSON") from None
    if not isinstance(value, dict):
        raise Unclear("the body is not a JSON object")
    if only is not None and not value.keys() <= only:
        raise Unclear(f"only {', '.join(sorted(only))} can be given here")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unclear(f"{value!r} is not a number")
    return float(value)


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Unclear(f"{value!r} is not a whole number from 0 up")
    return value


def _json(value: object, *, status: int = 200) -> web.Response:
    body = orjson.dumps(
        value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS
    )
    return web.Response(body=body, status=status, content_type="application/json")
