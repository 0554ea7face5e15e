"""
Log lines: fixed names, fixed fields, no secrets; text for people or JSON for machines.

An event becomes a line named after its class (`RunStarted` is `run_started`) whose fields are the
event's own. Nothing is formatted for a level that nobody wants.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Final, Literal, Protocol

import structlog
from structlog.dev import plain_traceback
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from ingestor import events
from ingestor.cli.json_lines import escaped_for, json_line
from ingestor.cli.redaction import Redaction

Form = Literal["text", "json"]

LEVELS: Final = MappingProxyType(
    {"debug": 10, "info": 20, "warning": 30, "error": 40},
)

EVENT_LEVELS: Final = MappingProxyType(
    {
        # One line per photo, batch, attempt or look: for those who look for something.
        events.ImageDownloaded: logging.DEBUG,
        events.BatchSent: logging.DEBUG,
        events.BatchSettled: logging.DEBUG,
        events.PurchaseUnbilled: logging.DEBUG,
        events.AnnotationReused: logging.DEBUG,
        events.UpdateStored: logging.DEBUG,
        events.PhotoFailed: logging.DEBUG,
        events.RetryScheduled: logging.DEBUG,
        events.LeaseAwaited: logging.DEBUG,
        # Money or speed that the operator may want to know of.
        events.PurchaseInDoubt: logging.WARNING,
        events.UpstreamThrottled: logging.WARNING,
        # What is missing in the end.
        events.PagePassedOver: logging.WARNING,
        events.BuyingHalted: logging.WARNING,
        events.BuyingResumed: logging.WARNING,
        events.GroupFailed: logging.WARNING,
    }
)
"""What is not here is info."""


class Log(Protocol):
    """A listener that can be told to write an event at a higher level than it has."""

    def __call__(self, event: events.Event, /, *, louder: int = 0) -> None: ...


class Stream(Protocol):
    """Where lines go."""

    def write(self, text: str, /) -> object: ...

    def flush(self) -> None: ...


def make_logger(
    stream: Stream,
    *,
    level: str,
    form: Form,
    redaction: Redaction,
    colors: bool = False,
    encoding: str | None = None,
) -> FilteringBoundLogger:
    """
    A logger of its own, bound to a stream; nothing global is configured. `encoding` is the stream's, if
    it has one.
    """
    logger: FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(stream),  # type: ignore[arg-type]  # it wants a TextIO, and writes
        processors=_processors(form, redaction, colors=colors, encoding=encoding),
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        context_class=dict,
        cache_logger_on_first_use=True,
    )
    return logger


def log_events(logger: FilteringBoundLogger, *, level: str) -> Log:
    """
    A listener that writes what happens as log lines; during a run each of them says which, and of
    which group if there is one.
    """
    threshold = LEVELS[level]
    during: dict[str, object] = {}

    def listen(event: events.Event, /, *, louder: int = 0) -> None:
        wanted = louder or _level_of(event)
        if wanted >= threshold:
            values = {name: _short(getattr(event, name)) for name in event.__struct_fields__}
            logger.log(wanted, name_of(type(event)), **during | values)
        match event:
            case events.RunStarted(run=run, groups=(group,)):
                during.update(run=run, group=group)
            case events.RunStarted(run=run):
                during.update(run=run)
            case events.RunFinished():
                during.clear()
            case _:
                pass

    return listen


def _level_of(event: events.Event) -> int:
    match event:
        case events.WatchlistChanged(refused=refused, message=message) if refused or message:
            # What is not followed, as of a group that fails.
            return logging.WARNING
        case _:
            return EVENT_LEVELS.get(type(event), logging.INFO)


def _short(value: object) -> object:
    """Nobody reads more than milliseconds."""
    return round(value, 3) if isinstance(value, float) else value


def name_of(kind: type[events.Event]) -> str:
    """`RunStarted` is called run_started: for searching, the name never changes."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower()


@contextmanager
def guarded(logger: FilteringBoundLogger, *, level: str) -> Iterator[None]:
    """
    Lead what libraries and the loop would print themselves through the same door, in the block.

    Enter it inside the running loop. Libraries are heard when they report errors, or with every
    word at debug: what they warn of is told by the error that follows.
    """
    root, loop = logging.getLogger(), asyncio.get_running_loop()
    before = root.handlers, root.level, logging.raiseExceptions

    def loop_failed(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        logger.error("loop_error", said=context.get("message"), exc_info=context.get("exception"))

    root.handlers = [_Forwarded(logger)]
    root.setLevel(logging.DEBUG if level == "debug" else logging.ERROR)
    logging.raiseExceptions = False
    loop.set_exception_handler(loop_failed)
    try:
        yield
    finally:
        loop.set_exception_handler(None)
        root.handlers, level_before, logging.raiseExceptions = before
        root.setLevel(level_before)


class _Forwarded(logging.Handler):
    """Hands the lines of libraries on, formatted, so that their arguments are redacted as well."""

    def __init__(self, logger: FilteringBoundLogger) -> None:
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        try:
            said = record.getMessage()
        except (TypeError, ValueError):
            said = str(record.msg)
        self._logger.log(
            record.levelno, "library", said=said, logger=record.name, exc_info=record.exc_info
        )


def _processors(
    form: Form, redaction: Redaction, *, colors: bool, encoding: str | None
) -> list[Processor]:
    def redact(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        return {name: redaction.value(value) for name, value in line.items()}

    def redact_again(_logger: WrappedLogger, _method: str, line: str) -> str:
        return redaction.text(line)

    def escape(_logger: WrappedLogger, _method: str, line: str) -> str:
        return escaped_for(encoding, line)

    rendered: Processor = (
        structlog.processors.JSONRenderer(serializer=_as_json)
        if form == "json"
        else structlog.dev.ConsoleRenderer(
            colors=colors, pad_level=False, pad_event_to=0, exception_formatter=plain_traceback
        )
    )
    return [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso" if form == "json" else "%H:%M:%S", utc=True),
        structlog.processors.format_exc_info,
        redact,
        *((_without_controls,) if form == "text" else ()),
        rendered,
        # A renderer joins texts: what was harmless in two fields may tell something in one line.
        redact_again,
        *((escape,) if form == "json" else ()),
    ]


def _without_controls(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """What an upstream said must not move the cursor; JSON spells such signs out by itself."""
    return {
        name: _plain(value) if isinstance(value, str) and not value.isprintable() else value
        for name, value in line.items()
    }


def _plain(text: str) -> str:
    """Tracebacks keep their lines; the renderer quotes other values that have several."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "�" for sign in text)


def _as_json(line: EventDict, **_options: object) -> str:
    return json_line(line).removesuffix("\n")
