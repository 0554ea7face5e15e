"""
What a Google project may ask for in any sixty seconds: requests, and images times features.

The window slides: a grant counts for exactly sixty seconds, to the tick, so that there is no
minute in which more than the limit passes. A refused request costs nothing.
https://cloud.google.com/vision/quotas
"""

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

WINDOW_SECONDS: Final = 60.0

UNLIMITED: Final = 0
"""A limit of nought means that nobody counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhausted:
    """Which quota had no room, and for how long (seconds) the same request would find none."""

    metric: str
    limit: int
    seconds: float


class Window:
    """One quota: the grants of the last sixty seconds, and the most there ever were."""

    def __init__(self, metric: str, limit: int) -> None:
        self.metric: Final = metric
        self.limit = limit
        self.used = 0
        self.busiest = 0
        self._grants: deque[tuple[float, int]] = deque()

    def lacks(self, amount: int, *, now: float, share: float) -> Exhausted | None:
        """Tell what is missing for the amount, when only `share` of the limit is ours."""
        self._forget(now)
        ours = math.floor(self.limit * share)
        if self.limit == UNLIMITED or self.used + amount <= ours:
            return None
        seconds = self._seconds_until(self.used + amount - ours, now=now)
        return Exhausted(metric=self.metric, limit=self.limit, seconds=seconds)

    def take(self, amount: int, *, now: float) -> None:
        self._grants.append((now, amount))
        self.used += amount
        self.busiest = max(self.busiest, self.used)

    def clear(self) -> None:
        self._grants.clear()
        self.used = self.busiest = 0

    def _seconds_until(self, excess: int, *, now: float) -> float:
        for moment, amount in self._grants:
            excess -= amount
            if excess <= 0:
                return moment + WINDOW_SECONDS - now
        return WINDOW_SECONDS

    def _forget(self, now: float) -> None:
        while self._grants and self._grants[0][0] <= now - WINDOW_SECONDS:
            self.used -= self._grants.popleft()[1]


class Quotas:
    """Both quotas of one project: taken together, or not at all."""

    def __init__(
        self,
        *,
        requests_per_minute: int,
        images_per_minute: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.requests: Final = Window("requests", requests_per_minute)
        self.images: Final = Window("images", images_per_minute)
        self._clock = clock

    def admit(self, units: int, *, stranger: float = 0.0) -> Exhausted | None:
        """
        Let one request of so many units pass, or say what is exhausted.

        `stranger` is the share of both limits that somebody else on the project uses up.
        """
        now = self._clock()
        share = 1.0 - min(1.0, stranger)
        lacking = self.requests.lacks(1, now=now, share=share) or self.images.lacks(
            units, now=now, share=share
        )
        if lacking is None:
            self.requests.take(1, now=now)
            self.images.take(units, now=now)
        return lacking

    def change(self, *, requests: int | None = None, images: int | None = None) -> None:
        """Set new limits from now on; what was granted already still counts."""
        if requests is not None:
            self.requests.limit = requests
        if images is not None:
            self.images.limit = images

    def clear(self) -> None:
        self.requests.clear()
        self.images.clear()
