"""How much is said on stderr, by where it goes and by what is shown there besides."""

from __future__ import annotations

import io

import pytest

from ingestor.cli.listening import Voice
from ingestor.cli.redaction import Redaction
from ingestor.settings import Settings


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
