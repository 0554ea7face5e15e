"""What is said on stderr while a command runs: log lines, progress, and one last sentence."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final, TextIO

from ingestor import events
from ingestor.cli import logs
from ingestor.cli.awaiting import Awaiting
from ingestor.cli.redaction import Redaction
from ingestor.cli.spelling import one_sentence
from ingestor.cli.streams import can_draw, columns_of, may_color
from ingestor.events import Event, Listener, PageListed
from ingestor.kits.amounts import roughly
from ingestor.kits.beside import beside

if TYPE_CHECKING:
    from rich.live import Live

    from ingestor.cli.figures import Figures
    from ingestor.settings import Settings

Show = Callable[[], None]

START_OF_LINE: Final = "\r\x1b[K"
"""Back to the first column of a line that is wiped."""


class Voice:
    """
    Speaks on stderr alone. With `--report json` it is silent but for warnings, and beside progress
    bars as well, since those show the rest; an explicit `--log-level` is obeyed in any case.
    `progress` says whether the command shows any.
    """

    def __init__(
        self, settings: Settings, *, redaction: Redaction, stderr: TextIO, progress: bool = True
    ) -> None:
        self._settings = settings
        self._redaction = redaction
        terminal = stderr.isatty()
        self._draws = can_draw(stderr)
        self._lines = _Lines(stderr)
        self.level = _level(settings, bars=self._draws and progress)
        form = settings.log_format or ("text" if terminal else "json")
        self.logger = logs.make_logger(
            self._lines,
            level=self.level,
            form=form,
            redaction=redaction,
            colors=may_color(stderr) and form == "text",
            encoding=stderr.encoding,
        )
        self._log = logs.log_events(self.logger, level=self.level)
        self._awaiting = Awaiting(patience=settings.patience)
        to_a_person = terminal and progress and form == "text"
        self._in_sentences = to_a_person and self.level != "error"

    def log(self, event: Event) -> None:
        """
        Write an event down, if that is wanted. For whom a command waits, and that it need not any
        more, is worth a warning: beside what a terminal shows of its progress a sentence, elsewhere
        the line of the event that tells.
        """
        if sentence := self._awaiting.take(event):
            self._warn(event, sentence)
        else:
            self._log(event)
        for back in self._awaiting.back(event):
            who, seconds = events.UPSTREAMS[back.upstream], roughly(back.seconds)
            self._warn(back, f"{who} answers again, after {seconds}.")

    def _warn(self, event: Event, sentence: str) -> None:
        if self._in_sentences:
            self.say(sentence)
        else:
            self._log(event, louder=logging.WARNING)

    def guarded(self) -> AbstractContextManager[None]:
        """Have what the loop and libraries say come out here as well; inside the loop."""
        return logs.guarded(self.logger, level=self.level)

    @property
    def awaited(self) -> str:
        """For whom the command waits, with the reason; "" for nobody."""
        return self._awaiting.whom

    def interrupted(self, reason: str) -> None:
        """Say that a command was told to stop before it had anything to show."""
        whom = self.awaited
        self.say(
            f"stopped by {reason} {f'while waiting for {whom}' if whom else 'before it was done'}."
        )

    def say(self, sentence: str) -> None:
        self._lines.write(f"ingestor: {one_sentence(self._redaction.text(sentence))}\n")

    @asynccontextmanager
    async def progress(self) -> AsyncIterator[Listener]:
        """Show how a run gets on while in the block; yields the listener to give to it."""
        if self._settings.report == "json":
            yield self.log
            return
        # Drawing takes rich; programs that read JSON do without.
        from ingestor.cli.figures import Figures

        clock = asyncio.get_running_loop().time
        figures = Figures(
            images_per_minute=self._settings.images_per_minute,
            drain=self._settings.drain,
            started=clock(),
        )

        def listen(event: Event) -> None:
            figures.take(event, now=clock())
            self.log(event)

        shown = self._bars if self._draws else self._now_and_then
        async with shown(figures, clock):
            yield listen

    @contextmanager
    def listing(self) -> Iterator[Listener]:
        """Show how far a listing is, on a terminal, in one line that goes away in the end."""
        listed = 0

        def listen(event: Event) -> None:
            nonlocal listed
            self.log(event)
            if self._draws and isinstance(event, PageListed):
                listed += event.listed
                group = f"{event.group}, page {event.page:,} of {event.pages:,}"
                self._lines.replace(f"{listed:,} photos listed  ·  {group}")

        try:
            yield listen
        finally:
            self._lines.wipe()

    @asynccontextmanager
    async def _bars(self, figures: Figures, clock: Callable[[], float]) -> AsyncIterator[None]:
        from rich.console import Console
        from rich.live import Live

        from ingestor.cli.progress import SECONDS_BETWEEN_FRAMES, bars

        console = Console(file=self._lines.stream, highlight=False, emoji=False)
        live = Live(
            console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        )

        def show() -> None:
            live.update(bars(figures, now=clock(), width=console.width), refresh=True)

        with live, self._lines.above(live):
            async with beside(_repeat(show, seconds=SECONDS_BETWEEN_FRAMES), name="progress"):
                yield
            show()

    @asynccontextmanager
    async def _now_and_then(
        self, figures: Figures, clock: Callable[[], float]
    ) -> AsyncIterator[None]:
        from ingestor.cli.progress import SECONDS_BETWEEN_LINES, line

        def show() -> None:
            self._lines.write(f"ingestor: {line(figures, now=clock())}\n")

        async with beside(_repeat(show, seconds=SECONDS_BETWEEN_LINES), name="progress"):
            yield
        show()


class _Lines:
    """The stream of log lines: stderr, or the room above the bars while there are any."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._live: Live | None = None
        self._begun = ""
        self._passing = False

    def replace(self, text: str) -> None:
        """Show a line in place of the last one that was shown so; others take its place as well."""
        # At once: a line that is empty in between flickers. And no wider than the terminal: of one
        # that goes on in the next row only that row is taken back.
        self.stream.write(START_OF_LINE + text[: columns_of(self.stream)])
        self.stream.flush()
        self._passing = True

    def wipe(self) -> None:
        if self._passing:
            self.replace("")
            self._passing = False

    def write(self, text: str) -> None:
        if self._live is None:
            self.wipe()
            self.stream.write(text)
            return
        # The bars are drawn below whatever was printed last: that has to be whole lines.
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self._live.console.print(line, markup=False, soft_wrap=True)

    def flush(self) -> None:
        self.stream.flush()

    @contextmanager
    def above(self, live: Live) -> Iterator[None]:
        self._live = live
        try:
            yield
        finally:
            self._live = None


async def _repeat(show: Show, *, seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        show()


def _level(settings: Settings, *, bars: bool) -> str:
    if "log_level" in settings.model_fields_set:
        return settings.log_level
    return "warning" if bars or settings.report == "json" else settings.log_level
