"""
Design errors between machines: planted like all others, looked for by schedules of two machines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from ingestor.engines import leases
from ingestor.engines.adoption import Adoption
from ingestor.engines.leases import Leases
from ingestor.records.leases import read_lease
from tests.simulation.mutants import Swap, mutant


@mutant
def lease_of_another_taken() -> Sequence[Swap]:
    """Whoever holds the lease, it is taken."""

    def nobody(record: Any) -> Any:
        lease = read_lease(record)
        return lease and replace(lease, until=0.0)

    return [(leases, "read_lease", nobody)]


@mutant
def lease_not_looked_at_before_paying() -> Sequence[Swap]:
    """Who slept for longer than his lease buys on."""
    return [(Leases, "safe", True)]


@mutant
def work_of_others_not_adopted() -> Sequence[Swap]:
    """What the database knows is not asked for."""

    async def _records(self: Any, ids: Any, **_given: Any) -> list[Any]:
        return []

    return [(Adoption, "_records", _records)]


TRESPASSES: Final = frozenset(
    name.__name__.replace("_", "-")
    for name in (
        lease_of_another_taken,
        lease_not_looked_at_before_paying,
        work_of_others_not_adopted,
    )
)
"""Their names: one machine alone would not notice them."""
