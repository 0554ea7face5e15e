"""What a run said of itself last, read from its file; see `engines.heartbeat`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

from ingestor.engines.beats import last_told
from ingestor.kits.amounts import MINUTE
from ingestor.web.chart import STAGES, Chart, draw

STALE: Final = 6.0
"""Seconds without a beat after which a run counts as gone: it writes one a second."""
COUNTS: Final = (*STAGES, "failed", "idle", "retries")
QUEUES: Final = ("photos", "images", "published")
GAUGES: Final = ("memory", "downloads", "calls")
"""What is told as how much there is, and how much there may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    told: Mapping[str, Any]
    age: float
    """Seconds since it was said."""
    chart: Chart | None
    still: float
    """Seconds in which no count has changed."""

    @property
    def alive(self) -> bool:
        return not self.told["ended"] and self.age < STALE


def read_beat(path: Path, *, now: float) -> Beat | None:
    """None where there is none that can be read: it may be written by another version."""
    try:
        told = last_told(path)
        points = [_numbers(point, length=6) for point in told["points"]]
        quota = told["quota"]
        limits = _numbers(quota["limits"], length=2)
        pairs = [*(told["queues"][name] for name in QUEUES), *(told[name] for name in GAUGES)]
        pairs.append([quota["used"], quota["rate"]])
        if limits is None or not all(_numbers(pair, length=2) for pair in pairs):
            return None
        curve = [point for point in points if point]
        return Beat(
            told=_fitting(told),
            age=max(0.0, now - float(told["at"])),
            chart=draw(curve, quota=limits[1] / MINUTE),
            still=_still(curve),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _fitting(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """With what is shown as it stands in the form that it has to have."""
    return {
        **told,
        **{name: str(told[name]) for name in ("run", "stopping", "binding", "advice")},
        "started": float(told["started"]),
        "ended": bool(told["ended"]),
        "expected": None if told["expected"] is None else int(told["expected"]),
        "counts": {name: int(told["counts"][name]) for name in COUNTS},
    }


def _still(curve: Sequence[tuple[float, ...]]) -> float:
    """Seconds since the first of the points at its end that tell the same."""
    same = takewhile(lambda point: point[1:] == curve[-1][1:], reversed(curve))
    return max((curve[-1][0] - point[0] for point in same), default=0.0)


def _numbers(value: Any, *, length: int) -> tuple[float, ...] | None:
    """A row of numbers as it came from a file; None for anything else."""
    if not isinstance(value, list) or len(value) != length:
        return None
    if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in value):
        return None
    return tuple(value)
