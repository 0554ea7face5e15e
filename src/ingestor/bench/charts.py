"""Charts as SVG text: lines over time, and bars; no script, no font, nothing from elsewhere."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 640, 220
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 26, 32
COLOURS = ("#2a6f97", "#e07a5f", "#81a263", "#8d6a9f", "#c9a227", "#5c677d", "#b56576", "#3d405b")
GRID = 4
"""Lines across, about so many."""
ROUND = (1, 2, 2.5, 5, 10)
"""Steps that a person reads off: these, and their tenfold."""
BAR = 26
NAMES = 158
"""Room for what stands before the bars."""

Points = Sequence[tuple[float, float]]


def lines(series: Mapping[str, Points], *, unit: str, limit: float | None = None) -> str:
    """Series over seconds; `limit` is drawn across, and named."""
    most_x = max((x for points in series.values() for x, _ in points), default=0.0) or 1.0
    most_y = max((y for points in series.values() for _, y in points), default=0.0) or 1.0
    ticks = _ticks(max(most_y, limit or 0.0))
    parts = [_frame(_ticks(most_x, beyond=False), ticks, most_x=most_x, unit=unit)]
    for colour, (name, points) in zip(COLOURS * 4, series.items(), strict=False):
        path = " ".join(f"{_x(x, most_x):.1f},{_y(y, ticks[-1]):.1f}" for x, y in points)
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6">'
            f"<title>{escape(name)}</title></polyline>"
        )
    if limit:
        at = _y(limit, ticks[-1])
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}" '
            f'stroke="#222" stroke-dasharray="5 4"/>'
            f'<text x="{WIDTH - RIGHT}" y="{at - 4:.1f}" text-anchor="end" '
            f'paint-order="stroke" stroke="#fff" stroke-width="4">quota {limit:,.0f}</text>'
        )
    drawn = _svg("".join(parts), HEIGHT, label=f"{', '.join(series)} over time")
    return drawn + (legend(series) if len(series) > 1 else "")


def bars(rows: Mapping[str, float], *, unit: str) -> str:
    """A bar for each name, the value behind it."""
    most = max(rows.values(), default=0.0) or 1.0
    parts = []
    for number, (name, value) in enumerate(rows.items()):
        y = number * BAR
        width = value / most * (WIDTH - 2 * NAMES)
        parts.append(
            f'<text x="{NAMES - 8}" y="{y + 17}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="{NAMES}" y="{y + 4}" width="{max(width, 1):.1f}" height="{BAR - 8}" '
            f'fill="{COLOURS[0]}"/>'
            f'<text x="{NAMES + 8 + width:.1f}" y="{y + 17}">{_short(value)} {escape(unit)}</text>'
        )
    return _svg("".join(parts), BAR * max(1, len(rows)), label=", ".join(rows))


def legend(names: Mapping[str, object]) -> str:
    marks = "".join(
        f'<span><i style="background:{colour}"></i>{escape(name)}</span>'
        for colour, name in zip(COLOURS * 4, names, strict=False)
    )
    return f'<p class="legend">{marks}</p>'


def _frame(across: Sequence[float], up: Sequence[float], *, most_x: float, unit: str) -> str:
    parts = []
    for value in up:
        at = _y(value, up[-1])
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}" stroke="#ddd"/>'
            f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{_short(value)}</text>'
        )
    parts += [
        f'<text x="{_x(seconds, most_x):.1f}" y="{HEIGHT - 10}" text-anchor="middle">'
        f"{_short(seconds)} s</text>"
        for seconds in across
    ]
    return "".join(parts) + f'<text x="4" y="11">{escape(unit)}</text>'


def _ticks(most: float, *, beyond: bool = True) -> list[float]:
    """Round values from 0 to the first at or `beyond` the most, or to the last before it."""
    rough = most / GRID
    ten = 10.0 ** math.floor(math.log10(rough))
    step = next(ten * one for one in ROUND if ten * one >= rough * (1 - 1e-9))
    last = math.ceil(most / step - 1e-9) if beyond else math.floor(most / step + 1e-9)
    return [step * number for number in range(last + 1)]


def _short(value: float) -> str:
    """Three digits that count; whole numbers from a hundred up."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _x(value: float, most: float) -> float:
    return LEFT + value / most * (WIDTH - LEFT - RIGHT)


def _y(value: float, most: float) -> float:
    return HEIGHT - BOTTOM - value / most * (HEIGHT - TOP - BOTTOM)


def _svg(content: str, height: int, *, label: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}">'
        f"{content}</svg>"
    )
