"""What reached each upstream: how many calls, how they ended, and the busiest minute."""

import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

WINDOW_SECONDS: Final = 60.0
"""Google and the database count per minute, so the busiest minute is what a judge asks for."""

SLOT_SECONDS: Final = 0.001
"""Calls this close together share a slot: at most 60,000 slots, whatever the pace."""

REFUSALS: Final = frozenset({403, 429})

Clock = Callable[[], float]


@dataclass(slots=True, kw_only=True)
class _Window:
    slots: deque[list[float]] = field(default_factory=deque)
    requests: int = 0
    images: int = 0
    max_requests: int = 0
    max_images: int = 0

    def add(self, now: float, *, images: int) -> None:
        while self.slots and self.slots[0][0] <= now - WINDOW_SECONDS:
            _, requests, pictures = self.slots.popleft()
            self.requests -= int(requests)
            self.images -= int(pictures)
        if self.slots and now - self.slots[-1][0] < SLOT_SECONDS:
            self.slots[-1][1] += 1
            self.slots[-1][2] += images
        else:
            self.slots.append([now, 1, images])
        self.requests += 1
        self.images += images
        self.max_requests = max(self.max_requests, self.requests)
        self.max_images = max(self.max_images, self.images)


class Calls:
    """The log of all upstreams; counts only, so its memory is bounded."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._arrived: Counter[str] = Counter()
        self._images: Counter[str] = Counter()
        self._answered: Counter[tuple[str, str, int]] = Counter()
        self._windows: dict[str, _Window] = {}

    def arrived(self, upstream: str, *, images: int = 0) -> None:
        """Count a call when it comes in, with the images it carries."""
        self._arrived[upstream] += 1
        self._images[upstream] += images
        window = self._windows.get(upstream)
        if window is None:
            window = self._windows[upstream] = _Window()
        window.add(self._clock(), images=images)

    def answered(self, upstream: str, method: str, *, status: int) -> None:
        """Count how a call ended; `method` is the vendor's name for it, status 0 is a hang-up."""
        self._answered[upstream, method, status] += 1

    async def answering(
        self, upstream: str, method: str, answer: Awaitable[web.StreamResponse]
    ) -> web.StreamResponse:
        """Wait for the answer of a call, and count how it ended."""
        status = 0
        try:
            response = await answer
            status = response.status
            return response
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            self.answered(upstream, method, status=status)

    def total(self, upstream: str) -> int:
        return self._arrived[upstream]

    def count(self, upstream: str, *, method: str | None = None, status: int | None = None) -> int:
        """How many answers an upstream gave, of one method or status where one is named."""
        return sum(
            number
            for (name, kind, code), number in self._answered.items()
            if name == upstream and method in (None, kind) and status in (None, code)
        )

    def refusals(self, upstream: str) -> int:
        return sum(self.count(upstream, status=status) for status in REFUSALS)

    def busiest_minute(self, upstream: str) -> tuple[int, int]:
        """The largest (requests, images) that came within any 60 seconds."""
        window = self._windows.get(upstream, _Window())
        return window.max_requests, window.max_images

    def summary(self) -> dict[str, dict[str, object]]:
        """Everything, as plain JSON values by upstream."""
        return {upstream: self._summary_of(upstream) for upstream in sorted(self._arrived)}

    def clear(self) -> None:
        for counter in (self._arrived, self._images, self._answered, self._windows):
            counter.clear()

    def _summary_of(self, upstream: str) -> dict[str, object]:
        requests, images = self.busiest_minute(upstream)
        answers = {
            f"{method} {status}": number
            for (name, method, status), number in sorted(self._answered.items())
            if name == upstream
        }
        return {
            "calls": self._arrived[upstream],
            "images": self._images[upstream],
            "refusals": self.refusals(upstream),
            "answers": answers,
            "busiest_minute": {"requests": requests, "images": images},
        }


def counted(calls: Calls, upstream: str) -> Middleware:
    """A middleware for upstreams that need no finer words than the HTTP method."""

    @web.middleware
    async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
        calls.arrived(upstream)
        return await calls.answering(upstream, request.method, handler(request))

    return count
