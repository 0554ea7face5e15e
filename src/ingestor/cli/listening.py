"""What is said on stderr while a command runs: log lines, progress, and one last sentence."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import IO, TYPE_CHECKING, Self, TextIO

from ingestor.cli import logs
from ingestor.cli.redaction import Redaction
from ingestor.events import Event, Listener

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from ingestor.settings import Settings


class Voice:
    """
    Speaks on stderr alone. With `--report json` it is silent but for warnings, and beside progress
    bars as well, since those show the rest; an explicit `--log-level` is obeyed in any case.
    """

    def __init__(self, settings: Settings, *, redaction: Redaction, stderr: TextIO) -> None:
        self._settings = settings
        self._redaction = redaction
        self._stderr = stderr
        self._terminal = stderr.isatty()
        self.level = _level(settings, terminal=self._terminal)
        self.logger = self._make_logger(stderr)
        self.log: Listener = logs.log_events(self.logger, level=self.level)

    @classmethod
    def of(cls, settings: Settings, *, redaction: Redaction, stderr: TextIO) -> Self:
        return cls(settings, redaction=redaction, stderr=stderr)

    def guard(self) -> None:
        logs.guard(self.logger, self._redaction, level=self.level)

    def say(self, sentence: str) -> None:
        self._stderr.write(f"ingestor: {self._redaction.text(sentence)}\n")

    @asynccontextmanager
    async def progress(self) -> AsyncIterator[Listener]:
        """Show how a run gets on while in the block; yields the listener to give to it."""
        yield self.log

    def _make_logger(self, stream: IO[str]) -> FilteringBoundLogger:
        form = self._settings.log_format or ("text" if self._terminal else "json")
        return logs.make_logger(
            stream,
            level=self.level,
            form=form,
            redaction=self._redaction,
            colors=self._terminal and form == "text",
        )


def both(first: Listener, second: Listener) -> Listener:
    def listen(event: Event) -> None:
        first(event)
        second(event)

    return listen


def _level(settings: Settings, *, terminal: bool) -> str:
    if "log_level" in settings.model_fields_set:
        return settings.log_level
    return "warning" if terminal or settings.report == "json" else settings.log_level
