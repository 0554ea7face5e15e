"""Asked again, but only where that may help, and only as long as it is worth it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ingestor import events
from ingestor.errors import IngestorError, RunStopped, Unauthorized, Unavailable
from ingestor.kits.beside import beside
from ingestor.kits.lifetime import Lifetime
from ingestor.services import Politely
from ingestor.services.politely import UPDATES_PER_SECOND

pytestmark = pytest.mark.looptime

PATIENCE = 120.0


class Asked:
    """An upstream that fails with these errors, one a call, and then answers."""

    def __init__(self, *errors: IngestorError) -> None:
        self.times = 0
        self._errors = list(errors)

    async def __call__(self) -> str:
        self.times += 1
        if self._errors:
            raise self._errors.pop(0)
        return "answer"


def stale() -> Unauthorized:
    return Unauthorized("stale", upstream="database", status=401)


def a_politeness() -> Politely:
    return Politely(lifetime=Lifetime(drain=8.0), patience=PATIENCE, listen=events.ignore)


async def politely(call: Callable[[], Awaitable[str]]) -> str:
    return await a_politeness()("database", call)


async def test_a_credential_that_was_renewed_is_tried_once_more():
    asked = Asked(stale())

    assert await politely(asked) == "answer"

    assert asked.times == 2


async def test_a_credential_that_stays_refused_is_not_tried_a_third_time():
    asked = Asked(*(stale() for _ in range(5)))

    with pytest.raises(Unauthorized):
        await politely(asked)

    assert asked.times == 2


async def test_other_trouble_between_does_not_make_a_credential_fresh():
    asked = Asked(stale(), Unavailable("away", upstream="database"), stale(), stale())

    with pytest.raises(Unauthorized):
        await politely(asked)

    assert asked.times == 3


async def test_an_upstream_that_stays_away_ends_the_run_when_patience_does(looptime):
    asked = Asked(*(Unavailable("away", upstream="database") for _ in range(1000)))

    with pytest.raises(RunStopped, match="The database did not answer"):
        await politely(asked)

    assert 0 < looptime <= PATIENCE


async def test_an_upstream_that_answers_others_is_not_away(looptime):
    ask = a_politeness()
    asked = Asked(*(Unavailable("away", upstream="database") for _ in range(20)))

    async def answer_others() -> None:
        while True:
            await ask("database", Asked())
            await asyncio.sleep(PATIENCE / 2)

    async with beside(answer_others(), name="others"):
        assert await ask("database", asked) == "answer"

    assert looptime > PATIENCE


@pytest.mark.parametrize(("limited", "seconds"), [(True, 1.0), (False, 0.0)], ids=str)
async def test_each_attempt_takes_a_permit_unless_others_bound_it(limited, seconds):
    ask = a_politeness()

    async with asyncio.TaskGroup() as group:
        for _ in range(2 * UPDATES_PER_SECOND):
            group.create_task(ask("database", Asked(), limited=limited), name="ask")

    assert asyncio.get_running_loop().time() == pytest.approx(seconds, abs=0.05)
