"""What the database keeps of what it is given, and how it gives it back."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestor.sandbox.rtdb.etags import ABSENT, etag_of
from ingestor.sandbox.rtdb.keys import KeyOrder, are_keys, in_order, path_of, paths_of
from ingestor.sandbox.rtdb.nodes import Branch
from ingestor.sandbox.rtdb.pushids import ALPHABET, PushIds
from ingestor.sandbox.rtdb.refusals import BadData, Refused
from ingestor.sandbox.rtdb.tree import Tree

KEYS = st.one_of(
    st.integers(0, 12).map(str),
    st.text(
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters=".$#[]/"),
        min_size=1,
        max_size=5,
    ),
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


def tree_of(value: Any) -> Tree:
    tree = Tree()
    put(tree, "/", value)
    return tree


def put(tree: Tree, path: str, value: Any) -> None:
    update(tree, {path: value})


def update(tree: Tree, values: dict[str, Any], *, now: int = 1000) -> None:
    tree.apply(tree.planned({path_of(path): value for path, value in values.items()}, now=now))


def pruned(value: Any) -> Any:
    """The model's first half: arrays are objects, nothing is not there."""
    if isinstance(value, list):
        value = {str(index): element for index, element in enumerate(value)}
    if not isinstance(value, dict):
        return value
    kept = {key: pruned(child) for key, child in value.items()}
    return {key: child for key, child in kept.items() if child is not None} or None


def reshaped(value: Any) -> Any:
    """The model's second half: objects of mostly small integer keys are arrays."""
    if not isinstance(value, dict):
        return value
    shaped = {key: reshaped(child) for key, child in value.items()}
    if any(not key.isascii() or not key.isdigit() or str(int(key)) != key for key in shaped):
        return shaped
    largest = max(map(int, shaped))
    if largest >= 2 * len(shaped):
        return shaped
    return [shaped.get(str(index)) for index in range(largest + 1)]


@given(VALUES)
def test_what_is_put_is_read_back_as_documented(value: Any) -> None:
    tree = tree_of(value)

    assert tree.value() == reshaped(pruned(value))


@given(VALUES)
def test_an_export_can_be_put_back_without_loss(value: Any) -> None:
    tree = tree_of(value)

    again = tree_of(tree.value(export=True))

    assert etag_of(again.root) == etag_of(tree.root)


@given(VALUES, st.dictionaries(st.lists(KEYS, min_size=1, max_size=3).map("/".join), VALUES))
def test_an_update_is_wholly_applied_or_not_at_all(before: Any, values: dict[str, Any]) -> None:
    tree = tree_of(before)
    one_by_one = tree_of(before)
    try:
        update(tree, values)
    except BadData:
        assert tree.value() == tree_of(before).value()
        return

    for path, value in values.items():
        put(one_by_one, path, value)

    assert tree.value() == one_by_one.value()
    assert etag_of(tree.root) == etag_of(tree_of(tree.value(export=True)).root)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        pytest.param({"a": None, "b": {}, "c": []}, None, id="nothing"),
        pytest.param({"labels": []}, None, id="empty list"),
        pytest.param([1, None, 2], [1, None, 2], id="a hole reads as null"),
        pytest.param({"1": "a"}, [None, "a"], id="key 1 alone"),
        pytest.param({"2": "a"}, {"2": "a"}, id="key 2 alone"),
        pytest.param({"00": "a"}, {"00": "a"}, id="leading zero"),
        pytest.param({"54483125961": 1}, {"54483125961": 1}, id="photo id"),
        pytest.param({"0": 1, "a": 1}, {"0": 1, "a": 1}, id="one other key"),
        pytest.param(1.0, 1, id="a double without a fraction"),
        pytest.param(2**53 + 1, 2**53, id="beyond 53 bits"),
        pytest.param({".value": 5, ".priority": 1}, 5, id="priority is not shown"),
        pytest.param({".sv": "timestamp"}, 1000, id="timestamp"),
        pytest.param({"n": {".sv": {"increment": 2}}}, {"n": 2}, id="increment of nothing"),
    ],
)
def test_values_change_shape_on_the_way(value: Any, kept: Any) -> None:
    assert tree_of(value).value() == kept


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"a.b": 1}, id="dot"),
        pytest.param({"a": {"b/c": 1}}, id="slash below the top"),
        pytest.param({"": 1}, id="empty key"),
        pytest.param({"a\x7f": 1}, id="delete character"),
        pytest.param({"k" * 769: 1}, id="key of 769 bytes"),
        pytest.param({"ä" * 385: 1}, id="key of 770 bytes in 385 characters"),
        pytest.param({".sv": "tomorrow"}, id="unknown server value"),
        pytest.param({".sv": {"increment": "1"}}, id="increment by a string"),
        pytest.param({".value": 1, "a": 2}, id="value with siblings"),
        pytest.param({".priority": {"a": 1}, "a": 2}, id="priority that is an object"),
        pytest.param("x" * (10 * 1024 * 1024 + 1), id="string over 10 MB"),
        pytest.param(math.inf, id="infinity"),
    ],
)
def test_bad_values_are_refused_before_anything_changes(value: Any) -> None:
    tree = tree_of({"old": 1})

    with pytest.raises(BadData):
        update(tree, {"good": 1, "bad": value})

    assert tree.value() == {"old": 1}


