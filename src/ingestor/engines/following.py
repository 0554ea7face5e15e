"""The front door of a run that follows one group: what is new, what is left, what is missing."""

from __future__ import annotations

from functools import partial

from ingestor.engines.run import Run
from ingestor.journal import coverage
from ingestor.journal.listing import Sighting
from ingestor.kits.channel import Channel
from ingestor.kits.intervals import Interval
from ingestor.models import Photo
from ingestor.services import PHOTOS_PER_PAGE, ListedPage
from ingestor.stages.follow import follow


async def follow_one(run: Run, photos: Channel[Photo], *, most: int) -> None:
    """For runs of one group; `most` photos that need an annotation, or a page more."""
    (group,) = run.groups

    async def sight(number: int, page: ListedPage, stretch: Interval | None) -> Sighting:
        if stretch is not None:
            # A date that lies ahead must not cover what arrives until then.
            stretch = stretch[0], min(stretch[1], int(run.wall()))
        return await run.book.sight(group, number, page, room=None, stretch=stretch)

    async def find_page(date: int) -> int:
        newer = await run.journal.read(partial(coverage.newer_than, group=group, date=date))
        return newer // PHOTOS_PER_PAGE + 1

    await follow(
        photos,
        group=group,
        most=most,
        cover=await run.journal.read(partial(coverage.covered, group=group)),
        list_page=run.services.list_page,
        sight=sight,
        find_page=find_page,
        take_pending=run.book.take_pending,
        stopping=lambda: run.lifetime.stopping,
    )
