"""
What search reads: label -> photos by score, in the journal's file (`local`) or in the database
(`rtdb`), with the same answers.

`words` reads what people type. In the journal's file `entries` and `bits` hold who has a label: `indexing`
files photos there, `finding` and `several` answer from them, and `filed` tells of them in the words of the
database. By `arriving` and `leaving` photos come and go. In the database there are `lists`, read as far as is
asked for. `remembering` keeps what is asked for often, `export` hands all of it on.

Rule of the room: a question and its answer are values (`query`), the order of an answer is decided
in one place (`merge`), and a catalog is only a way to reach the lists. Nothing here buys anything.
"""

from __future__ import annotations

from typing import Protocol

from ingestor.catalog.query import Hit, LabelCount, Page, Query


class Catalog(Protocol):
    """What the search page, the terminal and tests ask; which catalog it is, they do not know."""

    async def search(self, query: Query) -> Page:
        """The photos behind the query's cursor, best first."""
        ...

    async def suggest(self, prefix: str, *, limit: int = 10) -> tuple[LabelCount, ...]:
        """
        Labels that begin with `prefix`, case ignored: that very label, then those of most photos, or
        in the order of keys where the catalog does not count.
        """
        ...

    async def popular(self, *, limit: int = 24) -> tuple[LabelCount, ...]:
        """The labels of most photos, or of most in a sample where the catalog does not count."""
        ...

    async def photo(self, photo_id: str) -> Hit | None:
        """One photo with all its labels, hidden or not; None where there is none."""
        ...