def test_data_may_be_32_levels_deep_and_no_deeper() -> None:
    deepest: Any = 1
    for _level in range(32):
        deepest = {"k": deepest}

    tree = tree_of(deepest)

    assert tree.value(("k",) * 32) == 1
    with pytest.raises(BadData):
        tree_of({"k": deepest})
    with pytest.raises(Refused):
        path_of("/".join("k" * 33))


def test_an_increment_adds_to_what_is_there() -> None:
    tree = tree_of({"a": 2, "b": "text", "c": True})
    more = {".sv": {"increment": 0.5}}

    update(tree, {"a": more, "b": more, "c": more})

    assert tree.value() == {"a": 2.5, "b": 0.5, "c": 0.5}


@pytest.mark.parametrize(
    "paths",
    [
        pytest.param(["a", "a/b"], id="parent"),
        pytest.param(["a/b/c/d", "a"], id="ancestor"),
        pytest.param(["a-b", "a/b", "a"], id="with a neighbour between them"),
    ],
)
def test_overlapping_paths_are_refused(paths: list[str]) -> None:
    values = {path_of(path): 1 for path in paths}

    with pytest.raises(BadData):
        Tree().planned(values, now=1)


def test_a_parent_without_children_is_gone() -> None:
    tree = tree_of({"a": {"b": {"c": 1}}, "d": 2})

    put(tree, "a/b/c", None)

    assert tree.value() == {"d": 2}


def test_writing_below_a_scalar_replaces_it() -> None:
    tree = tree_of({"a": 1})

    put(tree, "a/b", 2)

    assert tree.value() == {"a": {"b": 2}}


def test_priorities_come_and_go_with_their_own_path() -> None:
    tree = tree_of({"a": 1, "b": {"c": 2}})

    put(tree, "a/.priority", 3)
    put(tree, "b/.priority", "high")

    assert tree.value() == {"a": 1, "b": {"c": 2}}
    assert tree.value(("a", ".priority")) == 3
    assert tree.value(export=True) == {
        "a": {".value": 1, ".priority": 3},
        "b": {"c": 2, ".priority": "high"},
    }


NAMES = st.sampled_from("abc")


@given(st.lists(st.tuples(NAMES, NAMES, st.none() | st.integers(0, 2)), max_size=20))
def test_an_etag_says_what_is_there_and_not_how_it_came(writes: list[tuple[Any, ...]]) -> None:
    tree = Tree()
    for outer, inner, value in writes:
        put(tree, f"{outer}/{inner}", value)
        etag_of(tree.root)

    fresh = tree_of(tree.value(export=True))

    assert etag_of(tree.root) == etag_of(fresh.root)


def test_etags_tell_values_apart() -> None:
    values = [
        None,
        1,
        1.5,
        "1",
        True,
        {"a": 1},
        {"a": "1"},
        {"b": 1},
        {".value": 1, ".priority": 1},
    ]

    tags = [etag_of(tree_of(value).root) for value in values]

    assert len(set(tags)) == len(values)
    assert tags[0] == ABSENT


@given(st.lists(KEYS | st.integers(-(2**33), 2**33).map(str), max_size=200), st.data())
def test_key_order_survives_comings_and_goings(keys: list[str], data: st.DataObject) -> None:
    live: dict[str, int] = {}
    order = KeyOrder(())
    for key in keys:
        if key in live and data.draw(st.booleans()):
            del live[key]
            order.remove()
        elif key not in live:
            live[key] = 1
            order.add(key)
        if data.draw(st.integers(0, 9)) == 0:
            assert list(order.settled(live)) == in_order(live)

    assert list(order.settled(live)) == in_order(live)


def test_integers_of_32_bits_come_first_and_in_their_own_order() -> None:
    keys = ["b", "10", "9", "-1", "54483125961", "a", "2147483648", "2147483647"]

    assert in_order(keys) == [
        *("-1", "9", "10", "2147483647"),
        *("2147483648", "54483125961", "a", "b"),
    ]


def test_a_projection_leaves_the_tree_alone() -> None:
    tree = tree_of({"a": {"b": {"c": 1}}, "d": 2})
    writes = tree.planned({("a", "b", "c"): 5, ("d",): None}, now=1)

    projected = tree.projected(writes)

    assert projected.value() == {"a": {"b": {"c": 5}}}
    assert tree.value() == {"a": {"b": {"c": 1}}, "d": 2}


def test_many_paths_are_split_like_one_by_one() -> None:
    texts = ["a", "/b/", "c//d", "k/" * 31 + "k"]

    assert paths_of(texts) == [path_of(text) for text in texts]
    for bad in ("a.b", "a$", "x/[", "k/" * 33, "k" * 800):
        with pytest.raises(Refused):
            paths_of([*texts, bad])


def test_big_branches_keep_their_order_between_reads() -> None:
    branch = Branch({f"k{number:04}": number for number in range(500)})
    first = branch.ordered()

    assert branch.ordered() is first
    branch.put("k0000a", 1)
    assert branch.ordered()[:2] == ["k0000", "k0000a"]


def test_push_ids_grow_even_within_a_millisecond() -> None:
    ids = PushIds(seed=1)

    made = [ids.next(now) for now in (1000, 1000, 1000, 1001, 999, 5_000_000_000)]

    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert {len(name) for name in made} == {20}
    assert are_keys(made)
    assert list(ALPHABET) == sorted(ALPHABET)
