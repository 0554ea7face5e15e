"""Executors without threads: what a test awaits has happened when it looks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from ingestor.kits.aside import Aside


class Inline(Executor):
    """What is submitted is done at once; that it is done is told `seconds` later, by the loop's time."""

    seconds = 0.0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            result = fn(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001 - as an executor does
            future.set_exception(error)
            return future
        if self.seconds:
            asyncio.get_running_loop().call_later(self.seconds, future.set_result, result)
        else:
            future.set_result(result)
        return future


def nothing_aside() -> AbstractContextManager[object]:
    """In virtual time, which waits for no thread: what is called aside is called at once."""

    async def at_once(_aside: Aside, call: Callable[[], Any]) -> Any:
        return call()

    return patch.object(Aside, "__call__", at_once)
