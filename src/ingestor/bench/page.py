"""The report: one HTML file that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from ingestor.bench import charts
from ingestor.bench.figures import Figures, figures_of, rate
from ingestor.bench.held import sentences
from ingestor.bench.rounds import Lap
from ingestor.bench.scenarios import SCENARIOS
from ingestor.bench.table import grouped, rows
from ingestor.kits.amounts import MINUTE

STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem;
       color: #222; background: #fff }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums }
.wide { overflow-x: auto; background: #f6f6f4; padding: .6rem 1rem }
th, td { text-align: right; padding: .15rem .55rem; white-space: nowrap }
th { font-weight: 600; border-bottom: 1px solid #bbb }
th:first-child, td:first-child { text-align: left }
dl { display: grid; grid-template-columns: max-content auto; gap: 0 1rem; font-size: 13px }
dt { color: #666 } dd { margin: 0 }
section { border-top: 1px solid #ddd; margin-top: 2rem }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(26rem, 1fr)); gap: 1rem 2rem }
figure { margin: 0 } figcaption { font-weight: 600; margin-bottom: .3rem }
svg { width: 100%; height: auto; font: 12px system-ui, sans-serif; display: block }
.legend { margin: .2rem 0 0 } .legend span { margin-right: 1rem; font-size: 13px }
.legend i { display: inline-block; width: .8em; height: .8em; margin-right: .3em }
"""
MEGABYTE: Final = 1e6
MILLI: Final = 1000.0


def page(laps: Sequence[Lap], *, about: Mapping[str, Any]) -> str:
    """Everything at a glance, then every scenario's last repetition drawn."""
    last = {(lap.scenario, lap.photos): lap for lap in laps}
    times = max((lap.round for lap in laps), default=0) + 1
    said = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences(laps))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>ingestor bench</title>'
        f"<style>{STYLE}</style></head><body><h1>ingestor bench</h1>"
        f"<p>{'One repetition' if times == 1 else f'Medians of {times} repetitions'} against the "
        "sandbox. CPU is the client's alone, for one more photo once it runs; "
        "drawn is the last repetition.</p>"
        f"{_table(rows(laps))}<ul>{said}</ul>"
        f"{_figures(_overview(laps))}{''.join(map(_section, last.values()))}"
        f"<section><h2>Measured on</h2>{_facts(about)}</section></body></html>\n"
    )


def _overview(laps: Sequence[Lap]) -> dict[str, str]:
    """Side by side, all scenarios."""
    figures = {f"{name}, {photos:,}": one for (name, photos), one in grouped(laps).items()}
    return {
        "CPU for one photo": charts.bars(
            {name: one.cpu_us for name, one in figures.items()}, unit="µs"
        ),
        "most memory": charts.bars({name: one.peak_mb for name, one in figures.items()}, unit="MB"),
    }


def _section(lap: Lap) -> str:
    figures = figures_of(lap)
    about = SCENARIOS[lap.scenario].about if lap.scenario in SCENARIOS else ""
    advice = lap.final["report"]["bottleneck"]["advice"]
    return (
        f"<section><h2>{escape(lap.scenario)}, {lap.photos:,} photos</h2>"
        f"<p>{escape(about[:1].upper() + about[1:])}. "
        f"Bound by {escape(figures.bound_by)}: {escape(advice)}</p>"
        f"{_figures(_drawn(lap, figures))}</section>"
    )


def _drawn(lap: Lap, figures: Figures) -> dict[str, str]:
    split = {name: share * figures.cpu_us for name, share in lap.final["split"].items()}
    steps = {
        f"{stage} {word}": value
        for stage, pair in (
            ("picture", figures.download_ms),
            ("paid call", figures.annotate_ms),
            ("update", figures.store_ms),
        )
        for word, value in zip(("p50", "p99"), pair, strict=True)
    }
    samples = lap.samples
    return {
        "photos a second": charts.lines(
            {name: rate(lap, name) for name in ("downloaded", "annotated", "stored")},
            unit="photos/s",
            limit=lap.quota / MINUTE if lap.quota else None,
        ),
        "memory": charts.lines(
            {"resident": [(one["at"], one["rss"] / MEGABYTE) for one in samples]}, unit="MB"
        ),
        "how long a step takes": charts.bars(steps, unit="ms"),
        "CPU for one photo, by what it is for": charts.bars(
            dict(sorted(split.items(), key=lambda item: -item[1])), unit="µs"
        ),
        "the event loop's lag, worst of each quarter second": charts.lines(
            {"lag": [(one["at"], one["lag"] * MILLI) for one in samples]}, unit="ms"
        ),
    }


def _figures(drawn: Mapping[str, str]) -> str:
    figures = "".join(
        f"<figure><figcaption>{escape(name)}</figcaption>{chart}</figure>"
        for name, chart in drawn.items()
    )
    return f'<div class="charts">{figures}</div>'


def _table(lines: Sequence[Sequence[str]]) -> str:
    head, *body = lines
    cells = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    more = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in line)}</tr>" for line in body
    )
    return f'<div class="wide"><table><tr>{cells}</tr>{more}</table></div>'


def _facts(about: Mapping[str, Any]) -> str:
    pairs = (
        f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in about.items()
    )
    return f"<dl>{''.join(pairs)}</dl>"
