"""What one scenario says of another, measured in the same round: so that a noisy minute falls on both."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from ingestor.bench.figures import Figures, figures_of
from ingestor.bench.rounds import Lap

Round = Mapping[tuple[str, int], Figures]


def sentences(laps: Sequence[Lap]) -> list[str]:
    """One for each pair that was measured; medians of the rounds."""
    rounds: dict[int, dict[tuple[str, int], Figures]] = {}
    for lap in laps:
        rounds.setdefault(lap.round, {})[lap.scenario, lap.photos] = figures_of(lap)
    return [said for say in SAYINGS if (said := say(list(rounds.values())))]


def _tls(rounds: Sequence[Round]) -> str:
    pairs = _pairs(rounds, "tls", "ceiling")
    if not pairs:
        return ""
    whole = statistics.median(tls.cpu_us for tls, _ in pairs)
    part = statistics.median(1 - plain.cpu_us / tls.cpu_us for tls, plain in pairs)
    return (
        f"tls: {whole:,.0f} µs of CPU a photo, of which {part:.0%} is TLS "
        f"({whole * part:,.0f} µs; against ceiling)."
    )


def _faulty(rounds: Sequence[Round]) -> str:
    pairs = _pairs(rounds, "faulty", "clean")
    if not pairs:
        return ""
    times = statistics.median(faulty.seconds / clean.seconds for faulty, clean in pairs)
    lost = sum(faulty.lost for faulty, _ in pairs)
    return f"faulty: {times:.2f} times as long as clean, the kill included; {lost:.0f} lost."


def _scale(rounds: Sequence[Round]) -> str:
    sizes = sorted({photos for each in rounds for name, photos in each if name == "scale"})
    # A round in which one of them failed says nothing.
    whole = [each for each in rounds if all(("scale", size) in each for size in sizes)]
    if len(sizes) < 2 or not whole:
        return ""
    # The smallest is too short for a photo's CPU.
    few, middle, many = sizes[0], sizes[-2], sizes[-1]
    memory, memory_of_middle, cpu = (
        statistics.median(
            getattr(each["scale", many], name) / getattr(each["scale", size], name)
            for each in whole
        )
        for name, size in (("peak_mb", few), ("peak_mb", middle), ("cpu_us", middle))
    )
    return (
        f"scale: {many:,} photos take {memory:.2f} times the memory of {few:,} and "
        f"{memory_of_middle:.2f} times that of {middle:,}, and each one {cpu:.2f} times the CPU of "
        f"one of {middle:,}."
    )


def _pairs(rounds: Sequence[Round], one: str, other: str) -> list[tuple[Figures, Figures]]:
    """Both of a round, of the same number of photos."""
    return [
        (figures, each[other, photos])
        for each in rounds
        for (name, photos), figures in each.items()
        if name == one and (other, photos) in each
    ]


SAYINGS: Final[Sequence[Callable[[Sequence[Round]], str]]] = (_tls, _faulty, _scale)
