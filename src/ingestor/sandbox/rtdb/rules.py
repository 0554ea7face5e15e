"""
Security rules: who may read, who may write, what may be written, and which queries have an index.

A grant higher up holds for everything below; `.validate` must hold at every level that was
written. See https://firebase.google.com/docs/database/security.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import orjson

from ingestor.sandbox.rtdb.expressions import Expression, Scope, Snapshot, Unfit, Value, parsed
from ingestor.sandbox.rtdb.keys import Path
from ingestor.sandbox.rtdb.nodes import JSON, Branch, Node
from ingestor.sandbox.rtdb.tree import Tree, Write

LOCKED: Final = '{"rules": {".read": false, ".write": false}}'
"""What a new database starts with; admins are not asked."""

_STRING_OR_COMMENT: Final = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_EXPRESSIONS: Final = (".read", ".write", ".validate")

Auth: TypeAlias = Mapping[str, object] | None


class BadRules(ValueError):
    """Rules that cannot be used, and why, in a sentence."""


@dataclass(slots=True, kw_only=True)
class _Room:
    """The rules of one location; `wildcard` is the `$name` that stands for any other child."""

    children: "dict[str, _Room]" = field(default_factory=dict)
    wildcard: "tuple[str, _Room] | None" = None
    expressions: dict[str, Expression] = field(default_factory=dict)
    indexes: frozenset[str] = frozenset()


class Rules:
    """One namespace's rules, read from their JSON text. Raises `BadRules` with a sentence."""

    def __init__(self, text: str = LOCKED) -> None:
        self.text: Final = text
        self._root = _room_of(_rules_in(text))

    def may_read(self, path: Path, *, auth: Auth, tree: Tree, now: int) -> bool:
        scope = {"auth": auth, "now": now, "root": _at(tree)}
        return any(
            _holds(room, ".read", {**scope, **names, "data": _at(tree, path[:depth])})
            for depth, room, names in self._way(path)
        )

    def may_write(self, writes: Sequence[Write], *, auth: Auth, tree: Tree, now: int) -> bool:
        """Tell whether every path of the update may be written; one that may not spoils all."""
        after = tree.projected(writes)
        scope = {"auth": auth, "now": now, "root": _at(tree)}
        return all(
            self._may_write(write, scope=scope, before=tree, after=after) for write in writes
        )

    def has_index(self, path: Path, child: str) -> bool:
        """Tell whether `.indexOn` at exactly this location names the child (or `.value`)."""
        *_, (depth, room, _names) = self._way(path)
        return depth == len(path) and child in room.indexes

    def _may_write(self, write: Write, *, scope: Scope, before: Tree, after: Tree) -> bool:
        path = write.path

        def scope_at(at: Path, names: Mapping[str, str]) -> Scope:
            return {**scope, **names, "data": _at(before, at), "newData": _at(after, at)}

        way = list(self._way(path))
        granted = any(
            _holds(room, ".write", scope_at(path[:depth], names)) for depth, room, names in way
        )
        if not granted or write.node is None:
            return granted
        for depth, room, names in way[:-1]:
            if not _valid(room, scope_at(path[:depth], names)):
                return False
        depth, room, names = way[-1]
        # A last room above the path means that nothing at the path has rules of its own.
        node = after.at(path) if depth == len(path) else None
        return _valid_below(room, node, path[:depth], names=names, scope_at=scope_at)

    def _way(self, path: Path) -> Iterator[tuple[int, _Room, dict[str, str]]]:
        """The rooms from the root towards a path, with their depth and what `$` names mean."""
        room, names = self._root, dict[str, str]()
        yield 0, room, names
        for depth, key in enumerate(path, start=1):
            entered = _enter(room, key, names)
            if entered is None:
                return
            room, names = entered
            yield depth, room, names


def _enter(room: _Room, key: str, names: dict[str, str]) -> tuple[_Room, dict[str, str]] | None:
    if key in room.children:
        return room.children[key], names
    if room.wildcard is None:
        return None
    name, child = room.wildcard
    return child, {**names, name: key}


def _valid_below(
    room: _Room,
    node: Node | None,
    path: Path,
    *,
    names: dict[str, str],
    scope_at: Callable[[Path, Mapping[str, str]], Scope],
) -> bool:
    if not _valid(room, scope_at(path, names)):
        return False
    if not isinstance(node, Branch):
        return True
    for key, child in node.children.items():
        entered = _enter(room, key, names)
        if entered is not None:
            below, more = entered
            if not _valid_below(below, child, (*path, key), names=more, scope_at=scope_at):
                return False
    return True


def _at(tree: Tree, path: Path = ()) -> Snapshot:
    return Snapshot(tree=tree, path=path)


def _valid(room: _Room, scope: Scope) -> bool:
    return ".validate" not in room.expressions or _holds(room, ".validate", scope)


def _holds(room: _Room, kind: str, scope: Scope) -> bool:
    expression = room.expressions.get(kind)
    if expression is None:
        return False
    try:
        return expression(scope) is True
    except Unfit:
        return False


def _rules_in(text: str) -> dict[str, JSON]:
    plain = _STRING_OR_COMMENT.sub(lambda found: found[0] if found[0][0] == '"' else " ", text)
    try:
        document = orjson.loads(plain)
    except orjson.JSONDecodeError as error:
        raise BadRules(f"the rules are not JSON: {error}") from None
    if not isinstance(document, dict) or not isinstance(document.get("rules"), dict):
        raise BadRules('the rules must be an object with the member "rules"')
    rules: dict[str, JSON] = document["rules"]
    return rules


def _room_of(rules: dict[str, JSON]) -> _Room:
    room = _Room()
    for key, value in rules.items():
        if key in _EXPRESSIONS:
            room.expressions[key] = _expression_of(value)
        elif key == ".indexOn":
            room.indexes = frozenset(map(str, value if isinstance(value, list) else [value]))
        elif key.startswith(".") or not isinstance(value, dict):
            raise BadRules(f"the rules have an unknown member {key!r}")
        elif key.startswith("$"):
            room.wildcard = key, _room_of(value)
        else:
            room.children[key] = _room_of(value)
    return room


def _expression_of(value: JSON) -> Expression:
    if isinstance(value, bool):
        constant: Value = value
        return lambda _: constant
    if not isinstance(value, str):
        raise BadRules("a rule is true, false, or an expression in a string")
    try:
        return parsed(value)
    except SyntaxError as error:
        raise BadRules(str(error)) from None
