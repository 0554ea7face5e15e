"""What the database remembers from one start of the sandbox to the next: one file, replaced whole."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import orjson

from ingestor.sandbox.rtdb.database import Change, Database
from ingestor.sandbox.rtdb.rules import Rules

FILE_NAME: Final = "database.json"
FORMAT: Final = 1

EVERY_SECONDS: Final = 3.0
"""A killed sandbox loses at most this much, as long as saving is quick."""

MAX_SHARE_OF_TIME: Final = 0.05
"""Saving a big tree stops the server; it waits so long in between that it costs no more."""


@asynccontextmanager
async def remembered(
    database: Database, *, directory: Path, every: float = EVERY_SECONDS
) -> AsyncIterator[None]:
    """Load what the directory holds, save while inside when something changed, save at the end."""
    file = directory / FILE_NAME
    await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
    if await asyncio.to_thread(file.exists):
        restore(database, await asyncio.to_thread(file.read_bytes))
    leaving = asyncio.Event()
    keeping = _keep(database, file, saved=database.revision, every=every, leaving=leaving)
    keeper = asyncio.create_task(keeping, name="snapshot")
    try:
        yield
    finally:
        # Not cancelled: a thread that still writes would overtake the last save.
        leaving.set()
        await keeper


def serialised(database: Database) -> bytes:
    """Everything as JSON, priorities included."""
    namespaces = {
        name: {
            "value": namespace.tree.value(export=True),
            "rules": namespace.rules.text,
            "writeSizeLimit": namespace.write_size_limit,
        }
        for name, namespace in database.namespaces.items()
    }
    return orjson.dumps({"format": FORMAT, "namespaces": namespaces})


def restore(database: Database, content: bytes) -> None:
    """Fill the database from a snapshot. Raises `ValueError` for anything else."""
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"the database's snapshot cannot be read: {error}") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f"the database's snapshot is not of format {FORMAT}")
    for name, kept in document["namespaces"].items():
        namespace = database.namespace(name)
        writes = namespace.tree.planned({(): kept["value"]}, now=database.now)
        namespace.commit(Change(base=(), writes=writes, merged=False))
        namespace.set_rules(Rules(kept["rules"]))
        namespace.set_write_size_limit(kept["writeSizeLimit"])


async def _keep(
    database: Database, file: Path, *, saved: int, every: float, leaving: asyncio.Event
) -> None:
    pause, last = every, False
    while not last:
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                last = await leaving.wait()
        if database.revision == saved:
            continue
        saved, begun = database.revision, time.monotonic()
        content = serialised(database)
        pause = max(every, (time.monotonic() - begun) / MAX_SHARE_OF_TIME)
        await asyncio.to_thread(_replace, file, content)


def _replace(file: Path, content: bytes) -> None:
    """Write beside, then rename: a reader finds the old or the new, never half of one."""
    beside = file.with_suffix(".new")
    beside.write_bytes(content)
    beside.replace(file)
