"""One trace for each batch, whatever becomes of it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ingestor import events
from ingestor.eyes.traces import MOST_OPEN, SECOND, Traces

PHOTOS = ("1", "2", "3")


class Watched:
    """Traces told of events, a second after each other."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.now = 100 * SECOND
        self._traces = Traces(provider.get_tracer("test"), clock=lambda: self.now)

    def told(self, *told: events.Event) -> Sequence[ReadableSpan]:
        for event in told:
            self.now += SECOND
            self._traces.listen(event)
        return self.exporter.get_finished_spans()


def downloaded(photo: str, seconds: float = 2.0) -> events.Event:
    return events.ImageDownloaded(photo=photo, size=1, seconds=seconds)


def sent(purchase: str = "p", ids: tuple[str, ...] = PHOTOS) -> events.Event:
    return events.BatchSent(purchase=purchase, images=len(ids), units=len(ids), attempt=1, ids=ids)


def settled(purchase: str = "p", annotated: int = 3) -> events.Event:
    return events.BatchSettled(purchase=purchase, annotated=annotated, failed=0, seconds=1.0)


def stored(*ids: str) -> events.Event:
    return events.UpdateStored(photos=len(ids), size=1, seconds=0.5, ids=ids)


STARTED = events.RunStarted(run="r1", groups=("1@N00",), limit=None, resumed=0)
FINISHED = events.RunFinished(run="r1", reason="complete")


def test_a_batch_is_one_trace_through_the_stages():
    spans = Watched().told(
        STARTED, *map(downloaded, PHOTOS), sent(), settled(), stored("1"), stored("2", "3")
    )

    *parts, batch = spans
    assert [span.name for span in parts] == ["download"] * 3 + ["annotate", "store", "store"]
    assert {span.context.trace_id for span in spans} == {batch.context.trace_id}
    assert {span.parent and span.parent.span_id for span in parts} == {batch.context.span_id}
    assert dict(batch.attributes or {})["ingestor.run"] == "r1"
    assert dict(batch.attributes or {})["ingestor.purchase"] == "p"
    assert (parts[0].attributes or {})["ingestor.photo"] == "1"


def test_a_batch_lasts_from_its_first_download_to_its_last_photo_in_the_store():
    *_parts, batch = Watched().told(downloaded("1", 5.0), sent(ids=("1",)), settled(), stored("1"))

    assert (batch.start_time, batch.end_time) == ((101 - 5) * SECOND, 104 * SECOND)


def test_two_batches_in_one_update_are_two_traces():
    spans = Watched().told(
        sent("p", ("1",)), sent("q", ("2",)), settled("p"), settled("q"), stored("1", "2")
    )

    batches = [span for span in spans if span.name == "batch"]
    assert len({span.context.trace_id for span in batches}) == 2
    assert sum(span.name == "store" for span in spans) == 2


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(events.PurchaseInDoubt(purchase="p", images=3, reason="timeout"), id="doubt"),
        pytest.param(events.PurchaseUnbilled(purchase="p", images=3, reason="dns"), id="unsent"),
    ],
)
def test_a_request_without_an_answer_ends_its_trace_with_the_reason(end: events.Event):
    annotate, batch = Watched().told(sent(), end)

    assert (annotate.name, batch.name) == ("annotate", "batch")
    assert annotate.status.description == end.reason  # type: ignore[attr-defined]


def test_a_run_that_ends_leaves_no_trace_open_and_remembers_nothing():
    watched = Watched()
    watched.told(downloaded("9"), sent(), settled(), FINISHED)

    again = watched.told(sent("q", ("9",)), settled("q"), stored("9"))

    assert [span.name for span in again].count("batch") == 2
    assert "download" not in [span.name for span in again]


def test_of_too_many_batches_that_wait_the_oldest_is_closed():
    spans = Watched().told(*(sent(str(n), (str(n),)) for n in range(MOST_OPEN + 2)))

    assert [(span.attributes or {})["ingestor.purchase"] for span in spans] == ["0", "1"]


def test_a_photo_that_dies_holds_no_trace_open():
    died = events.PhotoFailed(photo="3", stage="annotate", reason="vision-bad-image", detail="")

    spans = Watched().told(sent(), settled(annotated=2), died, stored("1", "2"))

    assert spans[-1].name == "batch"
