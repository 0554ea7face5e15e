"""A variable that nobody knows is told, with the one that was probably meant."""

from __future__ import annotations

import pytest

from ingestor.cli.variables import unknown
from ingestor.cli.visit import Visit
from ingestor.settings import Settings


def test_a_misspelt_variable_is_told_with_the_one_that_was_meant() -> None:
    said = unknown({"INGESTOR_MAX_COTS": "20"})

    assert said == (
        "INGESTOR_MAX_COTS is no variable of ingestor's and was not read. "
        "Did you mean INGESTOR_MAX_COST?"
    )


def test_several_are_told_in_one_sentence() -> None:
    said = unknown({"INGESTOR_GROUPS": "zoo", "INGESTOR_XYZZY": "1"})

    assert said == (
        "INGESTOR_GROUPS, INGESTOR_XYZZY are no variables of ingestor's and were not read. "
        "Did you mean INGESTOR_GROUP?"
    )


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("INGESTOR_FLICKR_API_KEY", "FLICKR_API_KEY"),
        ("INGESTOR_DATABASE_URL", "FIREBASE_DATABASE_URL"),
        ("INGESTOR_SANDBOX_PROT", "INGESTOR_SANDBOX_PORT"),
        ("ingestor_max_unit", "INGESTOR_MAX_UNITS"),
    ],
)
def test_what_stands_under_another_name_is_found_there(variable: str, meant: str) -> None:
    assert unknown({variable: "x"}).endswith(f"Did you mean {meant}?")


@pytest.mark.parametrize(
    "variable",
    [
        *(
            f"INGESTOR_{name.upper()}"
            for name, field in Settings.model_fields.items()
            if field.validation_alias is None
        ),
        *("INGESTOR_GROUP", "INGESTOR_SANDBOX_SKETCHES", "ingestor_max_cost", "HOME"),
    ],
)
def test_what_is_read_is_not_told(variable: str) -> None:
    assert not unknown({variable: "1"})


@pytest.mark.parametrize(
    "variable", ["INGESTOR_SERVICE_HOST", "INGESTOR_PORT", "INGESTOR_WEB_PORT_8080_TCP_ADDR"]
)
def test_what_a_cluster_says_of_its_services_is_not_told(variable: str) -> None:
    assert not unknown({variable: "tcp://10.0.0.1:9464"})


def test_it_is_told_once_and_without_its_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INGESTOR_GOOGLE_KEY", "a-secret")

    Visit().settings()

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == said.err.count("INGESTOR_GOOGLE_KEY") == 1
    assert "a-secret" not in said.err
