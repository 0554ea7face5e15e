"""Which groups a worker follows: those of the settings, and those of a file that may change."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Final

from ingestor.errors import SettingsError
from ingestor.settings import is_group

LARGEST: Final = 1_000_000
"""Bytes; a file beyond that is not a list of groups."""


class Watchlist:
    """A file that cannot be read any more changes nothing."""

    def __init__(self, groups: tuple[str, ...], file: Path | None) -> None:
        self._given = groups
        self._file = file
        self._stamp: tuple[int, int] | None = None
        self._listed: tuple[str, ...] = ()
        self.refused: tuple[str, ...] = ()
        """Lines that name no group, of the last reading."""

    async def groups(self) -> tuple[str, ...]:
        """The groups as they are now. Raises SettingsError where the file cannot be read."""
        if self._file is not None:
            await asyncio.to_thread(self._look, self._file)
        return tuple(dict.fromkeys((*self._given, *self._listed)))

    def _look(self, file: Path) -> None:
        try:
            found = os.stat(file)  # noqa: PTH116 - one call for both numbers
            stamp = (found.st_mtime_ns, found.st_size)
            if stamp == self._stamp:
                return
            with file.open(encoding="utf-8") as lines:
                text = lines.read(LARGEST)
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise SettingsError(f"--groups-file: {file} cannot be read ({reason}).") from None
        names = read_groups(text)
        self._listed = tuple(name for name in names if is_group(name))
        self.refused = tuple(name for name in names if not is_group(name))
        self._stamp = stamp


def read_groups(text: str) -> list[str]:
    """One group a line; `#` begins a comment."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in dict.fromkeys(lines) if line]
