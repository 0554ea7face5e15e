"""The figures of a run, as a value that prints as JSON; the contract names its members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitsReport:
    """Google's units: `certain` were answered for, `possible` were perhaps billed."""

    certain: int
    possible: int
    in_doubt: int = 0
    """Images in purchases whose answer never arrived; part of `possible`."""
    bound: int = 0
    """Units that those images have cost at the most: see the guarantees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bottleneck:
    """What bound the run, and the setting that would move it."""

    name: str
    """
    flickr, images, images-throttled, cpu, vision-quota, vision, database, memory, nothing,
    nothing-to-do.
    """
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Always: listed = stored + skipped + dead + pending."""

    run_id: str
    groups: tuple[str, ...]
    ended: str
    """complete, SIGINT, SIGTERM, max-units, or the one word of what stopped the run."""
    message: str
    """One or two sentences for a person, when the run did not simply complete."""
    exit_code: int
    listed: int
    stored: int
    skipped: int
    dead: int
    pending: int
    units: UnitsReport
    cost_usd: float
    seconds: float
    images_per_second: float
    """Photos stored, over all of the run's seconds."""
    quota_used: float
    """Share of the binding quota, from the first paid request to the last; 0 if there were no two."""
    bottleneck: Bottleneck
    by_reason: Mapping[str, int] = field(default_factory=dict)
    """Photos skipped or dead, by reason."""
    calls: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """
    Per upstream: requests, those refused for speed, failed ones, reused_connections, bytes_in and
    bytes_out, p50_seconds and p99_seconds.
    """
    reused: int = 0
    """Photos whose bytes were bought before under another id: free."""
    refusals: int = 0
    """Paid requests that Vision refused for speed."""
    peak_memory_mb: float = 0.0

    def as_json(self) -> dict[str, object]:
        """Plain lists and dictionaries, ready for a JSON writer."""
        return asdict(self)


@dataclass(slots=True, kw_only=True)
class Reconciled:
    """What it took, or would take, for journal and database to say the same."""

    in_journal: int = 0
    """Annotated photos there."""
    in_database: int = 0
    published: int = 0
    """Photos that the database lacked."""
    adopted: int = 0
    """Photos that the journal lacked."""
    withdrawn: int = 0
    """Photos of others that are in the database no more: they were taken down."""
    relabelled: int = 0
    """Photos whose labels differed: the journal is right, unless they were bought later elsewhere."""
    regrouped: int = 0
    """Photos of which one of the two did not know all their groups, or the database knew a group alone."""
    index_written: int = 0
    index_deleted: int = 0
    refused: int = 0
    """Photos, their groups or entries that the database would not take: no other figure has them."""

    @property
    def agree(self) -> bool:
        """Whether both said the same before anything was done."""
        return not (
            self.published
            or self.adopted
            or self.withdrawn
            or self.relabelled
            or self.regrouped
            or self.index_written
            or self.index_deleted
            or self.refused
        )

    def as_json(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a run would do and cost, before it buys anything."""

    groups: tuple[str, ...]
    photos: int
    known: int
    skipped: int
    dead: int
    units: int
    free_units: int
    cost_usd: float
    seconds: float
    """Under the quota, downloads and everything else assumed to keep up."""
    buyable: int | None = None
    """Photos after which a run comes to its ceiling; None where it has none."""
    known_otherwise: int = 0
    """Of the known ones, those with other features than are asked for: `--reannotate` buys them."""

    def as_json(self) -> dict[str, object]:
        return asdict(self)
