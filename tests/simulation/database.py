"""The database of the simulation: a tree that survives kills, with updates, reads and conditions."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson

from ingestor.apis.rtdb import Conflict, Query
from ingestor.apis.rtdb.client import NOTHING
from tests.simulation.world import World

Carry = Callable[..., Awaitable[Any]]
"""(kind, function, arguments): one request there and back, with the weather of the day."""


class Tree:
    """Stands where `apis.rtdb.Database` does: each method is one request."""

    def __init__(self, world: World, carry: Carry, written: Callable[[Mapping[str, Any]], None]):
        """`written` looks at every update that takes effect, and may refuse it first."""
        self._world = world
        self._carry = carry
        self._written = written

    async def update(self, paths: Mapping[str, Any]) -> None:
        await self._carry("updates", self._written, paths)

    async def read(self, path: str, *, query: Query | None = None, shallow: bool = False) -> Any:
        if query is not None:
            return await self._carry("reads", self._some, path, query)
        return await self._carry("reads", self._shallow if shallow else self._value, path)

    async def read_with_etag(self, path: str) -> tuple[Any, str]:
        value = await self._carry("reads", self._value, path)
        return value, _etag(value)

    async def write_if(self, path: str, value: Any, *, etag: str) -> Conflict | None:
        conflict: Conflict | None = await self._carry("reads", self._exchange, path, value, etag)
        return conflict

    def _exchange(self, path: str, value: Any, etag: str) -> Conflict | None:
        stands = self._value(path)
        if _etag(stands) != etag:
            return Conflict(value=stands, etag=_etag(stands))
        self._world.apply({path: value})
        return None

    def _shallow(self, path: str) -> dict[str, bool]:
        tree = self._world.database
        if "/" in path:
            return {below.split("/")[0]: True for below in tree.get(path, ()) if below}
        below = f"{path}/"
        names = (name for name, node in tree.items() if node and name.startswith(below))
        return {name.removeprefix(below): True for name in names}

    def _some(self, path: str, query: Query) -> Any:
        """The children of a path of one part in the order of their keys, as many as were asked for."""
        keys = sorted(key for key in self._shallow(path) if (query.start_at or "") <= key)
        keys = [key for key in keys if query.end_at is None or key <= query.end_at]
        return {key: self._value(f"{path}/{key}") for key in keys[: query.limit_to_first]}

    def _value(self, path: str) -> Any:
        """Read what stands at a path of one part, or of two."""
        if "/" not in path:
            return {key: self._value(f"{path}/{key}") for key in self._shallow(path)} or None
        node = self._world.database.get(path)
        if not node:
            return None
        if "" in node:
            return node[""]
        value: dict[str, Any] = {}
        for below, leaf in node.items():
            *steps, last = below.split("/")
            place = value
            for step in steps:
                place = place.setdefault(step, {})
            place[last] = leaf
        return value


def _etag(value: Any) -> str:
    return NOTHING if value is None else f"{zlib.crc32(orjson.dumps(value)):08x}"
