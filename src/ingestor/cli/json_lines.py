"""
One JSON object a line, for programs: whatever a path or an argument holds.

Names of files are bytes, and those that are no UTF-8 reach us with halves of surrogate pairs in them,
for which JSON has no word. A stream may have few letters, and JSON that is read as UTF-8 must not be
written in another encoding. And people look at it as well, in a terminal that obeys more signs than those
that JSON spells out.
"""

from __future__ import annotations

import json
import re
from codecs import lookup
from collections.abc import Callable
from typing import Any, Final, TextIO

import orjson

STEERING: Final = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What moves a terminal's cursor, ends a line or turns its letters round, beside what is always escaped."""
BEYOND_ASCII: Final = re.compile(r"[^\x00-\x7f]+")


def write_json(stream: TextIO, value: object, *, default: Callable[[Any], object] = str) -> None:
    """As `json_line` has it, its letters escaped where the stream is not one of UTF-8."""
    stream.write(escaped_for(stream.encoding, json_line(value, default=default)))


def escaped_for(encoding: str | None, line: str) -> str:
    """A line of JSON as it may go to a stream of that encoding."""
    if lookup(encoding or "utf-8").name == "utf-8":
        return line
    return BEYOND_ASCII.sub(lambda some: json.dumps(some[0])[1:-1], line)


def json_line(value: object, *, default: Callable[[Any], object] = str) -> str:
    """With its line break. `default` says how to write what JSON does not know."""
    return STEERING.sub(lambda sign: f"\\u{ord(sign[0]):04x}", _json(value, default)) + "\n"


def _json(value: object, default: Callable[[Any], object]) -> str:
    try:
        return orjson.dumps(value, default=default).decode()
    except TypeError:
        text = json.dumps(value, default=default, ensure_ascii=False, separators=(",", ":"))
        return text.encode(errors="replace").decode()
