"""The JSON tree: reading at a path, and writing at many paths at once or not at all."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from ingestor.sandbox.rtdb.keys import MAX_DEPTH, PRIORITY, Path
from ingestor.sandbox.rtdb.nodes import (
    JSON,
    Branch,
    Node,
    Planting,
    Prioritised,
    child_of,
    json_of,
    priority_of,
    with_priority,
)
from ingestor.sandbox.rtdb.refusals import OVERLAPPING_PATHS, TOO_DEEP, BadData


class Write(NamedTuple):
    """What shall stand at a path from now on; None for nothing."""

    path: Path
    node: Node | None
    old: Node | None = None
    """What stood there when the write was planned."""


class Tree:
    """One namespace's data."""

    def __init__(self, root: Node | None = None) -> None:
        self.root = root

    def at(self, path: Path) -> Node | None:
        node = self.root
        if path and path[-1] == PRIORITY:
            return priority_of(self.at(path[:-1]))
        for key in path:
            if type(node) is not Branch:
                return None
            node = node.children.get(key)
        return node

    def value(self, path: Path = (), *, export: bool = False) -> JSON:
        return json_of(self.at(path), export=export)

    def planned(self, values: Mapping[Path, JSON], *, now: int) -> list[Write]:
        """
        The writes that set these values, checked as a whole; nothing is changed yet.

        `now` is the server's timestamp in milliseconds. Raises `BadData` if any value cannot be
        stored or one path lies below another.
        """
        if len(values) > 1:
            refuse_overlaps(values)
        planting = Planting(now=now)
        return [self._planned(path, value, planting) for path, value in values.items()]

    def apply(self, writes: Iterable[Write]) -> None:
        """Carry out what was planned against this very state."""
        for path, node, _ in writes:
            if node is None:
                self._remove(path)
            else:
                self._put(path, node)

    def projected(self, writes: Sequence[Write]) -> "Tree":
        """The tree as it would be, for rules that look ahead; this one stays as it is."""
        tree = Tree(_own(self.root))
        own: set[Path] = set()
        for path, _node, _old in writes:
            branch = tree.root
            for depth, key in enumerate(path[:-1], start=1):
                child = child_of(branch, key)
                if not isinstance(branch, Branch) or not isinstance(child, Branch):
                    break
                if path[:depth] not in own:
                    child = child.copy()
                    branch.children[key] = child
                    own.add(path[:depth])
                branch = child
        tree.apply(writes)
        return tree

    def _planned(self, path: Path, value: JSON, planting: Planting) -> Write:
        if path and path[-1] == PRIORITY:
            priority = planting.node(value, depth=len(path))
            if isinstance(priority, Branch | Prioritised | bool):
                raise BadData
            old = self.at(path[:-1])
            return Write(path[:-1], with_priority(old, priority), old)
        if len(path) > MAX_DEPTH:
            raise BadData(TOO_DEEP)
        old = self.at(path)
        return Write(path, planting.node(value, old=old, depth=len(path)), old)

    def _put(self, path: Path, node: Node) -> None:
        if not path:
            self.root = node
            return
        branch = self.root
        if type(branch) is not Branch:
            branch = self.root = Branch()
        branch.digest = None
        for key in path[:-1]:
            child = branch.children.get(key)
            if type(child) is not Branch:
                child = Branch()
                branch.put(key, child)
            child.digest = None
            branch = child
        branch.put(path[-1], node)

    def _remove(self, path: Path) -> None:
        trail: list[tuple[Branch, str]] = []
        node = self.root
        for key in path:
            if type(node) is not Branch or key not in node.children:
                return
            trail.append((node, key))
            node = node.children[key]
        if not trail:
            self.root = None
        for branch, key in reversed(trail):
            child = branch.children[key]
            branch.digest = None
            if (branch, key) == trail[-1] or (type(child) is Branch and not child.children):
                branch.drop(key)
        if isinstance(self.root, Branch) and not self.root.children:
            self.root = None


def _own(node: Node | None) -> Node | None:
    return node.copy() if isinstance(node, Branch) else node


def refuse_overlaps(paths: Iterable[Path]) -> None:
    """Raise `BadData` if one path is an ancestor of another, or the same."""
    # With the closing slash an ancestor sorts right before its first descendant.
    texts = sorted("/".join(path) + "/" if path else "" for path in paths)
    for shorter, longer in pairwise(texts):
        if longer.startswith(shorter):
            raise BadData(OVERLAPPING_PATHS)
