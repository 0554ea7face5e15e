"""A run and its words: whoever closes, fills or leaves a standard stream costs nobody a picture."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from tests.integration.console import PATIENCE, SANDBOX, START, Ended, environment, ingestor


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-", "2>&1 >&- | true"])
def test_a_run_goes_on_when_nobody_can_hear_it(redirection: str, tmp_path: Path) -> None:
    words = (*SANDBOX, "--group", "zoo", "--limit", "20", "--log-level", "debug")

    in_shell(redirection, *words, "--state", str(tmp_path))

    status = ingestor("status", "--json", "--state", str(tmp_path)).json
    assert status["photos"]["stored"] == 20
    assert status["runs"][0]["reason"] == "complete"


def test_a_report_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    words = (*SANDBOX, "--group", "zoo", "--limit", "4", "--report", "json")

    said = in_shell(">/dev/full", *words, "--state", str(tmp_path))

    assert said.code == 1
    assert said.err == "ingestor: Standard output cannot be written (No space left on device).\n"


def test_an_output_that_is_closed_is_not_asked_for() -> None:
    assert in_shell(">&-", "--help") == Ended(code=0, out="", err="")


def test_an_alphabet_that_lacks_a_letter_is_no_error() -> None:
    shown = ingestor("--help", PYTHONIOENCODING="ascii")

    assert (shown.code, shown.err) == (0, "")
    assert "?" in shown.out


def in_shell(redirection: str, *words: str) -> Ended:
    done = subprocess.run(
        ["/bin/sh", "-c", f"{shlex.join([*START, *words])} {redirection}"],
        env=environment(),
        capture_output=True,
        check=False,
        text=True,
        timeout=PATIENCE,
    )
    return Ended(code=done.returncode, out=done.stdout, err=done.stderr)
