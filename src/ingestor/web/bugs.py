"""
What the server library would write down by itself: a bug in one line, and nothing of strangers.

Anybody can send what is no request, a scanner does so all day, and each would leave a traceback.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from aiohttp.http_exceptions import HttpProcessingError

NAME: Final = "ingestor.web"


class Bugs(logging.Handler):
    """Tells `say` of what is our own fault."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(logging.ERROR)
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError):
            self._say(f"bug: {record.getMessage()}: {type(error).__name__}: {error}")


def bugs_told_to(say: Callable[[str], None]) -> logging.Logger:
    """A logger of its own: nothing global is configured."""
    logger = logging.Logger(NAME)  # noqa: LOG001 - as its docstring says
    logger.addHandler(Bugs(say))
    return logger
