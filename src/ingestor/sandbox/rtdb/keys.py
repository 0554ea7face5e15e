"""
Keys and paths: which are allowed, and in which order they come.

Limits from https://firebase.google.com/docs/database/usage/limits, order from
https://firebase.google.com/docs/database/rest/retrieve-data#section-rest-ordered-data
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from typing import Final, TypeAlias

from ingestor.sandbox.rtdb.refusals import INVALID_PATH, PATH_TOO_LONG, Refused

MAX_KEY_BYTES: Final = 768
MAX_DEPTH: Final = 32

FORBIDDEN: Final = re.compile(r"[.$#\[\]/\x00-\x1f\x7f]")
"""What no key may contain."""

FORBIDDEN_IN_PATH: Final = re.compile(r"[.$#\[\]\x00-\x1f\x7f]")

PRIORITY: Final = ".priority"
"""The one special name that may end a path."""

_INTEGER: Final = re.compile(r"-?0*[0-9]{1,10}")
_LEADS_INTEGERS: Final = frozenset("-0123456789")
_MAX_BYTES_PER_CHARACTER: Final = 4

Path: TypeAlias = tuple[str, ...]
Rank: TypeAlias = tuple[int, int, int, str]


def path_of(text: str) -> Path:
    """Split a decoded URL path or the key of an update; empty segments do not count."""
    path = tuple(segment for segment in text.split("/") if segment)
    names = path[:-1] if path and path[-1] == PRIORITY else path
    if len(names) > MAX_DEPTH:
        raise Refused(400, PATH_TOO_LONG)
    if not are_keys(names):
        raise Refused(400, INVALID_PATH)
    return path


def paths_of(texts: Collection[str]) -> list[Path]:
    """Split many paths; one look at all of them replaces a look at each where all is well."""
    joined = "/".join(texts)
    longest = max(map(len, texts), default=0)
    if FORBIDDEN_IN_PATH.search(joined) or longest * _MAX_BYTES_PER_CHARACTER > MAX_KEY_BYTES:
        return [path_of(text) for text in texts]
    # So short a path can still be too deep.
    return [
        tuple(filter(None, text.split("/"))) if text.count("/") < MAX_DEPTH else path_of(text)
        for text in texts
    ]


def are_keys(names: Collection[str]) -> bool:
    """Tell whether all names may be keys."""
    if not names:
        return True
    # One search over all of them: a bulk update has tens of thousands of keys.
    if FORBIDDEN.search("".join(names)) or not all(names):
        return False
    longest = max(map(len, names))
    if longest * _MAX_BYTES_PER_CHARACTER <= MAX_KEY_BYTES:
        return True
    return all(len(name.encode("utf-8", "replace")) <= MAX_KEY_BYTES for name in names)


def integer_of(key: str) -> int | None:
    """The number a key stands for if it is one of 32 bits; such keys sort as numbers."""
    if key[:1] in _LEADS_INTEGERS and _INTEGER.fullmatch(key):
        number = int(key)
        if -(2**31) <= number < 2**31:
            return number
    return None


def rank_of(key: str) -> Rank:
    """What keys sort by: 32-bit integers first, then strings by code point."""
    number = integer_of(key)
    return (1, 0, 0, key) if number is None else (0, number, len(key), key)


def in_order(keys: Iterable[str]) -> list[str]:
    return sorted(keys, key=rank_of)


class KeyOrder:
    """
    The keys of one large branch in order, put right only when somebody asks.

    Writers note what they did, which costs them nothing; a reader sorts the newcomers in. That
    is linear when the list was in order before, and free when nothing changed.
    """

    __slots__ = ("_fresh", "_gone", "_names", "_numbers", "_settled")

    def __init__(self, keys: Iterable[str]) -> None:
        self._numbers: list[str] = []
        self._names: list[str] = []
        self._settled: list[str] = []
        self._fresh: list[str] = list(keys)
        self._gone = False

    def add(self, key: str) -> None:
        self._fresh.append(key)

    def remove(self) -> None:
        """Note that some key left; which one is seen when somebody asks."""
        self._gone = True

    def settled(self, live: Collection[str]) -> Sequence[str]:
        """All keys in order, given those that the branch has now."""
        if not self._fresh and not self._gone:
            return self._settled
        fresh = dict.fromkeys(self._fresh)
        if self._gone:
            self._numbers = [key for key in self._numbers if key in live and key not in fresh]
            self._names = [key for key in self._names if key in live and key not in fresh]
        arrived = [key for key in fresh if key in live]
        self._names += [key for key in arrived if integer_of(key) is None]
        self._numbers += [key for key in arrived if integer_of(key) is not None]
        self._names.sort()
        self._numbers.sort(key=rank_of)
        self._settled = self._numbers + self._names
        self._fresh, self._gone = [], False
        return self._settled


def first_from(keys: Sequence[str], key: str, *, after: bool) -> int:
    """Where keys from (or after) the given one begin in an ordered list."""
    bisect = bisect_right if after else bisect_left
    return bisect(keys, rank_of(key), key=rank_of)
