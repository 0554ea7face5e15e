"""The last words of a process: a bug is told in full, and without a secret."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ingestor.cli.door import main
from ingestor.cli.hooks import redact_hooks
from ingestor.cli.redaction import Redaction

CANARY = "canary-0123456789"


@pytest.fixture(autouse=True)
def _hooks() -> Iterator[None]:
    before = sys.excepthook, sys.unraisablehook, threading.excepthook
    yield
    sys.excepthook, sys.unraisablehook, threading.excepthook = before


def handed(error: BaseException) -> Any:
    """What the interpreter gives to two of its hooks."""
    return SimpleNamespace(exc_type=type(error), exc_value=error, exc_traceback=error.__traceback__)


@pytest.mark.parametrize(
    "tell",
    [
        lambda error: sys.excepthook(type(error), error, error.__traceback__),
        lambda error: sys.unraisablehook(handed(error)),
        lambda error: threading.excepthook(handed(error)),
    ],
    ids=["of the process", "of what nobody raised", "of a thread"],
)
def test_an_error_that_nobody_caught_is_told_without_a_secret(
    tell: Callable[[BaseException], None],
) -> None:
    said = io.StringIO()
    redact_hooks(Redaction({"GOOGLE_API_KEY": CANARY}), said)

    try:
        raise ValueError(f"no use for {CANARY}")
    except ValueError as error:
        tell(error)

    assert "Traceback" in said.getvalue()
    assert "no use for ***" in said.getvalue()
    assert "canary" not in said.getvalue()


def test_neither_sentence_nor_traceback_of_a_command_shows_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It stands where nobody would look for it: in the name of a directory that cannot be made."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("FLICKR_API_KEY", "0a" * 16)
    monkeypatch.setenv("GOOGLE_API_KEY", CANARY)
    state = tmp_path / "file" / CANARY

    code = main(["--group", "zoo", "--state", str(state), "--log-level", "debug"])

    said = capsys.readouterr().err
    assert code == 2
    assert "Traceback" in said
    assert "***" in said
    assert "canary" not in said
