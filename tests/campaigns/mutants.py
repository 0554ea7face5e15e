"""
Answers gone wrong: what vendors say, changed in structure, then perhaps in its bytes.

Bytes alone rarely get past a JSON parser, so most changes are made to the tree: members vanish, come
twice, move, change their type, or take a value that somebody forgot about.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from ingestor.transport import Response
from tests.unit.apis.conftest import ANSWERS, read_answer

ODD: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1, 0.5, -0.0, 1e308, 2**31, 2**53, 2**63, 2**64, -(2**64), 10**300),
    *(float("nan"), float("inf"), float("-inf")),
    *("", " ", "0", "-1", "1e999", "NaN", "null", "true", "\0", "\ud800", "\u202e", "١٢٣", "½"),
    *("../..", "a.b", "$#[]/%", "<script>", "http://127.0.0.1/", "%00", "x" * 5000, "é" * 400),
    *([], {}, [[]], [None], {"": None}, {"_content": {}}, {"error": {}}),
)
TOKENS: Final = (
    *(b"NaN", b"1e999", b"-", b'"', b"\\", b"\\ud800", b"\0", b"\xff", b"\xed\xa0\x80", b"{", b"}"),
    *(b"[", b"]", b",", b":", b"99999999999999999999", b"null", b"[" * 2000, b"\xef\xbb\xbf"),
)
STATUSES: Final = (
    *(
        200,
        200,
        200,
        200,
        201,
        204,
        206,
        299,
        301,
        302,
        304,
        307,
        400,
        401,
        402,
        403,
        404,
        408,
        409,
    ),
    *(412, 413, 418, 423, 429, 431, 451, 499, 500, 501, 502, 503, 504, 505, 520, 599, 600, 999),
)
HEADERS: Final[tuple[dict[str, str], ...]] = (
    *({}, {}, {"retry-after": "3"}, {"retry-after": "-1"}, {"retry-after": "9" * 400}),
    *({"retry-after": "²"}, {"retry-after": "1.5"}, {"retry-after": "soon", "date": "never"}),
    {"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT", "date": "Mon, 01 Jan 0001 00:00:00 GMT"},
    {"retry-after": "Wed, 21 Oct 2026 07:28:00 -0000", "date": "Wed, 21 Oct 2026 07:28:00 GMT"},
    {"retry-after": "Thu, 99 Foo 99999 99:99:99 +9999", "date": "Wed, 21 Oct 2026 07:28:00 GMT"},
    *({"etag": ""}, {"etag": "x" * 9000}, {"location": "http://[::1"}, {"location": "//\0"}),
)
"""What the readers look at."""


def corpus(vendor: str) -> list[Response]:
    """The good and bad answers of a vendor, as tests/answers has them."""
    files = sorted(Path(ANSWERS / vendor).glob("*.txt"))
    return [read_answer(file.read_bytes()) for file in files]


def tree_of(response: Response) -> Any:
    """The body as a value; None where it is not JSON."""
    try:
        return json.loads(response.body)
    except ValueError:
        return None


def mutant(seeds: list[tuple[Response, Any]], dice: random.Random) -> Response:
    """Change one answer, or the tree that it is, a little or a lot."""
    response, tree = dice.choice(seeds)
    body = response.body
    if tree is not None and dice.random() < 0.9:
        changed = copy.deepcopy(tree)
        for _change in range(dice.choice((1, 1, 2, 3, 6))):
            changed = change(changed, dice)
        body = json.dumps(changed, ensure_ascii=dice.random() < 0.5).encode(errors="surrogatepass")
    if tree is None or dice.random() < 0.15:
        for _change in range(dice.randint(1, 4)):
            body = bytes_changed(body, dice)
    status = response.status if dice.random() < 0.6 else dice.choice(STATUSES)
    headers = dict(response.headers) | dice.choice(HEADERS)
    return Response(status=status, headers=headers, body=body)


def change(tree: Any, dice: random.Random) -> Any:
    """Walk down to a random place, and do one thing there."""
    path: list[Any] = []
    node = tree
    while isinstance(node, dict | list) and node and (not path or dice.random() < 0.8):
        key = dice.choice(list(node)) if isinstance(node, dict) else dice.randrange(len(node))
        path.append((node, key))
        node = node[key]
    if not path:
        return dice.choice(ODD)
    parent, key = path[-1]
    dice.choice(CHANGES)(parent, key, dice)
    return tree


def replace(parent: Any, key: Any, dice: random.Random) -> None:
    parent[key] = copy.deepcopy(dice.choice(ODD))


def remove(parent: Any, key: Any, dice: random.Random) -> None:
    del parent[key]


def double(parent: Any, key: Any, dice: random.Random) -> None:
    if isinstance(parent, list):
        parent.insert(key, copy.deepcopy(parent[key]))
    else:
        parent[f"{key}2"] = copy.deepcopy(parent[key])


def wrap(parent: Any, key: Any, dice: random.Random) -> None:
    parent[key] = dice.choice(([parent[key]], {"_content": parent[key]}, {"0": parent[key]}))


def bury(parent: Any, key: Any, dice: random.Random) -> None:
    for _level in range(dice.choice((1, 3, 60))):
        parent[key] = [parent[key]]


def spell(parent: Any, key: Any, dice: random.Random) -> None:
    """The same in another type: numbers as texts, texts as numbers."""
    value = parent[key]
    if isinstance(value, str):
        parent[key] = int(value) if value.isascii() and value.isdigit() else len(value)
    elif not isinstance(value, dict | list):
        parent[key] = str(value)


CHANGES: Final[tuple[Callable[[Any, Any, random.Random], None], ...]] = (
    *(replace, replace, replace, remove, double, wrap, spell, spell),
    bury,
)


def bytes_changed(body: bytes, dice: random.Random) -> bytes:
    """Cut out, double, overwrite or insert at a random place."""
    start = dice.randrange(len(body) + 1)
    end = min(len(body), start + dice.choice((1, 1, 2, 8, 64)))
    match dice.randrange(5):
        case 0:
            return body[:start] + body[end:]
        case 1:
            return body[:end] + body[start:]
        case 2:
            return body[:start] + dice.choice(TOKENS) + body[end:]
        case 3:
            return body[:start] + dice.randbytes(end - start) + body[end:]
        case _:
            return body[:start]
