"""Permits under several limits per minute at once."""

import asyncio
import random
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestor.kits.dimension import MARGIN, MINUTE, WINDOW, seconds_for
from ingestor.kits.quota import CUT, KEPT, RISE, Quota, QuotaClosed

pytestmark = pytest.mark.looptime


def a_quota(requests: float = 1800, images: float = 1800, **more: object) -> Quota:
    clock = asyncio.get_running_loop().time
    return Quota((requests, images), largest=(1, 16), clock=clock, **more)  # type: ignore[arg-type]


def most_in_any_minute(grants: list[tuple[float, float]]) -> float:
    """The largest sum of costs in a sliding minute that begins with a grant."""
    return max(
        sum(cost for at, cost in grants if start <= at < start + MINUTE) for start, _ in grants
    )


async def granted(quota: Quota, batches: int, images: int = 16) -> list[tuple[float, float]]:
    grants = []
    for _ in range(batches):
        permit = await quota.acquire(1, images)
        grants.append((permit.granted, float(images)))
    return grants


async def test_images_bind_before_requests_do():
    quota = a_quota()

    grants = await granted(quota, 400)

    minutes = (grants[-1][0] - grants[0][0]) / MINUTE
    assert 0.97 <= 399 * 16 / (1800 * minutes) <= 1.0


async def test_a_permit_that_is_given_back_is_anothers_at_once():
    quota = a_quota(images=16)
    unused = await quota.acquire(1, 16)
    waiting = asyncio.create_task(quota.acquire(1, 16))
    await asyncio.sleep(0)

    quota.give_back(unused)

    assert (await waiting).granted == unused.granted
    assert quota.granted == [1, 16]


async def test_a_permit_that_is_given_back_behind_a_cut_fills_no_bucket():
    quota = a_quota()
    unused, refused = await quota.acquire(1, 16), await quota.acquire(1, 16)
    quota.refuse(refused)

    quota.give_back(unused)
    cut = asyncio.get_running_loop().time()

    assert (await quota.acquire(1, 16)).granted >= cut + 16 / (30 * quota.rate) - 0.001


async def test_a_quota_whose_permits_were_all_given_back_was_not_used():
    quota = a_quota()
    unused = [await quota.acquire(1, 16) for _ in range(3)]

    for permit in unused:
        quota.give_back(permit)

    assert quota.used == 0.0


async def test_no_sliding_minute_exceeds_the_limit():
    quota = a_quota()

    grants = await granted(quota, 500)

    assert most_in_any_minute(grants) <= 1800


async def test_requests_bind_where_batches_are_small():
    quota = a_quota(requests=60)

    grants = await granted(quota, 130, images=1)

    assert most_in_any_minute(grants) <= 60
    assert grants[-1][0] - grants[0][0] >= 2 * MINUTE


async def test_the_bucket_starts_empty():
    quota = a_quota()

    first = await quota.acquire(1, 16)

    assert first.granted == pytest.approx(16 / 30, abs=0.01)


async def test_what_a_dead_process_spent_still_counts():
    quota = a_quota(images=160, spent=[(10.0, (1, 160))])

    first = await quota.acquire(1, 16)

    assert first.granted == pytest.approx(WINDOW - 10, abs=0.01)


async def test_who_came_first_is_served_first():
    quota = a_quota()
    served: list[int] = []

    async def ask(name: int, images: int) -> None:
        await quota.acquire(1, images)
        served.append(name)

    async with asyncio.TaskGroup() as group:
        for name, images in enumerate([16, 1, 16, 1]):
            group.create_task(ask(name, images))

    assert served == [0, 1, 2, 3]


async def test_one_refusal_slows_everybody_and_its_echo_nobody():
    quota = a_quota()
    permits = [await quota.acquire(1, 16) for _ in range(3)]

    cuts = [quota.refuse(permit) for permit in permits]

    assert cuts == [True, False, False]
    assert quota.rate == pytest.approx(0.7)


