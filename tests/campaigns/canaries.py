"""
Every credential is a canary, every fault strikes, and nothing that is written or shown holds one:
log lines of both forms at debug, reports, the journal's bytes, what other commands print, the list
of processes, and tracebacks with the locals of every frame.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import random
import re
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import orjson

from ingestor.engines import local
from ingestor.errors import IngestorError
from ingestor.kits.lifetime import Lifetime
from ingestor.sandbox.server import FAULTS, Sandbox
from ingestor.settings import Settings
from tests.campaigns.arena import PATIENCE, Arena, arena
from tests.sandboxes import NO_QUOTAS, way_to

FEW, MANY = 48, 400
"""Photos of a run in which one fault strikes all the time, and in which two strike now and then."""
IMPATIENT: Final = {"INGESTOR_PATIENCE": "1"}
"""Seconds that one upstream may fail; most faults have spoken by then."""
SAYS_SO_EVERY: Final = 50
TOO_SLOW: Final = frozenset(
    {"vision.stall", "vision.late", "database.stall", "database.stall-after-apply"}
    | {"vision.slow-read", "database.slow-write", "database.slow-commit", "flickr.slow-body"}
    | {"image.stall", "image.drip", "google.stall"}
)
"""They wait for deadlines of minutes; what they say in the end, others say as well."""
ONE_BY_ONE: Final = tuple(sorted(set(FAULTS) - TOO_SLOW))
AFTERWARDS: Final = (
    ("status",),
    ("status", "--json"),
    ("export",),
    ("search", "mammal", "--json"),
    ("dead", "list"),
    ("dead", "list", "--json"),
)
PATTERNS: Final = re.compile(
    rb"ya29\.sandbox-|-----BEGIN [A-Z ]*PRIVATE KEY|\beyJ[\w-]{20,}\.eyJ|Bearer (?!\*|owner\b)[\w.]{8}"
)
"""Access tokens of any run, key files, signed assertions, and headers in full."""


@dataclass(kw_only=True)
class Tally:
    runs: int = 0
    faults: set[str] = field(default_factory=set)
    bytes: Counter[str] = field(default_factory=Counter)
    """Looked through, by where they were written."""
    ended: Counter[int] = field(default_factory=Counter)
    hits: list[str] = field(default_factory=list)


class Watch:
    """Knows the canaries of one sandbox, in every spelling that one could slip through in."""

    def __init__(self, sandbox: Sandbox, tally: Tally) -> None:
        addresses = sandbox.addresses
        key_file = orjson.loads(Path(addresses.service_account_file).read_bytes())
        body = key_file["private_key"].splitlines()[1:-1]
        secrets = {
            "flickr key": [addresses.flickr_key],
            "google key": [addresses.google_key],
            "private key": [line for line in body if len(line) > 40][:3],
        }
        self._spellings = [
            (name, spelling.encode())
            for name, values in secrets.items()
            for value in values
            for spelling in spellings(value)
        ]
        self._tally = tally

    def look(self, sink: str, content: bytes, *, where: str) -> None:
        self._tally.bytes[sink] += len(content)
        for name, spelling in self._spellings:
            if spelling in content:
                self._tally.hits.append(
                    f"{where}: the {name} in {sink}: {around(content, spelling)!r}"
                )
        if found := PATTERNS.search(content):
            self._tally.hits.append(f"{where}: a secret in {sink}: {around(content, found[0])!r}")


def spellings(secret: str) -> set[str]:
    """As it is, quoted for URLs, in base64 from each of three places, in hexadecimal, reversed."""
    shifted = [base64.b64encode(b"x" * n + secret.encode()).decode()[4:-4] for n in range(3)]
    return {secret, quote(secret, safe=""), secret.encode().hex(), secret[::-1], *shifted}


def around(content: bytes, found: bytes) -> bytes:
    """The hit among its neighbours; they are canaries, so they may be shown."""
    start = content.index(found)
    return content[max(0, start - 80) : start + 80]


def surroundings(arena: Arena, *, tokens: bool) -> dict[str, str]:
    """With keys and the emulator's owner, or with tokens of a service account everywhere."""
    settings = arena.sandbox.addresses.settings() | IMPATIENT
    if not tokens:
        return settings
    del settings["GOOGLE_API_KEY"]
    return settings | {
        "FIREBASE_DATABASE_URL": settings["FIREBASE_DATABASE_URL"].partition("?")[0],
        "GOOGLE_APPLICATION_CREDENTIALS": arena.sandbox.addresses.service_account_file,
    }


