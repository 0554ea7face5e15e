"""What units cost: the price list's words, and nothing lost between two runs of a month."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from ingestor.purchases.pricing import affordable, bill, ceiling, cost, day_start, month_start

UNITS = some.integers(0, 20_000_000)
A_CENT_OF_A_CENT = 0.0001


@pytest.mark.parametrize(
    ("units", "dollars"),
    [
        pytest.param(0, 0.0, id="nothing"),
        pytest.param(1_000, 0.0, id="the free ones"),
        pytest.param(1_001, 0.0015, id="one more"),
        pytest.param(10_000, 13.5, id="a small month"),
        pytest.param(1_000_000, 1_498.5, id="a large one"),
        pytest.param(5_000_000, 7_498.5, id="all at the first price"),
        pytest.param(6_000_000, 8_498.5, id="a million at the second"),
    ],
)
def test_a_month_costs_what_the_price_list_says(units: int, dollars: float) -> None:
    assert cost(units) == pytest.approx(dollars)


@given(first=UNITS, second=UNITS)
def test_two_runs_of_a_month_cost_what_one_would(first: int, second: int) -> None:
    together = cost(first) + cost(second, before=first)

    assert together == pytest.approx(cost(first + second), abs=A_CENT_OF_A_CENT)


@given(dollars=some.floats(0, 20_000), before=UNITS)
def test_a_ceiling_in_dollars_is_used_to_the_last_unit_and_not_passed(
    dollars: float, before: int
) -> None:
    most = affordable(dollars, before=before)

    assert at_the_first_price(most, before=before) <= dollars + A_CENT_OF_A_CENT
    assert at_the_first_price(most + 1, before=before) > dollars - A_CENT_OF_A_CENT


@given(dollars=some.floats(0, 20_000), before=UNITS, share=some.floats(0, 1))
def test_a_ceiling_in_dollars_holds_although_the_month_ends_on_the_way(
    dollars: float, before: int, share: float
) -> None:
    """And with it the price of a month that has had many."""
    most = affordable(dollars, before=before)
    earlier = int(share * most)

    spent = bill([(earlier, before), (most - earlier, 0)])

    assert spent <= dollars + A_CENT_OF_A_CENT


def test_what_a_run_spent_in_a_month_that_is_over_is_not_free_in_the_next() -> None:
    """100,000 units were bought in December, then 10,000 for 15 dollars; the rest buys in January."""
    most = ceiling(20.0, spent_earlier=10_000, before=0)

    assert most == 10_000 + affordable(5.0)
    assert ceiling(10.0, spent_earlier=10_000, before=0) == 10_000


def at_the_first_price(units: int, *, before: int) -> float:
    """What units cost that no large month makes cheaper."""
    free = max(0, 1_000 - before)
    return 0.0015 * max(0, units - free)


@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose own midnight is another."""
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("tokyo")
@pytest.mark.parametrize(
    ("now", "day", "month"),
    [
        pytest.param("2026-11-22T21:30:00", "2026-11-22", "2026-11-01", id="in the middle"),
        pytest.param("2026-12-01T00:00:00", "2026-12-01", "2026-12-01", id="the first moment"),
        pytest.param("2026-12-31T23:59:59", "2026-12-31", "2026-12-01", id="the last second"),
    ],
)
def test_days_and_months_begin_at_midnight_in_utc(now: str, day: str, month: str) -> None:
    moment = unix(now)

    assert (day_start(moment), month_start(moment)) == (unix(day), unix(month))


def unix(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
