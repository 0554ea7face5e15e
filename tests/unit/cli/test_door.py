"""However a command ends, there is one sentence and one exit code."""

from __future__ import annotations

import sys
import threading

import pytest

from ingestor.cli.door import first_cause, main, verdict
from ingestor.errors import (
    Denied,
    IngestorError,
    JournalError,
    NotSent,
    RunStopped,
    SettingsError,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(SettingsError("Which group?"), 2, id="settings"),
        pytest.param(Denied("The API is off.", upstream="vision", status=403), 2, id="denied"),
        pytest.param(RunStopped("Enough.", reason="max-units"), 3, id="ceiling"),
        pytest.param(JournalError("The disk is full."), 1, id="journal"),
        pytest.param(NotSent("No route.", reason="dns"), 1, id="network"),
        pytest.param(KeyboardInterrupt(), 130, id="Ctrl+C"),
        pytest.param(AttributeError("x"), 1, id="a bug"),
    ],
)
def test_the_kind_of_error_decides_the_exit_code(error: BaseException, code: int) -> None:
    assert verdict(error)[0] == code


def test_our_own_errors_speak_for_themselves() -> None:
    assert verdict(SettingsError("Do this."))[1] == "Do this."


def test_a_bug_says_how_to_report_it() -> None:
    assert "--log-level debug" in verdict(KeyError("x"))[1]


def test_groups_are_opened_and_our_own_error_inside_wins() -> None:
    inner = JournalError("The disk is full.")
    group = BaseExceptionGroup("g", [ValueError("x"), ExceptionGroup("h", [KeyError("y"), inner])])

    assert first_cause(group) is inner


def test_a_group_of_strangers_is_judged_by_its_first() -> None:
    first = ValueError("x")

    assert first_cause(ExceptionGroup("g", [first, KeyError("y")])) is first
    assert not isinstance(first, IngestorError)


def test_what_was_typed_cannot_disturb_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    hooks = sys.excepthook, sys.unraisablehook, threading.excepthook
    try:
        code = main(["status", "--state", "a\nb\x1b[2J" + "x" * 5000])
    finally:
        sys.excepthook, sys.unraisablehook, threading.excepthook = hooks

    said = capsys.readouterr().err
    assert code == 2
    assert said[:-1].isprintable()
    assert len(said) < 1000