async def run_watched(
    arena: Arena,
    watch: Watch,
    tally: Tally,
    faults: Sequence[str],
    *,
    seed: int,
    afterwards: Sequence[Sequence[str]] = AFTERWARDS,
) -> None:
    """One run under these faults, the commands that tell of it, and its files."""
    dice = random.Random(seed)
    arena.forget()
    alone = len(faults) == 1
    for fault in faults:
        arena.sandbox.faults.set(fault, 1.0 if alone else dice.choice((0.01, 0.1)))
    tokens = any(fault.startswith("google.") for fault in faults) or dice.random() < 0.5
    env = surroundings(arena, tokens=tokens)
    form = dice.choice(("text", "json"))
    state = arena.state()
    where = f"{'+'.join(faults)}, seed {seed}"
    words = (
        *("--group", "zoo", "--limit", str(FEW if alone else MANY), "--state", str(state)),
        *("--images-per-minute", "1000000", "--requests-per-minute", "1000000"),
        *("--log-level", "debug", "--log-format", form),
        *("--report", dice.choice(("text", "json")), "--drain", "0.5"),
    )
    run = await arena.forks.start(words, env=env, folder=arena.folder / "said")
    while not run.ended.done():
        look_at_processes(watch, where)
        await asyncio.wait((run.ended,), timeout=0.25)
    tally.ended[await run.code(patience=PATIENCE)] += 1
    tally.runs += 1
    tally.faults |= set(faults)
    watch.look(f"log lines ({form})", run.err.read_bytes(), where=where)
    watch.look("reports", run.out.read_bytes(), where=where)
    for part in state.rglob("*"):
        # Room kept on the disk is 64 MB of nothing, and would make the figure look good.
        if part.is_file() and part.name != "reserve":
            watch.look("state directory", part.read_bytes(), where=where)
    for command in afterwards:
        told = await arena.forks.start(
            (*command, "--state", str(state)), env=env, folder=arena.folder / "told"
        )
        await told.code(patience=PATIENCE)
        said = told.out.read_bytes() + told.err.read_bytes()
        watch.look("other commands", said, where=where)


def look_at_processes(watch: Watch, where: str) -> None:
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes()
        except OSError:
            continue
        if b"ingestor" in words or b"campaigns" in words:
            watch.look("process list", words, where=where)


async def crash_watched(arena: Arena, watch: Watch, fault: str) -> None:
    """The same machine in this process: whatever ends its run is printed with all locals."""
    arena.forget()
    arena.sandbox.faults.set(fault, 1.0)
    settings = Settings.read(
        groups=("zoo",),
        limit=FEW,
        state=arena.state(),
        patience=1.0,
        drain=0.5,
        **way_to(arena.sandbox),
        **NO_QUOTAS,
    )
    lifetime = Lifetime(drain=0.5)
    error: BaseException | None = None
    try:
        await local.ingest(settings, lifetime=lifetime)
    except IngestorError as raised:
        error = raised
    for shown in with_locals(error or lifetime.error):
        watch.look("tracebacks with locals", shown.encode(errors="replace"), where=fault)


def with_locals(error: BaseException | None) -> Iterator[str]:
    """The error and all that hangs on to it, but for the frames of this campaign."""
    if error is None:
        return
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    told = traceback.TracebackException(type(error), error, trace, capture_locals=True)
    yield "".join(told.format())
    yield f"{error!r} {error.args} {vars(error)}"
    yield from with_locals(error.__cause__)


def faults_of(seed: int) -> list[str]:
    """One fault after the other in the first round, then two at a time."""
    if seed <= len(ONE_BY_ONE):
        return [ONE_BY_ONE[seed - 1]]
    return sorted(random.Random(seed).sample(ONE_BY_ONE, 2))


async def one_run(fault: str, *, drawings: Path | None = None) -> Tally:
    """A run under one fault, and the command that tells most of it."""
    tally = Tally()
    async with arena(drawings) as here:
        watch = Watch(here.sandbox, tally)
        await run_watched(here, watch, tally, [fault], seed=1, afterwards=[("dead", "list")])
    return tally


async def campaign(*, megabytes: float, runs: int, drawings: Path | None = None) -> Tally:
    """So many runs at least, and until so much was looked through."""
    tally = Tally()
    async with arena(drawings) as here:
        watch = Watch(here.sandbox, tally)
        seed = 1
        while tally.runs < runs or tally.bytes.total() < megabytes * 1e6:
            await run_watched(here, watch, tally, faults_of(seed), seed=seed)
            seed += 1
            if tally.runs % SAYS_SO_EVERY == 0:
                found = f"{tally.bytes.total() / 1e6:.1f} MB, {len(tally.hits)} canaries"
                sys.stderr.write(f"{tally.runs} runs, {found}\n")
    return tally


async def crashes(faults: Sequence[str], *, drawings: Path | None = None) -> Tally:
    tally = Tally()
    async with arena(drawings) as here:
        watch = Watch(here.sandbox, tally)
        for fault in faults:
            await crash_watched(here, watch, fault)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/campaign canaries", description=__doc__)
    parser.add_argument("--megabytes", type=float, default=100.0)
    parser.add_argument(
        "--drawings", type=Path, help="draw the pictures, and keep them here between campaigns"
    )
    given = parser.parse_args()
    started = time.monotonic()
    crashed = asyncio.run(crashes(ONE_BY_ONE, drawings=given.drawings))
    tally = asyncio.run(
        campaign(megabytes=given.megabytes, runs=len(ONE_BY_ONE), drawings=given.drawings)
    )
    hits = crashed.hits + tally.hits
    for hit in hits[:20]:
        sys.stderr.write(f"{hit}\n")
    rows: dict[str, Any] = {"runs": tally.runs, "different faults": len(tally.faults)}
    for sink, count in (tally.bytes + crashed.bytes).most_common():
        rows[f"megabytes of {sink}"] = f"{count / 1e6:.2f}"
    rows |= {"canaries found": len(hits), "seconds": f"{time.monotonic() - started:.0f}"}
    sys.stdout.write("".join(f"{name:<50}{value:>8}\n" for name, value in rows.items()))
    return bool(hits)


if __name__ == "__main__":
    sys.exit(main())
