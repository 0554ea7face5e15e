"""
Politeness: each attempt under a permit of its upstream, and another one only where that may help.

All who ask an upstream share its permits and its patience: it is not down while it answers others.
What it tells one of them, to come back later, holds for all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

from aiolimiter import AsyncLimiter

from ingestor import events
from ingestor.errors import (
    AddressRefused,
    IngestorError,
    RunStopped,
    Unauthorized,
    denied_by_place,
    retry_hint,
    wish_of,
)
from ingestor.kits.amounts import HOUR
from ingestor.kits.lifetime import Lifetime
from ingestor.kits.retrying import persist

T = TypeVar("T")

FLICKR_PARTS = 61
"""
One part in so many of an hour's calls may come at once, and one in each of its minutes; of 3,600
calls the first lists a pool of 29,500 photos without a pause (taste).
"""
UPDATES_PER_SECOND = 100
"""Updates carry hundreds of photos; the documented limit is 1,000 writes a second."""


class _Pause(NamedTuple):
    """What an upstream wished, on the loop's clock."""

    told: float
    until: float


class Politely:
    """Try again under one permit an attempt, for as long as our patience with the upstream lasts."""

    def __init__(
        self,
        *,
        lifetime: Lifetime,
        patience: float,
        listen: events.Listener,
        flickr_calls_per_hour: int,
    ) -> None:
        self._lifetime = lifetime
        self._patience = patience
        self._listen = listen
        self._clock = lifetime.clock
        self._limits = {
            "flickr": _hourly(flickr_calls_per_hour),
            "database": AsyncLimiter(UPDATES_PER_SECOND, 1),
        }
        self._answered_at = dict.fromkeys(self._limits, float("-inf"))
        self._pauses = dict.fromkeys(self._limits, _Pause(float("-inf"), float("-inf")))

    async def __call__(
        self, upstream: str, call: Callable[[], Awaitable[T]], *, limited: bool = True
    ) -> T:
        """
        Raises RunStopped when the upstream stays away longer than our patience. Without `limited` it
        is the caller who bounds how much is asked.
        """
        unauthorized, started = 0, self._clock()

        async def attempt() -> T:
            await self._permit(upstream, since=started, limited=limited)
            try:
                answer = await call()
            except IngestorError as error:
                self._heed(upstream, wish_of(error))
                raise
            self._answered_at[upstream] = self._clock()
            return answer

        def hint(error: BaseException) -> bool | float:
            nonlocal unauthorized
            if isinstance(error, Unauthorized):
                unauthorized += 1
                # Who raised it has had the credential renewed: worth one more attempt, and no other.
                return unauthorized == 1
            return retry_hint(error)

        try:
            return await persist(
                attempt,
                hint=hint,
                rest=self._lifetime.rest,
                patience=self._patience,
                proven=lambda: self._answered_at[upstream],
                clock=self._clock,
                noticed=lambda repeat: self._listen(
                    events.RetryScheduled.of(upstream=upstream, **repeat._asdict())
                ),
            )
        except AddressRefused as error:
            raise denied_by_place(error, upstream=upstream) from error
        except IngestorError as error:
            if retry_hint(error) is False:
                raise
            raise self._given_up(upstream, error) from error

    async def _permit(self, upstream: str, *, since: float, limited: bool) -> None:
        """Leave to ask now. A pause may begin, or grow, while it or the permit is waited for."""
        over = float("-inf")

        def paused() -> bool:
            # What was slept through is over, whatever a clock of another grain says.
            return self._pauses[upstream].until > max(over, self._clock())

        while True:
            while paused():
                over = await self._wait_out(upstream, since=since)
            if limited:
                await self._limits[upstream].acquire()
            if not paused():
                return

    async def _wait_out(self, upstream: str, *, since: float) -> float:
        """
        Returns when the pause ended. Raises RunStopped at once where our patience ends before, or would
        have when we were told: nobody waits for the rest of hours.
        """
        told, until = self._pauses[upstream]
        if until - min(told, max(since, self._answered_at[upstream])) > self._patience:
            raise self._left_alone(upstream)
        await self._lifetime.rest(until - self._clock())
        return until

    def _heed(self, upstream: str, wish: float) -> None:
        """Nobody asks before the time that an upstream told anybody; a shorter one changes nothing."""
        now = self._clock()
        if wish and now + wish > self._pauses[upstream].until:
            self._pauses[upstream] = _Pause(told=now, until=now + wish)

    def _given_up(self, upstream: str, error: IngestorError) -> RunStopped:
        told, until = self._pauses[upstream]
        if until > self._clock() and until - told > self._patience:
            return self._left_alone(upstream)
        why = str(error).rstrip(".")
        return RunStopped(
            f"{_subject(upstream)} did not answer properly for {self._patience:.0f} s ({why}).",
            reason=f"{upstream}-unavailable",
            then="Nothing is lost; run the same command again later.",
        )

    def _left_alone(self, upstream: str) -> RunStopped:
        seconds = self._pauses[upstream].until - self._clock()
        return RunStopped(
            f"{_subject(upstream)} wishes to be left alone for {seconds:.0f} s more, and our "
            f"patience of {self._patience:.0f} s ends before.",
            reason=f"{upstream}-unavailable",
            then="Nothing is lost; run the same command again then.",
        )


def _subject(upstream: str) -> str:
    """Its name where a sentence begins with it."""
    name = events.UPSTREAMS[upstream]
    return name[0].upper() + name[1:]


def _hourly(calls: int) -> AsyncLimiter:
    """No hour sees more, wherever it begins: what comes at once is taken out of what comes evenly."""
    at_once = max(1, calls // FLICKR_PARTS)
    return AsyncLimiter(at_once, at_once * HOUR / (calls - at_once))
