"""What stands at /leases/{gid}: who buys for a group, for how long, and how many did before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ingestor.records.keys import escape

SKEW: Final = 30.0
"""Seconds by which the clocks of two machines may differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """
    Unix seconds by the owner's clock; `epoch` grows by one with every taking. `until` is 0 when it
    was given back.
    """

    owner: str
    epoch: int
    since: float
    until: float


def lease_path(group: str) -> str:
    return f"leases/{escape(group)}"


def lease_record(lease: Lease) -> dict[str, object]:
    return {
        "owner": lease.owner,
        "epoch": lease.epoch,
        "since": round(lease.since, 3),
        "until": round(lease.until, 3),
    }


def read_lease(record: object) -> Lease | None:
    """None where there is none; what is missing or strange reads as "" or 0, which has ended."""
    if not isinstance(record, dict):
        return None
    owner = record.get("owner")
    return Lease(
        owner=owner if isinstance(owner, str) else "",
        epoch=int(_number(record.get("epoch"))),
        since=_number(record.get("since")),
        until=_number(record.get("until")),
    )


def _number(value: object) -> float:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else 0
