"""
The processes that carry out a campaign's shares; each one is there for one share.

A share whose process ends without a word, or gives none for too long, is lost: that is told, and the others
are carried out. `multiprocessing.Pool` would wait for it for ever.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from typing import Final, Generic, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

NEEDED: Final = [
    "tests.simulation.mutants",
    "tests.simulation.neighbours",
    "tests.simulation.rivals",
    "tests.simulation.upkeep",
    "tests.simulation.wire",
]
"""What a share takes seconds to import, and each of its processes has from the start."""
LONGEST: Final = 1800.0
"""Seconds for a share: a hundred schedules that a planted mistake makes long take some minutes."""


@dataclass(frozen=True, slots=True)
class Lost(Generic[Task]):
    """A share of which nothing came."""

    task: Task
    why: str


def carry_out_all(
    work: Callable[[Task], Result],
    tasks: Iterable[Task],
    *,
    jobs: int,
    begin: Callable[[], None],
    most_seconds: float = LONGEST,
) -> Iterator[Result | Lost[Task]]:
    """
    What came of the tasks, as it comes; `begin` is called in each process. They are forked from a process
    without threads: what another thread had locked would stay locked in a fork for ever.
    """
    rest = iter(tasks)
    running: dict[Connection, _Share[Task, Result]] = {}
    try:
        while True:
            for task in islice(rest, jobs - len(running)):
                share = _Share(work, task, begin=begin, ends=time.monotonic() + most_seconds)
                running[share.inbox] = share
            if not running:
                return
            for inbox in _ready(running):
                yield running.pop(inbox).result()
    finally:
        for share in running.values():
            share.end()


class _Share(Generic[Task, Result]):
    """One task, and the process that it has."""

    def __init__(
        self, work: Callable[[Task], Result], task: Task, *, begin: Callable[[], None], ends: float
    ) -> None:
        self.ends = ends
        self._task = task
        self.inbox, outbox = multiprocessing.Pipe(duplex=False)
        self._process = _process(_carry_out, (work, task, begin, outbox))
        self._process.start()
        outbox.close()

    def result(self) -> Result | Lost[Task]:
        """What there is; of a process that gives no word, and of one that is gone, that it is lost."""
        try:
            if not self.inbox.poll():
                return Lost(self._task, "its process gave no word in time")
            found: Result = self.inbox.recv()
        except EOFError:
            self._process.join()
            return Lost(self._task, f"its process ended with exit code {self._process.exitcode}")
        finally:
            self.end()
        return found

    def end(self) -> None:
        """Whatever it is doing."""
        self._process.kill()
        self._process.join()
        self.inbox.close()


def _ready(running: dict[Connection, _Share[Task, Result]]) -> list[Connection]:
    """Those that have something to say, or whose time is over."""
    patience = min(share.ends for share in running.values()) - time.monotonic()
    said = [one for one in wait(list(running), timeout=max(0.0, patience)) if one in running]
    now = time.monotonic()
    late = [inbox for inbox, share in running.items() if share.ends <= now and inbox not in said]
    return [inbox for inbox in running if inbox in said] + late


def _process(target: Callable[..., None], given: tuple[object, ...]) -> ForkServerProcess:
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(NEEDED)
    return server.Process(target=target, args=given, daemon=True)


def _carry_out(
    work: Callable[[Task], Result], task: Task, begin: Callable[[], None], outbox: Connection
) -> None:
    begin()
    outbox.send(work(task))
