"""One call of the command line: the flags that were used, and what must not be shown."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ingestor.cli.redaction import Redaction
from ingestor.cli.spelling import one_sentence
from ingestor.cli.variables import unknown
from ingestor.journal.reader import is_there

if TYPE_CHECKING:
    from ingestor.settings import Settings

SANDBOX_FLAGS = ("sandbox_fast", "sandbox_fault")
"""Flags for the sandbox's process; the settings do not know them."""
NO_SETTINGS = ("context", "version")
"""What a run is called with beside its settings."""


@dataclass(slots=True, kw_only=True)
class Visit:
    """
    Flags before a subcommand count for it, too: `ingestor --state DIR status` and `ingestor status
    --state DIR` are the same.
    """

    redaction: Redaction = field(default_factory=Redaction)
    flags: Mapping[str, object] = field(default_factory=dict)
    debug: bool = False
    """Whether a person wants to see tracebacks."""

    def settings(self, **own: object) -> Settings:
        """Read the settings with the flags of both places; those nearer the subcommand win."""
        # Reading settings takes pydantic: a quarter of a second that `--help` does without.
        from ingestor.settings import Settings

        if said := unknown(os.environ):
            sys.stderr.write(f"ingestor: {one_sentence(said)}\n")
        self.flags = {**self.flags, **given(own)}
        known = {name: value for name, value in self.flags.items() if name not in SANDBOX_FLAGS}
        settings = Settings.read(**known)
        self.redaction.learn_from(settings)
        self.debug = settings.log_level == "debug"
        return settings

    def asks_database(self, settings: Settings) -> bool:
        """
        Whether what was stored is looked for in the database, and not in the journal: it was asked
        for, or is all there is. Raises SettingsError where that cannot be told.
        """
        there = settings.database_url is not None
        return there and ("database_url" in self.flags or not is_there(settings.journal_path))

    def faults(self) -> tuple[str, ...]:
        """What the sandbox is told to do wrong, as NAME=RATE."""
        faults = self.flags.get("sandbox_fault")
        return tuple(map(str, faults)) if isinstance(faults, list | tuple) else ()


def settings_of(typed: Mapping[str, object]) -> dict[str, object]:
    """The flags of a run that were used, under the names that the settings have for them."""
    used = given({name: value for name, value in typed.items() if name not in NO_SETTINGS})
    if "group" in used:
        groups = used.pop("group")
        used["groups"] = tuple(groups) if isinstance(groups, list) else groups
    return used


def given(flags: Mapping[str, object]) -> dict[str, object]:
    """Drop the flags that were not used; typer gives None, False, [] or () for those."""
    return {
        name: value
        for name, value in flags.items()
        if value is not None and value is not False and value not in ([], ())
    }
