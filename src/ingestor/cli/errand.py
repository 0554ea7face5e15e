"""What is around a command while it works: a voice, its upstreams, and an end that a signal may bring."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestor.cli.listening import Voice
from ingestor.cli.sandboxed import upstreams
from ingestor.cli.visit import Visit
from ingestor.kits.lifetime import SIGNAL_EXITS, Lifetime, signals

if TYPE_CHECKING:
    from ingestor.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    settings: Settings
    """Those that lead to the sandbox, where it was asked for."""
    voice: Voice
    lifetime: Lifetime

    def interrupted(self, *, otherwise: int) -> int:
        """Say so, where it was a signal that ended it early; returns the exit code."""
        if (reason := self.lifetime.reason or "") in SIGNAL_EXITS:
            self.voice.interrupted(reason)
        return self.exit_code(otherwise=otherwise)

    def exit_code(self, *, otherwise: int) -> int:
        """That of the signal which ended it."""
        return SIGNAL_EXITS.get(self.lifetime.reason or "", otherwise)


@asynccontextmanager
async def errand(
    visit: Visit, settings: Settings, *, progress: bool = True
) -> AsyncIterator[Errand]:
    """`progress`: whether the command shows how it gets on, beside the lines of its log."""
    voice = Voice(settings, redaction=visit.redaction, stderr=sys.stderr, progress=progress)
    with voice.guarded():
        async with upstreams(visit, settings) as reachable:
            lifetime = Lifetime(drain=reachable.drain)
            try:
                with signals(lifetime):
                    yield Errand(settings=reachable, voice=voice, lifetime=lifetime)
            finally:
                lifetime.close()
