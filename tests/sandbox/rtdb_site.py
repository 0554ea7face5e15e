"""The sandbox's database on a loopback socket, and a plain client for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from ingestor.sandbox.calls import Calls
from ingestor.sandbox.faults import Faults
from ingestor.sandbox.latency import Latency
from ingestor.sandbox.rtdb.app import application
from ingestor.sandbox.rtdb.callers import NEEDED_SCOPES
from ingestor.sandbox.rtdb.database import Database
from ingestor.sandbox.rtdb.misbehaviour import FAULTS, KNOBS

OWNER = {"Authorization": "Bearer owner"}
GOOD_TOKEN = "canary-good-token"
NARROW_TOKEN = "canary-narrow-token"

PATIENCE = aiohttp.ClientTimeout(total=30)

TOKENS = {GOOD_TOKEN: NEEDED_SCOPES, NARROW_TOKEN: frozenset({"email"})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def error(self) -> str:
        return str(self.json["error"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    database: Database
    faults: Faults
    calls: Calls
    tokens: dict[str, frozenset[str]]
    origin: str
    session: aiohttp.ClientSession
    loop: asyncio.AbstractEventLoop

    async def ask(
        self,
        verb: str,
        path: str,
        value: Any = None,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] = OWNER,
        params: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request as an admin, unless the headers say otherwise, and read its answer."""
        content = body if body is not None or value is None else orjson.dumps(value)
        async with self.session.request(
            verb,
            f"{self.origin}{path}",
            data=content,
            headers=headers,
            params=params,
            allow_redirects=False,
        ) as response:
            return Reply(
                status=response.status, headers=response.headers, body=await response.read()
            )


async def until(condition: Callable[[], bool]) -> None:
    """Let everything else run until the condition holds."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - nobody could set an event
            await asyncio.sleep(0.001)


@asynccontextmanager
async def serving(
    *, knobs: Mapping[str, float] | None = None, **rates: float
) -> AsyncIterator[Site]:
    """A fresh database; rates name faults without their prefix, with underscores."""
    named = {f"database.{name.replace('_', '-')}": rate for name, rate in rates.items()}
    faults = Faults(7, named, known=FAULTS, knobs={**KNOBS, **(knobs or {})})
    database, calls, tokens = Database(), Calls(), dict(TOKENS)
    app = application(
        database=database,
        faults=faults,
        latency=Latency(7, fast=True),
        calls=calls,
        scopes=tokens.get,
    )
    # The sandbox lets the database finish for a client that has left; here nobody waits for that.
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        port = await _open(runner)
        async with aiohttp.ClientSession(timeout=PATIENCE) as session:
            yield Site(
                database=database,
                faults=faults,
                calls=calls,
                tokens=tokens,
                origin=f"http://127.0.0.1:{port}",
                session=session,
                loop=asyncio.get_running_loop(),
            )
    finally:
        await runner.cleanup()


async def _open(runner: web.AppRunner) -> int:
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port: int = runner.addresses[0][1]
    return port
