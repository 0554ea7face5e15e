"""Quotas: a sliding minute, both dimensions or neither, and a stranger on the project."""

from __future__ import annotations

import random

import pytest

from ingestor.sandbox.quotas import Quotas
from tests.sandbox.google_site import Clock


def some_quotas(clock: Clock, *, requests: int = 0, images: int = 0) -> Quotas:
    return Quotas(requests_per_minute=requests, images_per_minute=images, clock=clock)


def test_a_grant_counts_for_sixty_seconds_to_the_tick() -> None:
    clock = Clock()
    quotas = some_quotas(clock, images=16)
    assert quotas.admit(16) is None

    clock.seconds += 59.999
    refused = quotas.admit(1)
    clock.seconds += 0.001

    assert refused is not None
    assert refused.metric == "images"
    assert quotas.admit(16) is None


def test_the_wait_it_names_is_the_shortest_that_helps() -> None:
    clock = Clock()
    quotas = some_quotas(clock, images=20)
    for amount in (5, 5, 10):
        quotas.admit(amount)
        clock.seconds += 10

    refused = quotas.admit(7)
    assert refused is not None
    clock.seconds += refused.seconds - 0.001
    still = quotas.admit(7)
    clock.seconds += 0.001

    assert refused.seconds == pytest.approx(40)
    assert still is not None
    assert quotas.admit(7) is None


def test_a_refused_request_takes_nothing_from_either_quota() -> None:
    quotas = some_quotas(Clock(), requests=2, images=16)

    assert quotas.admit(17) is not None

    assert (quotas.requests.used, quotas.images.used) == (0, 0)


def test_requests_run_out_while_images_are_left() -> None:
    quotas = some_quotas(Clock(), requests=1, images=100)
    quotas.admit(1)

    refused = quotas.admit(1)

    assert refused is not None
    assert refused.metric == "requests"


def test_a_stranger_takes_his_share() -> None:
    quotas = some_quotas(Clock(), images=100)

    assert quotas.admit(60, stranger=0.5) is not None
    assert quotas.admit(50, stranger=0.5) is None


def test_a_new_limit_holds_for_what_was_granted_before() -> None:
    quotas = some_quotas(Clock(), images=100)
    quotas.admit(50)

    quotas.change(images=60)

    assert quotas.admit(11) is not None
    assert quotas.admit(10) is None


def test_nought_means_no_limit() -> None:
    quotas = some_quotas(Clock())

    assert all(quotas.admit(1_000_000) is None for _ in range(100))


@pytest.mark.parametrize("seed", range(20))
def test_no_sliding_minute_exceeds_the_limit(seed: int) -> None:
    chance = random.Random(seed)
    clock = Clock()
    quotas = some_quotas(clock, images=100)
    granted: list[tuple[float, int]] = []

    for _ in range(400):
        clock.seconds += chance.expovariate(1.0)
        amount = chance.randint(1, 16)
        if quotas.admit(amount) is None:
            granted.append((clock.seconds, amount))

    minutes = [
        sum(amount for moment, amount in granted if start - 60 < moment <= start)
        for start, _ in granted
    ]
    assert max(minutes) <= 100
    assert quotas.images.busiest == max(minutes)
