"""A question that cannot be answered is refused with a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from ingestor.catalog.query import LabelCount, Place, Query, near_spellings
from ingestor.errors import SettingsError
from ingestor.records.keys import key_of


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"labels": ()}, id="no label"),
        pytest.param({"labels": ("dog", " ")}, id="a blank label"),
        pytest.param({"labels": tuple("abcdefghi")}, id="too many labels"),
        pytest.param({"min_score": 1.01}, id="a score above 1"),
        pytest.param({"min_score": float("nan")}, id="a score that is no number"),
        pytest.param({"limit": 0}, id="no hits"),
        pytest.param({"limit": 501}, id="too many hits"),
        pytest.param({"cursor": ""}, id="an empty cursor"),
        pytest.param({"cursor": "0000001-p/../../x\x00"}, id="a cursor with a path in it"),
        pytest.param({"cursor": "²000001-p1"}, id="a cursor with strange digits"),
        pytest.param({"cursor": "1234567"}, id="half a cursor"),
    ],
)
def test_what_cannot_be_answered_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        Query(**{"labels": ("dog",), **given})


def test_half_a_character_is_a_label_that_finds_nothing() -> None:
    assert Query(labels=("\ud800",)).keys == ("?",)


def test_a_place_is_read_back_from_its_cursor() -> None:
    place = Place(42, "54483125961")

    assert Query(labels=("dog",), cursor=str(place)).after == place
    assert str(place) == "0000042-p54483125961"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("dgo", ("Dog",)), ("zerba", ("Zebra",)), ("buterfly", ("Butterfly",)), ("xyzzy", ())],
)
def test_a_slip_of_the_fingers_is_understood(typed: str, meant: tuple[str, ...]) -> None:
    labels = {
        n.lower(): LabelCount(name=n, photos=1) for n in ("Dog", "Zebra", "Butterfly", "Deer")
    }

    assert tuple(one.name for one in near_spellings(typed, labels)) == meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("butterflies", ("Butterfly", "Butterflyfish")),
        ("puppies", ("Puppy",)),
        ("wolves", ("Wolf",)),
        ("knives", ("Knife",)),
        ("foxes", ("Fox",)),
        ("polar bears", ("Polar bear", "Polar bear cub")),
    ],
)
def test_of_many_the_one_is_meant_before_whatever_looks_more_alike(
    typed: str, meant: tuple[str, ...]
) -> None:
    names = ("Butterfly", "Butterflyfish", "Puppy", "Wolf", "Wolverine", "Knife", "Fox")
    bears = ("Polar bear cub", "Polar bear")
    labels = {n.lower(): LabelCount(name=n, photos=1) for n in (*names, *bears)}

    assert tuple(one.name for one in near_spellings(typed, labels)) == meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("dog.", "Dog"), ("dog/", "Dog"), ("st bernard", "St. Bernard"), ("dr no", "Dr. No")],
)
def test_a_sign_that_a_key_must_not_hold_is_one_letter_of_a_word(typed: str, meant: str) -> None:
    labels = {key_of(n): LabelCount(name=n, photos=1) for n in ("Dog", "St. Bernard", "Dr. No")}

    assert [one.name for one in near_spellings(key_of(typed), labels)] == [meant]
