"""A page of a pool, and what a run takes of it: every row a photo, and a failure where it cannot be fetched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ingestor.apis.flickr.rows import Unusable
from ingestor.models import Failure, Photo


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPage:
    """One page as it was answered: beyond the end Flickr gives the last page again."""

    pages: int
    total: int
    rows: Sequence[Photo | Unusable]

    @property
    def dates(self) -> list[int]:
        """When its photos were added, unix seconds, of those that say so."""
        return [row.date_added for row in self.rows if row.date_added]

    def photos_and_failures(self, group: str) -> tuple[list[Photo], list[Failure]]:
        """
        Every row with a legal id as a photo; the failures name those that cannot be fetched.

        A row without a legal id is nobody's photo and is left out.
        """
        photos: list[Photo] = []
        failures: list[Failure] = []
        for row in self.rows:
            if isinstance(row, Photo):
                photos.append(row)
            elif row.photo_id:
                photos.append(_bare_photo(row, group))
                failures.append(
                    Failure(
                        photo_id=row.photo_id,
                        stage="discover",
                        reason=row.reason,
                        detail=row.detail,
                    )
                )
        return photos, failures


def _bare_photo(row: Unusable, group: str) -> Photo:
    """A row that names a photo and nothing that could be fetched."""
    return Photo(
        id=row.photo_id,
        group=group,
        owner="",
        owner_name="",
        title="",
        page="",
        sizes=(),
        thumb="",
        license="",
        uploaded=0,
        date_added=row.date_added,
    )
