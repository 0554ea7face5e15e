"""A ceiling holds however often the process is killed: the bill never exceeds it by one unit."""

from __future__ import annotations

import http.client
import signal
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.integration.console import ended, free_ports, ingestor, started

CEILING = 150
KILLS = (1, 2, 4)
"""After how many paid requests of its own each run is killed."""
CONTROL_OFFSET = 5


def bill(port: str) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", int(port) + CONTROL_OFFSET, timeout=10)
    try:
        connection.request("GET", "/bill")
        return orjson.loads(connection.getresponse().read())
    finally:
        connection.close()


def killed(*words: str, after: int, **own: str) -> bool:
    """Start a run and kill it when it has sent so many requests; False if it ended before."""
    process = started(*words, "--log-level", "debug", "--log-format", "json", **own)
    assert process.stderr is not None
    for line in process.stderr:
        after -= b'"batch_sent"' in line
        if not after:
            process.send_signal(signal.SIGKILL)
            break
    return ended(process).code == -signal.SIGKILL


@pytest.fixture
def port() -> Any:
    base = free_ports()
    sandbox = started("sandbox", "--port", base, "--images-per-minute", "0")
    assert sandbox.stdout is not None
    for line in sandbox.stdout:
        if b"Ctrl+C ends it" in line:
            break
    yield base
    sandbox.send_signal(signal.SIGINT)
    ended(sandbox)


def test_a_ceiling_holds_across_kills(tmp_path: Path, port: str) -> None:
    words = ("--sandbox", "--group", "zoo", "--limit", "400", "--max-units", str(CEILING),
             "--images-per-minute", "1000000", "--report", "json", "--state", str(tmp_path))  # fmt: skip

    kills = [killed(*words, after=sent, INGESTOR_SANDBOX_PORT=port) for sent in KILLS]
    between = bill(port)["units"]
    last = ingestor(*words, INGESTOR_SANDBOX_PORT=port)

    assert kills == [True] * len(KILLS)
    assert (last.code, last.json["ended"]) == (3, "max-units")
    assert 0 < between < bill(port)["units"] <= CEILING
