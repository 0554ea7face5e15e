"""
The run that is measured: a process of its own, whose CPU and memory are nobody else's.

It is `ingestor.bench.client`; what it says, a line of JSON each, is handed on as it comes.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from ingestor.bench.machine import keep_apart
from ingestor.bench.upstreams import BenchFailed
from ingestor.exits import COMPLETE
from ingestor.kits import children
from ingestor.settings import variables

LONGEST_RUN: Final = 3600.0
"""Seconds; what takes longer hangs."""
KILL_AT: Final = 0.4
"""The share of photos after which a run is killed, where the scenario wants that."""
LONGEST_LINE: Final = 64 * 2**20
"""Bytes; the last line of a run has the seconds of each of its downloads."""

Told = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """What the runs of a lap have in common. `settings` are those of the run, as JSON."""

    folder: Path
    loop: str
    addresses: Mapping[str, str]

    async def warm_up(self, settings: Mapping[str, Any]) -> None:
        """Run to the end, and look at nothing."""
        await self.live(settings, told=lambda _line: None, split=False)

    async def live_until_killed(self, settings: Mapping[str, Any], *, told: Told) -> None:
        """Run until a good part is annotated, then send SIGKILL."""
        process = await self._started(settings)
        try:
            async for line in _lines(process):
                if "final" in line:
                    raise BenchFailed("the run was over before it could be killed")
                told(line)
                if line.get("annotated", 0) >= KILL_AT * settings["limit"]:
                    return
        finally:
            await children.kill(process)

    async def live(
        self, settings: Mapping[str, Any], *, told: Told, split: bool = True
    ) -> dict[str, Any]:
        """Run to the end; returns what the last line says. `split` samples whose CPU it is."""
        process = await self._started(settings, split=split)
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
            await children.kill(process)
        if final is None:
            raise BenchFailed(f"the run ended with exit code {process.returncode}: see above")
        judge(final["report"], limit=settings["limit"])
        return final

    async def _started(
        self, settings: Mapping[str, Any], *, split: bool = True
    ) -> asyncio.subprocess.Process:
        file = self.folder / "asked.json"
        asked = {"loop": self.loop, "split": split, "settings": settings}
        await asyncio.to_thread(file.write_bytes, orjson.dumps(asked))
        process = await asyncio.create_subprocess_exec(
            *(*children.MODULE, "ingestor.bench.client", str(file)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            limit=LONGEST_LINE,
            env=environment(self.addresses),
        )
        keep_apart(client=process.pid)
        return process


def judge(report: Mapping[str, Any], *, limit: int) -> None:
    """Raises BenchFailed for a run that did not do its work: what it cost says nothing."""
    if report["exit_code"] != COMPLETE:
        raise BenchFailed(
            f"the run ended with {report['ended']}: {report.get('message') or 'see above'}"
        )
    if report["listed"] < limit:
        raise BenchFailed(f"{report['listed']} of {limit} photos were listed")


def environment(addresses: Mapping[str, str | None]) -> dict[str, str]:
    """
    Ours without settings, of which a scenario has all that are measured. It believes in a sandbox's TLS,
    and is known to its database there.
    """
    settings = variables().values()
    ours = {name: value for name, value in os.environ.items() if name not in settings}
    authority, account = addresses["authority_file"], addresses["service_account_file"]
    if authority is None or account is None:
        return ours
    return ours | {"SSL_CERT_FILE": authority, "GOOGLE_APPLICATION_CREDENTIALS": account}


async def _lines(process: asyncio.subprocess.Process) -> AsyncIterator[dict[str, Any]]:
    if process.stdout is None:
        raise RuntimeError("a client was started without a pipe")
    async for line in process.stdout:
        yield orjson.loads(line)
