"""The front page's labels are asked for once a minute, however many visitors there are."""

from __future__ import annotations

import asyncio

from ingestor.catalog.query import Hit, LabelCount, Page, Query
from ingestor.catalog.remembering import FRESH, RememberingCatalog


class Counting:
    def __init__(self, *answers: tuple[LabelCount, ...]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def search(self, query: Query) -> Page:
        return Page()

    async def suggest(self, prefix: str, *, limit: int = 10) -> tuple[LabelCount, ...]:
        return ()

    async def popular(self, *, limit: int = 24) -> tuple[LabelCount, ...]:
        self.asked += 1
        await asyncio.sleep(0)
        return self.answers.pop(0)

    async def photo(self, photo_id: str) -> Hit | None:
        return None


DOG, CAT = (LabelCount(name="Dog", photos=None),), (LabelCount(name="Cat", photos=None),)


async def test_many_visitors_are_one_question_until_it_is_old() -> None:
    now = [0.0]
    store = Counting(DOG, CAT)
    catalog = RememberingCatalog(store, clock=lambda: now[0])

    at_once = await asyncio.gather(*(catalog.popular() for _ in range(20)))
    now[0] = FRESH - 1
    before = await catalog.popular()
    now[0] = FRESH
    after = await catalog.popular()

    assert at_once == [DOG] * 20
    assert (before, after, store.asked) == (DOG, CAT, 2)


async def test_an_empty_collection_is_looked_at_again() -> None:
    catalog = RememberingCatalog(Counting((), DOG), clock=lambda: 0.0)

    assert await catalog.popular() == ()
    assert await catalog.popular() == DOG
