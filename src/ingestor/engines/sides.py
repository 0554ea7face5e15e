"""A photo as the database has it, beside what the journal has of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ingestor.journal.reconciling import Held
from ingestor.models import Published
from ingestor.records import read_photo
from ingestor.records.keys import keyed


@dataclass(frozen=True, slots=True, kw_only=True)
class There:
    """A photo as the database has it, and when it was written there (unix seconds)."""

    published: Published
    at: float
    groups: frozenset[str]
    """Keys of those that it names."""


def there_of(record: object, *, photo: str) -> There | None:
    published = read_photo(record, photo_id=photo)
    if published is None or not published.annotation.model:
        return None
    at, groups = (record.get("at"), record.get("groups")) if isinstance(record, dict) else (0, {})
    return There(
        published=published,
        at=at / 1000 if isinstance(at, int | float) else 0.0,
        groups=frozenset(groups if isinstance(groups, dict) else ()),
    )


def equal(ours: Published, theirs: Published) -> bool:
    mine, other = ours.annotation, theirs.annotation
    return (
        (mine.features, mine.sha256, mine.model) == (other.features, other.sha256, other.model)
        and {key: label.score for key, label in keyed(mine.labels).items()}
        == {key: label.score for key, label in keyed(other.labels).items()}
    )  # fmt: skip


def lacking_in(ours: Mapping[str, Any], theirs: There) -> dict[str, Any]:
    """Memberships that the database lacks; one that it has more is another machine's."""
    return {path: at for path, at in ours.items() if path.rpartition("/")[2] not in theirs.groups}


def is_newer(theirs: There, ours: Held, *, now: float) -> bool:
    """
    Bought elsewhere with other features, after ours; otherwise the journal is right. Ours were bought while
    our clock was ahead if their date is: then what stands in the database has replaced them since.
    """
    return theirs.published.annotation.features != ours.published.annotation.features and (
        theirs.at > ours.at or (ours.at > now and not ours.unpublished)
    )
