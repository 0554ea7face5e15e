"""
Design errors between machines that follow groups of their own: planted like all others, looked for by
`neighbours`. One machine alone would notice none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ingestor.engines import adoption, reconcile
from ingestor.engines.adoption import Adoption
from ingestor.engines.leases import Leases
from ingestor.engines.reconcile import Reconciler
from ingestor.worker import takedowns
from ingestor.worker.takedowns import Takedowns
from tests.simulation.mutants import Swap, mutant


@mutant
def taken_down_from_groups_of_others() -> Sequence[Swap]:
    """Who leaves the last group of ours is taken down, whoever else has it."""

    async def nobodys(_self: Any, _records: Any) -> set[str]:
        return set()

    return [(Takedowns, "_in_groups_of_others", nobodys)]


@mutant
def handed_over_groups_stay_ours() -> Sequence[Swap]:
    """Who has had a group once takes it for his, whoever has had it since."""

    async def nobodys(_database: Any, _journal: Any) -> list[str]:
        return []

    return [(module, "taken_by_others", nobodys) for module in (takedowns, adoption, reconcile)]


@mutant
def others_not_asked_for_new_photos() -> Sequence[Swap]:
    """Whose group nobody else has had asks for none of its photos."""

    async def alone(_self: Any) -> bool:
        return False

    return [(Adoption, "_is_shared", alone)]


@mutant
def groups_of_adopted_photos_not_told() -> Sequence[Swap]:
    """What the other has bought is taken over, and he never hears in which group of ours it is."""

    async def nobody(_self: Any, _photos: Any) -> dict[str, Any]:
        return {}

    return [(Adoption, "_tell_groups", nobody)]


@mutant
def taken_down_by_others_unnoticed() -> Sequence[Swap]:
    """Of a photo that the other has taken down, and that turns up in a group of ours, only that is told."""

    async def nobody(_self: Any, _photos: Any) -> set[str]:
        return set()

    return [(Adoption, "taken_down", nobody)]


@mutant
def reconcile_brings_back_what_others_took_down() -> Sequence[Swap]:
    """What the database lacks is put there, whosever it was."""

    async def nobody(_self: Any, _lacking: Any) -> set[str]:
        return set()

    return [(Reconciler, "_follow_out", nobody)]


@mutant
def live_lease_of_a_neighbour_taken() -> Sequence[Swap]:
    """A group that comes onto the list is ours from then on, whoever is at work on it."""

    async def ours(_self: Any, _group: Any, _holder: Any) -> bool:
        return True

    return [(Leases, "_is_ours", ours)]


@mutant
def handed_over_groups_told() -> Sequence[Swap]:
    """What the journal has of a group that the other has now is told as if nothing had left it since."""

    async def nobodys(_self: Any) -> list[str]:
        return []

    return [(Adoption, "groups_of_others", nobodys)]


QUARRELS: Final = tuple(
    name.__name__.replace("_", "-")
    for name in (
        taken_down_from_groups_of_others,
        handed_over_groups_stay_ours,
        others_not_asked_for_new_photos,
        groups_of_adopted_photos_not_told,
        taken_down_by_others_unnoticed,
        reconcile_brings_back_what_others_took_down,
        live_lease_of_a_neighbour_taken,
        handed_over_groups_told,
    )
)
"""Their names."""
