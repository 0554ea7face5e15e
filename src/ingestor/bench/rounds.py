"""Start the sandbox and the run that is measured, each in a process of its own, and gather what it says."""

from __future__ import annotations

import asyncio
import os
import platform
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import orjson

from ingestor.bench.scenarios import NO_QUOTA, UNBOUND, Scenario
from ingestor.errors import IngestorError

START_SECONDS: Final = 60.0
"""For the sandbox: it lays out its photos first, and the machine may be busy."""
STOP_SECONDS: Final = 5.0
LONGEST_RUN: Final = 3600.0
"""Seconds; what takes longer hangs."""
KILL_AT: Final = 0.4
"""The share of photos after which a run is killed, where the scenario wants that."""
LONGEST_LINE: Final = 64 * 2**20
"""Bytes; the last line of a run has the seconds of each of its downloads."""
SEED: Final = 7
MEASURED_WITH: Final = ("ingestor", "aiohttp", "orjson", "pybase64")
WARM_UP: Final = 200
"""Photos taken before anything is measured: the sandbox draws, both compile."""


class BenchFailed(IngestorError):
    """A run did not end as it should; the message says how it ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lap:
    """One repetition of one scenario at one size, as the client told it."""

    scenario: str
    photos: int
    round: int
    quota: int
    """Images a minute; 0 where nobody counts."""
    killed: bool
    seconds: float
    """From the first start to the last end: with a kill, both lives and the pause between."""
    samples: list[dict[str, float]] = field(repr=False)
    final: dict[str, Any] = field(repr=False)
    bill: dict[str, Any]


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load": [round(load, 2) for load in os.getloadavg()],
        "seed": SEED,
        **{name: version(name) for name in MEASURED_WITH},
    }


async def lap(
    scenario: Scenario,
    *,
    photos: int,
    number: int,
    quick: bool,
    loop: str = "uvloop",
    split: bool = True,
) -> Lap:
    """
    Run a scenario once, with a sandbox and a journal of its own. Raises BenchFailed.

    `loop` is "uvloop" (where it is installed) or "asyncio"; `split` samples whose CPU it is.
    """
    quota = scenario.quota(quick=quick)
    with tempfile.TemporaryDirectory(prefix="ingestor-bench-") as folder:
        async with _sandbox(scenario, photos=photos, quota=quota) as addresses:
            asked = {"loop": loop, "split": split}
            warm = _settings(addresses, Path(folder, "warm"), photos=WARM_UP, quota=NO_QUOTA)
            if quota == NO_QUOTA and scenario.fast:
                await _live(Path(folder), {**asked, "split": False, "settings": warm}, told=_nobody)
                await _control(addresses, "/reset")
            settings = _settings(addresses, Path(folder, "state"), photos=photos, quota=quota)
            samples: list[dict[str, float]] = []
            clock = asyncio.get_running_loop().time
            began = clock()
            if scenario.killed:
                await _live_until_killed(Path(folder), {**asked, "settings": settings}, samples)
            pause = clock() - began
            final = await _live(
                Path(folder),
                {**asked, "settings": settings},
                told=lambda line: samples.append({**line, "at": line["at"] + pause}),
            )
            return Lap(
                scenario=scenario.name,
                photos=photos,
                round=number,
                quota=quota,
                killed=scenario.killed,
                seconds=clock() - began,
                samples=samples,
                final=final,
                bill=await _control(addresses, "/bill"),
            )


def _settings(
    addresses: Mapping[str, str], state: Path, *, photos: int, quota: int
) -> dict[str, Any]:
    return {
        "groups": ["zoo"],
        "limit": photos,
        "state": str(state),
        "flickr_url": addresses["flickr_url"],
        "image_url": addresses["image_url"],
        "vision_url": addresses["vision_url"],
        "database_url": addresses["database_url"],
        "flickr_api_key": addresses["flickr_key"],
        "google_api_key": addresses["google_key"],
        "images_per_minute": quota or UNBOUND,
        "requests_per_minute": quota or UNBOUND,
        "max_failures": 1.0,
    }


def _nobody(_line: dict[str, Any]) -> None:
    """For runs that are not looked at."""


async def _live_until_killed(
    folder: Path, asked: dict[str, Any], samples: list[dict[str, float]]
) -> None:
    process = await _client(folder, asked)
    try:
        async for line in _lines(process):
            if "final" in line:
                raise BenchFailed("the run was over before it could be killed")
            samples.append(line)
            if line.get("annotated", 0) >= KILL_AT * asked["settings"]["limit"]:
                return
    finally:
        await _gone(process)


async def _live(
    folder: Path, asked: dict[str, Any], *, told: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Run until the end; returns the last line."""
    process = await _client(folder, asked)
    final: dict[str, Any] | None = None
    try:
        async with asyncio.timeout(LONGEST_RUN):
            async for line in _lines(process):
                if "final" in line:
                    final = line["final"]
                else:
                    told(line)
            await process.wait()
    finally:
        await _gone(process)
    report = final["report"] if final else {}
    if final is None or report.get("pending") or report.get("stored", 0) == 0:
        raise BenchFailed(
            f"the run ended with {report.get('ended', f'exit code {process.returncode}')}: "
            f"{report.get('message', 'see above')}"
        )
    return final


async def _client(folder: Path, asked: dict[str, Any]) -> asyncio.subprocess.Process:
    file = folder / "asked.json"
    await asyncio.to_thread(file.write_bytes, orjson.dumps(asked))
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ingestor.bench.client", str(file)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE,
    )


async def _lines(process: asyncio.subprocess.Process) -> AsyncIterator[dict[str, Any]]:
    if process.stdout is None:
        raise RuntimeError("a client was started without a pipe")
    async for line in process.stdout:
        yield orjson.loads(line)


async def _gone(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


@asynccontextmanager
async def _sandbox(
    scenario: Scenario, *, photos: int, quota: int
) -> AsyncIterator[Mapping[str, str]]:
    """It ends when its stdin closes, even if we are killed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ingestor.sandbox", "--announce", "--until-stdin-closes"),
        *("--port", "0", "--seed", str(SEED), "--photos", str(photos), "--sheets", scenario.sheets),
        *("--images-per-minute", str(quota), "--requests-per-minute", str(quota)),
        *(("--fast",) if scenario.fast else ()),
        *(word for name, rate in scenario.faults.items() for word in ("--fault", f"{name}={rate}")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the sandbox was started without pipes")
    try:
        async with asyncio.timeout(START_SECONDS):
            line = await process.stdout.readline()
        if not line:
            raise BenchFailed("the sandbox did not start")
        yield orjson.loads(line)
    finally:
        process.stdin.close()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            await _gone(process)


async def _control(addresses: Mapping[str, str], path: str) -> dict[str, Any]:
    """Ask the sandbox's control site; resetting is a POST."""
    host, port = addresses["control_url"].removeprefix("http://").split(":")
    method = "POST" if path == "/reset" else "GET"
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            "Content-Length: 2\r\nConnection: close\r\n\r\n{}".encode()
        )
        async with asyncio.timeout(STOP_SECONDS):
            _head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
    answer = orjson.loads(body) if body else {}
    return answer if isinstance(answer, dict) else {}


def as_json(laps: list[Lap], *, about: Mapping[str, Any]) -> bytes:
    """Everything that was seen, for whoever wants to look again."""
    return orjson.dumps(
        {"about": dict(about), "laps": [asdict(one) for one in laps]},
        option=orjson.OPT_INDENT_2,
        default=str,
    )


def _cpu() -> str:
    """As the system names it; on Linux `platform` knows the architecture only."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
