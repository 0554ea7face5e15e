"""`ingestor serve` as a process, its dashboard beside a real run, and its patience with the slow."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from ingestor import events
from ingestor.engines import heartbeat, local
from ingestor.engines.pulse import Pulse
from ingestor.errors import Denied, JournalError
from ingestor.journal.ledger import Intent, close_purchase, open_purchase
from ingestor.journal.runs import begin_run, end_run
from ingestor.journal.writer import Journal
from ingestor.kits import connections
from ingestor.kits.connections import Connections
from ingestor.kits.lifetime import Lifetime
from ingestor.models import PurchaseState
from ingestor.sandbox.server import Sandbox
from ingestor.services import Services, Update, open_services
from ingestor.settings import Settings
from ingestor.web.app import application
from ingestor.web.beat import Beat, read_beat
from ingestor.web.gate import counted
from ingestor.web.house import House
from ingestor.web.lazy import lazily
from ingestor.web.runs import plain_runs, runs_of
from tests.builders import an_image
from tests.houses import IMAGES, a_heart, visiting
from tests.integration.conftest import Ingest, settings_for

PATIENCE = 30.0
CANARY = "canary-google-key"


def a_house(folder: Path, catalog: object = None) -> House:
    return House(
        catalog=catalog,  # type: ignore[arg-type]
        image_origin=IMAGES,
        journal=folder / "journal.sqlite3",
        live=folder / heartbeat.FILE,
        log=lambda _line: None,
    )


@asynccontextmanager
async def page(folder: Path, connections: Connections) -> AsyncIterator[int]:
    async with lazily(folder / "journal.sqlite3") as catalog:
        app = application(a_house(folder, catalog))
        app.middlewares.insert(0, counted(connections))
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            async with connections.listening(runner, host="127.0.0.1", port=0) as address:
                yield int(address.rsplit(":", 1)[1])
        finally:
            await runner.cleanup()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 (what people give)
async def test_the_command_serves_where_it_says_until_it_is_told_to_stop(
    tmp_path: Path, host: str
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ingestor", "serve", "--port", "0", "--state", str(tmp_path)),
        *("--host", host),
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
    ingest: Ingest, state: Path
) -> None:
    beats: list[Beat | None] = []

    def listen(event: events.Event) -> None:
        if isinstance(event, events.UpdateStored):
            beats.append(read_beat(state / heartbeat.FILE, now=0.0))

    report = await ingest(limit=60, listen=listen)
    board = await runs_of(a_house(state))

    assert beats
    assert all(beat and beat.alive and beat.told["run"] == report.run_id for beat in beats)
    assert board.beat is not None
    assert not board.beat.alive
    assert board.beat.told["counts"]["stored"] == report.stored
    assert board.verdict[1] == "Nothing is running. The last run is complete."
    assert plain_runs(board)["history"][0]["id"] == report.run_id


async def test_the_chart_says_what_the_run_is_allowed_and_not_who_shows_it(tmp_path: Path) -> None:
    seconds = count(100.0)
    heart = a_heart(tmp_path, clock=lambda: next(seconds))
    heart.take(events.RunStarted(run="r", groups=("g",), limit=9, resumed=0))
    for _second in range(9):
        heart._note()
    async with heart.beating(), Journal(tmp_path / "journal.sqlite3") as journal:
        await journal.write(partial(begin_run, run="r", now=100.0))

    async with lazily(tmp_path / "journal.sqlite3") as catalog, visiting(catalog, tmp_path) as page:
        _, html, _ = await page.get("/runs")

    assert "the quota allows 30" in html


async def test_a_run_lives_from_its_first_word_to_the_database_to_its_last(
    sandbox: Sandbox, state: Path
) -> None:
    verdicts = list[str]()
    refused = Denied("No.", upstream="database")

    async def refuse(_paths: object) -> None:
        raise refused

    async def look(_paths: object) -> None:
        await asyncio.sleep(0.01)
        verdicts.append((await runs_of(a_house(state))).verdict[0])

    for update in (refuse, look):
        await local.ingest(
            settings_for(sandbox, state, limit=16),
            lifetime=Lifetime(drain=8.0),
            open_services=partial(opened_to_update_with, update),
        )

    board = await runs_of(a_house(state))
    assert board.verdict == ("idle", "Nothing is running. The last run is complete.")
    assert len(verdicts) == 2, "what was left over, and the report"
    assert set(verdicts) == {"fine"}


@asynccontextmanager
async def opened_to_update_with(
    update: Update, settings: Settings, *, lifetime: Lifetime, listen: events.Listener
) -> AsyncIterator[Services]:
    async with open_services(settings, lifetime=lifetime, listen=listen) as services:
        yield replace(services, update=update)


async def test_a_run_that_fails_at_its_very_end_says_that_it_ended(
    ingest: Ingest, state: Path
) -> None:
    def listen(event: events.Event) -> None:
        if isinstance(event, events.RunFinished):
            raise JournalError("full")

    with pytest.raises(JournalError):
        await ingest(limit=16, listen=listen)

    beat = read_beat(state / heartbeat.FILE, now=0.0)
    assert beat is not None
    assert beat.told["ended"]


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


async def test_who_reads_no_answer_makes_room_for_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "IDLE", 0.0)
    many = b"GET /static/x/style.css HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2000
    async with page(tmp_path, Connections(most=1)) as port:
        with socket.create_connection(("127.0.0.1", port)) as mute:
            await asyncio.to_thread(mute.sendall, many)

            async with asyncio.timeout(PATIENCE):
                await be_answered(port)


async def be_answered(port: int) -> None:
    """Come back until there is room."""
    while not await is_answered(port):  # noqa: ASYNC110 - nobody tells when that will be
        await asyncio.sleep(0.1)


async def is_answered(port: int) -> bool:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return bool(await reader.read(1))
    except ConnectionError:
        return False
    finally:
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


@pytest.mark.parametrize(
    ("alive", "word", "under_way", "lost"),
    [
        pytest.param("r", "fine", 1, 0, id="it lives"),
        pytest.param("", "died", 0, 1, id="nobody is there any more"),
        pytest.param("another", "fine", 0, 1, id="another one lives"),
    ],
)
async def test_what_a_living_run_waits_for_is_not_in_doubt(
    tmp_path: Path, alive: str, word: str, under_way: int, lost: int
) -> None:
    async with Journal(tmp_path / "journal.sqlite3") as journal:
        run = await journal.write(partial(begin_run, run="r", now=1.0))
        await journal.write(partial(begin_run, run="another", now=2.0))
        await journal.write(partial(open_purchase, intent=an_intent(run)))

    async with at_work(alive, tmp_path):
        board = await runs_of(a_house(tmp_path))

    assert board.verdict[0] == word
    assert (board.everywhere.under_way, board.everywhere.images) == (under_way, lost)
    assert plain_runs(board)["in_doubt"] == lost


@pytest.mark.parametrize(
    ("reason", "word", "sentence"),
    [
        ("too-many-failures", "trouble", "too many photos failed"),
        ("SIGTERM", "idle", "ended early: SIGTERM"),
    ],
)
async def test_how_the_last_run_ended_is_told(
    tmp_path: Path, reason: str, word: str, sentence: str
) -> None:
    async with Journal(tmp_path / "journal.sqlite3") as journal:
        run = await journal.write(partial(begin_run, run="r", now=1.0))
        await journal.write(partial(end_run, number=run, reason=reason, report={}, now=2.0))

    verdict = (await runs_of(a_house(tmp_path))).verdict

    assert verdict[0] == word
    assert sentence in verdict[1]


async def test_what_a_living_run_has_lost_is_told(tmp_path: Path) -> None:
    async with Journal(tmp_path / "journal.sqlite3") as journal:
        run = await journal.write(partial(begin_run, run="r", now=1.0))
        await journal.write(partial(open_purchase, intent=an_intent(run)))
        await journal.write(
            partial(
                close_purchase,
                intent=an_intent(run),
                state=PurchaseState.IN_DOUBT,
                reason="reset",
                now=2.0,
            )
        )

    async with at_work("r", tmp_path):
        board = await runs_of(a_house(tmp_path))

    assert board.verdict == ("doubt", "Running; 1 image was paid for, perhaps, and lost.")


async def test_whom_a_workers_run_waits_for_is_told(tmp_path: Path) -> None:
    await begin(tmp_path)
    pulse = Pulse(tmp_path, wall=time.time, awaited=lambda: "Flickr (no route)")

    async with at_work("r", tmp_path), pulse.beating():
        await asyncio.sleep(0)
        board = await runs_of(a_house(tmp_path))

    assert board.verdict == ("doubt", "Running, but waiting for Flickr (no route).")


async def test_for_whom_a_worker_waited_is_not_told_of_a_run_after_it(tmp_path: Path) -> None:
    await begin(tmp_path)
    async with Pulse(tmp_path, wall=time.time, awaited=lambda: "Flickr (no route)").beating():
        await asyncio.sleep(0)

    async with at_work("r", tmp_path):
        board = await runs_of(a_house(tmp_path))

    assert board.verdict == ("fine", "Running, and all is well.")


async def test_a_run_that_stands_still_is_not_said_to_be_well(tmp_path: Path) -> None:
    await begin(tmp_path)
    seconds = itertools.count()
    heart = a_heart(tmp_path, clock=lambda: next(seconds), wall=time.time)
    heart.take(events.RunStarted(run="r", groups=("g",), limit=9, resumed=0))
    for _second in range(75):
        heart._note()

    async with heart.beating():
        await asyncio.sleep(0)
        board = await runs_of(a_house(tmp_path))

    assert board.verdict == ("doubt", "Running, but nothing has moved for 1 min 15 s.")


async def test_what_was_sent_is_not_forecast_a_second_time(tmp_path: Path) -> None:
    async with Journal(tmp_path / "journal.sqlite3") as journal:
        run = await journal.write(partial(begin_run, run="r", now=1.0))
        await journal.write(partial(open_purchase, intent=an_intent(run)))

    async with at_work("r", tmp_path):
        money = (await runs_of(a_house(tmp_path))).money

    assert money is not None
    assert (money.units, money.forecast_units) == (1, 9)


async def test_money_is_that_of_the_last_run_where_none_lives(tmp_path: Path) -> None:
    async with at_work("r", tmp_path), Journal(tmp_path / "journal.sqlite3") as journal:
        await journal.write(partial(begin_run, run="r", now=1.0))
    async with Journal(tmp_path / "journal.sqlite3") as journal:
        newer = await journal.write(partial(begin_run, run="newer", now=2.0))
        await journal.write(partial(open_purchase, intent=an_intent(newer)))

    board = await runs_of(a_house(tmp_path))

    assert board.beat is None
    assert board.money is not None
    assert (board.money.units, board.money.forecast_units) == (1, None)
    assert board.ours.images == 1


async def begin(folder: Path) -> None:
    """A journal with a run that has not ended."""
    async with Journal(folder / "journal.sqlite3") as journal:
        await journal.write(partial(begin_run, run="r", now=1.0))


@asynccontextmanager
async def at_work(run: str, folder: Path) -> AsyncIterator[None]:
    """A run that says that it lives while in the block; none where it has no name."""
    if not run:
        yield
        return
    heart = a_heart(folder, wall=time.time)
    heart.take(events.RunStarted(run=run, groups=("g",), limit=9, resumed=0))
    async with heart.beating():
        await asyncio.sleep(0)
        yield


def an_intent(run: int) -> Intent:
    image = an_image("1")
    return Intent(id="p", run=run, at=3.0, features="f", attempt=1, units=1, images=(image,))
