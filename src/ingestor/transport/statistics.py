"""What a run's report says about each upstream: calls, failures, bytes, reuse, seconds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

SCALE = 20
"""Durations are counted in powers of two of a millisecond; the last takes all above 4 minutes."""


@dataclass(slots=True, kw_only=True)
class CallStatistics:
    """One upstream's calls so far; the only thing in this room that changes."""

    count: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    """By `TransportError.reason`, and "cancelled"; a status of any kind is no failure here."""
    bytes_in: int = 0
    """Of bodies."""
    bytes_out: int = 0
    """Of bodies, and of the whole request where it is a GET: it has nothing else."""
    reused: int = 0
    """Calls that found an open connection."""
    seconds: float = 0.0
    """Of all calls together."""
    durations: list[int] = field(default_factory=lambda: [0] * SCALE)
    """`durations[n]` calls took less than 2**n milliseconds, and not less than half of that."""

    def took(self, seconds: float) -> None:
        self.seconds += seconds
        self.durations[min(int(seconds * 1000).bit_length(), SCALE - 1)] += 1

    def within(self, share: float) -> float:
        """Seconds that this share of the calls did not exceed, rounded up to a power of two."""
        wanted = share * sum(self.durations)
        seen = 0
        for power, calls in enumerate(self.durations):
            seen += calls
            if calls and seen >= wanted:
                return float(2**power) / 1000
        return 0.0

    def figures(self) -> dict[str, float]:
        """As a report has them."""
        return {
            "requests": self.count,
            "refused": self.statuses[429],
            "failed": sum(self.failures.values()),
            "reused_connections": self.reused,
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "p50_seconds": self.within(0.5),
            "p99_seconds": self.within(0.99),
        }
