"""What has happened since the process began, counted by a listener of events."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from types import MappingProxyType
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from ingestor import events

PURCHASE_BUCKETS: Final = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 60.0, 600.0)
"""Seconds: a request of 16 images usually takes one or two, and is given ten minutes."""


class Counts:
    """Its `listen` is a Listener; `wall` tells unix seconds."""

    def __init__(
        self, registry: CollectorRegistry, *, wall: Callable[[], float] = time.time
    ) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"ingestor_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"ingestor_{name}", text, labels, registry=registry)

        self.annotated = counter("photos_annotated", "Photos that were annotated.")
        self.reused = counter("photos_reused", "Photos whose bytes had been bought before: free.")
        self.stored = counter("photos_stored", "Photos that were published.")
        self.failed = counter("photos_failed", "Photos that died.", "stage", "reason")
        self.withdrawn = counter("photos_withdrawn", "Photos that left a pool.", "group")
        self.taken_down = counter("photos_taken_down", "Of those, what no group has any more.")
        self.purchases = counter("purchases", "Paid requests by their end.", "end")
        self.seconds = Histogram(
            "ingestor_purchase_seconds",
            "Seconds of paid requests that were answered.",
            buckets=PURCHASE_BUCKETS,
            registry=registry,
        )
        self.retries = counter("retries", "Attempts that failed.", "upstream", "reason")
        self.throttled = counter(
            "throttled", "Times that an upstream refused us for speed.", "upstream"
        )
        for upstream in events.UPSTREAMS:
            # To Prometheus a series begins with the first value that it sees: so each begins with 0.
            self.throttled.labels(upstream)
        self.runs = counter("runs", "Runs by their end.", "end")
        self.looked = gauge(
            "group_last_success_timestamp_seconds",
            "When a group's last turn went well; as long as none did, when the first went wrong.",
            "group",
        )
        self.pool = gauge("group_photos", "Photos in the pool, as Flickr counts them.", "group")
        self.complete = gauge("group_complete", "1 if nothing is left to do.", "group")
        self.group_failures = counter("group_failures", "Turns that went wrong.", "group", "reason")
        self.halts = counter("halts", "Times that buying was halted.", "reason")
        self.groups = gauge("groups", "Groups that are followed.")
        self.wall = wall
        self.met: set[str] = set()
        """Groups that `looked` has a time of."""

    def listen(self, event: events.Event) -> None:
        if take := TAKE.get(type(event)):
            take(self, event)


def _settled(counts: Counts, event: events.BatchSettled) -> None:
    counts.annotated.inc(event.annotated)
    counts.purchases.labels("settled").inc()
    counts.seconds.observe(event.seconds)


def _looked(counts: Counts, event: events.GroupLooked) -> None:
    counts.met.add(event.group)
    counts.looked.labels(event.group).set(event.unix)
    counts.pool.labels(event.group).set(event.total)
    counts.complete.labels(event.group).set(event.complete)


def _group_failed(counts: Counts, event: events.GroupFailed) -> None:
    """A group that has failed ever since the process began is to alarm somebody, too."""
    counts.group_failures.labels(event.group, event.reason).inc()
    if event.group not in counts.met:
        counts.met.add(event.group)
        counts.looked.labels(event.group).set(counts.wall())


def _dropped(counts: Counts, event: events.GroupDropped) -> None:
    """Nobody is to be alarmed because a group that is followed no longer has no turns."""
    counts.met.discard(event.group)
    for gauge in (counts.looked, counts.pool, counts.complete):
        with suppress(KeyError):
            gauge.remove(event.group)


def _withdrawn(counts: Counts, event: events.PhotosWithdrawn) -> None:
    counts.withdrawn.labels(event.group).inc(event.photos)
    counts.taken_down.inc(event.taken_down)


Take = Callable[[Counts, Any], object]

TAKE: Final = MappingProxyType[type[events.Event], Take](
    {
        events.BatchSettled: _settled,
        events.AnnotationReused: lambda counts, _event: counts.reused.inc(),
        events.PurchaseInDoubt: lambda counts, _event: counts.purchases.labels("in-doubt").inc(),
        events.PurchaseUnbilled: lambda counts, _event: counts.purchases.labels("unbilled").inc(),
        events.UpdateStored: lambda counts, event: counts.stored.inc(event.photos),
        events.PhotoFailed: lambda counts, event: counts.failed.labels(
            event.stage, event.reason
        ).inc(),
        events.RetryScheduled: lambda counts, event: counts.retries.labels(
            event.upstream, event.reason
        ).inc(),
        events.UpstreamThrottled: lambda counts, event: counts.throttled.labels(
            event.upstream
        ).inc(),
        events.RunFinished: lambda counts, event: counts.runs.labels(event.reason).inc(),
        events.GroupLooked: _looked,
        events.GroupFailed: _group_failed,
        events.GroupDropped: _dropped,
        events.PhotosWithdrawn: _withdrawn,
        events.BuyingHalted: lambda counts, event: counts.halts.labels(event.reason).inc(),
        events.WatchlistChanged: lambda counts, event: counts.groups.set(event.groups),
    }
)
