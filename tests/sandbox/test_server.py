"""All six sites at once: up, found, and down again; and the command that does it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from ingestor.sandbox.marks import photo_id_in
from ingestor.sandbox.options import SITES, Options
from ingestor.sandbox.server import KNOBS, Sandbox
from tests.sandboxes import zoo_query

SECONDS = 60
"""Longer than any start takes on the slowest machine; only a hang gets there."""


def some_options(**changed: Any) -> Options:
    return Options(**({"port": 0, "fast": True, "photos": 600} | changed))


async def fetched(url: str, **arguments: Any) -> tuple[int, bytes]:
    async with aiohttp.ClientSession() as session, session.get(url, **arguments) as response:
        return response.status, await response.read()


def key_file_of(sandbox: Sandbox) -> Path:
    return Path(sandbox.addresses.service_account_file)


def content_of(file: Path) -> Any:
    return json.loads(file.read_text())


def mode_of(file: Path) -> int | None:
    return file.stat().st_mode & 0o777 if file.exists() else None


def number_in(folder: Path) -> int:
    return len(list(folder.iterdir()))


async def rows_of(sandbox: Sandbox, **arguments: str) -> list[dict[str, Any]]:
    query = zoo_query(sandbox, **arguments)
    _, body = await fetched(sandbox.addresses.flickr_url, params=query)
    rows: list[dict[str, Any]] = json.loads(body)["photos"]["photo"]
    return rows


async def test_a_picture_of_a_listing_is_what_vision_sees() -> None:
    async with Sandbox(some_options()) as sandbox:
        row = (await rows_of(sandbox))[0]

        _, picture = await fetched(row["url_z"])

    assert photo_id_in(picture) == row["id"]
    assert sandbox.world.labels_of(row["id"])


async def test_every_site_answers_at_its_address() -> None:
    async with Sandbox(some_options()) as sandbox:
        told = sandbox.addresses
        origins = [told.flickr_url, told.image_url, told.vision_url, told.database_url]
        origins += [told.token_url, told.control_url]

        statuses = [(await fetched(url.replace("?ns", ".json?ns")))[0] for url in origins]

    assert len({urlsplit(origin).port for origin in origins}) == len(SITES)
    assert all(200 <= status < 500 for status in statuses)


async def test_after_leaving_nobody_answers() -> None:
    async with Sandbox(some_options()) as sandbox:
        told = sandbox.addresses

    with pytest.raises(aiohttp.ClientConnectionError):
        await fetched(told.control_url + "/hello")


async def test_the_same_seed_has_the_same_keys_rows_and_pictures() -> None:
    seen = []
    for _ in range(2):
        async with Sandbox(some_options()) as sandbox:
            row = (await rows_of(sandbox, per_page="1"))[0]
            _, picture = await fetched(row.pop("url_z"))
            keys = (sandbox.addresses.flickr_key, sandbox.addresses.google_key)
            seen.append((keys, row, picture))

    assert seen[0] == seen[1]


async def test_database_bill_key_and_drawings_survive_with_a_memory(tmp_path: Path) -> None:
    options = some_options(memory=tmp_path / "memory")
    async with Sandbox(options) as sandbox:
        sandbox.database.put("sandbox", "/kept", value="yes")
        sandbox.bill.charge([("51025113384", ["LABEL_DETECTION"])])
        await fetched((await rows_of(sandbox, per_page="1"))[0]["url_z"])
        key = content_of(key_file_of(sandbox))

    async with Sandbox(options) as again:
        assert again.database.value("sandbox", "/kept") == "yes"
        assert again.bill.units == 1
        later = content_of(key_file_of(again))

    assert later["private_key"] == key["private_key"]
    assert number_in(tmp_path / "memory" / "drawings") == 1


async def test_without_a_memory_no_key_file_stays_behind() -> None:
    async with Sandbox(some_options()) as sandbox:
        file = key_file_of(sandbox)
        during = mode_of(file)

    assert during == 0o600
    assert mode_of(file) is None


async def test_a_port_in_use_is_named_and_nothing_stays_open() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(OSError, match=f"port {port} of 127.0.0.1"):
            async with Sandbox(some_options(port=port)):
                pass


def test_an_unknown_fault_is_refused_before_anything_starts() -> None:
    with pytest.raises(ValueError, match=r"near it: flickr\.201"):
        Sandbox(some_options(rates={"flickr.2001": 1.0}))


async def test_rates_and_knobs_are_set_from_the_start() -> None:
    sandbox = Sandbox(some_options(rates={"image.gone": 1.0, "image.limit-per-second": 9}))

    assert sandbox.faults.rates() == {"image.gone": 1.0}
    assert sandbox.faults.knobs == KNOBS | {"image.limit-per-second": 9}


def started(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "ingestor.sandbox", "--port", "0", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "src")},
    )


def test_the_command_announces_itself_and_stops_cleanly() -> None:
    with started("--announce") as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        out, error = process.communicate(timeout=SECONDS)

    assert told["database_url"].endswith("/?ns=sandbox")
    assert (process.returncode, out, error) == (0, b"", b"")


def test_the_command_ends_when_its_parent_is_gone() -> None:
    with started("--announce", "--until-stdin-closes") as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        process.stdin.close()
        code = process.wait(timeout=SECONDS)

    assert code == 0


def test_the_command_prints_settings_to_copy() -> None:
    with started("--until-stdin-closes") as process:
        out, _ = process.communicate(b"", timeout=SECONDS)

    names = {line.split("=")[0] for line in out.decode().splitlines() if line.startswith("export")}
    assert names == {
        *("export INGESTOR_FLICKR_URL", "export INGESTOR_IMAGE_URL", "export INGESTOR_VISION_URL"),
        *("export FIREBASE_DATABASE_URL", "export FLICKR_API_KEY", "export GOOGLE_API_KEY"),
    }
    assert re.search(rb"export GOOGLE_APPLICATION_CREDENTIALS='/.+[.]json'", out)


async def test_a_memory_named_from_here_is_printed_for_a_shell_that_is_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async with Sandbox(some_options(memory=Path("memory"))) as sandbox:
        file = key_file_of(sandbox)

    assert file.parent == tmp_path / "memory"


async def test_what_is_printed_is_enough_for_tls_as_well() -> None:
    async with Sandbox(some_options(tls=True)) as sandbox:
        settings, told = sandbox.addresses.settings(), sandbox.addresses

    assert settings["SSL_CERT_FILE"] == told.authority_file
    # Over https it is no emulator's database, and wants a token.
    assert settings["GOOGLE_APPLICATION_CREDENTIALS"] == told.service_account_file


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(["--fault", "image.gnoe"], "near it: image.gone", id="unknown fault"),
        pytest.param(["--fault", "image.gone=often"], "'often' is no number", id="no number"),
        pytest.param(["--fault", "image.gone=7"], "between 0 and 1", id="too often"),
        pytest.param(["--photos", "-1"], "--photos", id="fewer than none"),
        pytest.param(["--port", "65533"], "--port", id="no room for six ports"),
        pytest.param(["--memory", "/dev/null/x"], "/dev/null/x: ", id="odd directory"),
    ],
)
def test_the_command_refuses_with_one_sentence(arguments: list[str], sentence: str) -> None:
    with started(*arguments) as process:
        out, error = process.communicate(timeout=SECONDS)

    assert process.returncode == 2
    assert sentence in error.decode()
    assert "Traceback" not in error.decode()
    assert out == b""


async def test_a_stalled_answer_does_not_hold_up_the_end() -> None:
    async with Sandbox(some_options(rates={"image.stall": 1.0})) as sandbox:
        url = urlsplit((await rows_of(sandbox, per_page="1"))[0]["url_z"])
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        writer.write(f"GET {url.path} HTTP/1.1\r\nHost: cdn\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")

    assert await reader.read() == b""
    writer.close()
