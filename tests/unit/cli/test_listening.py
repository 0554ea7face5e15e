"""How much is said on stderr, by where it goes and by what is shown there besides."""

from __future__ import annotations

import io
import os
import pty
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import orjson
import pytest
from msgspec.structs import replace

from ingestor import events
from ingestor.cli.listening import START_OF_LINE, Voice
from ingestor.cli.redaction import Redaction
from ingestor.settings import Settings

PAGE = events.PageListed(group="1@N00", page=1, pages=2, total=900, listed=500, known=0)
AWAY = events.RetryScheduled(
    upstream="flickr",
    reason="connect",
    attempt=4,
    seconds=2.0,
    silent=3.0,
    message="no connection could be made",
)
HELD = events.LeaseAwaited(group="1@N00", owner="r9@other", until=0.0)
END = "end of text"


class Stderr(io.StringIO):
    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.mark.parametrize(
    ("terminal", "progress", "flags", "level"),
    [
        pytest.param(True, True, {}, "warning", id="beside bars"),
        pytest.param(True, False, {}, "info", id="where lines are all there is"),
        pytest.param(False, True, {}, "info", id="for a log"),
        pytest.param(True, False, {"report": "json"}, "warning", id="for a program"),
        pytest.param(True, True, {"log_level": "debug"}, "debug", id="asked for beside bars"),
        pytest.param(True, False, {"log_level": "error"}, "error", id="asked for less"),
    ],
)
def test_a_terminal_is_told_by_lines_what_no_bar_shows(
    terminal: bool, progress: bool, flags: dict[str, str], level: str
) -> None:
    voice = Voice(
        Settings.read(**flags),
        redaction=Redaction({}),
        stderr=Stderr(terminal=terminal),
        progress=progress,
    )

    assert voice.level == level


def test_a_log_of_few_letters_carries_them_all() -> None:
    """Whoever reads JSON takes it for UTF-8, whatever this locale has."""
    written = io.BytesIO()
    stderr = io.TextIOWrapper(written, encoding="latin-1", errors="replace")
    voice = Voice(Settings.read(), redaction=Redaction({}), stderr=stderr)

    voice.log(events.RunStopping(reason="SIGTERM", message="Søren's 🦋"))
    stderr.flush()

    assert orjson.loads(written.getvalue())["message"] == "Søren's 🦋"


def test_a_terminal_that_cannot_draw_is_told_by_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")

    lines = said(PAGE, AWAY, terminal=True)

    assert ["page_listed" in line for line in lines] == [True, False]
    assert "\x1b" not in "".join(lines)


