"""
What a location holds, and the way from JSON to there and back.

Going in, nulls and empty containers vanish, arrays become objects with integer keys, and server
values become values; coming out, an object whose keys are mostly small integers is an array
again. See https://firebase.google.com/docs/database/rest/structure-data.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from ingestor.sandbox.rtdb.keys import MAX_DEPTH, KeyOrder, are_keys, in_order
from ingestor.sandbox.rtdb.refusals import (
    STRING_TOO_LONG,
    TOO_DEEP,
    UNKNOWN_SERVER_VALUE,
    BadData,
)

MAX_STRING_BYTES: Final = 10 * 1024 * 1024

SURELY_SHORT: Final = MAX_STRING_BYTES // 4
"""Strings of so many characters need no counting of bytes: UTF-8 has at most four each."""

MAX_EXACT_INTEGER: Final = 2**53
"""Numbers are doubles; integers beyond this lose digits."""

SPECIAL: Final = frozenset({".sv", ".value", ".priority"})
"""Members that say something about a value; no other name may begin with a dot."""

SMALL: Final = 64
"""Branches up to this many children are sorted when read; keeping order costs more. Taste."""

_ARRAY_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,9}")

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"
Scalar: TypeAlias = bool | int | float | str


class Branch:
    """An inner location. It has children: one without is not stored."""

    __slots__ = ("_order", "children", "digest", "priority")

    def __init__(
        self, children: "dict[str, Node] | None" = None, *, priority: Scalar | None = None
    ) -> None:
        self.children: dict[str, Node] = {} if children is None else children
        self.priority = priority
        self.digest: bytes | None = None
        """Kept by `etags` and dropped by every write that passes through here."""
        self._order: KeyOrder | None = None

    def put(self, key: str, node: "Node") -> None:
        if self._order is not None and key not in self.children:
            self._order.add(key)
        self.children[key] = node

    def drop(self, key: str) -> None:
        if self.children.pop(key, None) is not None and self._order is not None:
            self._order.remove()

    def ordered(self) -> Sequence[str]:
        """The keys of the children in the vendor's order."""
        if len(self.children) <= SMALL:
            return in_order(self.children)
        if self._order is None:
            self._order = KeyOrder(self.children)
        return self._order.settled(self.children)

    def copy(self) -> "Branch":
        """A branch of its own with the same children."""
        return Branch(dict(self.children), priority=self.priority)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prioritised:
    """A scalar with a priority, which few have."""

    value: Scalar
    priority: Scalar


Node: TypeAlias = Branch | Prioritised | Scalar


def child_of(node: Node | None, key: str) -> Node | None:
    return node.children.get(key) if type(node) is Branch else None


def scalar_of(node: Node | None) -> Scalar | None:
    """The value of a leaf; None for a branch and for nothing."""
    if isinstance(node, Branch):
        return None
    return node.value if isinstance(node, Prioritised) else node


def priority_of(node: Node | None) -> Scalar | None:
    return node.priority if isinstance(node, Branch | Prioritised) else None


