"""The figures as text: what was measured, and two measurements held against each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ingestor.bench.figures import Figures, figures_of, median
from ingestor.bench.rounds import Lap

Show = Callable[[Figures], str]

COLUMNS: Final[Sequence[tuple[str, Show]]] = (
    ("seconds", lambda one: f"{one.seconds:.1f}"),
    ("photos/s", lambda one: f"{one.steady_per_second:,.0f}"),
    ("µs CPU/photo", lambda one: f"{one.cpu_us:,.0f}"),
    ("cores", lambda one: f"{one.cores:.2f}"),
    ("faults/photo", lambda one: f"{one.faults:.1f}"),
    ("peak MB", lambda one: f"{one.peak_mb:.0f}"),
    ("lag p99 ms", lambda one: f"{one.lag_ms:.0f}"),
    ("tail", lambda one: f"{one.tail:.1%}"),
    ("quota", lambda one: f"{one.quota_window:.1%}" if one.quota_window else "-"),
    ("429", lambda one: f"{one.refusals:.0f}"),
    ("lost", lambda one: f"{one.lost:.0f}"),
    ("twice", lambda one: f"{one.doubled:.0f}"),
    ("bound by", lambda one: one.bound_by),
)

HELD_AGAINST: Final = ("steady_per_second", "cpu_us", "peak_mb", "faults", "lag_ms", "quota_window")
"""Of two measurements; seconds of one machine say nothing about another."""


def grouped(laps: Sequence[Lap]) -> dict[tuple[str, int], Figures]:
    """Medians by scenario and photos, in the order in which they were measured."""
    rows: dict[tuple[str, int], list[Figures]] = {}
    for lap in laps:
        rows.setdefault((lap.scenario, lap.photos), []).append(figures_of(lap))
    return {key: median(several) for key, several in rows.items()}


def rows(laps: Sequence[Lap]) -> list[list[str]]:
    """Medians of the repetitions, a line for each scenario and number of photos; the first names them."""
    head = ["scenario", "photos", *(name for name, _ in COLUMNS)]
    return [head] + [
        [scenario, f"{photos:,}", *(show(figures) for _, show in COLUMNS)]
        for (scenario, photos), figures in grouped(laps).items()
    ]


def table(laps: Sequence[Lap]) -> str:
    return aligned(rows(laps))


def comparison(laps: Sequence[Lap], before: Sequence[Lap]) -> str:
    """New figures over old ones, for what both have measured."""
    old = grouped(before)
    lines = [["scenario", "photos", *(f"{name} ×" for name in HELD_AGAINST)]]
    for key, figures in grouped(laps).items():
        if key in old:
            ratios = [_ratio(getattr(figures, n), getattr(old[key], n)) for n in HELD_AGAINST]
            lines.append([key[0], f"{key[1]:,}", *ratios])
    return aligned(lines) if len(lines) > 1 else "Nothing that both have measured."


def laps_from(measured: Mapping[str, Any]) -> list[Lap]:
    """Read back what `rounds.as_json` wrote."""
    return [Lap(**lap) for lap in measured["laps"]]


def aligned(cells: Sequence[Sequence[str]]) -> str:
    """The first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if number == 0 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def _ratio(new: float, old: float) -> str:
    return f"{new / old:.2f}" if old else "-"
