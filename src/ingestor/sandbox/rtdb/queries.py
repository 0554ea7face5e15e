"""
Queries: which children of a location an ordering, a range and a limit leave over.

See https://firebase.google.com/docs/database/rest/retrieve-data. An answer is a JSON object and
therefore has no order: `answer` mixes its members, so that nobody relies on one.
"""

import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import orjson

from ingestor.sandbox.rtdb.keys import Path, first_from, path_of
from ingestor.sandbox.rtdb.nodes import (
    JSON,
    Branch,
    Node,
    Scalar,
    array_size,
    child_of,
    json_of,
    priority_of,
    scalar_of,
)
from ingestor.sandbox.rtdb.refusals import Refused

BAD_ORDER: Final = "orderBy must be a valid JSON encoded path"
NO_ORDER: Final = "orderBy must be defined when other query parameters are defined"
BAD_CONSTRAINT: Final = "Constraint index field must be a JSON primitive"
BAD_LIMIT: Final = "limitToFirst and limitToLast must be an integer"

# The vendor's words for these are not known; the status is.
BAD_KEY_CONSTRAINT: Final = "Constraint key field must be a JSON string"
TWO_LIMITS: Final = "Only one of limitToFirst and limitToLast can be used"
TWO_STARTS: Final = "Only one of startAt, startAfter and equalTo can be used"
TWO_ENDS: Final = "Only one of endAt, endBefore and equalTo can be used"

BY_KEY: Final = "$key"
BY_VALUE: Final = "$value"
BY_PRIORITY: Final = "$priority"

LIMIT: Final = re.compile(r"[0-9]{1,10}")

CONSTRAINTS: Final = ("startAt", "startAfter", "endAt", "endBefore", "equalTo")
LIMITS: Final = ("limitToFirst", "limitToLast")
PARAMETERS: Final = frozenset({"orderBy", *CONSTRAINTS, *LIMITS})

Order: TypeAlias = str | Path
Standing: TypeAlias = tuple[int, float, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    value: Scalar | None
    inclusive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """`order` is one of `$key`, `$value`, `$priority`, or the path to a child."""

    order: Order
    start: Bound | None = None
    end: Bound | None = None
    limit: int | None = None
    from_end: bool = False

    @property
    def needed_index(self) -> str | None:
        """What `.indexOn` must name for this query, if anything."""
        if self.order == BY_VALUE:
            return ".value"
        return None if isinstance(self.order, str) else "/".join(self.order)


def query_of(parameters: Mapping[str, str]) -> Query | None:
    """Read a request's query parameters; None where there are none. Raises `Refused`."""
    if PARAMETERS.isdisjoint(parameters):
        return None
    if "orderBy" not in parameters:
        raise Refused(400, NO_ORDER)
    order = order_of(parameters["orderBy"])
    start = _bound(parameters, order=order, names=("startAt", "startAfter"), clash=TWO_STARTS)
    end = _bound(parameters, order=order, names=("endAt", "endBefore"), clash=TWO_ENDS)
    limits = [name for name in LIMITS if name in parameters]
    if len(limits) > 1:
        raise Refused(400, TWO_LIMITS)
    return Query(
        order=order,
        start=start,
        end=end,
        limit=limit_of(parameters[limits[0]]) if limits else None,
        from_end=limits == ["limitToLast"],
    )


def order_of(text: str) -> Order:
    """The ordering named by a JSON string, its double quotes included."""
    try:
        name = orjson.loads(text)
        if name in (BY_KEY, BY_VALUE, BY_PRIORITY):
            return str(name)
        path = path_of(name) if isinstance(name, str) else ()
    except (orjson.JSONDecodeError, Refused):
        path = ()
    if not path:
        raise Refused(400, BAD_ORDER)
    return path


def limit_of(text: str) -> int:
    if not LIMIT.fullmatch(text):
        raise Refused(400, BAD_LIMIT)
    return int(text)


def _bound(
    parameters: Mapping[str, str], *, order: Order, names: tuple[str, str], clash: str
) -> Bound | None:
    present = [name for name in (*names, "equalTo") if name in parameters]
    if len(present) > 1:
        raise Refused(400, clash)
    if not present:
        return None
    try:
        value = json.loads(parameters[present[0]])
    except ValueError:
        raise Refused(400, BAD_CONSTRAINT) from None
    if isinstance(value, list | dict):
        raise Refused(400, BAD_CONSTRAINT)
    if order == BY_KEY and not isinstance(value, str):
        raise Refused(400, BAD_KEY_CONSTRAINT)
    return Bound(value=value, inclusive=present[0] != names[1])


def chosen(node: Node | None, query: Query) -> Sequence[str]:
    """The keys of the children that the query leaves over, in its order."""
    if not isinstance(node, Branch):
        return ()
    by_key = query.order == BY_KEY
    keys = _chosen_by_key(node, query) if by_key else _chosen_by_index(node, query)
    if query.limit is None:
        return keys
    return keys[max(len(keys) - query.limit, 0) :] if query.from_end else keys[: query.limit]


def _chosen_by_key(branch: Branch, query: Query) -> Sequence[str]:
    keys = branch.ordered()
    begin, end = 0, len(keys)
    if query.start is not None:
        begin = first_from(keys, str(query.start.value), after=not query.start.inclusive)
    if query.end is not None:
        end = first_from(keys, str(query.end.value), after=query.end.inclusive)
    # A page near the front of a long list must not cost the list.
    if query.limit is not None:
        begin = max(begin, end - query.limit) if query.from_end else begin
        end = end if query.from_end else min(end, begin + query.limit)
    return keys[begin:end]


def _chosen_by_index(branch: Branch, query: Query) -> Sequence[str]:
    standings = {key: standing(branch.children[key], query.order) for key in branch.ordered()}
    lowest = None if query.start is None else standing_of(query.start.value)
    highest = None if query.end is None else standing_of(query.end.value)
    keys = [
        key
        for key, place in standings.items()
        if (lowest is None or place > lowest or (place == lowest and _takes(query.start)))
        and (highest is None or place < highest or (place == highest and _takes(query.end)))
    ]
    # The sort is stable, so ties stay in the order of their keys.
    return sorted(keys, key=standings.__getitem__)


def _takes(bound: Bound | None) -> bool:
    return bound is not None and bound.inclusive


def standing(node: Node, order: Order) -> Standing:
    """Where a child stands in an ordering other than by key."""
    if order == BY_PRIORITY:
        return standing_of(priority_of(node))
    found: Node | None = node
    for key in () if isinstance(order, str) else order:
        found = child_of(found, key)
    return (5, 0.0, "") if isinstance(found, Branch) else standing_of(scalar_of(found))


def standing_of(value: Scalar | None) -> Standing:
    """Nothing < false < true < numbers < strings (< objects)."""
    if value is None:
        return (0, 0.0, "")
    if isinstance(value, bool):
        return (2 if value else 1, 0.0, "")
    if isinstance(value, str):
        return (4, 0.0, value)
    return (3, value, "")


def answer(node: Node | None, query: Query) -> JSON:
    """What a client is sent: nothing for no branch, else the chosen children, mixed."""
    if not isinstance(node, Branch):
        return None
    keys = chosen(node, query)
    if size := array_size(keys):
        wanted = set(keys)
        return [
            json_of(node.children[str(index)]) if str(index) in wanted else None
            for index in range(size)
        ]
    mixed = sorted(keys, key=lambda key: zlib.crc32(key.encode()))
    return {key: json_of(node.children[key]) for key in mixed}
