"""Two real runs at once, each with a state directory of its own, as on two machines: one of them buys."""

from __future__ import annotations

import asyncio
import platform
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from typing import Any

from ingestor.sandbox.server import Sandbox
from tests.integration.console import PATIENCE, START, UNLIMITED, environment

PHOTOS = 32


async def machine(sandbox: Sandbox, state: Path, *more: str) -> Process:
    words = ("--group", "zoo", "--limit", str(PHOTOS), "--state", str(state))
    return await asyncio.create_subprocess_exec(
        *START, *words, *UNLIMITED, *more,
        env=environment(**sandbox.addresses.settings()), stdin=DEVNULL, stdout=PIPE, stderr=PIPE,
    )  # fmt: skip


async def ended(process: Process) -> tuple[int | None, bytes, bytes]:
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    return process.returncode, out, err


async def until_it_buys(process: Process) -> None:
    assert process.stderr is not None
    async with asyncio.timeout(PATIENCE):
        async for line in process.stderr:
            if b'"batch_sent"' in line:
                return
    raise AssertionError("it never bought")


def leases(sandbox: Sandbox) -> list[Any]:
    found = sandbox.database.value("sandbox", "/leases")
    return list(found.values()) if isinstance(found, dict) else []


async def test_of_two_machines_one_buys_and_the_other_says_which(sandbox: Sandbox, tmp_path: Path):
    sandbox.faults.set("vision.stall", 1.0)
    first = await machine(sandbox, tmp_path / "a", "--log-level", "debug", "--log-format", "json")
    await until_it_buys(first)

    code, _, said = await ended(await machine(sandbox, tmp_path / "b"))

    assert code == 3
    assert f"@{platform.node()}" in said.decode()
    assert "add --wait" in said.decode()
    assert 0 < sandbox.bill.most_for_one_image() <= 1

    for _ in range(2):
        first.send_signal(signal.SIGTERM)
    stopped, _, _ = await ended(first)

    assert stopped == 128 + signal.SIGTERM
    assert [lease["until"] for lease in leases(sandbox)] == [0]
