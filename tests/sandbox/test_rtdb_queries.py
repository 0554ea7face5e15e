"""Which children a query leaves over, judged by a model that sorts everything."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cmp_to_key
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestor.sandbox.rtdb.nodes import Branch, Planting
from ingestor.sandbox.rtdb.queries import answer, chosen, query_of
from ingestor.sandbox.rtdb.refusals import Refused

KEYS = st.integers(-20, 2**33).map(str) | st.text("ab01", min_size=1, max_size=3)
SCALARS = (
    st.booleans() | st.integers(-5, 5) | st.sampled_from([0.5, -1.5]) | st.text("ab", max_size=2)
)
CHILDREN = st.dictionaries(
    KEYS,
    SCALARS | st.fixed_dictionaries({}, optional={"x": SCALARS, "y": st.just({"z": 1})}),
    min_size=1,
    max_size=100,
)
ORDERS = st.sampled_from(["$key", "$value", "x", "y/z"])


@st.composite
def questions(draw: st.DrawFn) -> dict[str, str]:
    order = draw(ORDERS)
    bounds = KEYS if order == "$key" else SCALARS
    asked = {"orderBy": json.dumps(order)}
    for names in (("startAt", "startAfter"), ("endAt", "endBefore")):
        name = draw(st.sampled_from([None, *names]))
        if name is not None:
            asked[name] = json.dumps(draw(bounds))
    limit = draw(st.sampled_from([None, "limitToFirst", "limitToLast"]))
    if limit is not None:
        asked[limit] = str(draw(st.integers(0, 10)))
    return asked


def kind(value: Any) -> int:
    kinds: list[tuple[Any, int]] = [(bool, 1 + (value is True)), (int | float, 3), (str, 4)]
    return 0 if value is None else next((n for type_, n in kinds if isinstance(value, type_)), 5)


def compared(left: Any, right: Any) -> int:
    if kind(left) != kind(right):
        return kind(left) - kind(right)
    if kind(left) in (3, 4) and left != right:
        return -1 if left < right else 1
    return 0


def keys_compared(left: str, right: str) -> int:
    def number(key: str) -> int | None:
        whole = int(key) if re.fullmatch(r"-?0*\d{1,10}", key) else None
        return whole if whole is not None and -(2**31) <= whole < 2**31 else None

    first, second = number(left), number(right)
    if first is not None and second is not None:
        return first - second or len(left) - len(right)
    if (first is None) != (second is None):
        return -1 if first is not None else 1
    return (left > right) - (left < right)


def indexed(value: Any, order: str) -> Any:
    for part in [] if order == "$value" else order.split("/"):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def modelled(children: Mapping[str, Any], asked: Mapping[str, str]) -> list[str]:
    order = json.loads(asked["orderBy"])

    def against(key: str, bound: str) -> int:
        if order == "$key":
            return keys_compared(key, json.loads(bound))
        return compared(indexed(children[key], order), json.loads(bound))

    def placed(left: str, right: str) -> int:
        by_key = keys_compared(left, right)
        if order == "$key":
            return by_key
        by_value = compared(indexed(children[left], order), indexed(children[right], order))
        return by_value or by_key

    keeps = {
        "startAt": lambda place: place >= 0,
        "startAfter": lambda place: place > 0,
        "endAt": lambda place: place <= 0,
        "endBefore": lambda place: place < 0,
        "equalTo": lambda place: place == 0,
    }
    keys = [
        key
        for key in sorted(children, key=cmp_to_key(placed))
        if all(keeps[name](against(key, bound)) for name, bound in asked.items() if name in keeps)
    ]
    if "limitToFirst" in asked:
        keys = keys[: int(asked["limitToFirst"])]
    if "limitToLast" in asked:
        keys = keys[max(len(keys) - int(asked["limitToLast"]), 0) :]
    return keys


def branch_of(children: dict[str, Any]) -> Branch:
    node = Planting(now=0).node(children)
    return node if isinstance(node, Branch) else Branch()


@given(CHILDREN, questions())
def test_a_query_leaves_over_what_a_model_does(
    children: dict[str, Any], asked: dict[str, str]
) -> None:
    branch = branch_of(children)
    present = {key: value for key, value in children.items() if key in branch.children}
    query = query_of(asked)

    assert query is not None
    assert list(chosen(branch, query)) == modelled(present, asked)


def test_paging_by_key_meets_every_child_once_and_in_order() -> None:
    branch = branch_of({f"{number * 7919 % 100_000:07}-p{number}": 1 for number in range(1000)})
    seen: list[str] = []
    asked = {"orderBy": '"$key"', "limitToFirst": "30"}

    while page := chosen(branch, _read(asked)):
        seen += page
        asked["startAfter"] = json.dumps(page[-1])

    assert seen == sorted(branch.children)


def test_an_answer_is_in_no_order() -> None:
    branch = branch_of({f"k{number:02}": number for number in range(50)})

    keys = list(_answered(branch, {"orderBy": '"$key"', "limitToFirst": "20"}))

    assert sorted(keys) == [f"k{number:02}" for number in range(20)]
    assert keys != sorted(keys)


@pytest.mark.parametrize(
    ("node", "value"),
    [
        pytest.param(None, None, id="nothing there"),
        pytest.param("text", None, id="a scalar there"),
        pytest.param({"a": 1}, {}, id="nothing left over"),
        pytest.param(["x", "y", "z"], [None, "y", "z"], id="part of an array"),
    ],
)
def test_small_answers_have_their_shapes(node: Any, value: Any) -> None:
    planted = Planting(now=0).node(node)

    query = query_of({"orderBy": '"$key"', "startAt": '"1"', "endAt": '"9"'})

    assert query is not None
    assert answer(planted, query) == value


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        pytest.param({"limitToFirst": "1"}, "orderBy must be defined", id="no order"),
        pytest.param({"orderBy": "$key"}, "orderBy must be a valid JSON", id="no quotes"),
        pytest.param({"orderBy": '"a.b"'}, "orderBy must be a valid JSON", id="no path"),
        pytest.param({"orderBy": '""'}, "orderBy must be a valid JSON", id="empty"),
        pytest.param({"orderBy": "1"}, "orderBy must be a valid JSON", id="a number"),
        pytest.param({"orderBy": '"x"', "startAt": "abc"}, "must be a JSON primitive", id="bare"),
        pytest.param({"orderBy": '"x"', "endAt": "{}"}, "must be a JSON primitive", id="object"),
        pytest.param({"orderBy": '"$key"', "startAt": "1"}, "JSON string", id="key no string"),
        pytest.param({"orderBy": '"x"', "limitToFirst": "1.5"}, "must be an integer", id="1.5"),
        pytest.param({"orderBy": '"x"', "limitToLast": "-1"}, "must be an integer", id="negative"),
        pytest.param(
            {"orderBy": '"x"', "limitToLast": "9" * 5000}, "must be an integer", id="long"
        ),
        pytest.param(
            {"orderBy": '"x"', "limitToFirst": "1", "limitToLast": "1"}, "Only one", id="limits"
        ),
        pytest.param({"orderBy": '"x"', "startAt": "1", "equalTo": "1"}, "Only one", id="starts"),
        pytest.param({"orderBy": '"x"', "endAt": "1", "endBefore": "1"}, "Only one", id="ends"),
    ],
)
def test_bad_queries_are_refused_in_the_vendors_words(asked: dict[str, str], text: str) -> None:
    with pytest.raises(Refused, match=text) as caught:
        query_of(asked)

    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("order", "index"),
    [
        pytest.param('"$key"', None, id="key"),
        pytest.param('"$priority"', None, id="priority"),
        pytest.param('"$value"', ".value", id="value"),
        pytest.param('"a/b"', "a/b", id="child"),
    ],
)
def test_only_orders_by_content_need_an_index(order: str, index: str | None) -> None:
    query = query_of({"orderBy": order})

    assert query is not None
    assert query.needed_index == index


def _read(asked: Mapping[str, str]) -> Any:
    return query_of(asked)


def _answered(branch: Branch, asked: Mapping[str, str]) -> Any:
    return answer(branch, _read(asked))
