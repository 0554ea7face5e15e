"""One call begun ahead: the next one is on its way while what this one brought is still worked on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

K = TypeVar("K")
T = TypeVar("T")


class Ahead(Generic[K, T]):
    """
    `async with Ahead(call, name=…) as calls: … await calls.take(1); calls.begin(2)`.

    What was begun and is not taken is called off at the end of the block, and what it raised is
    nobody's concern.
    """

    def __init__(self, call: Callable[[K], Coroutine[Any, Any, T]], *, name: str) -> None:
        self._call = call
        self._name = name
        self._begun: tuple[K, asyncio.Task[T]] | None = None

    def begin(self, key: K) -> None:
        """Have the call for `key` under way; only one is at a time."""
        if self._begun is not None:
            raise RuntimeError("one call is under way already")
        self._begun = key, asyncio.create_task(self._call(key), name=self._name)

    async def take(self, key: K) -> T:
        """What the call for `key` brings, or raises, whether it was begun or not."""
        if self._begun is None:
            return await self._call(key)
        if self._begun[0] != key:
            raise RuntimeError("it is another call that is under way")
        (_, task), self._begun = self._begun, None
        # Awaited itself, it is cancelled with whoever waits.
        return await task

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._begun is None:
            return
        (_, task), self._begun = self._begun, None
        # Once cancelled, even too late, a task does not complain that nobody asked what it raised.
        task.cancel()
        await asyncio.wait((task,))
