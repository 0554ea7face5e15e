"""A page of no use costs its group that page, and no more; and where no page is of use, it is weather."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest

from ingestor.apis.flickr import ListedPage, OfNoUse, Unusable
from ingestor.errors import RunStopped
from ingestor.events import Event, PagePassedOver
from ingestor.kits.lifetime import Lifetime
from ingestor.services import Politely
from ingestor.services.lister import INSISTING, Lister
from tests.builders import a_photo

pytestmark = pytest.mark.looptime

ZOO, FARM = "1@N00", "2@N00"
PATIENCE = HOUR = 3600.0
EACH = 10


class Pools:
    """Of ten photos a page, where some pages are of no use until a moment."""

    def __init__(
        self, useless: Collection[tuple[str, int]], *, until: float = float("inf")
    ) -> None:
        self._useless = useless
        self.until = until
        self.asked = 0

    async def __call__(self, group_id: str, page: int) -> ListedPage:
        self.asked += 1
        bad = (group_id, page) in self._useless and now() < self.until
        rows = [_bad(page, place) if bad else a_photo(f"{page}{place}") for place in range(EACH)]
        found = ListedPage(pages=9, total=9 * EACH, rows=tuple(rows))
        if bad:
            raise OfNoUse("none can be used", page=found)
        return found


def _bad(page: int, place: int) -> Unusable:
    return Unusable(photo_id=f"{page}{place}", reason="no-url")


def now() -> float:
    return asyncio.get_running_loop().time()


def a_lister(pools: Pools, told: list[Event] | None = None) -> Lister:
    lifetime, listen = Lifetime(drain=8.0), (told if told is not None else []).append
    politely = Politely(
        lifetime=lifetime, patience=PATIENCE, listen=listen, flickr_calls_per_hour=3600
    )
    return Lister(pools, politely, clock=lifetime.clock, listen=listen)


async def test_one_page_of_no_use_keeps_nobody_from_what_lies_behind_it() -> None:
    told: list[Event] = []
    lister = a_lister(Pools({(ZOO, 2)}), told)

    pages = [await lister(ZOO, number) for number in (1, 2, 2, 2, 3)]

    assert [len(page.rows) for page in pages] == [EACH, 0, 0, 0, EACH]
    assert pages[1].total == 9 * EACH
    assert INSISTING <= now() < 2 * INSISTING
    passed = [event for event in told if isinstance(event, PagePassedOver)]
    assert [(event.group, event.page) for event in passed] == [(ZOO, 2)]


async def test_pages_that_stay_of_no_use_are_told_once_each_until_they_were_of_use_again() -> None:
    told: list[Event] = []
    pools = Pools({(ZOO, 2), (ZOO, 4)}, until=HOUR)
    lister = a_lister(pools, told)

    async def turns(number: int) -> list[tuple[str, int]]:
        told.clear()
        for page in [1, 2, 3, 4, 5] * number:
            await lister(ZOO, page)
        return [(event.group, event.page) for event in told if isinstance(event, PagePassedOver)]

    first, then = await turns(1), await turns(3)
    await asyncio.sleep(HOUR)
    await turns(1)
    pools.until = now() + HOUR
    again = await turns(1)

    assert (first, then, again) == ([(ZOO, 2), (ZOO, 4)], [], first)


async def test_a_group_of_no_use_makes_the_others_of_a_worker_wait_once_and_not_for_long() -> None:
    lister = a_lister(Pools({(ZOO, 1)}))

    for _ in range(20):
        assert len((await lister(FARM, 1)).rows) == EACH
        assert not (await lister(ZOO, 1)).rows

    assert now() < 2 * INSISTING


@pytest.mark.parametrize(
    "useless", [{(ZOO, 1)}, {(ZOO, 3), (ZOO, 4)}], ids=["the first", "two in a row"]
)
async def test_where_no_other_page_is_of_use_it_is_waited_for(
    useless: set[tuple[str, int]],
) -> None:
    lister = a_lister(Pools(useless))

    async def list_all() -> None:
        for number in range(1, 5):
            await lister(ZOO, number)

    with pytest.raises(RunStopped) as stopped:
        await list_all()

    assert stopped.value.reason == "flickr-unavailable"
    assert now() > 0.9 * PATIENCE


async def test_a_page_that_was_of_use_meanwhile_has_all_its_time_again() -> None:
    pools = Pools({(ZOO, 2)}, until=INSISTING / 2)
    lister = a_lister(pools)
    for number in (1, 2):
        await lister(ZOO, number)
    await asyncio.sleep(INSISTING)
    pools.until = now() + INSISTING / 2

    assert len((await lister(ZOO, 2)).rows) == EACH


async def test_a_bad_moment_of_flickrs_costs_no_page() -> None:
    lister = a_lister(Pools({(ZOO, 2)}, until=INSISTING / 2))

    pages = [await lister(ZOO, number) for number in (1, 2, 3)]

    assert [len(page.rows) for page in pages] == [EACH] * 3
