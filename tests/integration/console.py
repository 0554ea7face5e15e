"""The console script as a user starts it: a process with an environment of its own."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tests.conftest import FOREIGN_NAMES, FOREIGN_PREFIXES, QUICK_TLS

PATIENCE = 100.0
"""Seconds after which a command counts as hanging."""

FIRST_PORT, LAST_PORT = 10_000, 32_000
"""Below those that the system gives out by itself."""

SCRIPT = Path(sys.executable).with_name("ingestor")
START = [str(SCRIPT)] if SCRIPT.exists() else [sys.executable, "-m", "ingestor"]

UNLIMITED = ("--images-per-minute", "1000000", "--requests-per-minute", "1000000")
SANDBOX = ("--sandbox", "--sandbox-fast", *UNLIMITED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on stdout; anything beside it is an error here."""
        return orjson.loads(self.out)


def environment(**own: str) -> dict[str, str]:
    """Nothing of the caller's keys; a sandbox on free ports, so that tests run side by side."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(FOREIGN_PREFIXES) and name not in FOREIGN_NAMES
    }
    quick = {"INGESTOR_SANDBOX_PORT": "0", "INGESTOR_SANDBOX_SKETCHES": "1"}
    return {**kept, **quick, **QUICK_TLS, "NO_GCE_CHECK": "true", **own}


def free_ports() -> str:
    """The first of six free ports in a row, for a sandbox that is to be found again."""
    for base in range(FIRST_PORT + os.getpid() % 1000 * 10, LAST_PORT, 10):
        with contextlib.ExitStack() as stack:
            try:
                for port in range(base, base + 6):
                    site = stack.enter_context(socket.socket())
                    site.bind(("127.0.0.1", port))
            except OSError:
                continue
            return str(base)
    raise RuntimeError("no six free ports in a row")


def started(*words: str, **own: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*START, *words],
        env=environment(**own),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def ended(process: subprocess.Popen[bytes]) -> Ended:
    try:
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.wait()
    return Ended(code=process.returncode, out=(out or b"").decode(), err=err.decode())


def ingestor(*words: str, **own: str) -> Ended:
    return ended(started(*words, **own))
