"""SIGTERM ends the process in time, also while something that cannot be interrupted hangs."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.integration.console import PATIENCE, environment, started

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


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A site that lets one connect, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as site:
        site.settimeout(PATIENCE)
        yield site


def place(site: socket.socket) -> str:
    host, port = site.getsockname()
    return f"{host}:{port}"


def key_file(path: Path, *, token_uri: str) -> Path:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    content = {
        "type": "service_account",
        "client_email": "keeper@zoo.iam.gserviceaccount.com",
        "token_uri": token_uri,
        "private_key": private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
    }
    path.write_text(json.dumps(content))
    return path


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


def test_a_token_that_does_not_come(silent: socket.socket, tmp_path: Path, state: Path) -> None:
    key = key_file(tmp_path / "key.json", token_uri=f"http://{place(silent)}/token")
    process = started(
        *("reconcile", "--state", str(state)),
        *("--database-url", "https://demo-default-rtdb.firebaseio.com"),
        GOOGLE_APPLICATION_CREDENTIALS=str(key),
    )
    with silent.accept()[0]:
        assert told_to_stop(process) == DRAINED


@pytest.mark.parametrize(
    "command",
    [(), ("--dry-run",), ("worker", "--eyes", "off")],
    ids=["run", "forecast", "worker"],
)
def test_a_metadata_server_that_says_nothing(
    command: tuple[str, ...], silent: socket.socket, tmp_path: Path
) -> None:
    words = (*command, "--group", "42637302@N00", "--state", str(tmp_path))
    process = started(
        *words,
        *("--database-url", "https://demo-default-rtdb.firebaseio.com"),
        FLICKR_API_KEY="0" * 32,
        NO_GCE_CHECK="false",
        GCE_METADATA_IP=place(silent),
        CLOUDSDK_CONFIG=str(tmp_path),
    )
    with silent.accept()[0]:
        assert told_to_stop(process) == DRAINED
