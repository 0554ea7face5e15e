"""
A disk that others fill up, and the reserve with which the journal keeps room for what was paid for.

The reserve is a file that holds nothing: it outlives a process that is killed, and where it is there
already nobody needs room for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ingestor.errors import SettingsError
from ingestor.journal.reserve import Reserve
from tests.simulation.disk import Disk

MEGABYTE: Final = 1_000_000
PLENTY: Final = 400
"""Commits that fit where the reserve was: more than there are answers in flight."""


class Kept(Reserve):
    """Stands where the file would be."""

    def __init__(self, disk: Disk) -> None:
        super().__init__(Path("/disk/reserve"), MEGABYTE)
        self._disk = disk

    def set_aside(self) -> None:
        if self._disk.is_full() and not self._disk.reserved:
            raise SettingsError(self._too_little())
        self._disk.reserved, self._disk.tight, self._disk.room = True, False, PLENTY

    def release(self) -> bool:
        there, self._disk.reserved = self._disk.reserved, False
        return there
