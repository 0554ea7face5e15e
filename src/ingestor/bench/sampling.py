"""
Whose CPU it is: the process looks at itself two hundred times for every second of CPU it uses.

A look costs some microseconds, and says which stage the running task belongs to. The journal's thread
is not looked at: what is seen while it holds the interpreter is what the main thread would go on with,
so its share comes from its own clock.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import PurePath
from types import FrameType
from typing import Final

INTERVAL: Final = 0.005
"""Seconds of CPU, of all threads together."""
STAGES: Final = ("discover", "download", "annotate", "store")
JOURNAL: Final = "journal"
REST: Final = "loop and reading"
"""What runs outside of any stage's task: the event loop, and the bytes that it receives."""


class Sampler:
    """One per process, used in its main thread."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()
        self._began = 0.0
        self._total = 0.0
        self._journal = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Look while in the block."""
        self._began = time.process_time()
        before = signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, INTERVAL, INTERVAL)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)
            self._total = time.process_time() - self._began

    def shares(self) -> Mapping[str, float]:
        """Parts of all CPU, which add up to 1."""
        journal = min(1.0, self._journal / self._total) if self._total else 0.0
        looks = sum(self._seen.values()) or 1
        seen = {name: count / looks * (1 - journal) for name, count in self._seen.items()}
        return {name: round(share, 4) for name, share in {**seen, JOURNAL: journal}.items()}

    def _look(self, _number: int, frame: FrameType | None) -> None:
        self._seen[stage_of(frame)] += 1
        # The thread ends with the run: its clock is read while it is there.
        self._journal = max(self._journal, _journal_seconds())


def stage_of(frame: FrameType | None) -> str:
    """The stage in whose task this frame runs."""
    while frame is not None:
        path = PurePath(frame.f_code.co_filename)
        if path.parent.name == "stages" and path.stem in STAGES:
            return path.stem
        frame = frame.f_back
    return REST


def _journal_seconds() -> float:
    if not sys.platform.startswith("linux"):
        return 0.0
    for thread in threading.enumerate():
        if thread.name.startswith(JOURNAL) and thread.ident is not None:
            return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
    return 0.0
