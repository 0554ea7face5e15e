"""Does a JSON value keep to a schema of a Google discovery document? Every member known and typed."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

Schemas = Mapping[str, Any]

DURATION = re.compile(r"\d+(\.\d{1,9})?s")


def objections(value: Any, *, name: str, schemas: Schemas) -> list[str]:
    """Where and why a value is not a message of that name; empty if it is one."""
    return list(_of_schema(value, {"$ref": name}, schemas=schemas, at=name))


def size_of(value: Any) -> int:
    """How many members and entries a value has in all: what a check looked at."""
    if isinstance(value, Mapping):
        return sum(1 + size_of(member) for member in value.values())
    if isinstance(value, list):
        return sum(1 + size_of(entry) for entry in value)
    return 0


def _of_schema(value: Any, schema: Any, *, schemas: Schemas, at: str) -> Iterator[str]:
    if "$ref" in schema:
        schema = schemas[schema["$ref"]]
    match schema.get("type"):
        case "object":
            yield from _object(value, schema, schemas=schemas, at=at)
        case "array":
            yield from _array(value, schema, schemas=schemas, at=at)
        case "any":
            pass
        case kind:
            if not _is_scalar(value, kind, schema):
                yield f"{at}: {value!r} is no {kind} ({schema.get('format', 'plain')})"


def _object(value: Any, schema: Any, *, schemas: Schemas, at: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{at}: {value!r} is no object"
        return
    known = schema.get("properties", {})
    others = schema.get("additionalProperties")
    for name, member in value.items():
        inner = known.get(name, others)
        if inner is None:
            yield f"{at}: unknown member {name}"
        else:
            yield from _of_schema(member, inner, schemas=schemas, at=f"{at}.{name}")


def _array(value: Any, schema: Any, *, schemas: Schemas, at: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{at}: {value!r} is no array"
        return
    for index, entry in enumerate(value):
        yield from _of_schema(entry, schema["items"], schemas=schemas, at=f"{at}[{index}]")


def _is_scalar(value: Any, kind: str, schema: Any) -> bool:
    match kind, schema.get("format"):
        case "string", "byte":
            return isinstance(value, str) and _is_base64(value)
        case "string", "google-duration":
            return isinstance(value, str) and DURATION.fullmatch(value) is not None
        case "string", _:
            return isinstance(value, str) and value in schema.get("enum", [value])
        case "integer", "int32":
            is_int = isinstance(value, int) and not isinstance(value, bool)
            return is_int and -(2**31) <= value < 2**31
        case "number", _:
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            return is_number and math.isfinite(value)
        case "boolean", _:
            return isinstance(value, bool)
        case _:
            return False


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error:
        return False
    return True
