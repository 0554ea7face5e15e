"""`ingestor bench`: measure on this machine, show the figures, keep them."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from ingestor.bench import counts, held, page, rounds, table
from ingestor.bench.machine import machine
from ingestor.bench.scenarios import QUICK, SCENARIOS, SEED, with_company
from ingestor.bench.upstreams import BenchFailed
from ingestor.errors import SettingsError
from ingestor.kits.amounts import MINUTE

COUNTED_BESIDE: Final = "ceiling"
"""The scenario whose photos are counted as well, call by call; a quick look has no time for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody wants measured, and where it shall go."""

    scenarios: tuple[str, ...]
    quick: bool
    repeat: int
    minutes: float | None
    """After these no further round begins."""
    loop: str
    json: Path | None
    html: Path | None
    compare: Path | None


def bench(asked: Asked) -> int:
    """Measure; progress goes to stderr, the table to stdout."""
    wanted = asked.scenarios or (QUICK if asked.quick else tuple(SCENARIOS))
    if strange := [name for name in wanted if name not in SCENARIOS]:
        raise SettingsError(
            f"There is no scenario {strange[0]!r}. There are: {', '.join(SCENARIOS)}."
        )
    before = _laps_in(asked.compare) if asked.compare else None
    for file in filter(None, (asked.json, asked.html)):
        _must_be_writable(file)
    about = machine() | {"seed": SEED, "quick": asked.quick, "loop": asked.loop}
    laps, failed = asyncio.run(_measure(with_company(wanted), asked))
    if not laps:
        return 1
    sys.stdout.write(table.table(laps) + "\n")
    sys.stdout.writelines(f"{sentence}\n" for sentence in held.sentences(laps))
    if COUNTED_BESIDE in wanted and not asked.quick:
        try:
            said = asyncio.run(counts.count(loop=asked.loop)).sentence()
        except BenchFailed as error:
            failed += 1
            sys.stderr.write(f"ingestor: counting: {error}\n")
        else:
            about |= {"one more photo": said}
            sys.stdout.write(f"{said}\n")
    if before is not None:
        sys.stdout.write("\nnew over old\n" + table.comparison(laps, before) + "\n")
    if asked.json:
        asked.json.write_bytes(rounds.as_json(laps, about=about))
    if asked.html:
        asked.html.write_text(page.page(laps, about=about), encoding="utf-8")
    return 1 if failed else 0


async def _measure(wanted: tuple[str, ...], asked: Asked) -> tuple[list[rounds.Lap], int]:
    """
    Repetitions are interleaved: a noisy minute then falls on all scenarios alike. Returns how many
    laps failed as well; the others are figures none the less.
    """
    laps: list[rounds.Lap] = []
    failed = 0
    clock = asyncio.get_running_loop().time
    end = clock() + asked.minutes * MINUTE if asked.minutes is not None else None
    for number in range(asked.repeat):
        if number and end is not None and clock() >= end:
            break
        for name in wanted:
            for photos in SCENARIOS[name].sizes(quick=asked.quick):
                sys.stderr.write(f"ingestor: {name}, {photos:,} photos, round {number + 1}\n")
                try:
                    laps.append(await _lap(asked, name, photos=photos, number=number))
                except BenchFailed as error:
                    failed += 1
                    sys.stderr.write(f"ingestor: {name}: {error}\n")
    return laps, failed


async def _lap(asked: Asked, name: str, *, photos: int, number: int) -> rounds.Lap:
    return await rounds.lap(
        SCENARIOS[name], photos=photos, number=number, quick=asked.quick, loop=asked.loop
    )


def _laps_in(file: Path) -> list[rounds.Lap]:
    try:
        laps = table.laps_from(orjson.loads(file.read_bytes()))
        # What is missing in them is found now, not when the new ones are there.
        table.grouped(laps)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        raise SettingsError(
            f"{file} holds no figures of an earlier `ingestor bench` that counted as this one does."
        ) from None
    return laps


def _must_be_writable(file: Path) -> None:
    try:
        with file.open("ab"):
            pass
    except OSError as error:
        raise SettingsError(f"{file} cannot be written ({error.strerror}).") from None
