"""The curve of a run: rates per stage over time, as the points of drawn lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

WIDTH: Final = 720
HEIGHT: Final = 200
STAGES: Final = ("listed", "downloaded", "annotated", "stored")
"""In the order in which a point holds their counts, behind its seconds."""
SMOOTHED_OVER: Final = 5.0
"""Seconds that a rate looks back: one batch is no speed."""
STEPS: Final = (1, 2, 5)
FEWEST_POINTS: Final = 4
"""A second apart: below it there is no curve to see (taste)."""
HEADROOM: Final = 1.1
"""Above the tallest curve, which shall not touch the edge (taste)."""
FAR: Final = 3
"""Times the tallest curve: a quota that lies higher is not drawn, for it would flatten them all (taste)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    name: str
    points: str
    """As SVG's polyline wants them."""
    last: float
    """Photos a second, at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    lines: tuple[Line, ...]
    quota: float
    """Where the quota's line lies, in the drawing's units from above; below 0 is out of sight."""
    allowed: float
    """Photos a second, which that line stands for."""
    ticks: tuple[tuple[float, str], ...]
    """Height and label of each line across."""
    seconds: float


def draw(points: Sequence[Sequence[float]], *, quota: float) -> Chart | None:
    """`quota` in photos a second; None while there is too little to draw."""
    if len(points) < FEWEST_POINTS or points[-1][0] <= points[0][0]:
        return None
    curves = {name: rates(points, column) for column, name in enumerate(STAGES, start=1)}
    # Listing comes in pages of 500, far above everything else: it may leave the drawing, and so
    # may a quota that nothing comes near.
    tallest = max(1.0, *(max(curves[name]) for name in STAGES[1:])) * HEADROOM
    if quota <= FAR * tallest:
        tallest = max(tallest, quota * HEADROOM)
    step = _step(tallest)
    top = step * ceil(tallest / step)
    seconds = points[-1][0]
    return Chart(
        lines=tuple(
            Line(name=name, points=_polyline(points, curve, top=top), last=curve[-1])
            for name, curve in curves.items()
        ),
        quota=_height(quota, top),
        allowed=quota,
        ticks=tuple(
            (_height(step * n, top), f"{step * n:g}") for n in range(1, int(top / step) + 1)
        ),
        seconds=seconds,
    )


def rates(points: Sequence[Sequence[float]], column: int) -> list[float]:
    """Per second at every point, over the last few seconds or the last step, whichever is longer."""
    found = [0.0]
    first = 0
    for number in range(1, len(points)):
        now = points[number][0]
        while first < number - 1 and points[first + 1][0] <= now - SMOOTHED_OVER:
            first += 1
        passed = now - points[first][0]
        found.append((points[number][column] - points[first][column]) / passed if passed else 0.0)
    return found


def _polyline(points: Sequence[Sequence[float]], curve: Sequence[float], *, top: float) -> str:
    span = points[-1][0]
    return " ".join(
        f"{WIDTH * point[0] / span:.1f},{max(_height(value, top), -HEIGHT):.1f}"
        for point, value in zip(points, curve, strict=True)
    )


def _height(value: float, top: float) -> float:
    return round(HEIGHT * (1 - value / top), 1)


def _step(tallest: float) -> float:
    """A round distance between lines across, such that there are two to five."""
    power = 1.0
    while True:
        for step in STEPS:
            if tallest <= 5 * step * power:
                return step * power
        power *= 10
