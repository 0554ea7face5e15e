"""A photo as the database has it, beside what the journal has of it."""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass

from ingestor.journal.reconciling import Held
from ingestor.models import Annotation, Published
from ingestor.records import read_groups, read_photo
from ingestor.records.keys import keyed


@dataclass(frozen=True, slots=True, kw_only=True)
class There:
    """A photo as the database has it, and when it was written there (unix seconds)."""

    published: Published
    at: float
    groups: Mapping[str, int]
    """The dates on which it was added to those that it names, by their ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """What one of the two alone knows of the groups of a photo, with dates added."""

    lacking: Mapping[str, int]
    """
    In the journal alone, or with a later date, for who left may come again; and ours: the database is to be
    told.
    """
    more: Mapping[str, int]
    """
    In the database alone. The photo may have left them while nobody looked; the looks that find it missing
    are those of a journal that has it there.
    """
    left: Sequence[str]
    """
    In the journal alone, and others': they know better. Should we list it there again, it is new there.
    """


def there_of(record: object, *, photo: str) -> There | None:
    published = read_photo(record, photo_id=photo)
    if published is None or not published.annotation.model:
        return None
    at = record.get("at") if isinstance(record, dict) else 0
    return There(
        published=published,
        at=at / 1000 if isinstance(at, int | float) else 0.0,
        groups=read_groups(record),
    )


def lone_groups(record: object) -> Collection[str]:
    """The groups of a photo of which the database has nothing else: nobody finds one by these."""
    lone = isinstance(record, dict) and record.keys() == {"groups"}
    return read_groups(record).keys() if lone else ()


def equal(ours: Published, theirs: Published) -> bool:
    return _said(ours.annotation) == _said(theirs.annotation)


def _said(annotation: Annotation) -> tuple[object, ...]:
    """What Vision said, and of what."""
    scores = {key: label.score for key, label in keyed(annotation.labels).items()}
    return annotation.features, annotation.sha256, annotation.model, scores


def groups_apart(
    here: Mapping[str, int], there: Mapping[str, int], *, followed: Container[str]
) -> Apart:
    """`followed`: groups that are ours."""
    return Apart(
        lacking={
            gid: at for gid, at in here.items() if gid in followed and at > there.get(gid, -1)
        },
        more={gid: at for gid, at in there.items() if gid not in here},
        left=[gid for gid in here if gid not in followed and gid not in there],
    )


def is_newer(theirs: There, ours: Held, *, now: float) -> bool:
    """
    Bought elsewhere with other features, after ours; otherwise the journal is right. Ours were bought while
    our clock was ahead if their date is: then what stands in the database has replaced them since.
    """
    return theirs.published.annotation.features != ours.published.annotation.features and (
        theirs.at > ours.at or (ours.at > now and not ours.unpublished)
    )
