"""`import ingestor`: what a program of somebody else's is promised."""

from __future__ import annotations

import asyncio
import re
import signal
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from ingestor import Event, Lifetime, Settings, SettingsError, Stopping, forecast, ingest
from ingestor.sandbox.options import Options
from ingestor.sandbox.server import Sandbox
from ingestor.settings import variables
from tests.integration.conftest import settings_for
from tests.integration.console import PATIENCE, environment
from tests.sandboxes import way_to

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LIBRARY = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")


async def test_a_run_that_is_stopped_before_it_begins_says_so_by_a_public_name(
    sandbox: Sandbox, state: Path
) -> None:
    lifetime = Lifetime(drain=8.0)
    lifetime.stop("enough")

    with pytest.raises(Stopping):
        await ingest(settings_for(sandbox, state), lifetime=lifetime)


async def test_a_program_that_asks_for_a_forecast_of_a_run_buys_nothing(
    sandbox: Sandbox, state: Path
) -> None:
    settings = settings_for(sandbox, state, limit=5, dry_run=True)

    with pytest.raises(SettingsError, match="`forecast`"):
        await ingest(settings, lifetime=Lifetime(drain=8.0))

    assert sandbox.bill.units == 0


@pytest.mark.parametrize("ask", [ingest, forecast])
async def test_a_program_that_asks_for_the_sandbox_does_not_get_the_vendors(
    ask: Callable[..., Awaitable[object]], tmp_path: Path
) -> None:
    settings = Settings.read(
        groups=("zoo",), state=tmp_path, sandbox=True, flickr_api_key="k", google_api_key="k"
    )

    with pytest.raises(SettingsError, match="`ingestor sandbox`"):
        await ask(settings, lifetime=Lifetime(drain=8.0))


@pytest.mark.parametrize("ask", [ingest, forecast])
async def test_a_program_that_names_no_group_is_not_told_that_all_is_complete(
    sandbox: Sandbox, tmp_path: Path, ask: Callable[..., Awaitable[object]]
) -> None:
    settings = settings_for(sandbox, tmp_path / "state", groups=())

    with pytest.raises(SettingsError, match="groups"):
        await ask(settings, lifetime=Lifetime(drain=8.0))


@pytest.mark.parametrize("kind", ["RunStarted", "BatchSent", "BatchSettled", "UpdateStored"])
async def test_an_error_of_a_listener_loses_nothing_that_is_paid_for(
    sandbox: Sandbox, state: Path, kind: str
) -> None:
    settings = settings_for(sandbox, state, limit=100)

    def listen(event: Event) -> None:
        if type(event).__name__ == kind:
            raise LookupError(kind)

    with pytest.raises(LookupError, match=kind):
        await ingest(settings, lifetime=Lifetime(drain=8.0), listen=listen)
    rest = await ingest(settings, lifetime=Lifetime(drain=8.0))

    assert sandbox.bill.units == len(sandbox.bill.images) == 100
    assert rest.units.possible == 0


async def test_the_example_loses_nothing_that_is_paid_for_to_ctrl_c(
    tmp_path: Path, state: Path
) -> None:
    memory = tmp_path / "sandbox"
    memory.mkdir()
    async with Sandbox(Options(port=0, photos=400, sketches=True, memory=memory)) as sandbox:
        example = await started(sandbox, state)
        await buying(sandbox)
        example.send_signal(signal.SIGINT)
        out, _ = await example.communicate()
        billed = sandbox.bill.units

    stored, units = map(int, out.split())
    assert stored == units == billed > 0
    with closing(sqlite3.connect(state / "journal.sqlite3")) as db:
        assert db.execute("SELECT DISTINCT state FROM purchases").fetchall() == [("settled",)]


async def test_the_test_of_a_program_that_is_shown_needs_nothing_more(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(shown_in(LIBRARY), encoding="utf-8")

    pytest_run = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py"),
        cwd=tmp_path,
        env=environment(),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await pytest_run.communicate()

    assert b"1 passed" in out, out.decode()


async def buying(sandbox: Sandbox) -> None:
    """Until something is being paid for, of which another process alone could tell."""
    for _ in range(int(PATIENCE * 100)):
        if sandbox.calls.total("vision"):
            return
        await asyncio.sleep(0.01)


async def started(sandbox: Sandbox, state: Path) -> asyncio.subprocess.Process:
    """What the README shows, about a group of the sandbox's."""
    names = variables()
    way = {names[setting]: value for setting, value in way_to(sandbox).items()}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        shown_in(README).replace("12345678@N00", "zoo"),
        env=environment(**way, INGESTOR_STATE=str(state)),
        stdout=asyncio.subprocess.PIPE,
    )


def shown_in(page: str) -> str:
    """The first program of a document."""
    shown = re.search(r"^```python\n(.*?)```", page, flags=re.MULTILINE | re.DOTALL)
    assert shown
    return shown[1]
