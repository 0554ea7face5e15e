"""
Try again, but politely: tenacity's loop with our rules of waiting.

The first attempt is made outside of the loop, which is entered with its failure: most calls succeed,
and a loop that is never needed took a tenth of a picture's CPU (measured).

The error itself says whether and when (`hint`); the wait is exponential with full jitter, never
shorter than the upstream asked for, and bounded in attempts *and* in total time. What is tried
contains its own permit: a retry is a request like any other.
"""

from __future__ import annotations

import random
import traceback
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

from tenacity import AsyncRetrying, RetryCallState, stop_after_attempt

T = TypeVar("T")
Hint = Callable[[BaseException], bool | float]
"""False: never again. True: again. A number: again, but not before so many seconds. Asked once for
each failure, so that it may count."""
Rest = Callable[[float], Awaitable[None]]
Noticed = Callable[["Repeat"], None]
"""Told of every retry."""

FIRST_WAIT = 0.5
"""Seconds; doubled with every attempt, as the vendors' own clients do."""
LONGEST_WAIT = 30.0
"""Seconds; an upstream that recovers is noticed within that time."""
MOST_DOUBLINGS = 16
"""The longest wait applies long before, and the numbers stay small."""


class Repeat(NamedTuple):
    """An attempt failed, and another follows."""

    error: BaseException
    attempt: int
    """The one that failed, from 1."""
    seconds: float
    """Until the next."""
    silent: float
    """Seconds without an answer so far."""


async def persist(
    call: Callable[[], Awaitable[T]],
    *,
    hint: Hint,
    rest: Rest,
    patience: float,
    clock: Callable[[], float],
    proven: Callable[[], float] = lambda: float("-inf"),
    attempts: int = 1_000,
    noticed: Noticed | None = None,
    jitter: random.Random | None = None,
) -> T:
    """
    Call until it succeeds, `hint` says no, `attempts` are used up, or patience is.

    Patience is `patience` seconds since the first failure or since `proven()`, the last time anybody saw
    the upstream work: one that serves others is not down. The last error is raised as it is; whatever
    `rest` raises (because a run is stopping) passes through.
    """
    started = clock()
    try:
        return await call()
    except Exception as error:  # noqa: BLE001 - raised again as the loop's first failure
        failures = [error]
    failed_at = clock()
    verdict = _asked_once(hint)
    uniform = jitter.uniform if jitter else random.uniform

    def wait(state: RetryCallState) -> float:
        return _wait(verdict(state), state.attempt_number, uniform)

    def silent(since: float) -> float:
        return clock() - max(since, proven())

    def out_of_patience(state: RetryCallState) -> bool:
        return silent(failed_at) + state.upcoming_sleep > patience

    def tell(state: RetryCallState) -> None:
        if noticed is not None:
            noticed(
                Repeat(_error(state), state.attempt_number, state.upcoming_sleep, silent(started))
            )

    policy = AsyncRetrying(
        retry=lambda state: _failed(state) and verdict(state) is not False,
        wait=wait,
        stop=lambda state: stop_after_attempt(attempts)(state) or out_of_patience(state),
        sleep=rest,
        before_sleep=tell,
        reraise=True,
    )

    try:
        return await policy(_going_on(call, failures))
    except Exception as error:
        # The loop's state and the error's frames hold each other, and with them what the call had in
        # hand: a batch of images would stay in memory until the collector comes by.
        traceback.clear_frames(error.__traceback__)
        raise


def _going_on(
    call: Callable[[], Awaitable[T]], failures: list[Exception]
) -> Callable[[], Awaitable[T]]:
    """Fail as it did before, then call. No name stays bound to an error, whose frames it would keep."""

    async def attempt() -> T:
        if failures:
            raise failures.pop()
        return await call()

    return attempt


def _asked_once(hint: Hint) -> Callable[[RetryCallState], bool | float]:
    """The loop asks about each failure more than once; a hint may count what it is asked."""
    asked: tuple[int, bool | float] = (0, False)

    def verdict(state: RetryCallState) -> bool | float:
        # By number, because whoever keeps an error keeps what its frames had in hand.
        nonlocal asked
        if asked[0] != state.attempt_number:
            asked = (state.attempt_number, hint(_error(state)))
        return asked[1]

    return verdict


def _wait(verdict: bool | float, attempt: int, uniform: Callable[[float, float], float]) -> float:
    backoff = uniform(0, min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempt - 1, MOST_DOUBLINGS)))
    return backoff if isinstance(verdict, bool) else verdict + backoff


def _failed(state: RetryCallState) -> bool:
    return state.outcome is not None and state.outcome.failed


def _error(state: RetryCallState) -> BaseException:
    error = state.outcome.exception() if state.outcome is not None else None
    if error is None:  # tenacity asks only after failures
        raise RuntimeError("a retry without an error")
    return error
