"""
How Flickr words an answer: JSON, JSONP or XML, and failures that come with HTTP 200.

https://www.flickr.com/services/api/response.json.html and .../response.rest.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

import orjson
from aiohttp import web

DEFAULT_CALLBACK: Final = "jsonFlickrApi"

FORMATS: Final = frozenset({"rest", "json"})
"""Of the formats that Flickr names, those that a client of today asks for."""

Members = Mapping[str, Any]


class Failure(Exception):
    """Flickr's `stat="fail"`. The code is a number in JSON and text in XML."""

    def __init__(self, *, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What the caller asked for: `format`, `nojsoncallback`, `jsoncallback`."""

    kind: str = "rest"
    bare: bool = False
    callback: str = DEFAULT_CALLBACK

    @classmethod
    def asked(cls, arguments: Mapping[str, str]) -> "Wording":
        return cls(
            kind=arguments.get("format") or "rest",
            bare=arguments.get("nojsoncallback") == "1",
            callback=arguments.get("jsoncallback") or DEFAULT_CALLBACK,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A body and its type; the status is always 200."""

    body: bytes
    content_type: str
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> web.Response:
        headers = {"Content-Type": self.content_type, "x-robots-tag": "noindex", **self.headers}
        return web.Response(body=self.body, headers=headers)


def success(members: Members, wording: Wording) -> Answer:
    if wording.kind == "json":
        return _json({**members, "stat": "ok"}, wording)
    return _xml("ok", "".join(_elements(members)))


def failure(error: Failure, wording: Wording) -> Answer:
    if wording.kind == "json":
        members = {"stat": "fail", "code": error.code, "message": error.message}
        return _json(members, wording)
    return _xml("fail", f'\t<err code="{error.code}" msg={quoteattr(error.message)} />\n')


def json_bytes(members: Members) -> bytes:
    r"""JSON as Flickr writes it, with every slash as `\/`."""
    return orjson.dumps(members).replace(b"/", b"\\/")


def _json(members: Members, wording: Wording) -> Answer:
    body = json_bytes(members)
    if wording.bare:
        return Answer(body=body, content_type="application/json")
    wrapped = b"%b(%b)" % (wording.callback.encode(), body)
    return Answer(body=wrapped, content_type="text/javascript; charset=utf-8")


def _xml(stat: str, inside: str) -> Answer:
    text = f'<?xml version="1.0" encoding="utf-8" ?>\n<rsp stat="{stat}">\n{inside}</rsp>\n'
    return Answer(body=text.encode("utf-8", "replace"), content_type="text/xml; charset=utf-8")


def _elements(members: Members) -> Iterator[str]:
    """Members as elements: plain values become attributes, `_content` becomes the text."""
    for name, value in members.items():
        for element in value if isinstance(value, list) else [value]:
            yield _element(name, element)


def _element(name: str, value: object) -> str:
    if not isinstance(value, Mapping):
        return f"<{name}>{_text(value)}</{name}>\n"
    plain = {key: item for key, item in value.items() if not isinstance(item, Mapping | list)}
    text = plain.pop("_content", "")
    attributes = "".join(f" {key}={quoteattr(_text(item))}" for key, item in plain.items())
    nested = {key: item for key, item in value.items() if isinstance(item, Mapping | list)}
    inside = escape(_text(text)) + "".join(_elements(nested))
    return f"<{name}{attributes}>{inside}</{name}>\n" if inside else f"<{name}{attributes} />\n"


def _text(value: object) -> str:
    text = "" if value is None else str(int(value)) if isinstance(value, bool) else str(value)
    return "".join(letter for letter in text if letter >= " " or letter in "\t\n\r")
