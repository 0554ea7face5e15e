"""
One JSON object a line, for programs: whatever a path or an argument holds.

Names of files are bytes, and those that are no UTF-8 reach us with halves of surrogate pairs in them,
for which JSON has no word.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson


def json_line(value: object, *, default: Callable[[Any], object] = str) -> str:
    """With its line break. `default` says how to write what JSON does not know."""
    try:
        return orjson.dumps(value, default=default, option=orjson.OPT_APPEND_NEWLINE).decode()
    except TypeError:
        text = json.dumps(value, default=default, ensure_ascii=False, separators=(",", ":"))
        return text.encode(errors="replace").decode() + "\n"
