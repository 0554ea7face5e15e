"""There and back again: keys, whole-photo updates, and what is read from them."""

from __future__ import annotations

import itertools
import math
import re
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from ingestor.models import Label
from ingestor.records import (
    escape,
    halves,
    key_of,
    memberships,
    merged,
    photo_record,
    plan_updates,
    rank,
    read_photo,
    unescape,
    updates_for,
)
from ingestor.records.keys import keyed
from tests.builders import a_label, a_photo, a_published, an_annotation

ILLEGAL = re.compile(r"[.$#\[\]/\x00-\x1f\x7f]")

NAMES = st.text(max_size=40) | st.sampled_from(["", ".", "a/b", "100%", "%2E", "7", "Straße", "É"])
LABELS = st.lists(
    st.builds(a_label, NAMES, st.floats(0, 1), mid=st.sampled_from(["", "/m/1"])), max_size=6
)


def applied(tree: dict[str, Any], paths: dict[str, Any]) -> dict[str, Any]:
    """What the database does with a multi-path update; fails where one path lies above another."""
    for path, value in paths.items():
        *parents, last = path.split("/")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        if value is None:
            node.pop(last, None)
        else:
            node[last] = orjson.loads(orjson.dumps(value))
    return tree


def pruned(tree: Any) -> Any:
    """Nodes without children are not stored."""
    if not isinstance(tree, dict):
        return tree
    children = {name: pruned(child) for name, child in tree.items()}
    return {name: child for name, child in children.items() if child not in ({}, None)}


# Keys


@given(NAMES)
def test_escaping_is_reversible(text: str) -> None:
    assert unescape(escape(text)) == text


@given(st.text(min_size=1) | st.text(min_size=1).map(lambda text: text * 300))
def test_every_key_is_one_that_the_database_takes(label: str) -> None:
    key = key_of(label)

    assert not ILLEGAL.search(key)
    assert 0 < len(key.encode()) <= 768


@given(st.text(max_size=60))
def test_a_usual_key_gives_its_label_back(label: str) -> None:
    assert unescape(key_of(label)) == label.casefold()


@pytest.mark.parametrize(
    ("label", "key"),
    [
        ("Dog", "dog"),
        ("Löwchen", "löwchen"),
        ("macro photography", "macro photography"),
        ("St. Bernard", "st%2E bernard"),
        ("/m/0bt9lr", "%2Fm%2F0bt9lr"),
        ("100%", "100%25"),
        ("a\nb", "a%0Ab"),
        ("", ""),
    ],
)
def test_keys_look_like_their_labels(label: str, key: str) -> None:
    assert key_of(label) == key


def test_long_labels_with_one_beginning_have_different_keys() -> None:
    labels = ["é" * 350 + "." * n for n in range(5)]

    keys = {key_of(label) for label in labels}

    assert len(keys) == len(labels)


def test_no_label_can_be_written_to_take_the_key_of_a_long_one() -> None:
    long_key = key_of("x" * 5000)

    assert key_of(long_key) != long_key


def test_half_a_character_has_a_key_that_finds_nothing() -> None:
    assert key_of("\udcff")


@given(st.floats(0, 1), st.floats(0, 1))
def test_ranks_sort_the_best_first(one: float, other: float) -> None:
    better, worse = max(one, other), min(one, other)

    assert rank(better) <= rank(worse)
    assert len(rank(one)) == 7


@pytest.mark.parametrize(
    ("score", "digits"),
    [(1.0, "0000000"), (0.95, "0500000"), (0.0, "9999999"), (7.0, "0000000"), (-1.0, "9999999")],
)
def test_ranks_are_seven_digits(score: float, digits: str) -> None:
    assert rank(score) == digits


# One photo


def test_a_photo_travels_with_its_index_and_labels() -> None:
    paths = updates_for(a_published("1", a_label("Dog", 0.95)))

    assert paths["index/dog/0500000-p1"] == 0.95
    assert paths["labels/dog/name"] == "Dog"
    assert paths["labels/dog/mid"] == "/m/0bt9lr"
    assert paths["photos/p1/groups/42637302@N00"] == 1745850000
    assert paths["photos/p1/labels"] == {
        "dog": {"name": "Dog", "score": 0.95, "topicality": 0.95, "mid": "/m/0bt9lr"}
    }
    assert paths["photos/p1/at"] == {".sv": "timestamp"}


