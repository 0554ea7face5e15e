"""Asked again, but only where that may help, and only as long as it is worth it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from ingestor import events
from ingestor.errors import (
    AddressRefused,
    Denied,
    IngestorError,
    RunStopped,
    Throttled,
    Unauthorized,
    Unavailable,
)
from ingestor.kits.beside import beside
from ingestor.kits.lifetime import Lifetime, Stopping
from ingestor.services import Politely
from ingestor.services.politely import UPDATES_PER_SECOND

pytestmark = pytest.mark.looptime

PATIENCE = 120.0
HOUR = 3600.0


class Asked:
    """An upstream that fails with these errors, one a call, and then answers."""

    def __init__(self, *errors: IngestorError) -> None:
        self.times = 0
        self.at: list[float] = []
        self._errors = list(errors)

    async def __call__(self) -> str:
        self.times += 1
        self.at.append(asyncio.get_running_loop().time())
        if self._errors:
            raise self._errors.pop(0)
        return "answer"


def stale() -> Unauthorized:
    return Unauthorized("stale", upstream="database")


def told_to_wait(seconds: float) -> Throttled:
    return Throttled("slower", upstream="database", retry_after=seconds)


def a_politeness(
    lifetime: Lifetime | None = None, *, flickr_calls_per_hour: int = 3600
) -> Politely:
    return Politely(
        lifetime=lifetime or Lifetime(drain=8.0),
        patience=PATIENCE,
        listen=events.ignore,
        flickr_calls_per_hour=flickr_calls_per_hour,
    )


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


async def test_a_certificate_that_is_refused_is_a_refusal_of_that_upstream():
    asked = Asked(*[AddressRefused("not trusted", reason="tls-certificate")] * 2)

    with pytest.raises(Denied, match="not trusted") as refused:
        await politely(asked)

    assert asked.times == 1
    assert (refused.value.upstream, refused.value.reason) == ("database", "tls-certificate")


async def test_other_trouble_between_does_not_make_a_credential_fresh():
    asked = Asked(stale(), Unavailable("away", upstream="database"), stale(), stale())

    with pytest.raises(Unauthorized):
        await politely(asked)

    assert asked.times == 3


async def test_an_upstream_that_stays_away_ends_the_run_when_patience_does(looptime):
    asked = Asked(*(Unavailable("Away.", upstream="database") for _ in range(1000)))

    with pytest.raises(
        RunStopped, match=r"^The database did not answer properly for .* \(Away\)\. "
    ):
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


# Parts of a second that a float has exactly: aiolimiter waits for less than the clock can tell of others.
@pytest.mark.parametrize(("calls", "at_once"), [(915, 15), (3660, 60)])
async def test_no_hour_has_more_of_flickr_s_calls_than_the_key_allows(calls, at_once):
    ask, asked = a_politeness(flickr_calls_per_hour=calls), Asked()

    for _ in range(2 * calls):
        await ask("flickr", asked)

    assert sum(moment == 0 for moment in asked.at) == at_once
    windows = zip(asked.at, asked.at[calls:], strict=False)
    assert HOUR <= min(later - earlier for earlier, later in windows) < HOUR + 5


async def test_the_fewest_calls_that_may_be_set_are_one_at_once():
    ask, asked = a_politeness(flickr_calls_per_hour=60), Asked()

    await ask("flickr", asked)

    assert asked.at == [0]


async def test_who_is_told_to_wait_is_told_it_for_all(looptime):
    ask, asked = a_politeness(), Asked(told_to_wait(60.0))

    async with asyncio.TaskGroup() as group:
        group.create_task(ask("database", asked), name="first")
        await asyncio.sleep(1.0)
        for _ in range(19):
            group.create_task(ask("database", asked), name="ask")

    assert sum(at < 60.0 for at in asked.at) == 1
    assert asked.times == 21
    assert looptime < 62.0


async def test_a_pause_moves_forward_and_never_back():
    ask, later = a_politeness(), Asked()

    async def told(seconds: float) -> str:
        await asyncio.sleep(1.0)
        raise told_to_wait(seconds)

    tellers = [asyncio.create_task(ask("database", partial(told, s))) for s in (10.0, 90.0, 20.0)]
    await asyncio.sleep(2.0)
    await ask("database", later)

    assert later.at == [pytest.approx(91.0)]
    for teller in tellers:
        teller.cancel()


async def test_one_upstream_s_pause_is_not_another_s():
    ask, flickr = a_politeness(), Asked()

    async with asyncio.TaskGroup() as group:
        group.create_task(ask("database", Asked(told_to_wait(60.0))), name="told")
        await asyncio.sleep(1.0)
        await ask("flickr", flickr)

    assert flickr.at == [1.0]


async def test_who_waited_for_a_permit_waits_for_the_pause_too():
    ask, asked = a_politeness(), Asked(told_to_wait(60.0))

    async def slowly() -> str:
        try:
            return await asked()
        finally:
            await asyncio.sleep(0.5)

    async def all_ask() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(2 * UPDATES_PER_SECOND):
                group.create_task(ask("database", slowly), name="ask")

    async with beside(all_ask(), name="all"):
        await asyncio.sleep(59.0)

    assert UPDATES_PER_SECOND < asked.times < 2 * UPDATES_PER_SECOND
    assert max(asked.at) <= 0.5


async def test_a_pause_beyond_our_patience_is_not_waited_for(looptime):
    ask, asked = a_politeness(), Asked()

    for call in (Asked(told_to_wait(2 * PATIENCE)), asked):
        with pytest.raises(RunStopped, match="The database wishes to be left alone for 240 s"):
            await ask("database", call)

    assert asked.times == 0
    assert looptime == 0


async def test_a_long_pause_is_remembered_to_its_end(looptime):
    ask, asked = a_politeness(), Asked()
    with pytest.raises(RunStopped):
        await ask("database", Asked(told_to_wait(2 * PATIENCE)))

    await asyncio.sleep(2 * PATIENCE - 1.0)
    with pytest.raises(RunStopped, match="The database wishes to be left alone for 1 s"):
        await ask("database", asked)
    await asyncio.sleep(1.0)
    await ask("database", asked)

    assert asked.at == [2 * PATIENCE]


async def test_a_pause_that_grows_beyond_our_patience_is_given_up(looptime):
    ask, asked = a_politeness(), Asked()

    async def told_late() -> str:
        await asyncio.sleep(50.0)
        raise told_to_wait(PATIENCE - 10.0)

    late = asyncio.create_task(ask("database", told_late))
    early = asyncio.create_task(ask("database", Asked(told_to_wait(PATIENCE - 10.0))))
    await asyncio.sleep(1.0)
    with pytest.raises(RunStopped, match="The database wishes to be left alone for 50 s"):
        await ask("database", asked)

    assert asked.times == 0
    assert looptime == PATIENCE - 10.0
    await asyncio.gather(late, early, return_exceptions=True)


async def test_a_stop_wakes_who_waits_for_a_pause_to_end(looptime):
    lifetime = Lifetime(drain=8.0)
    ask, asked = a_politeness(lifetime), Asked()
    with pytest.raises(RunStopped):
        await ask("database", Asked(told_to_wait(PATIENCE)))
    asyncio.get_running_loop().call_later(5.0, lifetime.stop, "SIGTERM")

    with pytest.raises(Stopping):
        await ask("database", asked)

    lifetime.close()
    assert asked.times == 0
    assert looptime == 5.0
