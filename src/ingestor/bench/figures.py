"""What a lap comes to: a handful of numbers, and medians over its repetitions."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ingestor.bench.rounds import Lap
from ingestor.kits.amounts import MINUTE

MICRO = 1e6
PARTS = {"downloaded": 0.6, "annotated": 0.25, "stored": 0.15}
"""
Of a photo's CPU, by the step that takes it (sampled, `ceiling`). When the count begins, more photos are
under way than are stored: what was done for those by then is not in the CPU that is counted.
"""
STRETCHES = 20
SHORTEST_STRETCH = 2.0
"""Seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One lap, or the median of several: that is why counts are floats."""

    seconds: float
    steady_per_second: float
    """Photos, from the first quarter of them to the end; what was begun before counts in part."""
    cpu_us: float
    """CPU of the client for one more photo, once it runs: user and system, all threads."""
    cores: float
    faults: float
    """Minor page faults for one more photo."""
    peak_mb: float
    lag_ms: float
    """The loop's lag, 99th percentile."""
    tail: float
    """The share of the time that the last 1 % of the photos took."""
    quota_window: float
    """Share of the quota used between the end of the first window and the last purchase."""
    refusals: float
    lost: float
    doubled: float
    """Charges beyond the first for the same photo."""
    download_ms: tuple[float, float]
    annotate_ms: tuple[float, float]
    store_ms: tuple[float, float]
    """Median and 99th percentile of one picture, one paid call, one update."""
    bound_by: str


def figures_of(lap: Lap) -> Figures:
    final, report = lap.final, lap.final["report"]
    warm, end = final["warm"] or {}, final["end"]
    photos = sum(part * (end[step] - warm.get(step, 0)) for step, part in PARTS.items()) or 1
    wall = end["wall"] - warm.get("wall", 0.0)
    cpu = sum(end[kind] - warm.get(kind, 0.0) for kind in ("user", "system"))
    seconds = final["seconds"]
    return Figures(
        seconds=lap.seconds,
        steady_per_second=photos / wall,
        cpu_us=cpu / photos * MICRO,
        cores=cpu / wall,
        faults=(end["faults"] - warm.get("faults", 0)) / photos,
        peak_mb=report["peak_memory_mb"],
        lag_ms=percentile(seconds.get("lag", ()), 0.99) * 1000,
        tail=_tail(lap),
        quota_window=_quota_window(lap),
        refusals=report["refusals"],
        lost=report["listed"] - report["stored"] - report["skipped"] - report["dead"],
        doubled=lap.bill["images"] - lap.bill["photos"],
        download_ms=_pair(seconds.get("download", ())),
        annotate_ms=_pair(seconds.get("annotate", ())),
        store_ms=_pair(seconds.get("store", ())),
        bound_by=report["bottleneck"]["name"],
    )


def median(several: Iterable[Figures]) -> Figures:
    """Of every figure by itself."""
    all_of = list(several)

    def middle(name: str) -> Any:
        values = [getattr(one, name) for one in all_of]
        if isinstance(values[0], str):
            return statistics.mode(values)
        if isinstance(values[0], tuple):
            return tuple(map(statistics.median, zip(*values, strict=True)))
        return statistics.median(values)

    return Figures(**{name: middle(name) for name in Figures.__dataclass_fields__})


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def rate(lap: Lap, name: str) -> list[tuple[float, float]]:
    """
    (seconds, photos a second) over sliding stretches of a twentieth of the run: photos come by the
    batch, and what is drawn is speed. After a kill it begins from 0.
    """
    points: list[tuple[float, float]] = []
    samples = [(sample["at"], sample.get(name, 0)) for sample in lap.samples]
    width = max(SHORTEST_STRETCH, lap.seconds / STRETCHES)
    start, last = 0, 0.0
    for number, (at, count) in enumerate(samples):
        if count < last:
            start = number
            points.append((at, 0.0))
        last = count
        while samples[start][0] < at - width:
            start += 1
        then, before = samples[start]
        if at > then:
            points.append((at, (count - before) / (at - then)))
    return points


def _pair(values: Sequence[float]) -> tuple[float, float]:
    return (percentile(values, 0.5) * 1000, percentile(values, 0.99) * 1000)


def _tail(lap: Lap) -> float:
    stored = lap.final["end"]["stored"]
    late = [sample["at"] for sample in lap.samples if sample.get("stored", 0) >= 0.99 * stored]
    last = lap.samples[-1]["at"] if lap.samples else 0.0
    return (last - late[0]) / lap.seconds if late else 0.0


def _quota_window(lap: Lap) -> float:
    """The first minute fills an empty bucket, and the last purchase may be a short one."""
    if not lap.quota or lap.killed:
        return 0.0
    seen = [(sample["at"], sample.get("annotated", 0)) for sample in lap.samples]
    most = max((count for _, count in seen), default=0)
    inner = [(at, count) for at, count in seen if 0 < count < most]
    if len(inner) < 2:
        return 0.0
    window = [point for point in inner if point[0] > inner[0][0] + MINUTE] or inner
    (began, first), (ended, last) = window[0], window[-1]
    return (last - first) / (ended - began) * MINUTE / lap.quota if ended > began else 0.0
