"""What security rules allow, as far as the sandbox understands them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ingestor.sandbox.rtdb.keys import path_of
from ingestor.sandbox.rtdb.rules import BadRules, Rules
from ingestor.sandbox.rtdb.tree import Tree

JANE = {"uid": "jane", "token": {"admin": True, "email": "jane@example.org"}}


def rules_of(rules: dict[str, Any]) -> Rules:
    return Rules(json.dumps({"rules": rules}))


def tree_of(value: Any) -> Tree:
    tree = Tree()
    tree.apply(tree.planned({(): value}, now=0))
    return tree


def may_write(
    rules: Rules, values: dict[str, Any], *, auth: Any = None, before: Any = None
) -> bool:
    tree = tree_of(before)
    writes = tree.planned({path_of(path): value for path, value in values.items()}, now=0)
    return rules.may_write(writes, auth=auth, tree=tree, now=0)


def may_read(rules: Rules, path: str, *, auth: Any = None, data: Any = None) -> bool:
    return rules.may_read(path_of(path), auth=auth, tree=tree_of(data), now=100)


@pytest.mark.parametrize(
    ("expression", "auth", "allowed"),
    [
        pytest.param(True, None, True, id="true"),
        pytest.param(False, JANE, False, id="false"),
        pytest.param("auth != null", None, False, id="nobody"),
        pytest.param("auth != null", JANE, True, id="somebody"),
        pytest.param("auth.uid == 'jane'", JANE, True, id="uid"),
        pytest.param("auth.uid === $user", JANE, True, id="uid is the wildcard"),
        pytest.param("auth.uid == 'jane'", None, False, id="uid of nobody is an error"),
        pytest.param("auth.token.admin === true", JANE, True, id="claim"),
        pytest.param("auth.token.email.endsWith('@example.org')", JANE, True, id="text"),
        pytest.param("auth.token.email.length > 100", JANE, False, id="length"),
        pytest.param("now < 50 || now >= 100", None, True, id="or"),
        pytest.param("!(now < 50) && !false", None, True, id="and not"),
        pytest.param("now + 1 == 101 && now - 1 != 100", None, True, id="sums"),
        pytest.param("data.child('open').val() == true", None, True, id="data"),
        pytest.param("root.child('users/jane/open').exists()", None, True, id="root"),
        pytest.param("data.hasChildren(['open', 'n'])", None, True, id="children"),
        pytest.param(
            "data.child('n').isNumber() && !data.child('n').isString()", None, True, id="types"
        ),
        pytest.param("data.parent().hasChild('joe')", None, False, id="parent"),
        pytest.param("data.val() < 5", None, False, id="a branch is no number"),
        pytest.param("data.child('n').val()", None, False, id="a number is no truth"),
    ],
)
def test_an_expression_decides(expression: Any, auth: Any, allowed: bool) -> None:
    rules = rules_of({"users": {"$user": {".read": expression}}})
    data = {"users": {"jane": {"open": True, "n": 5}}}

    assert may_read(rules, "/users/jane", auth=auth, data=data) is allowed


def test_a_grant_holds_for_everything_below_and_nothing_above() -> None:
    rules = rules_of({"photos": {".read": True, "secret": {".read": False}}})

    assert may_read(rules, "/photos/secret/deep")
    assert not may_read(rules, "/")


def test_a_name_goes_before_the_wildcard() -> None:
    rules = rules_of({"$any": {".read": True}, "dead": {}})

    assert may_read(rules, "/photos")
    assert not may_read(rules, "/dead")


def test_one_denied_path_denies_the_update() -> None:
    rules = rules_of({"open": {".write": True}})

    assert may_write(rules, {"/open/a": 1})
    assert not may_write(rules, {"/open/a": 1, "/closed/b": 1})


def test_new_data_is_the_whole_update_at_once() -> None:
    rules = rules_of(
        {"a": {".write": "newData.parent().child('b').exists()"}, "b": {".write": True}}
    )

    assert may_write(rules, {"/a": 1, "/b": 1})
    assert not may_write(rules, {"/a": 1})


def test_validation_holds_above_and_below_but_not_for_deletes() -> None:
    rules = rules_of(
        {
            ".write": True,
            "photos": {
                "$id": {".validate": "newData.hasChild('title')", "n": {".validate": False}}
            },
        }
    )

    assert may_write(rules, {"/photos/p1": {"title": "x"}})
    assert not may_write(rules, {"/photos/p1": {"owner": "x"}})
    assert not may_write(rules, {"/photos": {"p1": {"title": "x", "n": 1}}})
    assert not may_write(rules, {"/photos/p1/owner": "x"})
    assert may_write(rules, {"/photos/p1/owner": "y"}, before={"photos": {"p1": {"title": "x"}}})
    assert may_write(rules, {"/photos/p1": None})


def test_an_index_counts_exactly_where_it_is_declared() -> None:
    rules = rules_of({"a": {"$x": {".indexOn": ["n", "b/c"]}}, "v": {".indexOn": ".value"}})

    assert rules.has_index(("a", "any"), "n")
    assert rules.has_index(("a", "any"), "b/c")
    assert rules.has_index(("v",), ".value")
    assert not rules.has_index(("a",), "n")
    assert not rules.has_index(("a", "any", "deeper"), "n")


def test_new_databases_are_locked() -> None:
    assert not may_read(Rules(), "/", auth=JANE)
    assert not may_write(Rules(), {"/a": 1}, auth=JANE)


def test_comments_are_no_part_of_rules() -> None:
    rules = Rules('{ /* all */ "rules": { // "x"\n ".read": "\'//\' == \'//\'" } }')

    assert may_read(rules, "/")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{", id="no JSON"),
        pytest.param("[]", id="no object"),
        pytest.param('{"rules": {".read": 1}}', id="a number"),
        pytest.param('{"rules": {".raed": true}}', id="a misspelt member"),
        pytest.param('{"rules": {"a": true}}', id="no object below"),
        pytest.param('{"rules": {".read": "auth !="}}', id="half an expression"),
        pytest.param('{"rules": {".read": "user != null"}}', id="an unknown name"),
        pytest.param('{"rules": {".read": "data.explode()"}}', id="an unknown method"),
        pytest.param('{"rules": {".read": "true true"}}', id="two expressions"),
        pytest.param('{"rules": {".read": "a ? b : c"}}', id="unknown signs"),
    ],
)
def test_bad_rules_are_refused_when_set(text: str) -> None:
    with pytest.raises(BadRules):
        Rules(text)
