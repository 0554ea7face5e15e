"""The whole sandbox in a thread of its own: judges block, and must not block it."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Iterator

import pytest

from ingestor.sandbox.options import Options
from ingestor.sandbox.server import Sandbox

SECONDS = 20
"""Longer than any answer on loopback takes; only a hang gets there."""

ZOO_PHOTOS = 1_200


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    options = Options(
        port=0, fast=True, photos=ZOO_PHOTOS, images_per_minute=0, requests_per_minute=0
    )
    served: queue.Queue[Sandbox] = queue.Queue()
    loop = asyncio.new_event_loop()
    leave = asyncio.Event()

    async def serve() -> None:
        async with Sandbox(options) as sandbox:
            served.put(sandbox)
            await leave.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), name="sandbox")
    thread.start()
    try:
        yield served.get(timeout=SECONDS)
    finally:
        loop.call_soon_threadsafe(leave.set)
        thread.join(SECONDS)
        loop.close()
