"""What a run said of itself last, read from its file; see `engines.heartbeat`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from ingestor.web.chart import STAGES, Chart, draw

STALE: Final = 6.0
"""Seconds without a beat after which a run counts as gone: it writes one a second."""
LARGEST: Final = 1_000_000
"""Bytes; a beat has some 10 kB."""
MINUTE: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    told: Mapping[str, Any]
    age: float
    """Seconds since it was said."""
    chart: Chart | None

    @property
    def alive(self) -> bool:
        return not self.told["ended"] and self.age < STALE


def read_beat(path: Path, *, now: float, images_per_minute: int) -> Beat | None:
    """None where there is none that can be read: it may be written by another version."""
    try:
        if path.stat().st_size > LARGEST:
            return None
        told = orjson.loads(path.read_bytes())
        points = [_numbers(point, length=6) for point in told["points"]]
        limits = _numbers(told["quota"]["limits"], length=2)
        whole = {name: int(told["counts"][name]) for name in (*STAGES, "failed", "idle", "retries")}
        fits = {**told, "counts": whole, "ended": bool(told["ended"]), "run": str(told["run"])}
        pairs = (*told["queues"].values(), told["memory"], told["downloads"], told["calls"])
        if not all(_numbers(pair, length=2) for pair in pairs):
            return None
        quota = limits[1] / MINUTE if limits else images_per_minute / MINUTE
        chart = draw([point for point in points if point], quota=quota)
        return Beat(told=fits, age=max(0.0, now - float(told["at"])), chart=chart)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _numbers(value: Any, *, length: int) -> tuple[float, ...] | None:
    """A row of numbers as it came from a file; None for anything else."""
    if not isinstance(value, list) or len(value) != length:
        return None
    if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in value):
        return None
    return tuple(value)