async def test_after_a_cut_the_rate_is_level_for_a_while_and_then_whole_again():
    quota = a_quota()
    quota.refuse(await quota.acquire(1, 16))
    rates = []

    for _minute in range(8):
        await asyncio.sleep(MINUTE)
        rates.append(quota.rate)

    assert rates == sorted(rates)
    assert rates[1:4] == pytest.approx([0.7 * (1 + RISE)] * 3, rel=0.005)
    assert rates[-1] == 1.0


async def test_a_refusal_takes_what_the_bucket_held():
    quota = a_quota()
    await asyncio.sleep(10)

    quota.refuse(await quota.acquire(1, 16))
    permit = await quota.acquire(1, 16)

    assert permit.granted == pytest.approx(10 + 16 / (30 * CUT), abs=0.01)


async def test_old_refusals_do_not_count_against_what_is_let_through_now():
    quota = a_quota()
    early = [await quota.acquire(1, 16) for _ in range(112)]
    for permit in early[:40]:
        quota.refuse(permit)

    late = [await quota.acquire(1, 16) for _ in range(224)]
    quota.refuse(late[-1])

    recent = [permit for permit in late[:-1] if permit.granted > late[-1].granted - WINDOW]
    assert quota.rate == pytest.approx(KEPT * 16 * len(recent) / 1800)


async def test_a_wish_to_wait_is_a_floor_for_everybody():
    quota = a_quota()
    permit = await quota.acquire(1, 16)
    quota.refuse(permit, retry_after=20.0)

    later = await quota.acquire(1, 1)

    assert later.granted - permit.granted >= 20


async def test_the_share_that_was_used_is_all_of_a_busy_quota_and_half_of_a_lazy_one():
    busy, lazy = a_quota(), a_quota()
    await asyncio.sleep(10)

    await granted(busy, 300)
    for _ in range(100):
        await lazy.acquire(1, 16)
        await asyncio.sleep(2 * 16 / 30)

    assert 0.97 <= busy.used <= 1.0
    assert lazy.used == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("images", [160, 1_792, 5_400, 10_000])
