"""
The exit codes, and which error means which: the same before a run begins and when it ends.

What a signal ended has its codes in `kits.lifetime`.
"""

from __future__ import annotations

from typing import Final

from ingestor.errors import Denied, RunStopped, SettingsError, Unauthorized

COMPLETE: Final = 0
OTHER: Final = 1
"""Anything that no other code is for."""
USAGE: Final = 2
"""Somebody has to change a flag, a setting, a key or a rule first."""
STOPPED: Final = 3
"""At a ceiling, or at the end of patience: the same command continues."""
TOO_MANY_FAILURES: Final = 4


def exit_code_of(error: BaseException | None) -> int:
    """The code of what ended a command or a run; None is an end without a word."""
    match error:
        case RunStopped():
            return STOPPED
        case SettingsError() | Denied() | Unauthorized():
            return USAGE
        case _:
            return OTHER
