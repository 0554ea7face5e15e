"""What is typed is read, and written back in one form that is read the same."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as some

from ingestor.catalog.words import read_text
from ingestor.errors import SettingsError
from ingestor.web.asking import Asking, read_asking


@pytest.mark.parametrize(
    ("text", "groups", "unwanted"),
    [
        pytest.param("dog", [["dog"]], [], id="one"),
        pytest.param(" polar  bear ", [["polar bear"]], [], id="words beside each other"),
        pytest.param("dog, snow", [["dog"], ["snow"]], [], id="comma"),
        pytest.param("dog and snow", [["dog"], ["snow"]], [], id="and"),
        pytest.param("dog or polar bear", [["dog", "polar bear"]], [], id="or"),
        pytest.param("dog or cat, snow", [["dog", "cat"], ["snow"]], [], id="or binds"),
        pytest.param("dog, not snow", [["dog"]], ["snow"], id="not"),
        pytest.param("dog -snow -polar bear", [["dog"]], ["snow", "polar bear"], id="minus"),
        pytest.param("dog without snow", [["dog"]], ["snow"], id="without"),
        pytest.param("dog, not snow or ice", [["dog"]], ["snow", "ice"], id="neither"),
        pytest.param("not snow or ice, dog or cat", [["dog", "cat"]], ["snow", "ice"], id="both"),
        pytest.param("dog not snow, ice", [["dog"], ["ice"]], ["snow"], id="a comma ends a not"),
        pytest.param('"black and white"', [["black and white"]], [], id="exact"),
        pytest.param('dog, "black and white', [["dog"], ["black and white"]], [], id="half quoted"),
        pytest.param("Close-up", [["Close-up"]], [], id="a hyphen inside"),
        pytest.param("dog, dog", [["dog"]], [], id="twice is once"),
        pytest.param(", or and not", [], [], id="nothing"),
        pytest.param("%00\u202e<script>", [["%00\u202e<script>"]], [], id="hostile"),
    ],
)
def test_what_is_typed_says_which_labels_are_wanted_and_which_not(
    text: str, groups: list[list[str]], unwanted: list[str]
) -> None:
    wanted, left_out = read_text(text)

    assert [list(group) for group in wanted] == groups
    assert list(left_out) == unwanted


@given(some.text(max_size=60) | some.from_regex(r'([a-c ,"-]|and|or |not ){0,12}', fullmatch=True))
def test_what_was_read_is_written_so_that_it_reads_the_same(text: str) -> None:
    groups, unwanted = read_text(text)
    asking = Asking(groups=groups, unwanted=unwanted)

    assert read_text(asking.text) == (groups, unwanted)


def test_an_address_leads_back_to_the_same_view() -> None:
    asking = Asking(
        groups=(("dog", "black and white"), ("犬 &=#",)),
        unwanted=("snow",),
        min_score=0.35,
        everything=True,
        after="0000042-p1",
    )

    query = dict(parse_qsl(urlsplit(asking.address(after=asking.after)).query))

    assert read_asking(query) == asking


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({"q": "x" * 1001}, id="above a thousand characters"),
        pytest.param({"q": "a,b,c,d,e,f,g,h,i"}, id="above eight labels"),
        pytest.param({"q": "not dog"}, id="only unwanted"),
        pytest.param({"q": "dog", "min": "high"}, id="no number"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(parameters: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"\w+ \w+"):
        read_asking(parameters).query()


@pytest.mark.parametrize(
    "text", ["x" * 1000, "a,b,c,d,e,f,g,h", "a or b or c or d, e, not f -g -h"]
)
def test_a_question_as_large_as_one_may_be_is_read(text: str) -> None:
    query = read_asking({"q": text}).query()

    assert query.labels or query.any_of


def test_a_chip_is_dropped_and_added() -> None:
    asking = Asking(groups=(("dog", "cat"), ("snow",)), unwanted=("grass",), after="0000042-p1")

    assert asking.dropped("cat").text == "dog, snow, not grass"
    assert asking.dropped("snow").refined("ice").text == "dog or cat, ice, not grass"
    assert asking.dropped("grass", unwanted=True).after is None
