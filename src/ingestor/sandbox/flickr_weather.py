"""The Flickr API on a bad day: answers of another kind, and pages that are not what they seem."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from ingestor.sandbox.faults import Faults
from ingestor.sandbox.flickr_methods import Question
from ingestor.sandbox.flickr_rows import Row
from ingestor.sandbox.flickr_wire import Answer, Failure, Wording, failure
from ingestor.sandbox.titles import ODD_TITLES
from ingestor.sandbox.wire import Raw, hang_up, head

ANSWER_FAULTS: Final = {
    "flickr.unavailable": "stat=fail with code 105, service currently unavailable",
    "flickr.write-failed": "stat=fail with code 106",
    "flickr.201": "stat=fail with code 201, not currently available",
    "flickr.201-comma": "the same as JSON with a comma after its end, whatever was asked",
    "flickr.code-0": "stat=fail with code 0",
    "flickr.key-disabled": "stat=fail with code 100, as for a disabled key",
    "flickr.odd-stat": "a `stat` that nobody knows",
    "flickr.no-stat": "an object without `stat` and photos",
    "flickr.jsonp": "JSON in a callback nobody asked for",
    "flickr.xml": "XML nobody asked for",
    "flickr.html": "a captcha page with 200",
    "flickr.malformed": "JSON that stops in the middle",
    "flickr.not-a-number": "JSON with NaN in it",
    "flickr.nested": "JSON nested 2,000 deep",
    "flickr.surrogates": "JSON with half a surrogate pair",
    "flickr.huge": "JSON of 12 MB",
    "flickr.throttled": "429 with an HTML page, without a hint",
    "flickr.throttled-hint": "429 with Retry-After",
    "flickr.blocked": "403 with an HTML page",
    "flickr.error": "500 with an HTML page",
    "flickr.bad-gateway": "502 with an HTML page",
    "flickr.gateway-timeout": "504 with an HTML page",
    "flickr.slow-body": "headers at once, the body late",
    "flickr.reset": "RST instead of an answer",
}

PAGE_FAULTS: Final = {
    "flickr.arrival": "two photos arrive after this page was read",
    "flickr.removal": "the two newest photos are withdrawn after this page was read",
    "flickr.double-rows": "every tenth row is there twice",
    "flickr.odd-totals": "`pages` is 0 and `total` negative",
    "flickr.huge-totals": "`pages` and `total` are beyond any group",
    "flickr.empty-page": "no rows, though there should be some",
    "flickr.no-urls": "rows without any size",
    "flickr.no-secrets": "rows without sizes, secret and server",
    "flickr.odd-titles": "titles in every script, with markup, 10 KB long",
    "flickr.odd-ids": "ids that are no numbers",
    "flickr.foreign-urls": "picture addresses that lead elsewhere",
}

UNAVAILABLE: Final = "Sorry, the Flickr API service is not currently available."
HUGE_BYTES: Final = 12 * 2**20
DEPTH: Final = 2000
BEYOND: Final = 10**12
PAGE: Final = "<html>\n<head><title>{0}</title></head>\n<body><h1>{0}</h1></body>\n</html>\n"

ODD_IDS: Final = ("../../etc/passwd", "a.b", "", "1e9", "١٢٣", "123456789012345678901234", "-5")

FOREIGN_URLS: Final = (
    "http://169.254.169.254/latest/meta-data/",
    "https://evil.invalid/65535/1_a_z.jpg",
    "file:///etc/passwd",
    "https://live.staticflickr.com@evil.invalid/1.jpg",
    "https://live.staticflickr.com:8443/1.jpg",
    "//evil.invalid/1.jpg",
    "http://[::1]:22/1.jpg",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The request to answer badly, how it wanted to be answered, what was due, and the knobs."""

    request: web.Request
    faults: Faults
    wording: Wording
    due: Callable[[], Answer]


Badly = Callable[[Case], Awaitable[web.StreamResponse]]


async def instead(fault: str, case: Case) -> web.StreamResponse:
    """Answer as the fault says, instead of asking the world."""
    return await INSTEAD[fault](case)


def spoiled(fault: str, members: Mapping[str, Any], *, question: Question) -> dict[str, Any]:
    """A listing with the fault in it."""
    photos = {**members["photos"], "photo": [dict(row) for row in members["photos"]["photo"]]}
    SPOILERS[fault](photos, question)
    return {**members, "photos": photos}


def _fails(code: int, message: str) -> Badly:
    async def answer(case: Case) -> web.Response:
        return failure(Failure(code=code, message=message), case.wording).response()

    return answer


def _says(body: str, *, kind: str = "application/json") -> Badly:
    async def answer(_: Case) -> web.Response:
        return web.Response(body=body.encode(), content_type=kind)

    return answer


def _page(status: int, title: str) -> Badly:
    async def answer(_: Case) -> web.Response:
        return web.Response(status=status, text=PAGE.format(title), content_type="text/html")

    return answer


async def _huge(_case: Case) -> web.Response:
    body = b'{"photos":{"photo":[]},"pad":"' + b"x" * HUGE_BYTES + b'","stat":"ok"}'
    return web.Response(body=body, content_type="application/json")


