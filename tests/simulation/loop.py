"""
An event loop whose time is a number, and whose process may be killed between any two callbacks.

Nobody sleeps: when nothing is ready the clock jumps to the next timer. Every callback, and whatever
the disk and the network count as one, is a *point*; a kill is planned for one of them. After it
nothing of the process runs any more: callbacks are refused and coroutines are closed in silence, so
that no `finally` reaches the world.
"""

from __future__ import annotations

import asyncio
import gc
import heapq
import math
import struct
import sys
import warnings
import zlib
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from contextvars import Context
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

MOST_POINTS = 100_000
"""A run of the usual size has about a thousand: what needs so many goes round in circles."""
MOST_TASKS = 1000
"""That a long life remembers although they may be done."""

_PACKED = struct.Struct("d").pack

MOST_WAITS = 50
"""Nested `finally`s that wait, in one task."""


class Crash(SystemExit):
    """The process is killed here. asyncio lets SystemExit through where it would keep an Exception."""


class Deadlock(AssertionError):
    """Nothing is ready, no timer is set, and the run is not over."""


class Livelock(AssertionError):
    """The run goes on and on."""


class Violation(SystemExit):
    """An invariant does not hold: everything stops at once, and no task may keep the news."""


class Loop(asyncio.BaseEventLoop):
    """One life of the process; `run` it once."""

    _ready: deque[Any]

    def __init__(
        self,
        *,
        start: float,
        crash_at: int | None,
        latency: Callable[[], float],
        at_point: tuple[int, Callable[[], None]] | None = None,
        tag: str = "",
    ) -> None:
        """
        `latency` is how long the disk takes; `at_point` is called once, when that point comes. With a
        `tag` only the points that bear it are counted for that.
        """
        super().__init__()
        self.set_debug(False)
        self.now = start
        self.points = 0
        self.dead = False
        self.violation: Violation | None = None
        self.trace = 0
        self.complaints: list[str] = []
        self._latency = latency
        self._at_point = at_point
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._timers_made = 0
        self._tasks: list[asyncio.Task[Any]] = []
        """Of this life; asyncio's own list has those of all the dead among them."""
        self._tag = tag
        self._tagged = 0
        self._planned = crash_at or (at_point[0] if at_point else MOST_POINTS)
        self._alarm = MOST_POINTS if tag else self._planned
        """The next point at which something happens."""

    def time(self) -> float:
        return self.now

    def point(self, tag: str) -> None:
        """Here the process may be killed, and here somebody may tell it to stop."""
        if self.dead:
            raise Crash
        self.points += 1
        self.trace = zlib.crc32(tag.encode(), zlib.crc32(_PACKED(self.now), self.trace))
        if tag and tag == self._tag:
            self._tagged += 1
            if self._tagged == self._planned:
                self._strike()
        if self.points >= self._alarm:
            self._ring()

    def _ring(self) -> None:
        if self.points >= MOST_POINTS:
            raise Livelock(f"more than {MOST_POINTS} points, time {self.now:.1f}")
        self._alarm = MOST_POINTS
        self._strike()

    def _strike(self) -> None:
        """What was planned happens now."""
        if self._at_point is not None:
            self._at_point[1]()
        else:
            self.dead = True
            raise Crash

    def violate(self, sentence: str) -> None:
        self.violation = self.violation or Violation(
            f"{sentence} (time {self.now:.1f}, point {self.points})"
        )
        self.dead = True
        raise self.violation

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Carry `main` out. Raises Crash when the process was killed first."""
        with self._running():
            try:
                task = self.create_task(main, name="main")
                while not task.done():
                    self._run_once()
                return task.result()
            finally:
                self._end()

    def steps(self, main: Coroutine[Any, Any, T]) -> Generator[float, None, T]:
        """The same beside another loop: yields when the next step is due, and takes it when resumed."""
        try:
            task = self.create_task(main, name="main")
            while not task.done():
                yield self.due
                with self._running():
                    self._run_once()
            return task.result()
        finally:
            with self._running():
                self._end()

    @property
    def due(self) -> float:
        """When the next step can be taken."""
        while self._timers and self._timers[0][2]._cancelled:
            heapq.heappop(self._timers)
        if self._ready or not self._timers:
            return self.now
        return max(self.now, self._timers[0][0])

    @contextmanager
    def _running(self) -> Iterator[None]:
        hooks, before = sys.get_asyncgen_hooks(), events._get_running_loop()
        sys.set_asyncgen_hooks(firstiter=None, finalizer=lambda _generator: None)
        events._set_running_loop(self)
        try:
            yield
        finally:
            events._set_running_loop(before)
            sys.set_asyncgen_hooks(*hooks)

    def _end(self) -> None:
        if not self.dead:
            self._find_left_behind()
        self._bury()

    def _run_once(self) -> None:
        ready, timers = self._ready, self._timers
        if not ready:
            while timers and timers[0][2]._cancelled:
                heapq.heappop(timers)
            if not timers:
                raise Deadlock(f"nothing can happen any more, time {self.now:.1f}")
            # A timer may be set for this very moment, even by rounding alone: a clock that stood still
            # would let aiolimiter's set itself again for ever, where a real one has moved on.
            self.now = max(math.nextafter(self.now, math.inf), timers[0][0])
        while timers and timers[0][0] <= self.now:
            timer = heapq.heappop(timers)[2]
            if not timer._cancelled:
                ready.append(timer)
        # The clock stands still while what is ready is carried out.
        moment = _PACKED(self.now)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if handle._cancelled:
                continue
            # A point, as `point` has it, without the call: there are a thousand in a schedule.
            self.points += 1
            self.trace = zlib.crc32(moment, self.trace)
            if self.points >= self._alarm:
                self._ring()
            handle._run()
            # A kill that some `finally` outlived by waiting again is a kill all the same.
            if self.dead:
                raise self.violation or Crash

    def create_task(
        self,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        **given: Any,
    ) -> asyncio.Task[T]:
        """`given` are what a task takes besides: more from Python to Python."""
        task: asyncio.Task[T] = asyncio.Task(coro, loop=self, **given)
        self._tasks.append(task)
        return task

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        if not self.dead:
            self._ready.append(handle)
        return handle

    call_soon_threadsafe = call_soon

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        if not self.dead:
            self._timers_made += 1
            heapq.heappush(self._timers, (when, self._timers_made, timer))
        return timer

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self.now + delay, callback, *args, context=context)

    def run_in_executor(  # type: ignore[override]
        self, _executor: object, call: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """The disk's thread: takes its time, and is killed with the process."""
        done: asyncio.Future[T] = self.create_future()

        def carry_out() -> None:
            try:
                outcome = call(*args)
            except Exception as error:  # noqa: BLE001 - handed to whoever waits
                if not done.cancelled():
                    done.set_exception(error)
            else:
                if not done.cancelled():
                    done.set_result(outcome)

        self.call_later(self._latency(), carry_out)
        return done

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not self.dead:
            self.complaints.append(f"{context.get('message')}: {context.get('exception')!r}")

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Cancelled timers are dropped when their time has come."""

    def _find_left_behind(self) -> None:
        left = [task.get_name() for task in self._tasks if not task.done()]
        if left and sys.exc_info()[0] is None:
            self.complaints.append(f"tasks left behind: {sorted(left)}")

    def _bury(self) -> None:
        """Close what the process was doing, without letting it do anything more."""
        self.dead = True
        self._ready.clear()
        self._timers.clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for task in self._tasks:
                if not task.done():
                    task._log_destroy_pending = False  # type: ignore[attr-defined]
                    _close(task.get_coro())
        self._tasks.clear()
        self.close()


class LongLoop(Loop):
    """It may take as many steps as it needs, and lets tasks go that are done."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._alarm = sys.maxsize

    def create_task(self, coro: Any, **given: Any) -> Any:
        if len(self._tasks) > MOST_TASKS:
            self._tasks = [task for task in self._tasks if not task.done()]
        return super().create_task(coro, **given)


def _close(coroutine: Any) -> None:
    """Some wait again when they are closed; they are closed again."""
    for _ in range(MOST_WAITS):
        try:
            coroutine.close()
        except (RuntimeError, Crash):
            continue
        except BaseException:  # noqa: BLE001 - the dead may say anything
            return
        return


@contextmanager
def last_words_unheard() -> Iterator[None]:
    """What coroutines of a dead process say when their memory is taken concerns nobody."""
    hook, sys.unraisablehook = sys.unraisablehook, lambda _last_words: None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.unraisablehook = hook


def collect() -> None:
    """Take the memory of dead processes."""
    with last_words_unheard():
        gc.collect()
