"""
Stop at the front door, drain, then cut: one object that a process's end is told through.

`stop` may be called from a signal, a ceiling or a fatal error; the first reason is kept. Whoever
waits for something from outside registers how it is woken. `drain` seconds after a signal comes the
cut; what stops by itself, because of an error or a ceiling, is in no hurry.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from types import MappingProxyType, TracebackType
from typing import TypeVar, cast

T = TypeVar("T")

SIGNAL_EXITS = MappingProxyType({"SIGHUP": 129, "SIGINT": 130, "SIGTERM": 143})
"""The exit code of what a signal ended: 128 and its number, as shells have it."""


class Stopping(Exception):
    """Raised out of a wait that `stop` ended: there is no time for what you wanted to start."""


class Lifetime:
    """Created inside a running loop; belongs to one run."""

    def __init__(self, *, drain: float) -> None:
        self.clock = asyncio.get_running_loop().time
        self.drain = drain
        self.reason: str | None = None
        self.error: BaseException | None = None
        self.cut_short = False
        self._at_stop: list[Callable[[], object]] = []
        self._at_cut: list[Callable[[], object]] = []
        self._timer: asyncio.TimerHandle | None = None

    @property
    def stopping(self) -> bool:
        return self.reason is not None

    @property
    def hurried(self) -> bool:
        """Whether the grace period has begun."""
        return self._timer is not None or self.cut_short

    def stop(self, reason: str, error: BaseException | None = None) -> None:
        """
        Close the front door, once; `error` is what the run will end with.

        Without an error somebody waits for the end, and the grace period begins.
        """
        if error is None and not self.hurried:
            self._timer = asyncio.get_running_loop().call_later(self.drain, self.cut)
        if self.stopping:
            return
        self.reason, self.error = reason, error
        for wake in tuple(self._at_stop):
            wake()

    def cut(self) -> None:
        """The grace period is over (or a second signal came): stop waiting for answers."""
        if not self.stopping:
            self.stop("cut")
        if self.cut_short:
            return
        self.cut_short = True
        for wake in tuple(self._at_cut):
            wake()

    def close(self) -> None:
        """The run has ended by itself: no cut will follow."""
        if self._timer is not None:
            self._timer.cancel()

    @contextmanager
    def at_stop(self, wake: Callable[[], object]) -> Iterator[None]:
        """Have `wake` called when stopping begins (at once, if it has begun) while in the block."""
        with _registered(self._at_stop, wake):
            if self.stopping:
                wake()
            yield

    @contextmanager
    def at_cut(self, wake: Callable[[], object]) -> Iterator[None]:
        with _registered(self._at_cut, wake):
            if self.cut_short:
                wake()
            yield

    async def rest(self, seconds: float) -> None:
        """Sleep, unless stopping: then raise Stopping at once."""
        woken = asyncio.get_running_loop().create_future()

        def wake() -> None:
            if not woken.done():
                woken.set_result(None)

        with self.at_stop(wake):
            await asyncio.wait((woken,), timeout=seconds)
        if self.stopping:
            raise Stopping

    async def unless_stopping(self, work: Coroutine[object, object, T]) -> T:
        """Carry out `work`; when stopping begins, cancel it and raise Stopping."""
        task = asyncio.get_running_loop().create_task(work, name="unless-stopping")
        with self.at_stop(task.cancel):
            try:
                return await task
            except asyncio.CancelledError:
                # Ours to translate only where it was the stop that cancelled the work, not our caller.
                if self.stopping and task.cancelled() and not _being_cancelled():
                    raise Stopping from None
                task.cancel()
                raise

    def opening(self, context: AbstractAsyncContextManager[T]) -> AbstractAsyncContextManager[T]:
        """The same context, but when stopping begins before it is open, leave it and raise Stopping."""
        return _Opening(self, context)


@contextmanager
def within(outer: Lifetime) -> Iterator[Lifetime]:
    """A lifetime for a part of the work: it may end alone, and ends when `outer` does."""
    inner = Lifetime(drain=outer.drain)

    def stop() -> None:
        inner.stop(outer.reason or "", outer.error)

    with outer.at_stop(stop), outer.at_cut(inner.cut):
        try:
            yield inner
        finally:
            inner.close()


class _Opening(AbstractAsyncContextManager[T]):
    """No generator: one that is cut off while it closes ends whenever its memory is taken."""

    def __init__(self, lifetime: Lifetime, context: AbstractAsyncContextManager[T]) -> None:
        self._lifetime = lifetime
        self._context = context

    async def __aenter__(self) -> T:
        if self._lifetime.stopping:
            raise Stopping
        # What a task opens it has to close, so it is that one which is cancelled, as by a timeout.
        task = cast("asyncio.Task[object]", asyncio.current_task())
        lifetime = self._lifetime
        with lifetime.at_stop(task.cancel):
            try:
                opened = await self._context.__aenter__()
            except asyncio.CancelledError:
                if lifetime.stopping and not task.uncancel():
                    raise Stopping from None
                raise
        if lifetime.stopping:
            # It is open all the same, and whoever looks at the lifetime sees what is to be done.
            task.uncancel()
        return opened

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        return await self._context.__aexit__(kind, error, trace)


def _being_cancelled() -> bool:
    current = asyncio.current_task()
    return current is not None and current.cancelling() > 0


@contextmanager
def _registered(calls: list[Callable[[], object]], wake: Callable[[], object]) -> Iterator[None]:
    calls.append(wake)
    try:
        yield
    finally:
        calls.remove(wake)


@contextmanager
def signals(lifetime: Lifetime) -> Iterator[None]:
    """
    Let SIGINT, SIGTERM and a closed terminal stop `lifetime`, and a second one cut it.

    A terminal that closes may say so twice, itself and through the shell: nobody is in a hurry then.
    Under nohup it says nothing. The loop's own handlers are used because they run between
    callbacks: a handler of the `signal` module could raise KeyboardInterrupt in the middle of a
    journal write.
    """
    loop = asyncio.get_running_loop()

    def caught(number: signal.Signals) -> None:
        if not lifetime.hurried:
            lifetime.stop(number.name)
        elif number is not signal.SIGHUP:
            lifetime.cut()

    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    numbers = (signal.SIGINT, signal.SIGTERM, *(() if ignored else (signal.SIGHUP,)))
    for number in numbers:
        loop.add_signal_handler(number, caught, number)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