async def _throttled_hint(case: Case) -> web.Response:
    seconds = round(case.faults.knob("flickr.retry-after"))
    page = PAGE.format("429 Too Many Requests")
    headers = {"Retry-After": str(seconds)}
    return web.Response(status=429, text=page, content_type="text/html", headers=headers)


async def _slow_body(case: Case) -> Raw:
    due = case.due()
    headers = {"Content-Type": due.content_type, "Content-Length": str(len(due.body))}
    await case.request.writer.write(head("200 OK", headers))
    await asyncio.sleep(case.faults.knob("flickr.slow-seconds"))
    return Raw(due.body)


async def _reset(case: Case) -> Raw:
    return hang_up(case.request)


INSTEAD: Final[Mapping[str, Badly]] = {
    "flickr.unavailable": _fails(105, "Service currently unavailable"),
    "flickr.write-failed": _fails(106, "Write operation failed"),
    "flickr.201": _fails(201, UNAVAILABLE),
    "flickr.201-comma": _says(f'{{"stat":"fail","code":201,"message":"{UNAVAILABLE}"}},'),
    "flickr.code-0": _fails(0, UNAVAILABLE),
    "flickr.key-disabled": _fails(100, "Invalid API Key (Key not found)"),
    "flickr.odd-stat": _says('{"stat":"maybe","photos":{"photo":[]}}'),
    "flickr.no-stat": _says('{"hello":"world"}'),
    "flickr.jsonp": _says('jsonFlickrApi({"photos":{"photo":[]},"stat":"ok"})'),
    "flickr.xml": _says('<?xml version="1.0"?>\n<rsp stat="ok"><photos/></rsp>', kind="text/xml"),
    "flickr.html": _page(200, "Please verify you are human"),
    "flickr.malformed": _says('{"photos":{"page":1,"pages":4,"photo":[{"id":"5'),
    "flickr.not-a-number": _says('{"photos":{"page":1,"pages":NaN,"photo":[]},"stat":"ok"}'),
    "flickr.nested": _says("[" * DEPTH + "]" * DEPTH),
    "flickr.surrogates": _says(
        '{"photos":{"page":1,"pages":1,"perpage":1,"total":1,'
        '"photo":[{"id":"1","title":"\\ud83d"}]},"stat":"ok"}'
    ),
    "flickr.huge": _huge,
    "flickr.throttled": _page(429, "429 Too Many Requests"),
    "flickr.throttled-hint": _throttled_hint,
    "flickr.blocked": _page(403, "403 Forbidden"),
    "flickr.error": _page(500, "500 Internal Server Error"),
    "flickr.bad-gateway": _page(502, "502 Bad Gateway"),
    "flickr.gateway-timeout": _page(504, "504 Gateway Time-out"),
    "flickr.slow-body": _slow_body,
    "flickr.reset": _reset,
}


def _arrival(_photos: Row, question: Question) -> None:
    question.world.arrive(question.arguments["group_id"], count=2)


def _removal(_photos: Row, question: Question) -> None:
    nsid = question.arguments["group_id"]
    question.world.withdraw(nsid, ids=list(question.world.pools[nsid].now()[:2]))


def _double_rows(photos: Row, _question: Question) -> None:
    rows = photos["photo"]
    photos["photo"] = [row for index, row in enumerate(rows) for _ in range(1 + (index % 10 == 0))]


def _odd_totals(photos: Row, _question: Question) -> None:
    photos.update(pages=0, total="-1")


def _huge_totals(photos: Row, _question: Question) -> None:
    photos.update(pages=BEYOND, total=str(BEYOND))


def _empty_page(photos: Row, _question: Question) -> None:
    photos["photo"] = []


def _no_urls(photos: Row, _question: Question) -> None:
    for row in photos["photo"]:
        for name in [name for name in row if name.startswith(("url_", "width_", "height_"))]:
            del row[name]


def _no_secrets(photos: Row, question: Question) -> None:
    _no_urls(photos, question)
    for row in photos["photo"]:
        row.pop("secret", None)
        row.pop("server", None)


def _odd_titles(photos: Row, _question: Question) -> None:
    for index, row in enumerate(photos["photo"]):
        row["title"] = ODD_TITLES[index % len(ODD_TITLES)]


def _odd_ids(photos: Row, _question: Question) -> None:
    for row, odd in zip(photos["photo"], ODD_IDS, strict=False):
        row["id"] = odd


def _foreign_urls(photos: Row, _question: Question) -> None:
    for index, row in enumerate(photos["photo"]):
        for name in [name for name in row if name.startswith("url_")]:
            row[name] = FOREIGN_URLS[index % len(FOREIGN_URLS)]


SPOILERS: Final[Mapping[str, Callable[[Row, Question], None]]] = {
    "flickr.arrival": _arrival,
    "flickr.removal": _removal,
    "flickr.double-rows": _double_rows,
    "flickr.odd-totals": _odd_totals,
    "flickr.huge-totals": _huge_totals,
    "flickr.empty-page": _empty_page,
    "flickr.no-urls": _no_urls,
    "flickr.no-secrets": _no_secrets,
    "flickr.odd-titles": _odd_titles,
    "flickr.odd-ids": _odd_ids,
    "flickr.foreign-urls": _foreign_urls,
}
