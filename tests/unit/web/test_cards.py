"""A card shows pictures of the one origin, and always a credit, a licence and a link."""

from __future__ import annotations

import pytest

from ingestor.catalog.query import MOST_LABELS_OF_A_QUERY, lone_hit
from ingestor.web.asking import Asking
from ingestor.web.cards import card, companions, picture
from ingestor.web.licenses import LICENSES
from tests.builders import a_label, a_photo, a_published, a_size

ORIGIN = "https://pictures.example"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param(
            "https://live.staticflickr.com/65/1_ab_z.jpg", f"{ORIGIN}/65/1_ab_z.jpg", id="moved"
        ),
        pytest.param(
            f"{ORIGIN}/65/1_ab_z_d.jpg", f"{ORIGIN}/65/1_ab_z_d.jpg", id="offered for download"
        ),
        pytest.param("https://evil.example/65/1_ab.jpg?x=1#y", f"{ORIGIN}/65/1_ab.jpg", id="path"),
        pytest.param("https://evil.example/pixel.gif", "", id="no picture of Flickr's"),
        pytest.param("javascript:alert(1)", "", id="script"),
        pytest.param("https://[broken", "", id="broken"),
        pytest.param("//x/65/1_ab.jpg%0a", "", id="line break"),
        pytest.param("", "", id="none"),
    ],
)
def test_pictures_come_from_the_one_origin(url: str, shown: str) -> None:
    assert picture(url, origin=ORIGIN) == shown


@pytest.mark.parametrize("number", [*LICENSES, "", "99"])
def test_every_licence_has_a_name_and_a_link(number: str) -> None:
    hit = lone_hit(a_published(photo=a_photo(license=number, page="javascript:x", owner_name=" ")))

    shown = card(hit, origin=ORIGIN, asking=Asking())

    assert shown.license.name
    assert shown.license.url.startswith("https://")
    assert shown.page == "https://www.flickr.com/photos/-/54483125961/"
    assert shown.owner


@pytest.mark.parametrize(
    ("width", "height", "ratio"),
    [(640, 427, 150), (480, 640, 75), (0, 0, 135), (6000, 100, 300), (1, 900, 50)],
)
def test_a_place_in_the_grid_has_about_the_pictures_shape(
    width: int, height: int, ratio: int
) -> None:
    hit = lone_hit(a_published(size=a_size(width=width, height=height)))

    assert card(hit, origin=ORIGIN, asking=Asking()).ratio == ratio


def test_a_question_that_is_full_is_not_refined_any_more() -> None:
    hits = [
        lone_hit(a_published(str(n), *(a_label(name) for name in names)))
        for n, names in enumerate([("Dog", "Snow"), ("Dog", "Snow"), ("Dog", "Tail")])
    ]
    labels = ("dog", *(f"l{number}" for number in range(MOST_LABELS_OF_A_QUERY)))

    for asked, often in ((MOST_LABELS_OF_A_QUERY - 1, 1), (MOST_LABELS_OF_A_QUERY, 0)):
        assert len(companions(hits, Asking(groups=(labels[:asked],)))) == often
        assert len(companions(hits, Asking(groups=(("dog",),), unwanted=labels[1:asked]))) == often


def test_companions_are_neither_asked_for_nor_everywhere() -> None:
    photos = [("Dog", "Mammal", "Snow"), ("Dog", "Mammal", "Snow"), ("Dog", "Mammal", "Tail")]
    hits = [
        lone_hit(a_published(str(n), *(a_label(name) for name in names)))
        for n, names in enumerate(photos)
    ]

    often = companions(hits, Asking(groups=(("dog",),)))

    assert [(one.name, one.photos) for one in often] == [("Snow", 2)]
