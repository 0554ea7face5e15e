"""The Flickr REST API: one path, GET or form POST, `method=flickr.x.y`; see the methods beside it."""

import hashlib
import re
from collections import OrderedDict, deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from ingestor.sandbox.calls import Calls, Clock
from ingestor.sandbox.faults import Faults
from ingestor.sandbox.flickr_methods import METHODS, Question
from ingestor.sandbox.flickr_weather import ANSWER_FAULTS, PAGE_FAULTS, Case, instead, spoiled
from ingestor.sandbox.flickr_wire import FORMATS, Answer, Failure, Wording, failure, success
from ingestor.sandbox.latency import Latency
from ingestor.sandbox.world import World

UPSTREAM: Final = "flickr"
PATH: Final = "/services/rest/"

FAULTS: Final = {**ANSWER_FAULTS, **PAGE_FAULTS}

CALLS_PER_HOUR: Final = 3600.0
"""Per key, all machines together: https://www.flickr.com/services/developer/api/"""

KNOBS: Final = {
    "flickr.calls-per-hour": CALLS_PER_HOUR,
    "flickr.retry-after": 5.0,
    "flickr.slow-seconds": 20.0,
}
"""A limit of 0 is none. Seconds otherwise."""

HOUR_SECONDS: Final = 3600.0

KEY_FORMAT: Final = re.compile(r"[0-9a-f]{32}")

KNOWN_KEYS: Final = 64
"""How many keys have their calls counted; the sandbox announces one."""

TOO_MANY: Final = (
    "<html><body><h1>429 Too Many Requests</h1>\n"
    "You have sent too many requests in a given amount of time.\n</body></html>\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """What the one view may use."""

    world: World
    image_url: str
    """The CDN's origin."""
    faults: Faults
    latency: Latency
    calls: Calls
    clock: Clock
    disabled_keys: Collection[str] = ()
    """Answered with code 100."""
    spent: OrderedDict[str, deque[float]] = field(default_factory=OrderedDict)


API: Final = web.AppKey("api", Api)


def application(api: Api) -> web.Application:
    app = web.Application()
    app[API] = api
    for path in (PATH, PATH.rstrip("/")):
        app.router.add_get(path, rest)
        app.router.add_post(path, rest)
    return app


def api_key(seed: int) -> str:
    """The key that a world announces; any other of the same form is as good."""
    return hashlib.blake2b(f"flickr-key:{seed}".encode(), digest_size=16).hexdigest()


async def rest(request: web.Request) -> web.StreamResponse:
    api = request.app[API]
    api.calls.arrived(UPSTREAM)
    arguments = await arguments_of(request)
    method = arguments.get("method", "")
    name = method.removeprefix("flickr.") if method in METHODS else "unknown"
    return await api.calls.answering(UPSTREAM, name, answered(api, request, arguments=arguments))


async def arguments_of(request: web.Request) -> dict[str, str]:
    """Arguments of the query and the form together; the form wins."""
    form = await request.post()
    posted = {name: value for name, value in form.items() if isinstance(value, str)}
    return {**request.query, **posted}


async def answered(
    api: Api, request: web.Request, *, arguments: Mapping[str, str]
) -> web.StreamResponse:
    await api.latency.pause(UPSTREAM)
    method = arguments.get("method", "")
    if over_limit(api, arguments.get("api_key", "")):
        return web.Response(status=429, text=TOO_MANY, content_type="text/html")
    fault = api.faults.first(ANSWER_FAULTS, method)
    if fault is not None:
        case = Case(
            request=request,
            faults=api.faults,
            wording=Wording.asked(arguments),
            due=lambda: said(api, arguments),
        )
        return await instead(fault, case)
    response = said(api, arguments).response()
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        response.enable_compression(web.ContentCoding.gzip)
    return response


def said(api: Api, arguments: Mapping[str, str]) -> Answer:
    """What the API says when nothing is in its way: a success or a failure, both with 200."""
    wording = Wording.asked(arguments)
    question = Question(arguments=arguments, world=api.world, image_url=api.image_url)
    try:
        _check(api, arguments)
        members = METHODS[arguments["method"]](question)
    except Failure as error:
        return failure(error, wording)
    page = members.get("photos")
    fault = api.faults.first(PAGE_FAULTS, arguments["method"]) if page else None
    if fault is not None:
        members = spoiled(fault, members, question=question)
    return success(members, wording)


def _check(api: Api, arguments: Mapping[str, str]) -> None:
    """What every method checks first, in Flickr's order."""
    kind = arguments.get("format") or "rest"
    if kind not in FORMATS:
        raise Failure(code=111, message=f'Format "{kind}" not found')
    key = arguments.get("api_key", "")
    if not KEY_FORMAT.fullmatch(key):
        raise Failure(code=100, message="Invalid API Key (Key has invalid format)")
    if key in api.disabled_keys:
        raise Failure(code=100, message="Invalid API Key (Key not found)")
    method = arguments.get("method", "")
    if method not in METHODS:
        raise Failure(code=112, message=f'Method "{method or "unknown"}" not found')


def over_limit(api: Api, key: str) -> bool:
    """Count a call against its key's hour; refused calls do not count."""
    limit = api.faults.knob("flickr.calls-per-hour")
    if limit <= 0:
        return False
    spent = api.spent.setdefault(key, deque())
    api.spent.move_to_end(key)
    if len(api.spent) > KNOWN_KEYS:
        api.spent.popitem(last=False)
    now = api.clock()
    while spent and spent[0] <= now - HOUR_SECONDS:
        spent.popleft()
    if len(spent) >= limit:
        return True
    spent.append(now)
    return False
