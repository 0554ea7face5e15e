"""The figures of the report, from calls that were made."""

from __future__ import annotations

import pytest

from ingestor.transport import CallStatistics


@pytest.mark.parametrize(
    ("share", "seconds"), [(0.5, 0.128), (0.95, 1.024), (1.0, 8.192)], ids=["half", "most", "all"]
)
def test_durations_are_known_to_a_power_of_two(share: float, seconds: float) -> None:
    calls = CallStatistics()

    for duration in [0.1] * 50 + [1.0] * 45 + [5.0] * 5:
        calls.took(duration)

    assert calls.within(share) == seconds


def test_no_call_took_any_time() -> None:
    assert CallStatistics().within(0.5) == 0.0


def test_an_endless_call_is_counted_with_the_longest() -> None:
    calls = CallStatistics()

    calls.took(1e9)

    assert calls.within(1.0) == pytest.approx(524.288)
