"""The report: one HTML file that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from ingestor.bench import charts
from ingestor.bench.figures import figures_of, rate
from ingestor.bench.rounds import Lap
from ingestor.bench.scenarios import SCENARIOS
from ingestor.bench.table import table

STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem;
       color: #222; background: #fff }
pre { overflow-x: auto; background: #f6f6f4; padding: 1rem; font-size: 13px }
section { border-top: 1px solid #ddd; margin-top: 2rem }
figure { display: inline-block; width: min(100%, 33rem); margin: .5rem .5rem .5rem 0;
         vertical-align: top }
svg { width: 100%; height: auto; font: 11px system-ui, sans-serif }
.legend span { margin-right: 1rem; font-size: 13px }
.legend i { display: inline-block; width: .8em; height: .8em; margin-right: .3em }
"""
MEGABYTE: Final = 1e6
MINUTE: Final = 60.0


def page(laps: Sequence[Lap], *, about: Mapping[str, Any]) -> str:
    """Everything at a glance, then every scenario's last repetition drawn."""
    facts = " · ".join(f"{name} {value}" for name, value in about.items())
    last = {(lap.scenario, lap.photos): lap for lap in laps}
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>ingestor bench</title>'
        f"<style>{STYLE}</style></head><body><h1>ingestor bench</h1><p>{escape(facts)}</p>"
        f"<p>Medians of {max((lap.round for lap in laps), default=0) + 1} repetitions against the "
        "sandbox. CPU is the client's alone, for one more photo once it runs.</p>"
        f"<pre>{escape(table(laps))}</pre>{''.join(map(_section, last.values()))}</body></html>\n"
    )


def _section(lap: Lap) -> str:
    figures, seconds = figures_of(lap), lap.final["seconds"]
    split = {name: share * figures.cpu_us for name, share in lap.final["split"].items()}
    latencies = {
        f"{stage} {word}": value
        for stage, pair in (
            ("picture", figures.download_ms),
            ("paid call", figures.annotate_ms),
            ("update", figures.store_ms),
        )
        for word, value in zip(("p50", "p99"), pair, strict=True)
    }
    drawn = {
        "photos a second": charts.lines(
            {name: rate(lap, name) for name in ("downloaded", "annotated", "stored")},
            unit="photos/s",
            limit=lap.quota / MINUTE if lap.quota else None,
        ),
        "memory": charts.lines(
            {"resident": [(one["at"], one["rss"] / MEGABYTE) for one in lap.samples]}, unit="MB"
        ),
        "seconds of each step": charts.bars(latencies, unit="ms"),
        "CPU for one photo, by what it is for": charts.bars(
            dict(sorted(split.items(), key=lambda item: -item[1])), unit="µs"
        ),
        "the event loop's lag": charts.lines(
            {
                "worst of each quarter second": [
                    (one["at"], one["lag"] * 1000) for one in lap.samples
                ]
            },
            unit="ms",
        ),
    }
    advice = lap.final["report"]["bottleneck"]["advice"]
    return (
        f"<section><h2>{escape(lap.scenario)}, {lap.photos:,} photos</h2>"
        f"<p>{escape(SCENARIOS[lap.scenario].about if lap.scenario in SCENARIOS else '')}. "
        f"Bound by {escape(figures.bound_by)}: {escape(advice)} "
        f"{len(seconds.get('download', ())):,} pictures were timed.</p>"
        + "".join(
            f"<figure><figcaption>{escape(name)}</figcaption>{chart}</figure>"
            for name, chart in drawn.items()
        )
        + "</section>"
    )
