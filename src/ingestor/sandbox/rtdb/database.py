"""The databases of one sandbox: namespaces with data, rules and those who listen."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from ingestor.sandbox.rtdb.keys import Path, path_of
from ingestor.sandbox.rtdb.nodes import JSON
from ingestor.sandbox.rtdb.pushids import PushIds
from ingestor.sandbox.rtdb.refusals import CREDENTIAL_GONE, PERMISSION_DENIED, Refused
from ingestor.sandbox.rtdb.rules import Rules
from ingestor.sandbox.rtdb.tree import Tree, Write

DEFAULT_NAMESPACE: Final = "sandbox"
DEFAULT_WRITE_SIZE_LIMIT: Final = "large"
"""What new databases have."""

NAMESPACE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happened at `base`: one value was set, or some children were updated."""

    base: Path
    writes: Sequence[Write]
    merged: bool


class Listener(Protocol):
    """Somebody with an open stream."""

    def hear(self, change: Change) -> None: ...

    def may_stay(self) -> bool:
        """Tell whether the rules still let him read."""

    def end(self, event: str, reason: str) -> None:
        """Say why, and hang up."""

    def stop(self) -> None:
        """Hang up without a word."""


class Namespace:
    """One database: a tree, its rules, its settings, and who is told of changes."""

    def __init__(self, name: str) -> None:
        self.name: Final = name
        self.tree: Final = Tree()
        self.rules = Rules()
        self.write_size_limit = DEFAULT_WRITE_SIZE_LIMIT
        self.revision = 0
        """Grows with every change of data or settings."""
        self.listeners: Final[set[Listener]] = set()

    def commit(self, change: Change) -> None:
        """Apply what was planned against the present state, and tell the listeners."""
        self.tree.apply(change.writes)
        for listener in tuple(self.listeners):
            listener.hear(change)
        self.revision += 1

    def set_rules(self, rules: Rules) -> None:
        """Live by other rules from now on, also towards those who listen."""
        self.rules = rules
        self.revision += 1
        for listener in tuple(self.listeners):
            if not listener.may_stay():
                listener.end("cancel", PERMISSION_DENIED)

    def set_write_size_limit(self, name: str) -> None:
        self.write_size_limit = name
        self.revision += 1


class Database:
    """
    All namespaces. They come into being when first named, as with the emulator.

    `refused_keys` are for tests: a write with such a text in any of its paths gets a 400.
    """

    def __init__(self, *, seed: int = 0, clock: Clock = time.time) -> None:
        self.namespaces: Final[dict[str, Namespace]] = {}
        self.refused_keys: Final[set[str]] = set()
        self.push_ids: Final = PushIds(seed)
        self._clock = clock

    @property
    def now(self) -> int:
        """The server's time in milliseconds."""
        return int(self._clock() * 1000)

    @property
    def revision(self) -> int:
        return sum(namespace.revision for namespace in self.namespaces.values())

    def namespace(self, name: str = DEFAULT_NAMESPACE) -> Namespace:
        """The database of that name, made if it is new. Raises `Refused` for what is no name."""
        found = self.namespaces.get(name)
        if found is None:
            if not NAMESPACE.fullmatch(name):
                raise Refused(403, "Invalid Firebase database name")
            found = self.namespaces[name] = Namespace(name)
        return found

    def value(self, namespace: str = DEFAULT_NAMESPACE, path: str = "/") -> JSON:
        """What a client would read there."""
        return self.namespace(namespace).tree.value(path_of(path))

    def put(self, namespace: str, path: str, *, value: JSON) -> None:
        """Set a value as an admin would."""
        self.update(namespace, {path: value})

    def update(self, namespace: str, values: Mapping[str, JSON]) -> None:
        """Set many paths at once as an admin would. Raises `BadData`."""
        found = self.namespace(namespace)
        by_path = {path_of(path): value for path, value in values.items()}
        writes = found.tree.planned(by_path, now=self.now)
        merged = len(writes) != 1
        found.commit(Change(base=() if merged else writes[0].path, writes=writes, merged=merged))

    def clear(self) -> None:
        """Empty every namespace, as a restore from the wrong backup would; rules stay."""
        for name in self.namespaces:
            self.put(name, "/", value=None)

    def revoke_streams(self) -> None:
        """Tell everybody who listens that his credential is no longer good, and hang up."""
        for listener in self.listeners():
            listener.end("auth_revoked", CREDENTIAL_GONE)

    def listeners(self) -> list[Listener]:
        return [listener for found in self.namespaces.values() for listener in found.listeners]
