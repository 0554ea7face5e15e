"""The help says what the settings do: their environment variables and their defaults."""

from __future__ import annotations

import inspect
import re
import typing
from pathlib import Path
from typing import Any

import pytest
import typer

from ingestor.cli.app import ingest
from ingestor.cli.numbers import allowance, directory, not_negative, whole
from ingestor.settings import Settings

CONTRACT = [
    "--group",
    "--limit",
    "--sandbox",
    "--state",
    "--max-labels",
    "--images-per-minute",
    "--requests-per-minute",
    "--max-in-flight",
    "--max-memory",
    "--drain",
    "--max-units",
    "--max-cost",
    "--dry-run",
    "--in-doubt",
    "--max-failures",
    "--engine",
    "--report",
    "--log-level",
    "--log-format",
    "--database-url",
    "--flickr-url",
    "--image-url",
    "--vision-url",
    "--safe-search",
    "--reannotate",
    "--max-downloads",
]

HINTS = typing.get_type_hints(ingest, include_extras=True)
OPTIONS = {
    name: hint.__metadata__[0] for name, hint in HINTS.items() if "__metadata__" in dir(hint)
}
DESCRIBED = {
    name: option
    for name, option in OPTIONS.items()
    if name != "version" and not name.startswith("sandbox_")
}


def test_every_flag_of_the_contract_exists() -> None:
    names = {name for option in OPTIONS.values() for name in option.param_decls or ()} | {
        option.default for option in OPTIONS.values()
    }

    assert not set(CONTRACT) - names


@pytest.mark.parametrize("name", DESCRIBED)
def test_the_help_names_the_variable_that_the_settings_read(name: str) -> None:
    field = Settings.model_fields["groups" if name == "group" else name]
    alias = field.validation_alias

    variable = alias if isinstance(alias, str) else f"INGESTOR_{name.upper()}"

    assert re.search(rf"\({variable}\b", DESCRIBED[name].help)


@pytest.mark.parametrize("name", DESCRIBED)
def test_the_help_names_the_default_that_the_settings_have(name: str) -> None:
    default = Settings.model_fields["groups" if name == "group" else name].default

    shown = spelt(default, name)

    assert shown in DESCRIBED[name].help


def spelt(default: Any, name: str) -> str:
    if name == "group":
        return "required"
    if name == "max_failures":
        return f"default {default:.0%}"
    if name == "log_format":
        return "default text on a terminal"
    if default in (False, None):
        return "default "
    return f"default {default:g}" if isinstance(default, float) else f"default {default}"


def test_no_flag_carries_a_default_of_its_own() -> None:
    defaults = {name: value.default for name, value in inspect.signature(ingest).parameters.items()}
    del defaults["context"]

    assert set(defaults.values()) == {None, False}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("0", id="none"),
        pytest.param("-5", id="negative"),
        pytest.param("many", id="a word"),
        pytest.param("1.5", id="a fraction"),
        pytest.param("", id="nothing"),
    ],
)
def test_a_count_that_makes_no_sense_is_answered_with_what_to_do(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="leave it out"):
        whole(least=1, instead="leave it out")(text)


@pytest.mark.parametrize("text", ["0", "0.5", "20"])
def test_no_dollar_at_all_is_a_ceiling_too(text: str) -> None:
    assert not_negative(instead="leave it out")(text) == float(text)


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "free"])
def test_a_ceiling_in_dollars_is_a_number_from_0_up(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="leave it out"):
        not_negative(instead="leave it out")(text)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("20%", True),
        ("0", True),
        ("50", True),
        ("0.5%", True),
        ("101%", False),
        ("-1", False),
        ("nan%", False),
        ("some", False),
    ],
)
def test_an_allowance_is_a_share_or_a_count(text: str, *, good: bool) -> None:
    if good:
        assert allowance(text) == text
    else:
        with pytest.raises(typer.BadParameter, match="neither"):
            allowance(text)


def test_an_empty_directory_is_not_the_current_one() -> None:
    for text in ("", " "):
        with pytest.raises(typer.BadParameter, match="empty"):
            directory(text)

    assert directory(".") == Path()
