"""
Pages of pools, asked for politely; one that is of no use while others are is passed over.

Where no page is of use that is weather, and waited out. Where it is one page, whatever comes behind it would
never be listed, and a worker's other groups would wait as long. It comes as a page without rows: nothing is
known of its photos, and whoever lists the pool next asks for it again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Final

from ingestor import events
from ingestor.apis.flickr import ListedPage, OfNoUse
from ingestor.models import Photo
from ingestor.services.politely import Politely

INSISTING: Final = 60.0
"""Seconds for which a page is asked for again: passing trouble is over, and a person still waits (taste)."""


class Lister:
    """One for all groups: whether Flickr is well shows in any of them."""

    def __init__(
        self,
        pool_page: Callable[[str, int], Awaitable[ListedPage]],
        politely: Politely,
        *,
        clock: Callable[[], float],
        listen: events.Listener,
    ) -> None:
        self._pool_page = pool_page
        self._politely = politely
        self._clock = clock
        self._listen = listen
        self._useless_since: dict[tuple[str, int], float] = {}
        self._told: set[tuple[str, int]] = set()
        """Pages that were passed over since they were of use last."""
        self._passed: tuple[str, int] | None = None
        """The page that was passed over last."""
        self._proven = False
        """Whether there was a page of use since then: of two in a row, the second is weather again."""

    async def __call__(self, group: str, number: int) -> ListedPage:
        """Raises what `Politely` does."""
        return await self._politely("flickr", partial(self._ask, group, number))

    async def _ask(self, group: str, number: int) -> ListedPage:
        try:
            page = await self._pool_page(group, number)
        except OfNoUse as error:
            if not self._is_alone((group, number)):
                raise
            self._pass_over(group, number, error)
            return replace(error.page, rows=())
        self._useless_since.pop((group, number), None)
        self._told.discard((group, number))
        self._proven |= any(isinstance(row, Photo) for row in page.rows)
        return page

    def _is_alone(self, place: tuple[str, int]) -> bool:
        now = self._clock()
        insisted = now - self._useless_since.setdefault(place, now) >= INSISTING
        return insisted and (self._proven or place == self._passed)

    def _pass_over(self, group: str, number: int, error: OfNoUse) -> None:
        if (group, number) not in self._told:
            self._listen(events.PagePassedOver(group=group, page=number, message=str(error)))
        self._told.add((group, number))
        self._passed, self._proven = (group, number), False
