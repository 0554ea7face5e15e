"""
How fast the collection is looked through, from the question to the first paint.

    python benchmarks/catalog.py                        a million photos; some ten minutes
    python benchmarks/catalog.py --photos 20000 --database-photos 5000 --keep /tmp/bench

Builds a seeded collection in a journal, publishes a smaller one to the sandbox's database, asks both
the same questions, and opens the page over the first in Chromium. With `--keep` the journal is there
the next time, and is built anew for another number of photos.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from collection import BATCH, LABELS_PER_PHOTO, build, label_name, photos_in, publish
from first_paint import Visit, visits

from ingestor.apis.google import EMULATOR_OWNER
from ingestor.apis.rtdb import Database
from ingestor.apis.rtdb import Query as Range
from ingestor.catalog import Catalog
from ingestor.catalog.finding import find, find_photo, suggestions
from ingestor.catalog.local import LocalCatalog
from ingestor.catalog.query import Hit, LabelCount, Page, Query, asked_key
from ingestor.catalog.rtdb import DatabaseCatalog
from ingestor.journal.reader import open_reader
from ingestor.transport import HttpTransport, Request, Response, Transport

JOURNAL = "journal.sqlite3"
PAGE = 30
SEED = 1
POPULAR = [label_name(number) for number in range(400)]
"""The largest labels of the collection, the largest first."""
ROUNDS, COUNTED_ROUNDS, DATABASE_ROUNDS = 100, 20, 20

Ask = Callable[[], Awaitable[object]]
Reads = Callable[[], tuple[int, int]]
"""How often it was read, and how many bytes, so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    question: str
    p50: float
    """Milliseconds."""
    p95: float
    reads: float
    read_bytes: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=int, default=1_000_000)
    parser.add_argument("--database-photos", type=int, default=100_000, help="0 leaves it out")
    parser.add_argument("--keep", type=Path, help="a directory for the journal")
    parser.add_argument("--paints", type=int, default=5, help="first visits; 0 leaves them out")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="catalog-") as scratch:
        folder = asked.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        embedded(folder / JOURNAL, photos=asked.photos)
        if asked.database_photos:
            in_database(photos=asked.database_photos)
        if asked.paints and (chromium := shutil.which("chromium") or shutil.which("google-chrome")):
            print_visits(visits(folder, chromium=chromium, label=POPULAR[0], times=asked.paints))


def embedded(path: Path, *, photos: int) -> None:
    took = ""
    if photos_in(path) != photos:
        took = f", built in {build(path, photos=photos, seed=SEED):.0f} s"
    size = path.stat().st_size / 1e9
    print(f"\n{photos:,} photos × {LABELS_PER_PHOTO} labels, embedded: {size:.2f} GB{took}\n")
    print_rows(asyncio.run(ask_embedded(path)))


def in_database(*, photos: int) -> None:
    with sandbox() as address:
        seconds, rows = asyncio.run(ask_database(address, photos=photos))
    print(
        f"\n{photos:,} photos × {LABELS_PER_PHOTO} labels in the sandbox's database, 60 ms away: "
        f"published in {seconds:.0f} s\n"
    )
    print_rows(rows)


