"""What must not be shown is not shown, wherever it hides."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from ingestor.cli.redaction import Redaction

CANARY = "canary-7f3a/secret+key"


@pytest.fixture
def redaction() -> Redaction:
    redaction = Redaction({})
    redaction.learn(CANARY)
    return redaction


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"the key is {CANARY}.", id="plain"),
        pytest.param("?k=canary-7f3a%2Fsecret%2Bkey&x=1", id="quoted for a URL"),
    ],
)
def test_a_known_secret_is_hidden(redaction: Redaction, text: str) -> None:
    assert "canary" not in redaction.text(text)
    assert "***" in redaction.text(text)


def test_a_secret_that_begins_with_another_is_hidden_to_its_end(redaction: Redaction) -> None:
    redaction.learn(f"{CANARY}-and-more")

    assert redaction.text(f"<{CANARY}-and-more>") == "<***>"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        pytest.param("GET /rest/?api_key=0a1b2c&page=1", "/rest/?api_key=***&page=1", id="flickr"),
        pytest.param("http://h/a.json?auth=tok&ns=x", "auth=***&ns=x", id="database"),
        pytest.param("?access_token=ya29.abc", "?access_token=***", id="token"),
        pytest.param("https://vision/v1?key=AIzaXY", "v1?key=***", id="google"),
        pytest.param("Authorization: Bearer ya29.a-b_c", "Bearer ***", id="bearer"),
        pytest.param("X-Goog-Api-Key: AIzaXY", "X-Goog-Api-Key: ***", id="header"),
        pytest.param(
            "-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----", "***", id="key file"
        ),
    ],
)
def test_an_unknown_secret_is_told_by_its_shape(text: str, hidden: str) -> None:
    assert Redaction({}).text(text).endswith(hidden)


def test_words_that_merely_look_like_it_stay() -> None:
    text = "monkey=banana, page=3, the key to it"

    assert Redaction({}).text(text) == text


def test_values_are_looked_into(redaction: Redaction) -> None:
    value = {"headers": [("x", CANARY)], "error": ValueError(CANARY), "n": 1.5, "none": None}

    shown = redaction.value(value)

    assert shown == {"headers": [["x", "***"]], "error": "***", "n": 1.5, "none": None}


def test_secrets_of_the_settings_and_of_the_environment_are_learnt() -> None:
    class Settings:
        def __init__(self) -> None:
            self.google_api_key = SecretStr("canary-from-settings")
            self.state = "dir"

    redaction = Redaction({"FLICKR_API_KEY": "canary-from-environment"})
    redaction.learn_from(Settings())

    shown = redaction.text("canary-from-settings canary-from-environment dir")
    assert shown == "*** *** dir"


def test_a_secret_too_short_to_be_one_does_not_make_text_unreadable() -> None:
    redaction = Redaction({"FLICKR_API_KEY": "a"})

    assert redaction.text("a dog") == "a dog"
