"""The call log: counts, and the busiest minute to the millisecond."""

from __future__ import annotations

from ingestor.sandbox.calls import Calls
from tests.sandbox.google_site import Clock


def test_the_busiest_minute_slides() -> None:
    clock = Clock(0.0)
    calls = Calls(clock)

    for second in (0, 30, 59, 61, 120, 121):
        clock.seconds = second
        calls.arrived("vision", images=16)

    assert calls.busiest_minute("vision") == (3, 48)


def test_answers_are_counted_by_method_and_status() -> None:
    calls = Calls(Clock())
    for status in (200, 200, 429, 403):
        calls.arrived("flickr")
        calls.answered("flickr", "pool", status=status)

    assert calls.total("flickr") == calls.count("flickr") == 4
    assert calls.count("flickr", method="pool", status=200) == 2
    assert calls.refusals("flickr") == 2
    assert calls.count("vision") == calls.refusals("vision") == 0


def test_many_calls_at_once_take_little_memory_and_are_all_counted() -> None:
    clock = Clock(0.0)
    calls = Calls(clock)

    for number in range(10_000):
        clock.seconds = number / 100_000
        calls.arrived("image")

    assert calls.busiest_minute("image") == (10_000, 0)


def test_a_cleared_log_is_empty() -> None:
    calls = Calls(Clock())
    calls.arrived("flickr")

    calls.clear()

    assert calls.summary() == {}