async def ask_embedded(path: Path) -> list[Row]:
    async with LocalCatalog(path) as catalog:
        deep = None
        for _ in range(1000 * PAGE // BATCH):
            query = Query(labels=(POPULAR[0],), limit=BATCH, cursor=deep)
            deep = (await catalog.search(query)).next or deep
        last = ("page 1,000", deep)
        timed = await measured(questions(catalog, deep=last), rounds=ROUNDS)
    counted = await measured(
        questions(Unmapped(path), deep=last), rounds=COUNTED_ROUNDS, so_far=read_by_us
    )
    return [
        replace(row, reads=other.reads, read_bytes=other.read_bytes)
        for row, other in zip(timed, counted, strict=True)
    ]


async def ask_database(address: str, *, photos: int) -> tuple[float, list[Row]]:
    async with HttpTransport(origins={"database": [address]}, user_agent="benchmark") as transport:
        counting = Counting(transport)
        database = Database(counting, url=address, access=EMULATOR_OWNER)
        seconds = await publish(database, photos=photos, seed=SEED)
        page = photos // 200
        key, far = f"index/{asked_key(POPULAR[0])}", Range(limit_to_first=page * PAGE)
        deep = max(await database.read(key, query=far))
        asking = questions(DatabaseCatalog(database), deep=(f"page {page}", deep))
        rows = await measured(asking, rounds=DATABASE_ROUNDS, so_far=counting.so_far)
        return seconds, rows


def questions(catalog: Catalog, *, deep: tuple[str, str | None]) -> Mapping[str, Ask]:
    """What is asked, each time of other labels where that can be."""
    dice = random.Random(SEED)

    def search(**asked: object) -> Awaitable[object]:
        return catalog.search(Query(limit=PAGE, **asked))  # type: ignore[arg-type]

    def of(most: int, count: int = 1) -> tuple[str, ...]:
        return tuple(dice.sample(POPULAR[:most], count))

    return {
        "first page": lambda: search(labels=of(400)),
        "first page, of the largest": lambda: search(labels=(POPULAR[0],)),
        "first page, score at least 70 %": lambda: search(labels=of(400), min_score=0.7),
        "and, the two largest": lambda: search(labels=(POPULAR[0], POPULAR[1])),
        "and, two of the 10 largest": lambda: search(labels=of(10, 2)),
        "and, two of the 100 largest": lambda: search(labels=of(100, 2)),
        "and, two of the 400 largest": lambda: search(labels=of(400, 2)),
        "or, two of the 100 largest": lambda: search(any_of=(of(100, 2),)),
        "not, two of the 100 largest": lambda: search(labels=of(100), none_of=of(100)),
        deep[0]: lambda: search(labels=(POPULAR[0],), cursor=deep[1]),
        "autocomplete, one letter": lambda: catalog.suggest(dice.choice("bcdfglmnprstv"), limit=8),
        "autocomplete, three letters": lambda: catalog.suggest(of(400)[0][:3], limit=8),
        "popular labels": lambda: catalog.popular(limit=24),
        "misspelt label": lambda: search(labels=(of(400)[0][:-1] + "x",)),
    }


def nothing() -> tuple[int, int]:
    return 0, 0


async def measured(asking: Mapping[str, Ask], *, rounds: int, so_far: Reads = nothing) -> list[Row]:
    rows = []
    for question, ask in asking.items():
        await ask()
        seconds, before = [], so_far()
        for _ in range(rounds):
            began = time.perf_counter()
            await ask()
            seconds.append(time.perf_counter() - began)
        reads, size = (now - then for now, then in zip(so_far(), before, strict=True))
        cuts = statistics.quantiles(seconds, n=20)
        rows.append(
            Row(
                question=question,
                p50=cuts[9] * 1e3,
                p95=cuts[18] * 1e3,
                reads=reads / rounds,
                read_bytes=size / rounds,
            )
        )
    return rows


class Unmapped:
    """The embedded catalog without its map and its cache: what a question reads, it reads."""

    def __init__(self, path: Path) -> None:
        self._db = open_reader(path)
        self._db.execute("PRAGMA mmap_size=0")

    async def search(self, query: Query) -> Page:
        return find(self._forgetful(), query)

    async def suggest(self, prefix: str, *, limit: int = 10) -> tuple[LabelCount, ...]:
        return suggestions(self._forgetful(), asked_key(prefix), most=limit)

    async def popular(self, *, limit: int = 24) -> tuple[LabelCount, ...]:
        return suggestions(self._forgetful(), "", most=limit)

    async def photo(self, photo_id: str) -> Hit | None:
        return find_photo(self._forgetful(), photo_id)

    def _forgetful(self) -> sqlite3.Connection:
        self._db.execute("PRAGMA shrink_memory")
        return self._db


def read_by_us() -> tuple[int, int]:
    """By this process, so far; zeros where the system does not count."""
    try:
        lines = Path("/proc/self/io").read_text().split()
    except OSError:
        return 0, 0
    return int(lines[lines.index("syscr:") + 1]), int(lines[lines.index("rchar:") + 1])


class Counting:
    """A transport that counts what it brings."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._reads = self._bytes = 0

    async def send(self, request: Request) -> Response:
        response = await self._transport.send(request)
        self._reads += 1
        self._bytes += len(response.body)
        return response

    def so_far(self) -> tuple[int, int]:
        return self._reads, self._bytes


@contextmanager
def sandbox() -> Iterator[str]:
    """The address of a database; its process ends with the block."""
    command = [sys.executable, "-m", "ingestor.sandbox", "--announce", "--until-stdin-closes"]
    process = subprocess.Popen(
        [*command, "--port", "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ
    )
    try:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        yield json.loads(process.stdout.readline())["database_url"]
    finally:
        process.communicate()


def print_rows(rows: Sequence[Row]) -> None:
    print(
        f"| {'question':<32} | {'p50 ms':>8} | {'p95 ms':>8} | {'reads':>7} | {'bytes read':>11} |"
    )
    print(f"|{'-' * 34}|{'-' * 9}:|{'-' * 9}:|{'-' * 8}:|{'-' * 12}:|")
    for row in rows:
        print(
            f"| {row.question:<32} | {row.p50:8.1f} | {row.p95:8.1f} | {row.reads:7.1f} "
            f"| {row.read_bytes:11,.0f} |"
        )


def print_visits(seen: Mapping[str, Sequence[Visit]]) -> None:
    print("\nFirst visits in Chromium, browser and server just started\n")
    print("| page | first paint ms, median | worst | bytes without pictures | unpacked |")
    print("|---|---:|---:|---:|---:|")
    for path, own in seen.items():
        paints = sorted(visit.paint for visit in own)
        print(
            f"| {path} | {statistics.median(paints):.0f} | {paints[-1]:.0f} "
            f"| {own[0].received:,} | {own[0].unpacked:,} |"
        )


if __name__ == "__main__":
    main()
