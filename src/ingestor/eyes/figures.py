"""What is so at the moment when somebody asks: queues, bytes in flight, latencies, the journal."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector

from ingestor.engines.gauges import Gauges
from ingestor.errors import JournalError, SettingsError
from ingestor.journal import rechecks
from ingestor.journal.reader import looking_into
from ingestor.journal.runs import STATES
from ingestor.journal.standing import Standing, standing
from ingestor.purchases import pricing
from ingestor.transport import CallStatistics

FRESH: Final = 15.0
"""Seconds for which what the journal said is told again: counting a million photos takes a while."""

Metric = GaugeMetricFamily | CounterMetricFamily | HistogramMetricFamily


@dataclass(slots=True, kw_only=True)
class View:
    """What eyes may look at; the worker fills it in as it gets there."""

    journal: Path
    why_not: Callable[[], str] = lambda: "it is starting"
    """Why it is not ready, or ""."""
    gauges: Callable[[], Gauges | None] = lambda: None
    """Of the run that is going on."""
    following: Callable[[], Collection[str]] = tuple
    """Ids of the groups that are followed; the journal may know more."""
    statistics: Callable[[], Mapping[str, CallStatistics]] = dict
    lag: float = 0.0
    """The longest that the loop was held up since somebody asked, in seconds."""
    wall: Callable[[], float] = time.time


@dataclass(frozen=True, slots=True)
class Known:
    """What the journal says."""

    standing: Standing
    rechecked: Mapping[str, float]


@dataclass(slots=True, eq=False)
class Figures(Collector):
    """Collects when asked; `refresh` first, in a thread: it reads the journal."""

    view: View
    known: Known | None = None
    _read_at: float = field(default=float("-inf"))

    def refresh(self) -> None:
        now = time.monotonic()
        if now - self._read_at < FRESH:
            return
        wall = self.view.wall()
        try:
            with looking_into(self.view.journal) as db:
                said = standing(
                    db,
                    now=wall,
                    month_start=pricing.month_start(wall),
                    most_runs=0,
                    at_work=self.view.gauges() is not None,
                )
                self.known = Known(said, rechecks.ended(db))
        except (JournalError, SettingsError):
            # There is none yet, or none to be read: its figures are absent, which is the truth.
            self.known = None
        self._read_at = now

    def collect(self) -> Iterator[Metric]:
        yield _gauge("ready", "1 if it works as it should.", float(not self.view.why_not()))
        yield _gauge("loop_lag_seconds", "Longest hold-up of the loop of late.", self.view.lag)
        self.view.lag = 0.0
        yield from _of_calls(self.view.statistics())
        yield from _of_run(self.view.gauges())
        if self.known:
            yield from _of_journal(self.known)
            yield _of_rechecks(
                self.known.rechecked, following=self.view.following(), now=self.view.wall()
            )


def _of_calls(statistics: Mapping[str, CallStatistics]) -> Iterator[Metric]:
    requests = CounterMetricFamily(
        "ingestor_requests", "Answers of an upstream.", labels=["upstream", "status"]
    )
    failures = CounterMetricFamily(
        "ingestor_request_failures", "Requests without an answer.", labels=["upstream", "reason"]
    )
    bytes_moved = CounterMetricFamily(
        "ingestor_bytes", "Bytes of bodies.", labels=["upstream", "direction"]
    )
    seconds = HistogramMetricFamily(
        "ingestor_request_seconds", "How long answers took.", labels=["upstream"]
    )
    for upstream, calls in statistics.items():
        for status, count in calls.statuses.items():
            requests.add_metric([upstream, str(status)], count)
        for reason, count in calls.failures.items():
            failures.add_metric([upstream, reason], count)
        bytes_moved.add_metric([upstream, "in"], calls.bytes_in)
        bytes_moved.add_metric([upstream, "out"], calls.bytes_out)
        seconds.add_metric([upstream], list(_buckets(calls)), sum_value=calls.seconds)
    yield from (requests, failures, bytes_moved, seconds)


def _buckets(calls: CallStatistics) -> Iterator[tuple[str, float]]:
    seen = 0
    for power, count in enumerate(calls.durations[:-1]):
        seen += count
        yield str(2**power / 1000), seen
    yield "+Inf", seen + calls.durations[-1]


def _of_run(gauges: Gauges | None) -> Iterator[Metric]:
    depth = GaugeMetricFamily(
        "ingestor_queue_depth", "Photos that wait between stages.", labels=["channel"]
    )
    channels = gauges.channels if gauges else None
    for name in ("photos", "images", "published"):
        depth.add_metric([name], len(getattr(channels, name)) if channels else 0)
    yield depth
    held, downloads, purchases = (
        (gauges.memory.held, gauges.downloads.in_flight, gauges.calls.in_flight)
        if gauges
        else (0, 0, 0)
    )
    used, rate = (gauges.quota.used, gauges.quota.rate) if gauges else (0, 1)
    yield _gauge("running", "1 while a run is going on.", float(gauges is not None))
    yield _gauge("image_bytes_held", "Bytes of images in memory.", held)
    yield _gauge("downloads_in_flight", "Downloads going on.", downloads)
    yield _gauge("purchases_in_flight", "Paid requests going on.", purchases)
    yield _gauge("quota_used", "Share of the binding quota, this run.", used)
    yield _gauge("quota_rate", "Share of the quota that refusals left.", rate)


def _of_journal(known: Known) -> Iterator[Metric]:
    said = known.standing
    photos = GaugeMetricFamily("ingestor_photos", "Photos by state.", labels=["state"])
    # Each from the beginning: to Prometheus a change from nothing is none.
    for state in STATES:
        photos.add_metric([state], said.photos.get(state, 0))
    units = CounterMetricFamily(
        "ingestor_units", "Units, certainly or perhaps billed.", labels=["kind"]
    )
    units.add_metric(["certain"], said.certain)
    units.add_metric(["possible"], said.possible)
    yield from (photos, units)
    yield _gauge("units_reserved", "Units of paid requests going on.", said.reserved)
    yield _gauge("units_this_month", "Units of this calendar month, UTC.", said.month_units)
    yield _gauge(
        "cost_this_month_usd", "What they cost, free tier counted.", pricing.cost(said.month_units)
    )
    yield _gauge("images_in_doubt", "Images whose answer never arrived.", said.in_doubt)


def _of_rechecks(
    rechecked: Mapping[str, float], *, following: Collection[str], now: float
) -> GaugeMetricFamily:
    age = GaugeMetricFamily(
        "ingestor_recheck_age_seconds",
        "Since a whole pool was read again for photos that left it.",
        labels=["group"],
    )
    for group, ended in rechecked.items():
        if group in following:
            age.add_metric([group], now - ended)
    return age


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"ingestor_{name}", text, value=value)
