"""Blocking calls on threads of their own, for which nobody waits at the end."""

from __future__ import annotations

import asyncio
import errno
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

T = TypeVar("T")


class Aside:
    """
    `await aside(call)`, for at most `most` calls at once; the next one waits for a place.

    A call that hangs cannot be stopped, only left: it keeps its place until it returns, and what it
    brings then is dropped. The threads of executors are waited for when a process ends, those of
    `asyncio.to_thread` even before its loop is closed; these end with the process, wherever they are.
    So they are not for what must be finished, such as a write.
    """

    def __init__(self, most: int, *, name: str) -> None:
        self._places = asyncio.Semaphore(most)
        self._name = name

    async def __call__(self, call: Callable[[], T]) -> T:
        await self._places.acquire()
        try:
            done = self._begin(call)
        except BaseException:
            self._places.release()
            raise
        return await done

    def _begin(self, call: Callable[[], T]) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()

        def carry_out() -> None:
            try:
                settle = partial(done.set_result, call())
            except BaseException as error:  # noqa: BLE001 - handed to whoever waits
                settle = partial(done.set_exception, error)
            # A loop that is closed has nobody left who waits.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._end, done, settle)

        try:
            threading.Thread(target=carry_out, name=self._name, daemon=True).start()
        except RuntimeError as error:
            # The system has none left, which passes; Python does not say so with an OSError.
            raise OSError(errno.EAGAIN, str(error)) from None
        return done

    def _end(self, done: asyncio.Future[T], settle: Callable[[], None]) -> None:
        self._places.release()
        if not done.cancelled():
            settle()
