"""Try again, but politely."""

import asyncio
import gc
import random
import weakref
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from ingestor.kits.retrying import LONGEST_WAIT, persist

pytestmark = pytest.mark.looptime


class WeatherError(Exception):
    def __init__(self, wish: bool | float = True) -> None:
        self.wish = wish


def failing(*errors: Exception) -> Callable[[], Awaitable[str]]:
    left = list(errors)

    async def call() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return call


def hint(error: BaseException) -> bool | float:
    return error.wish if isinstance(error, WeatherError) else False


async def persisted(call: Callable[[], Awaitable[object]], **more: object) -> object:
    rules = {
        "patience": 120.0,
        "rest": asyncio.sleep,
        "clock": asyncio.get_running_loop().time,
        "jitter": random.Random(1),
        **more,
    }
    return await persist(call, hint=hint, **rules)  # type: ignore[arg-type]


async def test_a_passing_error_is_tried_again():
    assert await persisted(failing(WeatherError(), WeatherError())) == "done"


async def test_what_the_hint_refuses_is_not_tried_again():
    with pytest.raises(ValueError, match="ours"):
        await persisted(failing(ValueError("ours"), WeatherError()))


async def test_a_wished_wait_is_a_floor(looptime):
    await persisted(failing(WeatherError(20.0)))

    assert 20 <= looptime <= 20.5


async def test_who_was_given_the_same_wish_does_not_come_back_at_the_same_moment():
    clock = asyncio.get_running_loop().time
    back: list[float] = []

    async def one(seed: int) -> None:
        await persisted(failing(WeatherError(20.0)), jitter=random.Random(seed))
        back.append(clock())

    await asyncio.gather(*map(one, range(100)))

    assert len({round(at, 2) for at in back}) > 30
    assert min(back) >= 20


async def test_a_wish_beyond_patience_ends_it_at_once(looptime):
    with pytest.raises(WeatherError):
        await persisted(failing(WeatherError(86_400.0)))

    assert looptime == 0


async def test_patience_is_bounded_in_time(looptime):
    with pytest.raises(WeatherError):
        await persisted(failing(*[WeatherError() for _ in range(1000)]), patience=60.0)

    assert 60 - LONGEST_WAIT <= looptime <= 60


async def test_a_call_that_takes_long_to_fail_is_tried_again():
    left = [WeatherError(), WeatherError()]

    async def call() -> str:
        if left:
            await asyncio.sleep(60)
            raise left.pop()
        return "done"

    assert await persisted(call) == "done"


async def test_an_upstream_that_serves_others_is_not_down(looptime):
    clock = asyncio.get_running_loop().time

    outcome = await persisted(
        failing(*[WeatherError() for _ in range(12)]), patience=31.0, proven=clock
    )

    assert outcome == "done"
    assert looptime > 31


async def test_the_last_error_comes_out_when_attempts_are_used_up():
    noticed: list[int] = []

    with pytest.raises(WeatherError):
        await persisted(
            failing(*[WeatherError() for _ in range(9)]),
            attempts=3,
            noticed=lambda repeat: noticed.append(repeat.attempt),
        )

    assert noticed == [1, 2]


@pytest.mark.parametrize(
    ("served", "silent"),
    [
        pytest.param(float("-inf"), [0.0, 5.0, 10.0], id="nobody"),
        pytest.param(4.0, [0.0, 1.0, 6.0], id="others meanwhile"),
    ],
)
async def test_who_notices_is_told_for_how_long_nobody_was_served(
    served: float, silent: list[float]
):
    noticed: list[float] = []
    clock = asyncio.get_running_loop().time

    async def rest(_seconds: float) -> None:
        await asyncio.sleep(5.0)

    await persisted(
        failing(*[WeatherError() for _ in range(3)]),
        rest=rest,
        proven=lambda: served if clock() >= served else float("-inf"),
        noticed=lambda repeat: noticed.append(repeat.silent),
    )

    assert noticed == pytest.approx(silent)


async def test_the_hint_is_asked_once_for_each_failure():
    asked: list[BaseException] = []
    errors = [WeatherError() for _ in range(3)]

    def count(error: BaseException) -> bool:
        asked.append(error)
        return True

    await persist(
        failing(*errors),
        hint=count,
        rest=asyncio.sleep,
        patience=120.0,
        clock=asyncio.get_running_loop().time,
    )

    assert asked == errors


async def test_no_two_waits_are_synchronised():
    waits: list[float] = []

    async def one(seed: int) -> None:
        await persisted(
            failing(WeatherError(), WeatherError(), WeatherError()),
            jitter=random.Random(seed),
            noticed=lambda repeat: waits.append(round(repeat.seconds, 3)),
        )

    await asyncio.gather(*(one(seed) for seed in range(100)))

    assert len(set(waits)) > 200


class Batch:
    """Something large that a call has in hand."""


@pytest.mark.parametrize("wishes", [(True,), (True, 2.0), (False,)], ids=str)
async def test_a_failed_call_lets_go_of_what_it_had_in_hand(wishes: tuple[bool | float, ...]):
    held: list[weakref.ref[Batch]] = []
    left = list(wishes)

    async def call() -> None:
        batch = Batch()
        held.append(weakref.ref(batch))
        if left:
            raise WeatherError(left.pop(0))

    with uncollected():
        with suppress(WeatherError):
            await persisted(call)

        assert [reference() for reference in held] == [None] * len(held)


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the collector, which would find what nobody let go of."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
