"""A run and its words: whoever closes, fills or leaves a standard stream costs nobody a picture."""

from __future__ import annotations

import os
import pty
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ingestor.cli.streams import LOOK_ALIKE
from tests.integration.console import PATIENCE, SANDBOX, START, Ended, environment, ingestor

FULL = Path("/dev/full")
"""A file that nothing can be written to."""

needs_full = pytest.mark.skipif(not FULL.exists(), reason=f"macOS has no {FULL}")

TAKE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""As a terminal's window does it for its shell, which then hears of its end."""


@pytest.mark.parametrize(
    "redirection",
    [pytest.param("2>/dev/full", marks=needs_full), "2>&-", "2>&1 >&- | true"],
)
def test_a_run_goes_on_when_nobody_can_hear_it(redirection: str, tmp_path: Path) -> None:
    words = (*SANDBOX, "--group", "zoo", "--limit", "20", "--log-level", "debug")

    in_shell(redirection, *words, "--state", str(tmp_path))

    status = ingestor("status", "--json", "--state", str(tmp_path)).json
    assert status["photos"]["stored"] == 20
    assert status["runs"][0]["reason"] == "complete"


@needs_full
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
    assert "INGESTOR_LIMIT - default all" in shown.out


def test_a_letter_that_is_lacking_is_shown_by_one_like_it() -> None:
    shown = "Søren  ██▌·  1×2 – 3 µs".encode("ascii", errors=LOOK_ALIKE)

    assert shown == b"S?ren  ###-  1x2 - 3 us"


@pytest.mark.parametrize(
    ("words", "begun", "code"),
    [
        (("--group", "zoo", "--log-level", "info"), b"page_listed", 129),
        (("worker", "--group", "zoo", "--eyes", "off"), b"page_listed", 129),
        (("serve", "--port", "0"), b"the page is at", 0),
    ],
    ids=["run", "worker", "serve"],
)
def test_a_command_whose_terminal_closes_ends_as_its_signal_says(
    words: tuple[str, ...], begun: bytes, code: int, tmp_path: Path
) -> None:
    words = ("--sandbox", "--state", str(tmp_path), *words)

    assert left_alone(*words, begun=begun) == code


def test_a_sandbox_whose_terminal_closes_leaves_nothing_behind(tmp_path: Path) -> None:
    words = ("sandbox", "--port", "0", "--fast", "--sketches")

    assert left_alone(*words, begun=b"Ctrl+C ends it", TMPDIR=str(tmp_path)) == 0
    assert not list(tmp_path.iterdir())


def left_alone(*words: str, begun: bytes, **own: str) -> int:
    """Close the terminal of a command that has `begun`; returns its exit code."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", TAKE_TERMINAL, *START, *words],
        env=environment(TERM="xterm", **own),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    seen = b""
    try:
        while begun not in seen:
            seen += os.read(ours, 1 << 16)
        os.close(ours)
        return process.wait(timeout=PATIENCE)
    finally:
        process.kill()
        process.wait()


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