@given(labels=LABELS, previous=LABELS)
def test_paths_are_legal_and_none_lies_above_another(
    labels: list[Label], previous: list[Label]
) -> None:
    first = updates_for(a_published("1", *labels), previous_labels=previous)
    paths = merged([first, updates_for(a_published("2", *previous))])

    for path in paths:
        segments = path.split("/")
        above = {"/".join(segments[:depth]) for depth in range(1, len(segments))}
        assert not above & paths.keys()
        assert all(segments)
        assert not any(ILLEGAL.search(segment) for segment in segments)


def has_null(value: Any) -> bool:
    inside = value.values() if isinstance(value, dict) else ()
    return value is None or any(map(has_null, inside))


@given(labels=LABELS)
def test_nothing_empty_or_null_is_stored(labels: list[Label]) -> None:
    paths = updates_for(a_published("1", *labels))

    empty = {name for name, value in paths.items() if value in (None, {}, [])}
    assert empty <= {"photos/p1/labels", "photos/p1/safe"}
    assert not any(has_null(value) for value in paths.values() if value is not None)


@given(labels=LABELS, previous=LABELS)
def test_a_second_annotation_leaves_nothing_of_the_first(
    labels: list[Label], previous: list[Label]
) -> None:
    now = updates_for(a_published("1", *labels), previous_labels=previous)
    tree = applied(applied({}, updates_for(a_published("1", *previous))), now)

    fresh = applied({}, updates_for(a_published("1", *labels)))

    # How a label is written belongs to all photos that have it.
    for stored in (tree, fresh):
        stored.pop("labels", None)
    assert pruned(tree) == pruned(fresh)


def test_a_third_annotation_leaves_nothing_of_the_first_two() -> None:
    tree: dict[str, Any] = {}
    earlier: list[Label] = []
    for score in (0.9, 0.8, 0.7):
        labels = [a_label("Dog", score)]
        applied(tree, updates_for(a_published("1", *labels), previous_labels=earlier))
        earlier += labels

    assert tree["index"]["dog"] == {"3000000-p1": 0.7}


@given(labels=LABELS, previous=LABELS)
def test_writing_twice_is_writing_once(labels: list[Label], previous: list[Label]) -> None:
    paths = updates_for(a_published("1", *labels), previous_labels=previous)

    once = pruned(applied({}, paths))

    assert pruned(applied(applied({}, paths), paths)) == once


def test_a_photo_stays_in_its_other_groups() -> None:
    tree = applied({}, updates_for(a_published("1")))
    applied(tree, updates_for(a_published("1", photo=a_photo("1", group="2@N02", date_added=7))))

    applied(tree, memberships([("1", "3@N03", 8)]))

    assert tree["photos"]["p1"]["groups"] == {"42637302@N00": 1745850000, "2@N02": 7, "3@N03": 8}


def test_a_photo_that_is_known_in_no_group_is_written_without_one() -> None:
    """Its record, which somebody had taken the groups out of, was all that told of it."""
    record = photo_record(a_published("1"))
    del record["groups"]
    known = read_photo(record, photo_id="1")
    assert known

    assert not [path for path in updates_for(known) if "/groups" in path]


def test_a_label_without_an_id_does_not_erase_one() -> None:
    tree = applied({}, updates_for(a_published("1", a_label("Dog"))))

    applied(tree, updates_for(a_published("2", a_label("Dog", mid=""))))

    assert tree["labels"]["dog"]["mid"] == "/m/0bt9lr"


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_never_reaches_the_database(score: float) -> None:
    paths = updates_for(a_published("1", a_label("Dog", score)))

    index = {path: value for path, value in paths.items() if path.startswith("index/")}
    assert all(0 <= value <= 1 for value in index.values())
    assert b"null" not in orjson.dumps(paths["photos/p1/labels"])


# And back