async def test_a_terminal_that_cannot_draw_has_lines_of_progress(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    stderr = Stderr(terminal=True)

    async with Voice(Settings.read(), redaction=Redaction({}), stderr=stderr).progress() as listen:
        listen(PAGE)

    *_, last = stderr.getvalue().splitlines()
    assert last.startswith("ingestor: ")
    assert "500 of 900 listed" in last


def test_nothing_is_colored_for_who_wants_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    assert "\x1b" not in "".join(said(PAGE, terminal=True, progress=False))


def test_a_listing_stays_in_one_row_of_a_narrow_terminal() -> None:
    with narrow_terminal(columns=30) as (ours, stderr):
        voice = Voice(Settings.read(), redaction=Redaction({}), stderr=stderr)

        with voice.listing() as listen:
            listen(PAGE)
        shown = shown_on(ours, stderr)

    row, empty = shown.split(START_OF_LINE)[1:]
    assert row.startswith("500 photos listed")
    assert (len(row), empty) == (30, "")


@contextmanager
def narrow_terminal(*, columns: int) -> Iterator[tuple[int, TextIO]]:
    """Its screen, and what writes to it."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    try:
        with os.fdopen(theirs, "w") as stderr:
            yield ours, stderr
    finally:
        os.close(ours)


def shown_on(screen: int, stderr: TextIO) -> str:
    """All of it: a terminal passes on what was written piece by piece, in its own time."""
    stderr.write(END)
    stderr.flush()
    shown = b""
    while END.encode() not in shown:
        shown += os.read(screen, 1 << 16)
    return shown.decode().removesuffix(END)


def said(*told: events.Event, terminal: bool, progress: bool = True, **flags: Any) -> list[str]:
    stderr = Stderr(terminal=terminal)
    voice = Voice(Settings.read(**flags), redaction=Redaction({}), stderr=stderr, progress=progress)
    for event in told:
        voice.log(event)
    return stderr.getvalue().splitlines()


@pytest.mark.parametrize("event", [AWAY, HELD], ids=["upstream", "lease"])
def test_a_person_reads_once_in_a_sentence_who_is_waited_for(event: events.Event) -> None:
    lines = said(event, event, terminal=True)

    assert len(lines) == 1
    assert lines[0].startswith("ingestor: waits for ")


@pytest.mark.parametrize(
    "flags", [{}, {"report": "json"}, {"log_level": "warning"}], ids=["run", "program", "less"]
)
def test_a_log_has_once_a_warning_of_who_is_waited_for_and_why(flags: dict[str, Any]) -> None:
    (line,) = map(orjson.loads, said(AWAY, AWAY, terminal=False, **flags))

    assert (line["event"], line["level"]) == ("retry_scheduled", "warning")
    assert (line["reason"], line["message"]) == ("connect", "no connection could be made")


def test_a_log_has_no_line_for_each_look_at_the_lease_of_another_machine() -> None:
    (line,) = map(orjson.loads, said(*[HELD] * 50, terminal=False))

    assert (line["event"], line["level"]) == ("lease_awaited", "warning")


def test_an_outage_of_hours_is_told_when_it_begins_and_ends_and_not_by_the_attempt() -> None:
    unsent = events.PurchaseUnbilled(purchase="p", images=16, reason="connect")
    away = replace(AWAY, upstream="vision")
    answered = events.BatchSettled(purchase="p", annotated=16, failed=0, seconds=1.0)

    lines = said(*(away, unsent) * 1000, answered, answered, terminal=False)

    told = [(line["event"], line["level"], line["upstream"]) for line in map(orjson.loads, lines)]
    assert told == [
        ("retry_scheduled", "warning", "vision"),
        ("upstream_back", "warning", "vision"),
    ]


def test_a_person_reads_that_who_was_waited_for_answers_again() -> None:
    _waits, back = said(AWAY, PAGE, terminal=True)

    assert back == "ingestor: Flickr answers again, after 3 s."


def test_who_wants_errors_alone_is_told_of_no_wait() -> None:
    assert not said(AWAY, HELD, terminal=True, log_level="error")
    assert not said(AWAY, HELD, terminal=False, log_level="error")


def test_a_worker_on_a_terminal_speaks_in_lines_of_its_log() -> None:
    (line,) = said(AWAY, AWAY, terminal=True, progress=False)

    assert "retry_scheduled" in line


def test_who_stops_a_command_early_is_told_what_it_waited_for() -> None:
    stderr = Stderr(terminal=False)
    voice = Voice(Settings.read(), redaction=Redaction({}), stderr=stderr)

    voice.interrupted("SIGINT")
    voice.log(AWAY)
    voice.interrupted("SIGINT")

    first, _line, last = stderr.getvalue().splitlines()
    assert first == "ingestor: stopped by SIGINT before it was done."
    assert last == (
        "ingestor: stopped by SIGINT while waiting for Flickr (no connection could be made)."
    )


def test_what_is_said_during_a_listing_has_a_line_of_its_own() -> None:
    stderr = Stderr(terminal=True)
    voice = Voice(Settings.read(), redaction=Redaction({}), stderr=stderr)

    with voice.listing() as listen:
        for event in (PAGE, AWAY, PAGE):
            listen(event)

    shown = [line.rpartition(START_OF_LINE)[2] for line in stderr.getvalue().split("\n")]
    assert "500 photos listed" in stderr.getvalue()
    assert "1,000 photos listed" in stderr.getvalue()
    assert shown[0].startswith("ingestor: waits for Flickr")
    assert shown[1:] == ["ingestor: Flickr answers again, after 3 s.", ""]
