"""How a run gets on: a bar per stage on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import math
from typing import Final

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ingestor.cli.figures import Figures
from ingestor.cli.spelling import count, duration, share
from ingestor.kits.amounts import counted, money, roughly
from ingestor.kits.lifetime import SIGNAL_EXITS
from ingestor.purchases.pricing import cost

BAR_WIDTH: Final = 32
LEAST_BAR: Final = 4
"""Columns; where there are fewer, the figures beside it are worth more."""
BESIDE_THE_BAR: Final = 44
"""Columns of the names, figures and gaps, of a large group's as well."""
QUOTA_WIDTH: Final = 12
MOST_CAUSES: Final = 4
"""Shown by name; a line has room for no more."""

SECONDS_BETWEEN_FRAMES: Final = 0.2
SECONDS_BETWEEN_LINES: Final = 10.0

FULL: Final = 0.97
"""Of the quota: from here on nothing but a larger quota makes the run faster."""


def bars(figures: Figures, *, now: float, width: int) -> RenderableType:
    """What the terminal shows, `width` columns wide; redrawn several times a second."""
    bar_width = min(BAR_WIDTH, width - BESIDE_THE_BAR)
    table = Table.grid(padding=(0, 2))
    table.add_column(min_width=10)
    if bar_width >= LEAST_BAR:
        table.add_column(width=bar_width)
    table.add_column(justify="right", min_width=15, no_wrap=True)
    table.add_column(justify="right", style="dim", min_width=9, no_wrap=True)
    work, done = figures.work, _done(figures)
    for name, counted_, completed, total, rate in (
        ("listed", figures.listed, figures.listed, figures.expected, figures.listing),
        ("downloaded", figures.downloaded, done["download"], work, figures.downloading),
        ("annotated", figures.annotated, done["annotate"], work, figures.annotating),
        ("stored", figures.stored, done["store"], work, figures.storing),
    ):
        table.add_row(
            name,
            *((_bar(completed, total, width=bar_width),) if bar_width >= LEAST_BAR else ()),
            f"{count(counted_)} / {'?' if total is None else count(total)}",
            f"{speed:,.1f}/s" if not figures.over and (speed := rate.per_second(now)) else "",
        )
    lines = [_quota(figures, now), _money(figures, now), _trouble(figures), _stopping(figures, now)]
    return Group(table, *(line for line in lines if line.plain))


def _done(figures: Figures) -> dict[str, int]:
    """Photos that each stage is through with, those that failed on the way among them."""
    lost = figures.failed_at["download"]
    downloaded = figures.downloaded + lost
    lost += figures.failed_at["annotate"]
    annotated = figures.annotated + lost
    return {
        "download": downloaded,
        "annotate": annotated,
        "store": figures.stored + lost + figures.failed_at["store"],
    }


def _bar(completed: int, total: int | None, *, width: int) -> ProgressBar:
    # A total of 0 counts as unknown to the bar: nothing to do is done.
    return ProgressBar(
        total=max(1, total) if total is not None else None,
        completed=completed if total else 1,
        width=width,
        complete_style="cyan",
        finished_style="green",
    )


def _quota(figures: Figures, now: float) -> Text:
    """Of the last seconds, as the rates are; the report has those of the whole run."""
    if figures.over:
        return Text()
    use = figures.quota_use(now)
    filled = min(QUOTA_WIDTH, round(use * QUOTA_WIDTH))
    text = Text.assemble(
        f"{'quota':<12}",
        ("█" * filled, "green" if use >= FULL else "cyan"),
        ("░" * (QUOTA_WIDTH - filled), "dim"),
        f" {share(use)} of {count(figures.images_per_minute)} images a minute",
        ("  ·  ", "dim"),
        f"{counted(figures.images_in_flight, 'image')} in flight",
    )
    left = figures.seconds_left(now)
    if left and not figures.stopping:
        text.append(f"  ·  {roughly(left)} left", "bold")
    return text


def _money(figures: Figures, now: float) -> Text:
    text = Text.assemble(
        f"{'spent':<12}",
        (counted(figures.units, "unit"), "bold"),
        f", {_dollars(figures)}",
        (f"  ·  {duration(now - figures.started)}", "dim"),
    )
    if figures.in_doubt:
        text.append(f"  ·  {count(figures.in_doubt)} in doubt", "yellow")
    idle = {"known": figures.known, "skipped": figures.skipped, "reused": figures.reused}
    for name, photos in (idle | _left_over(figures)).items():
        if photos:
            text.append(f"  ·  {count(photos)} {name}", "dim")
    return text


def _left_over(figures: Figures) -> dict[str, int]:
    """No photos of this run: the report does not count them."""
    return {"stored of earlier runs": figures.left_over} if figures.left_over else {}


def _dollars(figures: Figures) -> str:
    return money(cost(figures.units, before=figures.month_units))


def _trouble(figures: Figures) -> Text:
    causes = figures.failed
    parts = [f"{count(photos)} {reason}" for reason, photos in causes.most_common(MOST_CAUSES)]
    if len(causes) > MOST_CAUSES:
        parts.append(counted(len(causes) - MOST_CAUSES, "other cause"))
    text = Text()
    if parts:
        text.append(f"{'failed':<12}").append(", ".join(parts), "red")
    if unsteady := _unsteady(figures):
        text.append("  ·  " if parts else f"{'unsteady':<12}")
        text.append(", ".join(unsteady), "yellow")
    return text


def _unsteady(figures: Figures) -> list[str]:
    return [
        *(
            f"{counted(times, 'repeat')} for {name} ({figures.reasons[name]})"
            for name, times in figures.retries.items()
        ),
        *(f"slowed down by {name} {times}×" for name, times in figures.throttled.items()),
    ]


def _stopping(figures: Figures, now: float) -> Text:
    """A line of its own: whoever presses Ctrl+C looks for what it does."""
    words = f"{'stopping':<12}{_awaited(figures, now)}" if figures.stopping else ""
    return Text(words, "bold yellow")


def _awaited(figures: Figures, now: float) -> str:
    if not figures.images_in_flight:
        return figures.stopping
    images = counted(figures.images_in_flight, "paid image")
    if figures.stopping not in SIGNAL_EXITS:
        return f"{figures.stopping}, waits for {images}"
    again = " again" if figures.stopping == "SIGINT" else ""
    left = math.ceil(max(0.0, figures.drained - now))
    return f"waits up to {left} s for {images}; Ctrl+C{again} leaves at once"


def line(figures: Figures, *, now: float) -> str:
    """The same in one line, for logs and pipes."""
    expected = "?" if figures.expected is None else count(figures.expected)
    parts = [
        f"{duration(now - figures.started)}: {count(figures.listed)} of {expected} listed",
        f"{count(figures.downloaded)} downloaded",
        f"{count(figures.annotated)} annotated{_speed(figures, now)}",
        f"{count(figures.stored)} stored",
        *(f"{count(photos)} {name}" for name, photos in _left_over(figures).items()),
        f"{count(figures.failures)} failed",
        f"{counted(figures.units, 'unit')}, {_dollars(figures)}",
        f"{count(figures.images_in_flight)} in flight",
        *_unsteady(figures),
    ]
    left = figures.seconds_left(now)
    if figures.stopping:
        parts.append(f"stopping: {_awaited(figures, now)}")
    elif left and not figures.over:
        parts.append(f"{roughly(left)} left")
    return ", ".join(parts)


def _speed(figures: Figures, now: float) -> str:
    if figures.over:
        return ""
    use = share(figures.quota_use(now))
    return f" (now {figures.annotating.per_second(now):.1f}/s, {use} of the quota)"
