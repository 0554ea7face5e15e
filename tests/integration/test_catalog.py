"""Both catalogs give the same answers, and they are the right ones."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ingestor.catalog.query import Near, Page, Query
from tests.shelves import Shelf, a_shelved, database_shelf, local_shelf

RECORDED = Path(__file__).parents[3] / "shared" / "recorded" / "labels.json"

MOST_PAGES = 100

ZOO: dict[str, dict[str, float]] = {
    "111": {"Dog": 0.9, "Mammal": 0.8},
    "22": {"Dog": 0.9, "Mammal": 0.95, "Snow": 0.6},
    "333": {"Dog": 0.99, "Mammal": 0.7},
    "4": {"Cat": 0.97, "Mammal": 0.9},
    "5": {},
}


@pytest_asyncio.fixture(params=["local", "database"])
async def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shelf]:
    opened = local_shelf(tmp_path) if request.param == "local" else database_shelf()
    async with opened as shelf:
        yield shelf


@pytest_asyncio.fixture
async def zoo(shelf: Shelf) -> Shelf:
    await shelf.put(*(a_shelved(photo, labels) for photo, labels in ZOO.items()))
    return shelf


def ids(page: Page) -> list[str]:
    return [hit.photo for hit in page.hits]


async def all_ids(shelf: Shelf, *labels: str, limit: int, **given: Any) -> list[str]:
    """Follow the cursors to the end."""
    found: list[str] = []
    cursor = None
    for _page in range(MOST_PAGES):
        query = Query(labels=labels, limit=limit, cursor=cursor, **given)
        page = await shelf.catalog.search(query)
        found += ids(page)
        cursor = page.next
        if cursor is None:
            return found
    pytest.fail("the cursors go round in a circle")


def naively(photos: Mapping[str, Mapping[str, float]], *labels: str) -> list[str]:
    """What a search must find: the weakest label decides, to seven digits, then the id as text."""
    weakest = {
        photo: max(round((1 - scores[label]) * 10_000_000) for label in labels)
        for photo, scores in photos.items()
        if all(label in scores for label in labels)
    }
    return sorted(weakest, key=lambda photo: (weakest[photo], photo))


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        pytest.param(["dog"], ["333", "111", "22"], id="best first, then by id"),
        pytest.param([" DOG "], ["333", "111", "22"], id="case and blanks do not matter"),
        pytest.param(["dog", "mammal"], ["22", "111", "333"], id="the weakest label decides"),
        pytest.param(["dog", "Dog"], ["333", "111", "22"], id="the same twice is once"),
        pytest.param(["dog", "mammal", "snow"], ["22"], id="all three"),
        pytest.param(["cat", "dog"], [], id="nothing in common"),
        pytest.param(["unicorn"], [], id="unknown"),
        pytest.param(["dog", "unicorn"], [], id="one of them unknown"),
    ],
)
async def test_photos_that_have_all_the_labels_are_found_best_first(
    zoo: Shelf, labels: list[str], expected: list[str]
) -> None:
    page = await zoo.catalog.search(Query(labels=tuple(labels)))

    assert ids(page) == expected
    assert page.next is None


@pytest.mark.parametrize(
    ("labels", "min_score", "expected"),
    [
        pytest.param(["dog"], 0.9, ["333", "111", "22"], id="a score at the bound counts"),
        pytest.param(["dog"], 0.91, ["333"], id="one label"),
        pytest.param(["dog", "mammal"], 0.8, ["22", "111"], id="every label has to reach it"),
        pytest.param(["dog"], 1.0, [], id="nobody reaches it"),
    ],
)
async def test_a_least_score_leaves_weaker_photos_out(
    zoo: Shelf, labels: list[str], min_score: float, expected: list[str]
) -> None:
    page = await zoo.catalog.search(Query(labels=tuple(labels), min_score=min_score))

    assert ids(page) == expected
    assert page.near == ()


async def test_a_hit_tells_what_a_page_shows(zoo: Shelf) -> None:
    page = await zoo.catalog.search(Query(labels=("dog", "mammal"), limit=1))

    (hit,) = page.hits
    assert (hit.score, hit.title, hit.owner_name, hit.license) == (0.9, "Title of 22", "Jane", "4")
    assert (hit.width, hit.height) == (640, 427)
    assert hit.image.endswith("_z.jpg")
    assert hit.thumb.endswith("_m.jpg")
    assert hit.page.endswith("/22/")
    assert [label.name for label in hit.labels] == ["Mammal", "Dog", "Snow"]


@pytest.mark.parametrize("limit", [1, 2, 7, 40])
@pytest.mark.parametrize("labels", [["dog"], ["dog", "mammal"]], ids=["one", "two"])
async def test_cursors_lose_and_repeat_nothing_among_equal_scores(
    shelf: Shelf, labels: list[str], limit: int
) -> None:
    photos = {str(n): {"dog": 0.9, "mammal": 0.9 if n % 3 else 0.8} for n in range(1, 41)}
    await shelf.put(*(a_shelved(photo, scores) for photo, scores in photos.items()))

    found = await all_ids(shelf, *labels, limit=limit)

    assert found == naively(photos, *labels)


async def test_what_arrives_meanwhile_does_not_disturb_the_next_page(zoo: Shelf) -> None:
    first = await zoo.catalog.search(Query(labels=("dog",), limit=2))

    await zoo.put(a_shelved("0", {"Dog": 0.995}), a_shelved("112", {"Dog": 0.9}))
    second = await zoo.catalog.search(Query(labels=("dog",), limit=2, cursor=first.next))

    assert ids(first) == ["333", "111"]
    assert ids(second) == ["112", "22"]


async def test_a_cursor_outlives_the_photo_it_names(zoo: Shelf) -> None:
    first = await zoo.catalog.search(Query(labels=("dog",), limit=2))

    await zoo.put(a_shelved("111", {"Cat": 0.5}))
    second = await zoo.catalog.search(Query(labels=("dog",), limit=2, cursor=first.next))

    assert ids(second) == ["22"]


async def test_a_photo_that_is_annotated_again_is_found_under_its_new_labels_only(
    zoo: Shelf,
) -> None:
    await zoo.put(a_shelved("333", {"Wolf": 0.8, "Mammal": 0.97}))

    assert await all_ids(zoo, "dog", limit=9) == ["111", "22"]
    assert await all_ids(zoo, "wolf", limit=9) == ["333"]
    assert await all_ids(zoo, "mammal", limit=9) == ["333", "22", "4", "111"]


async def test_of_two_labels_that_differ_in_case_only_the_better_counts(shelf: Shelf) -> None:
    labels = {"dog": 0.5, "Dog": 0.9, "DOG": 0.3}
    await shelf.put(a_shelved("7", labels), a_shelved("8", {"Dog": 0.8}))

    page = await shelf.catalog.search(Query(labels=("dog",), min_score=0.6))

    assert [(hit.photo, hit.score) for hit in page.hits] == [("7", 0.9), ("8", 0.8)]


async def test_a_rare_label_beside_a_long_list_keeps_to_the_least_score(shelf: Shelf) -> None:
    many = (a_shelved(str(number), {"Mammal": 0.9}) for number in range(600))
    weak, good = {"Vicuña": 0.99, "Mammal": 0.5}, {"Vicuña": 0.9, "Mammal": 0.85}
    await shelf.put(*many, a_shelved("weak", weak), a_shelved("good", good))

    assert await all_ids(shelf, "vicuña", "mammal", limit=9, min_score=0.8) == ["good"]
    assert await all_ids(shelf, "vicuña", "mammal", limit=9) == ["good", "weak"]


@pytest.mark.parametrize(
    "name", ["vicuña", "löwchen", "st. bernard", "a/b [c] #1 $2 100%", "犬", "🦊", "STRASSE"]
)
async def test_any_text_can_be_a_label(shelf: Shelf, name: str) -> None:
    await shelf.put(a_shelved("7", {name: 0.9}))

    page = await shelf.catalog.search(Query(labels=(name.upper(),)))

    assert ids(page) == ["7"]
    assert page.hits[0].labels[0].name == name


async def test_a_letter_typed_as_two_characters_is_the_same_letter(shelf: Shelf) -> None:
    await shelf.put(a_shelved("7", {"vicu\u00f1a": 0.9}))

    assert await all_ids(shelf, "vicun\u0303a", limit=1) == ["7"]


async def test_a_misspelt_label_brings_the_ones_meant_perhaps(shelf: Shelf) -> None:
    await shelf.put(a_shelved("7", {"Butterfly": 0.9, "Butter": 0.8, "Bird": 0.7, "Dog": 0.6}))

    page = await shelf.catalog.search(Query(labels=("buterfly",)))

    assert page.hits == ()
    assert page.near == (Near("buterfly", "Butterfly"), Near("buterfly", "Butter"))


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        pytest.param(
            "animal", ["Terrestrial animal", "Animal of the forest"], id="the shortest first"
        ),
        pytest.param(
            "animals", ["Terrestrial animal", "Animal of the forest"], id="another number"
        ),
        pytest.param("geese", ["Ducks, geese and swans"], id="before a comma"),
        pytest.param("strial", [], id="only a part of a word"),
        pytest.param("and", ["Ducks, geese and swans"], id="any word"),
        pytest.param("snw", ["Snow"], id="what is spelt alike goes before"),
    ],
)
async def test_a_word_that_is_no_label_brings_the_labels_that_have_it(
    shelf: Shelf, asked: str, meant: list[str]
) -> None:
    names = ("Animal of the forest", "Terrestrial animal", "Ducks, geese and swans", "Snow")
    await shelf.put(a_shelved("7", dict.fromkeys(names, 0.9)))

    page = await shelf.catalog.search(Query(labels=(asked,)))

    assert page.near == tuple(Near(asked, name) for name in meant)


async def test_suggestions_begin_with_what_was_typed(shelf: Shelf) -> None:
    await shelf.put(
        a_shelved("1", {"Cat": 0.9, "Canidae": 0.8, "Dog": 0.8}),
        a_shelved("2", {"Cat": 0.9, "2016": 0.8, "Carnivore": 0.7}),
    )

    suggested = await shelf.catalog.suggest("CA", limit=3)

    assert {label.name for label in suggested} == {"Canidae", "Carnivore", "Cat"}
    assert len(await shelf.catalog.suggest("", limit=99)) == 5


async def test_labels_that_are_whole_numbers_are_suggested_like_all_others(shelf: Shelf) -> None:
    await shelf.put(a_shelved("1", {"0": 0.9, "1": 0.8, "2": 0.7}))

    assert [label.name for label in await shelf.catalog.suggest("1")] == ["1"]
    assert {label.name for label in await shelf.catalog.suggest("")} == {"0", "1", "2"}


async def test_the_very_label_is_suggested_first_and_with_its_best_picture(shelf: Shelf) -> None:
    await shelf.put(
        a_shelved("1", {"Cat": 0.8, "Cattle": 0.9, "Cat food": 0.7}),
        a_shelved("2", {"Cattle": 0.9, "Cat food": 0.7}),
    )

    suggested = await shelf.catalog.suggest("cat", limit=2)

    assert suggested[0].name == "Cat"
    assert all(label.thumb.endswith("_m.jpg") for label in suggested)


async def test_only_the_embedded_catalog_counts(tmp_path: Path) -> None:
    async with local_shelf(tmp_path) as local, database_shelf() as remote:
        for shelf in (local, remote):
            await shelf.put(a_shelved("1", {"Cat": 0.9}), a_shelved("2", {"cat": 0.8}))

        (counted,) = await local.catalog.suggest("cat")
        (uncounted,) = await remote.catalog.suggest("cat")
        assert (counted.name, counted.photos) == ("cat", 2)
        assert (uncounted.name, uncounted.photos) == ("cat", None)

        await local.put(a_shelved("2", {"Dog": 0.8}))
        assert [label.photos for label in await local.catalog.suggest("")] == [1, 1]


async def test_the_most_frequent_labels_are_the_popular_ones(zoo: Shelf) -> None:
    popular = await zoo.catalog.popular(limit=3)

    assert [label.name for label in popular] == ["Mammal", "Dog", "Cat"]


async def test_what_another_program_keeps_among_the_photos_makes_no_label_unpopular() -> None:
    async with database_shelf() as shelf:
        await shelf.put(a_shelved("1", {"Cat": 0.9}))
        others = {f"photos/a{number}": {"owner": "somebody"} for number in range(200)}
        await shelf.database.update(others)

        assert [label.name for label in await shelf.catalog.popular()] == ["Cat"]


async def test_a_photo_is_told_with_all_its_labels(zoo: Shelf) -> None:
    hit = await zoo.catalog.photo("22")

    assert hit is not None
    assert (hit.title, hit.score) == ("Title of 22", 0.95)
    assert [label.name for label in hit.labels] == ["Mammal", "Dog", "Snow"]


@pytest.mark.parametrize("name", [7, True, {"en": "dog"}, ""])
async def test_a_label_that_others_left_without_a_name_is_not_suggested(name: object) -> None:
    async with database_shelf() as shelf:
        await shelf.put(a_shelved("1", {"Dog": 0.9}))
        await shelf.database.update({"labels/doge": {"name": name, "mid": "/m/1"}})

        suggested = await shelf.catalog.suggest("do")
        misspelt = await shelf.catalog.search(Query(labels=("dogee",)))

    assert [label.name for label in suggested] == ["Dog"]
    assert [near.name for near in misspelt.near] == ["Dog"]


async def test_a_membership_alone_is_no_photo() -> None:
    async with database_shelf() as shelf:
        await shelf.database.update({"photos/p77/groups/1@N20": 5})

        assert await shelf.catalog.photo("77") is None


@pytest.mark.parametrize("name", ["404", "", "a/b", "..", "\x00", "9" * 10_000])
async def test_a_photo_that_is_not_there_is_none(zoo: Shelf, name: str) -> None:
    assert await zoo.catalog.photo(name) is None


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param({"any_of": (("dog", "cat"),)}, ["333", "4", "111", "22"], id="either"),
        pytest.param({"any_of": (("dog", "unicorn"),)}, ["333", "111", "22"], id="one unknown"),
        pytest.param({"any_of": (("yeti", "unicorn"),)}, [], id="both unknown"),
        pytest.param(
            {"labels": ("mammal",), "any_of": (("cat", "snow"),)}, ["4", "22"], id="and either"
        ),
        pytest.param({"labels": ("dog",), "none_of": ("snow",)}, ["333", "111"], id="without"),
        pytest.param(
            {"labels": ("dog",), "none_of": ("yeti",)}, ["333", "111", "22"], id="no yeti"
        ),
        pytest.param({"labels": ("dog",), "none_of": ("dog",)}, [], id="a contradiction"),
        pytest.param(
            {"any_of": (("cat", "dog"), ("snow", "mammal"))}, ["22", "4", "111", "333"], id="both"
        ),
    ],
)
async def test_labels_are_combined_with_or_and_not(
    zoo: Shelf, asked: dict[str, Any], expected: list[str]
) -> None:
    page = await zoo.catalog.search(Query(**asked))

    assert ids(page) == expected


async def test_what_safesearch_thinks_likely_is_hidden_until_asked_for(shelf: Shelf) -> None:
    seemly, unseemly = {"racy": "POSSIBLE", "spoof": "VERY_LIKELY"}, {"adult": "LIKELY"}
    await shelf.put(
        a_shelved("1", {"Dog": 0.99}, safe=unseemly),
        a_shelved("2", {"Dog": 0.9}, safe=seemly),
        a_shelved("3", {"Dog": 0.8}),
    )

    default = await shelf.catalog.search(Query(labels=("dog",), limit=2))
    everything = await shelf.catalog.search(Query(labels=("dog",), everything=True))

    assert (ids(default), default.next) == (["2", "3"], None)
    assert ids(everything) == ["1", "2", "3"]
    assert [hit.hidden for hit in everything.hits] == [True, False, False]


async def test_any_combination_is_answered_in_order_and_without_gaps(shelf: Shelf) -> None:
    dice = random.Random(5)
    photos = {
        str(number): {
            label: dice.choice((0.5, 0.6, 0.7, 0.8)) for label in "abcde" if dice.random() < 0.5
        }
        for number in range(120)
    }
    await shelf.put(*(a_shelved(photo, scores) for photo, scores in photos.items()))

    for _question in range(12):
        labels = tuple(dice.sample("abcde", dice.randint(0, 2)))
        any_of = (tuple(dice.sample("abcde", 2)),)
        none_of = tuple(dice.sample("abcde", dice.randint(0, 1)))
        asked: Any = {"any_of": any_of, "none_of": none_of, "min_score": dice.choice((0, 0.6))}
        found = await all_ids(shelf, *labels, limit=7, **asked)

        assert found == naively_combined(photos, labels, **asked), (labels, asked)


def naively_combined(
    photos: Mapping[str, Mapping[str, float]],
    labels: tuple[str, ...],
    *,
    any_of: tuple[tuple[str, ...], ...],
    none_of: tuple[str, ...],
    min_score: float,
) -> list[str]:
    groups = [*((label,) for label in labels), *any_of]
    scores = {
        photo: min(max(own.get(label, 0) for label in group) for group in groups)
        for photo, own in photos.items()
        if not any(label in own for label in none_of)
    }
    found = [photo for photo, score in scores.items() if score and score >= min_score]
    return sorted(found, key=lambda photo: (-scores[photo], photo))


async def test_the_embedded_catalog_counts_what_a_search_finds(tmp_path: Path) -> None:
    async with local_shelf(tmp_path) as shelf:
        await shelf.put(*(a_shelved(photo, labels) for photo, labels in ZOO.items()))

        one = await shelf.catalog.search(Query(labels=("dog",), limit=1))
        two = await shelf.catalog.search(Query(labels=("dog", "snow"), limit=1))

    assert (one.total, two.total) == (3, 1)


@pytest.fixture(scope="module")
def recorded() -> dict[str, dict[str, float]]:
    if not RECORDED.exists():
        pytest.skip("the recorded answers of 2016 are not beside this checkout (../shared)")
    photos: dict[str, dict[str, float]] = json.loads(RECORDED.read_bytes())
    return photos


async def test_the_recording_is_answered_as_it_says(
    shelf: Shelf, recorded: dict[str, dict[str, float]]
) -> None:
    await shelf.put(*(a_shelved(photo, labels) for photo, labels in recorded.items()))

    for labels in (
        ["butterfly"],
        ["vicuña"],
        ["macro photography"],
        ["macro photography", "insect"],
        ["wildlife", "bird", "beak"],
        ["mammal", "insect"],
        ["wildlife", "vicuña"],
    ):
        expected = naively(recorded, *labels)
        assert await all_ids(shelf, *labels, limit=100) == expected, labels
        assert expected or labels == ["wildlife", "vicuña"]
