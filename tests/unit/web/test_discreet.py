"""Strangers are told what went wrong, and not where things lie."""

from __future__ import annotations

import pytest

from ingestor.web.discreet import discreet


@pytest.mark.parametrize(
    ("told", "left"),
    [
        pytest.param("The disk is full: /a b cannot", "The disk is full: … b cannot", id="bare"),
        pytest.param("'/home/Jane Doe/k.json' was not", "'…' was not", id="quoted"),
        pytest.param("(/state/journal.sqlite3)", "(…)", id="in brackets"),
        pytest.param("/state: full", "… full", id="at the beginning"),
        pytest.param({"a": [1, ("/b", None)]}, {"a": [1, ["…", None]]}, id="deep within"),
    ],
)
def test_a_path_is_left_out(told: object, left: object) -> None:
    assert discreet(told) == left


@pytest.mark.parametrize(
    "told",
    [
        "See https://console.cloud.google.com/apis/credentials for it.",
        "api.flickr.com/services/rest/: no route",
        "3 / 4 of them, and/or 30 images/s",
        "Cloud Vision is not enabled in project 'zoo'.",
    ],
)
def test_all_else_stays(told: str) -> None:
    assert discreet(told) == told
