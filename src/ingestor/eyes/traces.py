"""
One trace for each batch, through the stages: its downloads, the paid request, its way into the store.

A listener of events like the others; what it knows of a span it has been told when the span is over.
OpenTelemetry is an extra, imported when traces are wanted. Where they go is said by OpenTelemetry's
own variables (OTEL_EXPORTER_OTLP_ENDPOINT and its kin), and it opens its own connection there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from ingestor import events
from ingestor.errors import SettingsError

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

DEADLINE: Final = 0.5
"""Seconds for handing a few spans to a collector nearby: an exit does not wait longer for one."""
MOST_OPEN: Final = 1000
"""Batches that wait for their photos to be stored; the oldest is closed as it is."""
SECOND: Final = 1_000_000_000
"""OpenTelemetry counts nanoseconds."""

_Answer = events.BatchSettled | events.PurchaseInDoubt | events.PurchaseUnbilled


@dataclass(slots=True, kw_only=True)
class _Batch:
    """One that is on its way."""

    root: Span
    sent: int
    waiting: set[str]
    """Photos that are not stored yet."""


class Traces:
    """Its `listen` is a Listener. Times are unix nanoseconds."""

    def __init__(self, tracer: Tracer, *, clock: Callable[[], int] = time.time_ns) -> None:
        self._tracer = tracer
        self._clock = clock
        self._run = ""
        self._group = ""
        self._downloads: dict[str, tuple[int, int]] = {}
        self._batches: dict[str, _Batch] = {}

    def listen(self, event: events.Event) -> None:
        now = self._clock()
        match event:
            case events.RunStarted():
                self._run, self._group = event.run, ",".join(event.groups)
            case events.ImageDownloaded():
                self._downloads[event.photo] = now - int(event.seconds * SECOND), now
            case events.BatchSent():
                self._begin(event, now=now)
            case events.BatchSettled() | events.PurchaseInDoubt() | events.PurchaseUnbilled():
                self._answered(event, now=now)
            case events.UpdateStored():
                self._stored(event, now=now)
            case events.AnnotationReused() | events.PhotoFailed():
                self._done([event.photo], now=now)
            case events.RunFinished():
                for purchase in tuple(self._batches):
                    self._end(purchase, now=now)
                self._downloads.clear()
            case _:
                pass

    def _begin(self, event: events.BatchSent, *, now: int) -> None:
        downloads = [
            (photo, *self._downloads.pop(photo)) for photo in event.ids if photo in self._downloads
        ]
        root = self._tracer.start_span(
            "batch",
            start_time=min((start for _photo, start, _end in downloads), default=now),
            attributes={
                "ingestor.run": self._run,
                "ingestor.group": self._group,
                "ingestor.purchase": event.purchase,
                "ingestor.units": event.units,
                "ingestor.attempt": event.attempt,
            },
        )
        while len(self._batches) >= MOST_OPEN:
            self._end(next(iter(self._batches)), now=now)
        self._batches[event.purchase] = _Batch(root=root, sent=now, waiting=set(event.ids))
        for photo, start, end in downloads:
            self._span(root, "download", start=start, end=end, photo=photo)

    def _answered(self, event: _Answer, *, now: int) -> None:
        error = "" if isinstance(event, events.BatchSettled) else event.reason
        if batch := self._batches.get(event.purchase):
            self._span(batch.root, "annotate", start=batch.sent, end=now, error=error)
        if not (isinstance(event, events.BatchSettled) and event.annotated):
            self._end(event.purchase, now=now)

    def _stored(self, event: events.UpdateStored, *, now: int) -> None:
        start, stored = now - int(event.seconds * SECOND), set(event.ids)
        for batch in self._batches.values():
            if batch.waiting & stored:
                self._span(batch.root, "store", start=start, end=now)
        self._done(event.ids, now=now)

    def _done(self, photos: Sequence[str], *, now: int) -> None:
        """Nothing more will happen to these."""
        for photo in photos:
            self._downloads.pop(photo, None)
        for purchase, batch in tuple(self._batches.items()):
            if not batch.waiting.isdisjoint(photos):
                batch.waiting.difference_update(photos)
                if not batch.waiting:
                    self._end(purchase, now=now)

    def _end(self, purchase: str, *, now: int) -> None:
        if batch := self._batches.pop(purchase, None):
            batch.root.end(now)

    def _span(
        self, root: Span, name: str, *, start: int, end: int, photo: str = "", error: str = ""
    ) -> None:
        from opentelemetry import trace

        attributes = {"ingestor.photo": photo} if photo else {}
        span = self._tracer.start_span(
            name,
            context=trace.set_span_in_context(root),
            start_time=start,
            attributes=attributes,
        )
        if error:
            span.set_status(trace.StatusCode.ERROR, error)
        span.end(end)


@contextmanager
def traced(*, wanted: bool) -> Iterator[events.Listener]:
    """
    A listener whose traces are sent while in the block, or one that does nothing.

    Raises SettingsError where OpenTelemetry is not installed.
    """
    if not wanted:
        yield events.ignore
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise SettingsError(
            "--traces needs OpenTelemetry, which is not installed: the extra `otel` brings it."
        ) from None
    named = Resource.create({"service.name": "ingestor", "service.version": version("ingestor")})
    provider = TracerProvider(resource=named, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=DEADLINE)))
    try:
        yield Traces(provider.get_tracer("ingestor")).listen
    finally:
        provider.shutdown()
