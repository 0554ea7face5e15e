"""The processes that carry out a campaign's shares; each one is there for one share."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.pool import Pool
from typing import Final

NEEDED: Final = [
    "tests.simulation.mutants",
    "tests.simulation.rivals",
    "tests.simulation.upkeep",
    "tests.simulation.wire",
]
"""What a share takes seconds to import, and each of its processes has from the start."""


def workers(jobs: int, *, begin: Callable[[], None]) -> Pool:
    """
    `begin` is called in each. They are forked from a process without threads: this one has the
    pool's, and what one of those had locked would stay locked in a fork for ever.
    """
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(NEEDED)
    return server.Pool(jobs, initializer=begin, maxtasksperchild=1)
