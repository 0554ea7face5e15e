"""`ingestor serve` as a process, its dashboard beside a real run, and its patience with the slow."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from ingestor import events
from ingestor.engines.heartbeat import FILE
from ingestor.journal.writer import Journal
from ingestor.web.app import application
from ingestor.web.beat import Beat, read_beat
from ingestor.web.connections import Connections
from ingestor.web.house import House, lazily
from ingestor.web.runs import plain_runs, runs_of
from tests.houses import IMAGES
from tests.integration.conftest import Ingest

PATIENCE = 30.0
CANARY = "canary-google-key"


def a_house(folder: Path, catalog: object = None) -> House:
    return House(
        catalog=catalog,  # type: ignore[arg-type]
        image_origin=IMAGES,
        journal=folder / "journal.sqlite3",
        live=folder / FILE,
        images_per_minute=1800,
        log=lambda _line: None,
    )


@asynccontextmanager
async def page(folder: Path, connections: Connections) -> AsyncIterator[int]:
    async with lazily(folder / "journal.sqlite3") as catalog:
        app = application(a_house(folder, catalog))
        app.middlewares.insert(0, connections.counted)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            async with connections.listening(runner, host="127.0.0.1", port=0) as address:
                yield int(address.rsplit(":", 1)[1])
        finally:
            await runner.cleanup()


async def test_the_command_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ingestor", "serve", "--port", "0", "--state", str(tmp_path)),
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "GOOGLE_API_KEY": CANARY},
    )
    try:
        async with asyncio.timeout(PATIENCE):
            assert process.stderr is not None
            line = (await process.stderr.readline()).decode()
            address = line.split(" at ")[1].split()[0]
            async with aiohttp.ClientSession() as session, session.get(address) as answer:
                html = await answer.text()
            process.send_signal(signal.SIGTERM)
            code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

    assert code == 0
    assert "No pictures yet" in html
    assert address.startswith("http://127.0.0.1:")
    assert CANARY not in html


async def test_the_dashboard_sees_a_run_at_work_and_what_became_of_it(
    ingest: Ingest, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    beats: list[Beat | None] = []

    def listen(event: events.Event) -> None:
        if isinstance(event, events.UpdateStored):
            beats.append(read_beat(state / FILE, now=0.0, images_per_minute=1800))

    report = await ingest(limit=60, listen=listen)
    board = await runs_of(a_house(state))

    assert beats
    assert all(beat and beat.alive and beat.told["run"] == report.run_id for beat in beats)
    assert board.beat is not None
    assert not board.beat.alive
    assert board.beat.told["counts"]["stored"] == report.stored
    assert board.verdict[1] == "Nothing is running. The last run is complete."
    assert plain_runs(board)["history"][0]["id"] == report.run_id


async def test_a_run_that_died_is_told_from_one_at_work(tmp_path: Path) -> None:
    async with Journal(tmp_path / "journal.sqlite3") as journal:
        await journal.write(
            lambda db: db.execute("INSERT INTO runs (id, started) VALUES ('r', 1.0)").rowcount
        )

    board = await runs_of(a_house(tmp_path))

    assert board.verdict[0] == "died"


@pytest.mark.looptime
@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n", id="half a request"),
    ],
)
async def test_a_slow_client_loses_its_connection(tmp_path: Path, sent: bytes) -> None:
    async with page(tmp_path, Connections(patience=0.0)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        async with asyncio.timeout(PATIENCE):
            assert await reader.read() == b""
        writer.close()


@pytest.mark.looptime
async def test_more_connections_than_the_cap_are_turned_away(tmp_path: Path) -> None:
    async with page(tmp_path, Connections(most=2, patience=2 * PATIENCE)) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        for _, writer in held:
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for reader, _ in held:
            await reader.readuntil(b"ok\n")

        refused, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(PATIENCE):
            assert await refused.read() == b""
        for _, held_writer in [*held, (refused, writer)]:
            held_writer.close()
