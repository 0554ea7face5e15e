"""Charts as SVG text: lines over time, and bars; no script, no font, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 640, 220
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 16, 32
COLOURS = ("#2a6f97", "#e07a5f", "#81a263", "#8d6a9f", "#c9a227", "#5c677d", "#b56576", "#3d405b")
GRID = 4
BAR = 26

Points = Sequence[tuple[float, float]]


def lines(series: Mapping[str, Points], *, unit: str, limit: float | None = None) -> str:
    """Series over seconds; `limit` is drawn across, and named."""
    most_x = max((x for points in series.values() for x, _ in points), default=0.0) or 1.0
    most_y = max((y for points in series.values() for _, y in points), default=0.0) or 1.0
    most_y = max(most_y, limit or 0.0) * 1.08
    parts = [_frame(most_x, most_y, unit)]
    for colour, (name, points) in zip(COLOURS * 4, series.items(), strict=False):
        path = " ".join(f"{_x(x, most_x):.1f},{_y(y, most_y):.1f}" for x, y in points)
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6">'
            f"<title>{escape(name)}</title></polyline>"
        )
    if limit:
        at = _y(limit, most_y)
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}" '
            f'stroke="#222" stroke-dasharray="5 4"/>'
            f'<text x="{WIDTH - RIGHT}" y="{at - 4:.1f}" text-anchor="end">quota {limit:,.0f}</text>'
        )
    return _svg("".join(parts), HEIGHT, label=f"{', '.join(series)} over time") + legend(series)


def bars(rows: Mapping[str, float], *, unit: str) -> str:
    """A bar for each name, the value behind it."""
    most = max(rows.values(), default=0.0) or 1.0
    parts = []
    for number, (name, value) in enumerate(rows.items()):
        y = number * BAR
        width = value / most * (WIDTH - 300)
        parts.append(
            f'<text x="150" y="{y + 17}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="158" y="{y + 4}" width="{max(width, 1):.1f}" height="{BAR - 8}" '
            f'fill="{COLOURS[number % len(COLOURS)]}"/>'
            f'<text x="{166 + width:.1f}" y="{y + 17}">{value:,.4g} {escape(unit)}</text>'
        )
    return _svg("".join(parts), BAR * max(1, len(rows)), label=", ".join(rows))


def legend(names: Mapping[str, object]) -> str:
    marks = "".join(
        f'<span><i style="background:{colour}"></i>{escape(name)}</span>'
        for colour, name in zip(COLOURS * 4, names, strict=False)
    )
    return f'<p class="legend">{marks}</p>'


def _frame(most_x: float, most_y: float, unit: str) -> str:
    parts = []
    for step in range(GRID + 1):
        value, at = most_y * step / GRID, _y(most_y * step / GRID, most_y)
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}" stroke="#ddd"/>'
            f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{value:,.4g}</text>'
        )
        seconds = most_x * step / GRID
        parts.append(
            f'<text x="{_x(seconds, most_x):.1f}" y="{HEIGHT - 10}" text-anchor="middle">'
            f"{seconds:,.3g} s</text>"
        )
    return "".join(parts) + f'<text x="4" y="11">{escape(unit)}</text>'


def _x(value: float, most: float) -> float:
    return LEFT + value / most * (WIDTH - LEFT - RIGHT)


def _y(value: float, most: float) -> float:
    return HEIGHT - BOTTOM - value / most * (HEIGHT - TOP - BOTTOM)


def _svg(content: str, height: int, *, label: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}">'
        f"{content}</svg>"
    )
