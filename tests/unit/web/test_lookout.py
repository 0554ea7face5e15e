"""One look at the journal for all who ask, and not too much of the time spent on looking."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ingestor.errors import JournalError
from ingestor.web.lookout import Lookout

pytestmark = pytest.mark.looptime


class Slow:
    """A journal that takes a while to look at; what is seen is the number of the look."""

    def __init__(self, seconds: float) -> None:
        self.looks = 0
        self._seconds = seconds

    async def look(self) -> Any:
        self.looks += 1
        seen = self.looks
        await asyncio.sleep(self._seconds)
        return seen


async def test_who_asks_during_a_look_is_shown_that_one(looptime: Any) -> None:
    journal = Slow(2.0)
    lookout = Lookout(journal.look)

    seen: list[Any] = await asyncio.gather(*(lookout.board() for _ in range(50)))

    assert seen == [1] * 50
    assert looptime == 2.0


async def test_what_is_shown_of_a_small_journal_is_never_old() -> None:
    journal = Slow(0.001)
    lookout = Lookout(journal.look)

    seen: list[Any] = []
    for _ in range(4):
        seen.append(await lookout.board())
        await asyncio.sleep(1.0)

    assert seen == [1, 2, 3, 4]


async def test_a_large_journal_is_looked_at_a_fifth_of_the_time(looptime: Any) -> None:
    journal = Slow(0.4)
    lookout = Lookout(journal.look)

    while looptime < 100:
        await lookout.board()
        await asyncio.sleep(0.05)

    assert journal.looks * 0.4 == pytest.approx(20, rel=0.05)


async def test_a_look_that_failed_is_taken_again() -> None:
    journal = Slow(0.4)
    broken = iter([JournalError("it is locked")])

    async def look() -> Any:
        for error in broken:
            raise error
        return await journal.look()

    lookout = Lookout(look)
    with pytest.raises(JournalError):
        await lookout.board()

    seen: Any = await lookout.board()
    assert seen == 1
