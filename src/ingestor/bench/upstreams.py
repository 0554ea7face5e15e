"""The sandbox of a lap: a process of its own, from its announcement to its end."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import orjson

from ingestor.bench.machine import keep_apart, nginx
from ingestor.bench.scenarios import SEED, Scenario
from ingestor.errors import IngestorError
from ingestor.kits import children

START_SECONDS: Final = 60.0
"""It lays out its photos first, and the machine may be busy."""
STOP_SECONDS: Final = 5.0
WARM_PARTS: Final = ("bill", "calls", "database", "quota")
"""What a warm-up leaves behind; faults and pictures are to stay."""


class BenchFailed(IngestorError):
    """A run did not end as it should; the message says how it ended."""


@asynccontextmanager
async def sandbox(
    scenario: Scenario, *, photos: int, quota: int
) -> AsyncIterator[Mapping[str, str]]:
    """Start it and yield its addresses; it ends when its stdin closes, even if we are killed."""
    process = await asyncio.create_subprocess_exec(
        *command(scenario, photos=photos, quota=quota),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    if process.stdout is None:
        raise RuntimeError("the sandbox was started without pipes")
    keep_apart(far_end=process.pid)
    try:
        async with asyncio.timeout(START_SECONDS):
            line = await process.stdout.readline()
        if not line:
            raise BenchFailed("the sandbox did not start")
        yield orjson.loads(line)
    finally:
        await children.end(process, patience=STOP_SECONDS)


def command(scenario: Scenario, *, photos: int, quota: int) -> list[str]:
    """The words that make a sandbox one of this scenario."""
    return [
        *(*children.MODULE, "ingestor.sandbox", "--announce", "--until-stdin-closes"),
        *("--port", "0", "--seed", str(SEED), "--photos", str(photos), "--sheets", scenario.sheets),
        *("--images-per-minute", str(quota), "--requests-per-minute", str(quota)),
        *(("--fast",) if scenario.fast else ()),
        *(("--tls",) if scenario.tls else ()),
        *(("--nginx",) if scenario.nginx and nginx() else ()),
        *(word for name, rate in scenario.faults.items() for word in ("--fault", f"{name}={rate}")),
    ]


async def forget_the_warm_up(addresses: Mapping[str, str]) -> None:
    await asyncio.to_thread(_control, addresses, "POST", "/reset", question={"only": WARM_PARTS})


async def bill(addresses: Mapping[str, str]) -> dict[str, Any]:
    """What it would charge."""
    return await asyncio.to_thread(_control, addresses, "GET", "/bill", question={})


def _control(
    addresses: Mapping[str, str], method: str, path: str, *, question: Mapping[str, object]
) -> dict[str, Any]:
    """Blocks: for a thread."""
    place = addresses["control_url"].removeprefix("http://")
    connection = http.client.HTTPConnection(place, timeout=STOP_SECONDS)
    try:
        body = orjson.dumps(question)
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        said = response.read()
    except (OSError, http.client.HTTPException):
        raise BenchFailed(f"the sandbox did not answer {method} {path}") from None
    finally:
        connection.close()
    if response.status != http.HTTPStatus.OK:
        raise BenchFailed(f"the sandbox answered {method} {path} with {response.status}")
    answer = orjson.loads(said)
    return answer if isinstance(answer, dict) else {}
