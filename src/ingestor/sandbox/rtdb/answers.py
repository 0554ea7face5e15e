"""Values and refusals as HTTP answers, with the headers the database sends."""

import json
import re
from typing import Final

import orjson
from aiohttp import web

from ingestor.sandbox.rtdb.nodes import JSON
from ingestor.sandbox.rtdb.parameters import Options
from ingestor.sandbox.rtdb.refusals import TOO_MUCH_TO_READ, Refused
from ingestor.sandbox.rtdb.verbs import Answer

HEADERS: Final = {
    "Cache-Control": "no-cache",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag",
}

ODD_IN_NAMES: Final = re.compile(r'[\\"\x00-\x1f\x7f]')
"""What would end a header, or the quotes in it."""

MAX_READ_BYTES: Final = 256 * 1024 * 1024
"""Of one answer (https://firebase.google.com/docs/database/usage/limits)."""

SIGN_IN: Final = "/.sign-in"
SIGN_IN_PAGE: Final = (
    "<!DOCTYPE html><html><head><title>Sign in</title></head>"
    "<body>Sign in to see the data of this database in the console.</body></html>\n"
)


def answered(answer: Answer, options: Options) -> web.Response:
    headers = dict(HEADERS)
    if answer.etag is not None:
        headers["ETag"] = answer.etag
    if answer.status == 304:
        return web.Response(status=304, headers=headers)
    if options.silent and answer.status == 200:
        return web.Response(status=204, headers=headers)
    body = written(answer.value, pretty=options.pretty)
    if len(body) > MAX_READ_BYTES:
        raise Refused(400, TOO_MUCH_TO_READ)
    if options.download is not None:
        name = ODD_IN_NAMES.sub("_", options.download)
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    if options.callback is not None:
        return _script(options.callback, body, headers=headers)
    return _json(body, status=answer.status, headers=headers)


def refused(refusal: Refused) -> web.Response:
    """The error object, which is indented whatever `print` says."""
    body = written({"error": refusal.text, **refusal.members}, pretty=True)
    return _json(body + b"\n", status=refusal.status, headers=HEADERS)


def preflight() -> web.Response:
    """What browsers ask before they write from another origin."""
    allowed = {
        "Access-Control-Allow-Methods": "GET, PUT, POST, DELETE, OPTIONS, PATCH",
        "Access-Control-Allow-Headers": "authorization, content-type, if-match, x-firebase-etag",
    }
    return web.Response(headers={**HEADERS, **allowed})


def sign_in(path: str) -> web.Response:
    """
    Without `.json` production leads to the console's sign-in page, which is a 200 with HTML.

    The sandbox stays on its own host: nobody is to be sent to the network.
    """
    if path == SIGN_IN:
        return web.Response(text=SIGN_IN_PAGE, content_type="text/html")
    return web.Response(
        status=302, headers={"Location": SIGN_IN}, text=SIGN_IN_PAGE, content_type="text/html"
    )


def written(value: JSON, *, pretty: bool) -> bytes:
    if not pretty:
        return orjson.dumps(value)
    text = json.dumps(value, ensure_ascii=False, indent=2, separators=(",", " : "))
    return text.encode()


def _json(body: bytes, *, status: int, headers: dict[str, str]) -> web.Response:
    return web.Response(
        status=status, body=body, headers=headers, content_type="application/json", charset="utf-8"
    )


def _script(callback: str, body: bytes, *, headers: dict[str, str]) -> web.Response:
    return web.Response(
        body=callback.encode() + b"(" + body + b")",
        headers=headers,
        content_type="application/javascript",
        charset="utf-8",
    )
