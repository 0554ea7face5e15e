"""The price before the run: list, look up what is known, and buy nothing."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Container, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial

from ingestor import events
from ingestor.engines.adoption import Adoption
from ingestor.engines.ceilings import budget_of, moments_at
from ingestor.errors import SettingsError
from ingestor.journal import listing, pending, results, runs
from ingestor.journal.recovery import Opening, foresee_run
from ingestor.journal.writer import Journal, Work
from ingestor.kits.channel import Channel
from ingestor.kits.dimension import seconds_for
from ingestor.kits.lifetime import Lifetime, Stopping
from ingestor.models import Photo, Published
from ingestor.purchases import pricing
from ingestor.report import Forecast
from ingestor.services import IMAGES_PER_REQUEST, ListedPage, Services, open_services
from ingestor.settings import Settings
from ingestor.stages.discover import PENDING_AT_ONCE, discover

BEGIN_AND_END = 2.0
"""Seconds, measured on the sandbox: the first images before anything is bought, and at the end the
last answer and its update."""

OpenServices = Callable[..., AbstractAsyncContextManager[Services]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What a page means for a run that only counts."""

    fresh: tuple[Photo, ...] = ()
    new_to_run: int


@dataclass(slots=True)
class _Count:
    """What was listed so far; takes the place of the journal's own `sight`."""

    journal: Journal
    asked: str
    """The feature set asked for now."""
    features: str | None
    """The one that counts as known; None counts any annotation."""
    adoption: Adoption | None
    listen: events.Listener
    anew: set[str]
    """Photos that wait to be annotated anew, and need not be."""
    parked: frozenset[str]
    """Photos that a run would give up in doubt: they count, and nobody takes them on."""
    ids: set[str] = field(default_factory=set)
    known: int = 0
    known_otherwise: int = 0
    skipped: int = 0
    dead: int = 0

    async def resume(self, groups: Sequence[str], *, most: int | None) -> None:
        """What earlier runs left comes first, as in a run."""
        taken = await self._taken_on(groups, most=most, listed=False)
        self.ids.update(taken, self.parked)
        known = self.anew.intersection(taken)
        if self.adoption:
            self._count_theirs(await self.adoption.find(list(self.parked)), known)
        self.known += len(known)
        self.dead += len(self.parked - known)

    async def resume_last(self, groups: Sequence[str], *, limit: int | None) -> None:
        """Who waited for the page that would show another picture, and was on none, comes last."""
        most = None if limit is None else limit - len(self.ids)
        taken = await self._taken_on(groups, most=most, listed=True)
        self.ids.update(taken)
        self.known += len(self.anew.intersection(taken))

    async def _taken_on(
        self, groups: Sequence[str], *, most: int | None, listed: bool
    ) -> list[str]:
        """Those that still wait. What others have bought meanwhile takes room when it is listed again."""
        left = await self.journal.read(
            partial(pending.next_ones, gids=groups, run=runs.LATER, most=sys.maxsize, listed=listed)
        )
        counted = self.ids | (self.parked | self.anew if self.features is None else self.parked)
        waiting = [photo for photo in left if photo not in counted]
        taken: list[str] = []
        for first in range(0, len(waiting), PENDING_AT_ONCE):
            if most is not None and len(taken) >= most:
                break
            some = waiting[first : first + PENDING_AT_ONCE]
            found = await self.adoption.find(some) if self.adoption else ()
            there = {published.photo.id for published in found}
            taken += [photo for photo in some if photo not in there]
        return taken[:most]

    async def sight(self, group: str, number: int, page: ListedPage, *, room: int | None) -> _Seen:
        photos, failures = page.photos_and_failures(group)
        new = [photo for photo in _distinct(photos) if photo.id not in self.ids][:room]
        known = await self.journal.read(
            partial(listing.finished_among, ids=[photo.id for photo in new], features=self.features)
        )
        known |= self.anew.intersection(photo.id for photo in new)
        self.known_otherwise += await self.journal.read(
            partial(listing.annotated_otherwise, ids=list(known), features=self.asked)
        )
        if self.adoption:
            ids = [photo.id for photo in new]
            self._count_theirs(await self.adoption.find(ids, group=group), known)
        self._add(new, known=known, unusable={failure.photo_id for failure in failures})
        self.listen(
            events.PageListed(
                group=group,
                page=number,
                pages=page.pages,
                total=page.total,
                listed=len(new),
                known=len(known),
            )
        )
        return _Seen(new_to_run=len(new))

    def _count_theirs(self, found: Sequence[Published], known: set[str]) -> None:
        """What the database has is known as well; of what waits to be annotated anew the journal knew."""
        theirs = [one for one in found if one.photo.id not in known]
        self.known_otherwise += sum(one.annotation.features != self.asked for one in theirs)
        known |= {one.photo.id for one in theirs}

    def _add(
        self, new: Sequence[Photo], *, known: Container[str], unusable: Container[str]
    ) -> None:
        for photo in new:
            self.ids.add(photo.id)
            if photo.id in known:
                self.known += 1
            elif photo.is_video:
                self.skipped += 1
            elif photo.id in unusable:
                self.dead += 1


