"""The interpreter's last words: errors that nobody caught, in any thread, without secrets."""

from __future__ import annotations

import sys
import threading
import traceback
from types import TracebackType
from typing import TextIO

from ingestor.cli.redaction import Redaction


def redact_hooks(redaction: Redaction, stream: TextIO) -> None:
    """For the rest of the process, have what Python prints of errors go through the redaction."""

    def uncaught(
        kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stream.write(redaction.text("".join(traceback.format_exception(kind, error, trace))))

    sys.excepthook = uncaught
    sys.unraisablehook = lambda hook: uncaught(hook.exc_type, hook.exc_value, hook.exc_traceback)
    threading.excepthook = lambda hook: uncaught(hook.exc_type, hook.exc_value, hook.exc_traceback)
