"""
What one more photo costs, in counts that no busy machine changes: calls of Python, faults of memory.

`ingestor bench` prints the same. The limits of asyncio's own loop, which is written in Python, stand a
little above what was measured; whoever has to raise one says why in the commit.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass

import pytest

from ingestor.bench.counts import Counts, count

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("costs")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Most:
    """Of one more photo."""

    calls: float
    system_calls: float
    faults: float


LIMITS = {
    "uvloop": Most(calls=400, system_calls=7, faults=4),
    "asyncio": Most(calls=530, system_calls=8.5, faults=4.5),
}
"""By event loop; the extra `fast` brings uvloop, and a run uses it where it is installed."""
MOST_CONNECTIONS = 64
"""For all the pictures of a run: as many as there may be downloads at once."""


@pytest.mark.parametrize("loop", LIMITS)
async def test_a_photo_costs_little_by_any_count(loop: str) -> None:
    if loop == "uvloop" and importlib.util.find_spec("uvloop") is None:
        pytest.skip("uvloop is not installed")

    counts = await count(loop=loop)

    sys.stderr.write(f"{loop}: {counts.sentence()}\n")
    assert over(counts, LIMITS[loop]) == {}
    assert counts.connections <= MOST_CONNECTIONS


def over(counts: Counts, most: Most) -> dict[str, float]:
    """What is above its limit."""
    seen = {
        "calls": counts.calls,
        "system_calls": counts.system_calls or 0.0,
        "faults": counts.faults,
    }
    return {name: value for name, value in seen.items() if value > getattr(most, name)}