@given(labels=LABELS, safe=st.none() | st.just({"adult": "UNLIKELY"}))
def test_what_was_written_is_read(labels: list[Label], safe: dict[str, str] | None) -> None:
    annotation = an_annotation("1", *labels, safe=safe)
    published = a_published("1", annotation=annotation)

    stored = orjson.loads(orjson.dumps(photo_record(published)))
    read = read_photo(stored, photo_id="1")

    assert read is not None
    assert read.photo == published.photo
    assert {label.name for label in read.annotation.labels} <= {label.name for label in labels}
    assert structs.replace(read.annotation, labels=()) == structs.replace(annotation, labels=())


@pytest.mark.parametrize("scores", [(0.4, 0.9), (0.9, 0.4)], ids=str)
def test_of_two_labels_under_one_key_the_better_is_kept(scores: tuple[float, float]) -> None:
    labels = [a_label(name, score) for name, score in zip(("Dog", "dog"), scores, strict=True)]

    assert keyed(labels)["dog"].score == 0.9


@pytest.mark.parametrize(
    ("group", "chosen"), [("2@N00", "2@N00"), ("3@N00", "1@N00"), (None, "1@N00")], ids=str
)
def test_a_photo_in_several_groups_is_read_as_one_of_the_wanted(
    group: str | None, chosen: str
) -> None:
    record = photo_record(a_published()) | {"groups": {"1@N00": 11, "2@N00": 22}}

    found = read_photo(record, photo_id="1", group=group)

    assert found is not None
    assert found.photo.group == chosen
    assert found.photo.date_added == int(chosen[0]) * 11


def test_labels_are_read_best_first() -> None:
    published = a_published("1", a_label("Cat", 0.5), a_label("Dog", 0.9), a_label("Ape", 0.5))

    read = read_photo(photo_record(published), photo_id="1")

    assert read is not None
    assert [label.name for label in read.annotation.labels] == ["Dog", "Ape", "Cat"]


def test_labels_that_came_back_as_a_list_are_read() -> None:
    label = {"name": "2", "score": 0.5, "topicality": 0.5, "mid": ""}

    read = read_photo({"labels": [None, None, label]}, photo_id="1")

    assert read is not None
    assert [label.name for label in read.annotation.labels] == ["2"]


@pytest.mark.parametrize("record", [None, [], "text", 7, True])
def test_no_photo_is_read_as_none(record: object) -> None:
    assert read_photo(record, photo_id="1") is None


@given(
    st.dictionaries(
        st.sampled_from(["title", "groups", "labels", "safe", "width", "sha256", "uploaded"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["name", "score", "x"]), inner, max_size=3)
            ),
            max_leaves=6,
        ),
    )
)
def test_strange_records_are_read_without_complaint(record: dict[str, object]) -> None:
    read = read_photo(record, photo_id="1")

    assert read is not None
    assert read.photo.id == "1"


# Many photos


@pytest.mark.parametrize(
    ("max_bytes", "max_photos", "sizes"),
    [(10**9, 500, [7]), (10**9, 3, [3, 3, 1]), (1, 500, [1] * 7)],
    ids=["all in one", "by photos", "each alone"],
)
def test_updates_are_cut_between_photos(max_bytes: int, max_photos: int, sizes: list[int]) -> None:
    updates = [updates_for(a_published(str(number))) for number in range(7)]

    plan = list(plan_updates(updates, max_bytes=max_bytes, max_photos=max_photos))

    assert [len(batch) for batch in plan] == sizes
    assert list(itertools.chain(*plan)) == updates


def test_an_update_stays_below_its_bytes() -> None:
    updates = [
        updates_for(a_published(str(number), a_label(f"label {number}"))) for number in range(100)
    ]

    plan = list(plan_updates(updates, max_bytes=20_000))

    assert len(plan) > 1
    assert all(len(orjson.dumps(merged(batch))) <= 20_000 for batch in plan)


@pytest.mark.parametrize("count", [2, 3, 16])
def test_halves_are_smaller_and_complete(count: int) -> None:
    items = list(range(count))

    left, right = halves(items)

    assert [*left, *right] == items
    assert left
    assert right


@pytest.mark.parametrize("count", [1.8446744073709552e19, 10**300, -(2**70)])
def test_a_number_that_nobody_could_write_again_is_none(count: float) -> None:
    read = read_photo({"groups": {"a": count}, "uploaded": count}, photo_id="1")

    assert read is not None
    assert (read.photo.date_added, read.photo.uploaded) == (0, 0)
