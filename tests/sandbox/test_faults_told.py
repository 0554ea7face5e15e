"""Faults strike by rate, by seed, by key, or because a test said so."""

from __future__ import annotations

import pytest

from ingestor.sandbox.faults import Faults

KNOWN = {"flickr.slow": "slow", "flickr.gone": "gone", "image.gone": "gone"}
KNOBS = {"image.limit": 0.0}


def some_faults(rates: dict[str, float] | None = None, *, seed: int = 7) -> Faults:
    return Faults(seed, rates, known=KNOWN, knobs=KNOBS)


def test_nothing_goes_wrong_unless_told() -> None:
    faults = some_faults()

    assert not any(faults.strikes(name) for name in KNOWN)
    assert faults.first(KNOWN) is None
    assert faults.counts() == {}


@pytest.mark.parametrize(("rate", "share"), [(0.0, 0.0), (1.0, 1.0)])
def test_never_and_always_are_exact(rate: float, share: float) -> None:
    faults = some_faults({"flickr.slow": rate})

    struck = sum(faults.strikes("flickr.slow", str(n)) for n in range(100))

    assert struck == share * 100


def test_a_rate_is_a_share_of_the_requests() -> None:
    faults = some_faults({"flickr.slow": 0.25})

    struck = sum(faults.strikes("flickr.slow", str(n)) for n in range(4_000))

    assert 900 < struck < 1_100
    assert faults.counts() == {"flickr.slow": struck}


def test_the_same_requests_meet_the_same_faults_in_any_order() -> None:
    keys = [str(number) for number in range(200)]
    one, other = some_faults({"flickr.slow": 0.5}), some_faults({"flickr.slow": 0.5})

    forwards = {key: one.strikes("flickr.slow", key) for key in keys}
    backwards = {key: other.strikes("flickr.slow", key) for key in reversed(keys)}

    assert forwards == backwards
    assert set(forwards.values()) == {True, False}


def test_asking_again_is_another_request() -> None:
    faults = some_faults({"flickr.slow": 0.5})

    answers = {faults.strikes("flickr.slow", "same") for _ in range(64)}

    assert answers == {True, False}


def test_another_seed_strikes_others() -> None:
    one, other = some_faults({"flickr.slow": 0.5}), some_faults({"flickr.slow": 0.5}, seed=8)

    assert [one.strikes("flickr.slow", str(n)) for n in range(64)] != [
        other.strikes("flickr.slow", str(n)) for n in range(64)
    ]


def test_queued_faults_hit_the_next_requests_and_no_more() -> None:
    faults = some_faults()
    faults.queue("flickr.gone", 2)

    assert [faults.strikes("flickr.gone", key) for key in "abc"] == [True, True, False]


def test_the_first_that_strikes_is_the_one() -> None:
    faults = some_faults({"flickr.gone": 1, "image.gone": 1})

    assert faults.first(["flickr.slow", "image.gone", "flickr.gone"]) == "image.gone"
    assert faults.counts() == {"image.gone": 1}


def test_what_is_cleared_is_over() -> None:
    faults = some_faults({"flickr.gone": 1, "image.limit": 5})
    faults.queue("flickr.slow", 9)

    faults.clear()

    assert faults.first(KNOWN) is None
    assert (faults.rates(), faults.knob("image.limit")) == ({}, 0.0)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        pytest.param("flickr.slwo", 1, "near it: flickr.slow", id="a slip"),
        pytest.param("entirely else", 1, "no fault 'entirely else'", id="unknown"),
        pytest.param("flickr.slow", 1.5, "between 0 and 1", id="too often"),
        pytest.param("flickr.slow", float("nan"), "between 0 and 1", id="no number"),
        pytest.param("image.limit", -1, "from 0 up", id="a knob below nought"),
        pytest.param("image.limit", float("inf"), "from 0 up", id="an endless knob"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(name: str, value: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        some_faults().set(name, value)


@pytest.mark.parametrize("ask", [lambda f: f.strikes("nothing"), lambda f: f.queue("nothing")])
def test_unknown_names_are_not_passed_over(ask: object) -> None:
    assert callable(ask)

    with pytest.raises(ValueError, match="no fault 'nothing'"):
        ask(some_faults())
