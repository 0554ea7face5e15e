"""Blocking calls on threads of their own, for which nobody waits at the end."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from functools import partial

import pytest

from ingestor.kits.aside import Aside

PATIENCE = 60.0
"""Seconds after which a process counts as hanging."""

HANGING = """
import asyncio, threading
from ingestor.kits.aside import Aside

async def leave_it() -> None:
    begun, never = threading.Event(), threading.Event()
    calls = Aside(1, name="hanging")
    hanging = asyncio.create_task(calls(lambda: (begun.set(), never.wait())))
    await asyncio.to_thread(begun.wait)
    hanging.cancel()

asyncio.run(leave_it())
"""


async def test_what_a_call_brings_is_handed_over() -> None:
    aside = Aside(1, name="aside")

    thread = await aside(threading.current_thread)

    assert (thread.name, thread.daemon) == ("aside", True)


async def test_what_a_call_raises_is_handed_over() -> None:
    aside = Aside(1, name="aside")

    with pytest.raises(ValueError, match="invalid literal"):
        await aside(partial(int, "x"))

    assert await aside(partial(int, "1")) == 1


async def test_no_more_calls_are_made_at_once_than_there_are_places() -> None:
    aside = Aside(2, name="aside")
    together = threading.Barrier(3)
    at_once, most = 0, 0
    counting = threading.Lock()

    def call() -> None:
        nonlocal at_once, most
        with counting:
            at_once += 1
            most = max(most, at_once)
        together.wait()
        with counting:
            at_once -= 1

    async with asyncio.TaskGroup() as group:
        for _ in range(6):
            group.create_task(aside(call))
        for _ in range(3):
            await asyncio.to_thread(together.wait)

    assert most == 2


async def test_a_call_that_was_left_keeps_its_place_until_it_returns() -> None:
    aside = Aside(1, name="aside")
    begun, let_go = threading.Event(), threading.Event()

    def call() -> None:
        begun.set()
        let_go.wait()

    left = asyncio.create_task(aside(call))
    await asyncio.to_thread(begun.wait)
    left.cancel()
    await asyncio.wait((left,))
    waiting = asyncio.create_task(aside(let_go.is_set))
    await asyncio.sleep(0)

    let_go.set()

    assert await waiting is True


def test_a_call_that_returns_when_the_loop_is_closed_says_nothing() -> None:
    begun, let_go = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    def call() -> None:
        threads.append(threading.current_thread())
        begun.set()
        let_go.wait()

    async def leave_it() -> None:
        left = asyncio.create_task(Aside(1, name="aside")(call))
        await asyncio.to_thread(begun.wait)
        left.cancel()

    asyncio.run(leave_it())
    let_go.set()
    threads[0].join()


def test_a_process_ends_while_a_call_hangs() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGING], capture_output=True, check=False, timeout=PATIENCE
    )

    assert (done.returncode, done.stderr) == (0, b"")


async def test_a_machine_without_threads_left_is_an_error_of_the_system(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    aside = Aside(1, name="aside")

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", refuse)
        with pytest.raises(BlockingIOError):
            await aside(lambda: 1)

    assert await aside(lambda: 1) == 1