async def forecast(
    settings: Settings,
    *,
    listen: events.Listener = events.ignore,
    lifetime: Lifetime,
    open_services: OpenServices = open_services,
    wall: Callable[[], float] = time.time,
) -> Forecast:
    """
    Count what a run would do, by the same listing and the same rules.

    The same picture under two ids is counted twice: nothing is downloaded that would show it.
    Raises Stopping when told to stop before the listing is done.
    """
    must_name_groups(settings)
    async with (
        Journal(settings.journal_path) as journal,
        open_services(settings, lifetime=lifetime, listen=listen) as services,
    ):
        opening = await journal.read(_opening(settings, now=wall()))
        found = [await services.lookup(group) for group in settings.groups]
        groups = list(dict.fromkeys(group.id for group in found))
        count = await _new_count(
            settings, journal, services, parked=opening.parked, listen=listen, wall=wall
        )
        if count.adoption:
            # As a run does: this journal may be a copy of one that went on.
            died = await journal.read(runs.last_died)
            await count.adoption.begin(groups, others_worked=died)
        await count.resume(groups, most=opening.room(settings.limit))
        await discover(
            Channel(1),
            groups=groups,
            limit=None if settings.limit is None else settings.limit - len(count.ids),
            list_page=services.list_page,
            sight=count.sight,
            take_pending=_counted_already,
            stopping=lambda: lifetime.stopping,
        )
        if lifetime.stopping:
            # Half a listing is no forecast.
            raise Stopping
        await count.resume_last(groups, limit=settings.limit)
    return _priced(settings, count, opening, groups=tuple(groups))


def must_name_groups(settings: Settings) -> None:
    """A program that means none has mostly misspelt a variable, and would hear that all is complete."""
    if not settings.groups:
        raise SettingsError("groups: name at least one Flickr group, by its id or its URL.")


def _opening(settings: Settings, *, now: float) -> Work[Opening]:
    return partial(
        foresee_run,
        world=settings.world,
        in_doubt=settings.in_doubt,
        reannotate=settings.reannotate,
        moments=moments_at(now),
    )


async def _new_count(
    settings: Settings,
    journal: Journal,
    services: Services,
    *,
    parked: frozenset[str],
    listen: events.Listener,
    wall: Callable[[], float],
) -> _Count:
    features = settings.features.key if settings.reannotate else None
    adoption = None
    if services.database:
        adoption = Adoption(
            database=services.database, journal=journal, features=features, run=None, wall=wall
        )
    return _Count(
        journal=journal,
        asked=settings.features.key,
        features=features,
        adoption=adoption,
        listen=listen,
        anew=await journal.read(partial(results.known_anew, features=features)),
        parked=parked,
    )


async def _counted_already(_most: int, **_asked: object) -> tuple[Photo, ...]:
    """What earlier runs left."""
    return ()


def _distinct(photos: list[Photo]) -> list[Photo]:
    return list({photo.id: photo for photo in photos}.values())


def _priced(
    settings: Settings, count: _Count, opening: Opening, *, groups: tuple[str, ...]
) -> Forecast:
    month, left = opening.month.at_most, budget_of(settings, opening).left
    images = len(count.ids) - count.known - count.skipped - count.dead
    units = images * settings.features.units_per_image
    return Forecast(
        groups=groups,
        photos=len(count.ids),
        known=count.known,
        known_otherwise=count.known_otherwise,
        skipped=count.skipped,
        dead=count.dead,
        units=units,
        free_units=min(units, max(0, pricing.FREE_UNITS_PER_MONTH - month)),
        cost_usd=round(pricing.cost(units, before=month), 4),
        seconds=round(_seconds(settings, images), 1),
        buyable=None if left is None else max(0, left) // settings.features.units_per_image,
    )


def _seconds(settings: Settings, images: int) -> float:
    """The tighter of the two quotas decides."""
    if not images:
        return 0.0
    batches = math.ceil(images / IMAGES_PER_REQUEST)
    return BEGIN_AND_END + max(
        seconds_for(images, limit=settings.images_per_minute, largest=IMAGES_PER_REQUEST),
        seconds_for(batches, limit=settings.requests_per_minute, largest=1),
    )
