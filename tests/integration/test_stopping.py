"""SIGTERM ends the process in time, also while something that cannot be interrupted hangs."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.console import environment

MOST_SECONDS = 10.0
"""What containers are given."""
DRAINED = 128 + signal.SIGTERM

ASKED = b"asked\n"
NAMES_HANG = f"""
import os, socket, sys, threading

def hang(*_args, **_given):
    os.write(2, {ASKED!r})
    threading.Event().wait()

socket.getaddrinfo = hang
from ingestor.cli import main
sys.exit(main())
"""
"""A name server cannot be put at the far end of a socket: the system knows one only."""


def told_to_stop(process: subprocess.Popen[bytes]) -> int:
    """Send the signal; returns the exit code, in time."""
    with process:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=MOST_SECONDS)
        finally:
            process.kill()
    return process.returncode


@pytest.mark.parametrize("command", [(), ("worker", "--eyes", "off")], ids=["run", "worker"])
def test_a_name_that_is_looked_up_for_ever(command: tuple[str, ...], tmp_path: Path) -> None:
    words = (*command, "--group", "42637302@N00", "--state", str(tmp_path))
    process = subprocess.Popen(
        [sys.executable, "-c", NAMES_HANG, *words],
        env=environment(FLICKR_API_KEY="0" * 32, GOOGLE_API_KEY="k"),
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    assert any(line == ASKED for line in process.stderr)

    assert told_to_stop(process) == DRAINED