async def test_a_forecast_is_true_within_two_percent(images: int):
    quota = a_quota()

    await granted(quota, images // 16)

    forecast = seconds_for(images, limit=1800, largest=16)
    took = asyncio.get_running_loop().time()
    sys.stderr.write(f"{images} images: forecast {forecast:.1f} s, took {took:.1f} s\n")
    assert took == pytest.approx(forecast, rel=0.02)


def test_a_forecast_reckons_with_windows_that_hold_whole_pieces_only():
    assert seconds_for(3600, limit=1800, largest=16) == pytest.approx(2 * WINDOW + 16 / 30)


async def test_closing_sends_away_who_waits_and_who_comes():
    quota = a_quota()
    waiting = asyncio.create_task(quota.acquire(1, 16))
    await asyncio.sleep(0)

    quota.close()

    with pytest.raises(QuotaClosed):
        await waiting
    with pytest.raises(QuotaClosed):
        await quota.acquire(1, 1)


async def test_what_one_learned_is_not_forgotten_by_the_next():
    first, second = a_quota(), a_quota()
    permits = [await first.acquire(1, 16) for _ in range(30)]
    first.refuse(permits[-1], retry_after=20.0)
    first.close()

    second.go_on_from(first)
    later = await second.acquire(1, 16)

    assert later.granted - permits[-1].granted >= 20
    assert second.rate == first.rate < 0.75


async def test_a_window_is_kept_across_two_of_them():
    first, second = a_quota(), a_quota()
    before = await granted(first, 100)

    second.go_on_from(first)
    after = await granted(second, 100)

    assert most_in_any_minute(before + after) <= 1800


async def test_what_flowed_in_between_two_of_them_is_there():
    first = a_quota()
    await granted(first, 2)
    await asyncio.sleep(10)

    second = a_quota()
    second.go_on_from(first)
    permit = await second.acquire(1, 16)

    assert permit.granted == pytest.approx(10 + 32 / 30, abs=0.01)


async def test_how_quick_answers_can_be_is_known_to_the_next():
    first, second = (a_quota(requests=100, images=16) for _ in range(2))
    first.answered(await first.acquire(1, 16))

    second.go_on_from(first)
    late = await second.acquire(1, 16)
    await asyncio.sleep(3)
    second.answered(late)
    next_one = await second.acquire(1, 16)

    assert next_one.granted - late.granted == pytest.approx(MINUTE + MARGIN + 3, abs=0.01)


async def test_an_answer_that_was_lost_says_nothing_about_how_quick_they_can_be():
    quota = a_quota(requests=100, images=16)
    quota.answered(await quota.acquire(1, 16), in_doubt=True)

    ordinary = await quota.acquire(1, 16)
    await asyncio.sleep(3)
    quota.answered(ordinary)
    next_one = await quota.acquire(1, 16)

    assert next_one.granted - ordinary.granted == pytest.approx(WINDOW, abs=0.01)


async def test_a_cancelled_wait_does_not_hold_up_the_line():
    quota = a_quota()
    first, second = (asyncio.create_task(quota.acquire(1, 16)) for _ in range(2))
    await asyncio.sleep(0)

    first.cancel()
    permit = await second

    assert permit.granted == pytest.approx(16 / 30, abs=0.01)


def test_a_request_larger_than_a_minute_is_refused_at_once():
    with pytest.raises(ValueError, match="more than a minute"):
        Quota((10, 10), largest=(1, 16), clock=lambda: 0.0)


@settings(max_examples=40)
@given(
    images=st.lists(st.integers(1, 16), min_size=30, max_size=120),
    pauses=st.lists(st.floats(0, 40), min_size=120, max_size=120),
    limit=st.integers(16, 300),
)
def test_whatever_is_asked_no_window_exceeds_the_limit(images, pauses, limit):
    now = 0.0
    quota = Quota((1000, limit), largest=(1, 16), clock=lambda: now)
    grants: list[tuple[float, float]] = []
    for cost, pause in zip(images, pauses, strict=False):
        now += pause
        while (wait := quota._seconds_until((1, cost))) > 0:
            now += wait
        quota._record(now, (1, cost))
        grants.append((now, float(cost)))

    assert most_in_any_minute(grants) <= limit


@pytest.mark.parametrize("images", [1, 4, 16])
@pytest.mark.parametrize("seed", range(10))
async def test_what_leaves_long_after_its_grant_counts_from_then(seed: int, images: int):
    """A token is renewed between the two; whose permit is over by then asks for another."""
    dice, quota, clock = random.Random(seed), a_quota(images=64), asyncio.get_running_loop().time
    sent: list[tuple[float, float]] = []

    async def send() -> None:
        permit = await quota.acquire(1, images)
        await asyncio.sleep(dice.choice((0.0, 0.0, 0.05, 2.0, 30.0, 59.0, 90.0)))
        if not quota.may_leave(permit):
            return await send()
        sent.append((clock(), float(images)))
        await asyncio.sleep(dice.choice((0.5, 20.0)))
        return quota.answered(permit)

    async with asyncio.TaskGroup() as group:
        for _ in range(3 * 64 // images):
            group.create_task(send())

    assert len(sent) == 3 * 64 // images
    assert most_in_any_minute(sent) <= 64


async def test_nobody_leaves_while_all_have_to_wait():
    quota = a_quota()
    early, refused = await quota.acquire(1, 16), await quota.acquire(1, 16)

    quota.refuse(refused, retry_after=30)
    told_to_wait = quota.may_leave(early)
    await asyncio.sleep(30)

    assert (told_to_wait, quota.may_leave(early)) == (False, True)


async def test_the_echo_of_a_refusal_that_left_late_slows_nobody():
    quota = a_quota()
    first, echo = await quota.acquire(1, 16), await quota.acquire(1, 16)

    quota.refuse(first)
    await asyncio.sleep(2 * MARGIN)
    quota.may_leave(echo)

    assert (quota.refuse(echo), quota.rate > CUT) == (False, True)
