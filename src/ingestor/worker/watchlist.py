"""Which groups a worker follows: those of the settings, and those of a file that may change."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from pathlib import Path
from typing import Final

from ingestor.errors import SettingsError
from ingestor.kits.aside import Aside
from ingestor.settings import group_in

LARGEST: Final = 1_000_000
"""Bytes; a file beyond that is not a list of groups."""
IN_TIME: Final = 10.0
"""Seconds for a file on a server that may be away (taste)."""


class Watchlist:
    """A file that cannot be read any more changes nothing."""

    def __init__(self, groups: tuple[str, ...], file: Path | None) -> None:
        self._given = groups
        self._file = file
        self._aside = Aside(1, name="watchlist")
        self._stamp: tuple[int, int] | None = None
        self._listed: tuple[str, ...] = ()
        self.refused: tuple[str, ...] = ()
        """Lines that name no group, of the last reading."""

    async def groups(self) -> tuple[str, ...]:
        """The groups as they are now. Raises SettingsError where the file cannot be read."""
        if self._file is not None:
            try:
                async with asyncio.timeout(IN_TIME):
                    await self._aside(partial(self._look, self._file))
            except OSError as error:
                # A timeout is one, and has no words.
                raise _unreadable(self._file, error.strerror or "nothing comes") from None
        return tuple(dict.fromkeys((*self._given, *self._listed)))

    def _look(self, file: Path) -> None:
        try:
            found = os.stat(file)  # noqa: PTH116 - one call for both numbers
            stamp = (found.st_mtime_ns, found.st_size)
            if stamp == self._stamp:
                return
            # Notepad and others begin with a mark, which would be the first group's.
            with file.open(encoding="utf-8-sig") as lines:
                text = lines.read(LARGEST)
        except (OSError, UnicodeDecodeError) as error:
            reason = str(error.strerror) if isinstance(error, OSError) else "it is not text"
            raise _unreadable(file, reason) from None
        names = read_groups(text)
        self._listed = tuple(filter(None, map(group_in, names)))
        self.refused = tuple(name for name in names if not group_in(name))
        self._stamp = stamp


def _unreadable(file: Path, why: str) -> SettingsError:
    return SettingsError(f"--groups-file: {file} cannot be read ({why}).")


def read_groups(text: str) -> list[str]:
    """One group a line; `#` begins a comment."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in dict.fromkeys(lines) if line]
