"""The figures of a run, made of what the journal holds: nothing is reported that is not written down."""

from __future__ import annotations

import resource
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ingestor.exits import COMPLETE, OTHER, TOO_MANY_FAILURES, exit_code_of
from ingestor.journal import runs
from ingestor.journal.counts import Counted
from ingestor.kits import amounts
from ingestor.kits.lifetime import SIGNAL_EXITS, Lifetime
from ingestor.purchases import pricing
from ingestor.report import Bottleneck, Report, UnitsReport

STATUS: Final = Path("/proc/self/status")
HIGH_WATER: Final = b"VmHWM:"
"""Before the kibibytes that were resident at the most (`man 5 proc`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What only the running process knows of its run."""

    seconds: float
    quota_used: float
    bottleneck: Bottleneck
    calls: Mapping[str, Mapping[str, float]]
    reused: int
    refusals: int


def report_of(
    *,
    run_id: str,
    groups: tuple[str, ...],
    counted: Counted,
    measured: Measured,
    lifetime: Lifetime,
    max_failures: float,
) -> Report:
    """Put the figures together, and say how the run ended."""
    photos, units = counted.photos, counted.units
    ended, exit_code = _end(lifetime, photos, max_failures)
    return Report(
        run_id=run_id,
        groups=groups,
        ended=ended,
        message=_message(lifetime, photos, exit_code),
        exit_code=exit_code,
        listed=photos.listed,
        stored=photos.stored,
        skipped=photos.skipped,
        dead=photos.dead,
        pending=photos.pending,
        units=UnitsReport(
            certain=units.certain,
            possible=units.possible + units.reserved,
            in_doubt=counted.doubtful_images,
            bound=counted.doubtful_images,
        ),
        cost_usd=round(pricing.bill(counted.months), 4),
        seconds=round(measured.seconds, 3),
        images_per_second=round(photos.stored / measured.seconds, 2) if measured.seconds else 0.0,
        quota_used=round(measured.quota_used, 4),
        bottleneck=measured.bottleneck,
        by_reason=photos.by_reason,
        calls=measured.calls,
        reused=measured.reused,
        refusals=measured.refusals,
        peak_memory_mb=round(peak_memory() / 1e6, 1),
    )


def peak_memory() -> int:
    """
    Bytes that this process held at the most so far.

    Linux tells in a file of its own: its rusage begins with what the process held that started
    this one.
    """
    with suppress(OSError):
        for line in STATUS.read_bytes().splitlines():
            if line.startswith(HIGH_WATER):
                return int(line.split()[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _end(lifetime: Lifetime, photos: runs.Tally, max_failures: float) -> tuple[str, int]:
    if (reason := lifetime.reason) is not None:
        return reason, SIGNAL_EXITS.get(reason) or exit_code_of(lifetime.error)
    if _too_many(photos, max_failures):
        return "too-many-failures", TOO_MANY_FAILURES
    return ("incomplete", OTHER) if photos.pending else ("complete", COMPLETE)


def _too_many(photos: runs.Tally, most: float) -> bool:
    """A share is of the photos that needed work; a whole number is of photos."""
    if isinstance(most, int):
        return photos.dead > most
    return photos.dead > most * (photos.listed - photos.skipped)


def _message(lifetime: Lifetime, photos: runs.Tally, exit_code: int) -> str:
    if lifetime.error is not None:
        return str(lifetime.error)
    if exit_code == TOO_MANY_FAILURES:
        failed = amounts.counted(photos.dead, "photo")
        return f"{failed} failed, more than --max-failures allows."
    if exit_code in SIGNAL_EXITS.values():
        return _left(photos.pending)
    return ""


def _left(pending: int) -> str:
    """Nobody knows how many more the listing would have brought: none pending is not none left."""
    if not pending:
        return "The same command continues."
    return f"{amounts.counted(pending, 'photo')} left of those listed: the same command continues."
