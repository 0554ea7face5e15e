"""Log lines have fixed names and fields, no secrets, and cost nothing where unwanted."""

from __future__ import annotations

import asyncio
import io
import logging
import os
from typing import Any

import orjson
import pytest

from ingestor import events
from ingestor.cli.logs import Form, guarded, log_events, make_logger
from ingestor.cli.redaction import Redaction

CANARY = "canary-0123456789"


class Book(io.StringIO):
    @property
    def lines(self) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in self.getvalue().splitlines()]


def listening(book: Book, *, level: str = "info", form: Form = "json") -> events.Listener:
    redaction = Redaction({"GOOGLE_API_KEY": CANARY})
    return log_events(make_logger(book, level=level, form=form, redaction=redaction), level=level)


def test_an_event_becomes_a_line_with_its_name_and_fields() -> None:
    book = Book()

    listening(book)(events.PurchaseInDoubt(purchase="p1", images=16, reason="timeout"))

    (line,) = book.lines
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "purchase_in_doubt",
        "level": "warning",
        "purchase": "p1",
        "images": 16,
        "reason": "timeout",
    }


def test_a_file_whose_name_is_no_text_can_be_told_of() -> None:
    book = Book()

    listening(book)(events.RunStopping(reason="SIGTERM", message=os.fsdecode(b"st\xff")))

    assert book.lines[0]["message"] == "st?"


def test_during_a_run_each_line_says_which_and_of_which_group() -> None:
    book = Book()
    listen = listening(book, level="debug")

    for event in (
        events.RunStarted(run="r1", groups=("1@N00",), limit=None, resumed=0),
        events.ImageDownloaded(photo="7", size=1, seconds=0.1),
        events.BatchSent(purchase="p1", images=1, units=1, attempt=1, ids=("7",)),
        events.RunFinished(run="r1", reason="complete"),
        events.WatchlistChanged(groups=1, refused=()),
    ):
        listen(event)

    _started, downloaded, sent, _finished, watching = book.lines
    assert (downloaded["run"], downloaded["group"], downloaded["photo"]) == ("r1", "1@N00", "7")
    assert (sent["run"], sent["purchase"], sent["ids"]) == ("r1", "p1", ["7"])
    assert "run" not in watching


@pytest.mark.parametrize(
    ("level", "names"),
    [
        pytest.param("debug", ["photo_failed", "run_finished", "purchase_in_doubt"], id="debug"),
        pytest.param("info", ["run_finished", "purchase_in_doubt"], id="info"),
        pytest.param("warning", ["purchase_in_doubt"], id="warning"),
        pytest.param("error", [], id="error"),
    ],
)
def test_lines_per_photo_are_only_for_those_who_look_for_something(
    level: str, names: list[str]
) -> None:
    book = Book()
    listen = listening(book, level=level)

    listen(events.PhotoFailed(photo="1", stage="download", reason="gone", detail=""))
    listen(events.RunFinished(run="r", reason="complete"))
    listen(events.PurchaseInDoubt(purchase="p1", images=16, reason="timeout"))

    assert [line["event"] for line in book.lines] == names


@pytest.mark.parametrize(
    "event",
    [
        events.BuyingHalted(reason="billing", message="Billing is off.", seconds=900.0),
        events.BuyingResumed(reason="billing"),
        events.GroupFailed(group="1@N00", reason="group-private", message="No.", seconds=None),
        events.WatchlistChanged(groups=1, refused=("no group",)),
        events.WatchlistChanged(groups=1, refused=(), message="It cannot be read."),
    ],
    ids=lambda event: type(event).__name__,
)
def test_who_reads_warnings_alone_sees_what_a_worker_does_not_do(event: events.Event) -> None:
    book = Book()

    listening(book, level="warning")(event)

    assert [line["level"] for line in book.lines] == ["warning"]


def test_a_list_of_groups_that_is_as_it_should_be_is_worth_no_warning() -> None:
    book = Book()

    listening(book, level="warning")(events.WatchlistChanged(groups=2, refused=()))

    assert book.lines == []


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_reaches_a_line(form: Form) -> None:
    book = Book()

    listening(book, level="debug", form=form)(
        events.PhotoFailed(photo="1", stage="download", reason="odd", detail=f"?api_key={CANARY}")
    )

    assert "canary" not in book.getvalue()
    assert "api_key=***" in book.getvalue()


def test_what_only_a_whole_line_tells_is_hidden_in_it() -> None:
    book = Book()
    logger = make_logger(book, level="info", form="text", redaction=Redaction({}))

    logger.info("asked", api_key="0a1b2c3d")

    assert "0a1b2c3d" not in book.getvalue()


async def test_what_libraries_warn_of_is_told_by_the_error_that_follows() -> None:
    book = Book()
    logger = make_logger(book, level="info", form="json", redaction=Redaction({}))

    with guarded(logger, level="info"):
        logging.getLogger("some.library").warning("this may fail")
        logging.getLogger("some.library").error("this failed")

    assert [line["said"] for line in book.lines] == ["this failed"]


@pytest.mark.parametrize("form", ["text", "json"])
async def test_libraries_and_their_tracebacks_come_out_redacted(form: Form) -> None:
    book = Book()
    logger = make_logger(
        book, level="info", form=form, redaction=Redaction({"GOOGLE_API_KEY": CANARY})
    )

    with guarded(logger, level="info"):
        try:
            raise ValueError(f"cannot open https://h/?key={CANARY}")
        except ValueError:
            logging.getLogger("some.library").exception("lost %s", CANARY)

    assert "canary" not in book.getvalue()
    assert "lost ***" in book.getvalue()
    assert "ValueError" in book.getvalue()


async def test_the_loop_says_what_went_wrong_through_the_same_door() -> None:
    book = Book()
    logger = make_logger(book, level="info", form="json", redaction=Redaction({}))

    with guarded(logger, level="info"):
        asyncio.get_running_loop().call_exception_handler(
            {"message": "it broke", "exception": RuntimeError("key=abcdef")}
        )

    (line,) = book.lines
    assert line["event"] == "loop_error"
    assert "key=***" in line["exception"]


def test_a_secret_that_json_would_spell_differently_is_hidden_all_the_same() -> None:
    book = Book()
    redaction = Redaction({"GOOGLE_API_KEY": 'canary"with\\signs'})
    logger = make_logger(book, level="info", form="json", redaction=redaction)

    logger.info("library", said='the key canary"with\\signs was refused')

    assert book.lines[0]["said"] == "the key *** was refused"


@pytest.mark.parametrize(
    "said", ["\x1b[2J\x07", "two words\x1b[2J", "a\nforged line"], ids=["bare", "quoted", "a line"]
)
def test_what_an_upstream_said_cannot_disturb_the_terminal(said: str) -> None:
    book = Book()

    listening(book, form="text")(events.RunStopping(reason="weather", message=said))

    assert book.getvalue()[:-1].isprintable()
