"""`ingestor bench`: measure on this machine, show the figures, keep them."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

import orjson

from ingestor.bench import held, page, rounds, table
from ingestor.bench.machine import machine
from ingestor.bench.scenarios import QUICK, SCENARIOS, SEED, with_company
from ingestor.errors import SettingsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody wants measured, and where it shall go."""

    scenarios: tuple[str, ...]
    quick: bool
    repeat: int
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
    about = machine() | {"seed": SEED, "quick": asked.quick, "loop": asked.loop}
    laps = asyncio.run(_measure(with_company(wanted), asked))
    sys.stdout.write(table.table(laps) + "\n")
    sys.stdout.writelines(f"{sentence}\n" for sentence in held.sentences(laps))
    if before is not None:
        sys.stdout.write("\nnew over old\n" + table.comparison(laps, before) + "\n")
    if asked.json:
        asked.json.write_bytes(rounds.as_json(laps, about=about))
    if asked.html:
        asked.html.write_text(page.page(laps, about=about), encoding="utf-8")
    return 0


async def _measure(wanted: tuple[str, ...], asked: Asked) -> list[rounds.Lap]:
    """Repetitions are interleaved: a noisy minute then falls on all scenarios alike."""
    laps = []
    for number in range(asked.repeat):
        for name in wanted:
            for photos in SCENARIOS[name].sizes(quick=asked.quick):
                sys.stderr.write(f"ingestor: {name}, {photos:,} photos, round {number + 1}\n")
                laps.append(
                    await rounds.lap(
                        SCENARIOS[name],
                        photos=photos,
                        number=number,
                        quick=asked.quick,
                        loop=asked.loop,
                    )
                )
    return laps


def _laps_in(file: Path) -> list[rounds.Lap]:
    try:
        return table.laps_from(orjson.loads(file.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError):
        raise SettingsError(f"{file} holds no figures of an earlier `ingestor bench`.") from None