def with_priority(node: Node | None, priority: Scalar | None) -> Node | None:
    """The same node with another priority; nothing stays nothing."""
    if isinstance(node, Branch):
        return Branch(dict(node.children), priority=priority)
    value = scalar_of(node)
    if value is None or priority is None:
        return value
    return Prioritised(value=value, priority=priority)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planting:
    """Makes nodes of JSON, all at one moment: `now` in milliseconds is the server's timestamp."""

    now: int
    known: set[str] = field(default_factory=set)
    """Keys found good so far; the records of a bulk update share theirs."""

    def node(self, value: JSON, *, old: Node | None = None, depth: int = 0) -> Node | None:
        """
        What to store for the value, None for nothing.

        `old` is what an increment adds to, `depth` how deep the location lies. Raises `BadData`.
        """
        if value is None:
            return None
        if isinstance(value, dict):
            return self._of_object(value, old=old, depth=depth)
        if isinstance(value, list):
            indexed = {str(index): element for index, element in enumerate(value)}
            return self._of_object(indexed, old=old, depth=depth)
        return scalar(value)

    def _of_object(self, value: dict[str, JSON], *, old: Node | None, depth: int) -> Node | None:
        if not self.known.issuperset(value):
            if not SPECIAL.isdisjoint(value):
                return self._of_special(value, old=old, depth=depth)
            if not are_keys(value):
                raise BadData
            self.known.update(value)
        if depth >= MAX_DEPTH and value:
            raise BadData(TOO_DEEP)
        children: dict[str, Node] = {}
        for key, child in value.items():
            if isinstance(child, str) and len(child) <= SURELY_SHORT:
                children[key] = child
                continue
            node = self.node(child, old=child_of(old, key), depth=depth + 1)
            if node is not None:
                children[key] = node
        return Branch(children) if children else None

    def _of_special(self, value: dict[str, JSON], *, old: Node | None, depth: int) -> Node | None:
        if ".sv" in value:
            return server_value(value, old=old, now=self.now)
        rest = {key: child for key, child in value.items() if key != ".priority"}
        priority = self.node(value.get(".priority"), depth=depth)
        if isinstance(priority, Branch | Prioritised | bool):
            raise BadData
        if ".value" not in rest:
            return with_priority(self._of_object(rest, old=old, depth=depth), priority)
        if len(rest) > 1:
            raise BadData
        return with_priority(self.node(rest[".value"], old=old, depth=depth), priority)


def scalar(value: Scalar) -> Scalar:
    """A leaf as the database keeps it: doubles, and strings of at most 10 MB."""
    if isinstance(value, str):
        if len(value) > SURELY_SHORT and len(value.encode()) > MAX_STRING_BYTES:
            raise BadData(STRING_TOO_LONG)
        return value
    if isinstance(value, bool):
        return value
    return number(value)


def number(value: float) -> int | float:
    """A double, written without a fraction where it has none."""
    if -MAX_EXACT_INTEGER <= value <= MAX_EXACT_INTEGER:
        return int(value) if value == int(value) else value
    if value - value != 0:
        raise BadData  # infinite, which JSON cannot say
    return int(float(value)) if isinstance(value, int) else value


def server_value(value: dict[str, JSON], *, old: Node | None, now: int) -> Scalar:
    """The timestamp, or the sum for an increment; what is not a number counts as 0."""
    match value:
        case {".sv": "timestamp"} if len(value) == 1:
            return now
        case {".sv": {"increment": int() | float() as amount}} if not isinstance(amount, bool):
            before = scalar_of(old)
            if isinstance(before, bool) or not isinstance(before, int | float):
                before = 0
            return number(amount + before)
        case _:
            raise BadData(UNKNOWN_SERVER_VALUE)


def json_of(node: Node | None, *, export: bool = False) -> JSON:
    """The value as clients read it; an export has priorities, and objects only."""
    if not isinstance(node, Branch):
        if export and isinstance(node, Prioritised):
            return {".value": node.value, ".priority": node.priority}
        return scalar_of(node)
    children = node.children
    keys = node.ordered()
    if not export and (size := array_size(keys)):
        return [json_of(children.get(str(index))) for index in range(size)]
    value: dict[str, JSON] = {}
    for key in keys:
        child = children[key]
        value[key] = child if isinstance(child, str) else json_of(child, export=export)
    if export and node.priority is not None:
        value[".priority"] = node.priority
    return value


def array_size(keys: Sequence[str]) -> int:
    """How long the array is that an object reads back as; 0 if it stays an object."""
    if not keys or not _ARRAY_INDEX.fullmatch(keys[0]) or not _ARRAY_INDEX.fullmatch(keys[-1]):
        return 0
    if not all(map(_ARRAY_INDEX.fullmatch, keys)):
        return 0
    largest = max(map(int, keys))
    return largest + 1 if largest < 2 * len(keys) else 0


def scalars_below(node: Node | None) -> Iterable[tuple[str, Scalar]]:
    """Every leaf under the node with its own key, for those who weigh it."""
    waiting: list[tuple[str, Node]] = [] if node is None else [("", node)]
    while waiting:
        key, found = waiting.pop()
        if isinstance(found, Branch):
            waiting.extend(found.children.items())
        else:
            value = scalar_of(found)
            if value is not None:
                yield key, value
