"""The door for money with a scripted Vision behind it: for tests of what is bought, and what follows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from ingestor import events
from ingestor.apis.vision import ImageError
from ingestor.errors import IngestorError, NotSent
from ingestor.journal import ledger, runs
from ingestor.journal.recovery import Moments, open_run
from ingestor.journal.writer import Journal
from ingestor.kits.lifetime import Lifetime
from ingestor.kits.quota import Quota
from ingestor.models import Annotation, Failure, Image, Published
from ingestor.purchases import Budget, Buyer, Claim, Door, DoubtAllowance
from ingestor.purchases.door import MOST_ATTEMPTS
from ingestor.purchases.meaning import Answer
from tests.builders import FEATURES, a_label, an_annotation, an_image
from tests.inline import Inline
from tests.journals import listed

WALL = 1_790_000_000.0
PATIENCE = 120.0
"""Seconds."""

Step = Callable[[Sequence[Image]], Sequence[Answer]] | IngestorError
"""What Vision says to a request."""


def bad_image(photo_id: str, code: int = 3, *, transient: bool = False) -> ImageError:
    return ImageError(photo_id=photo_id, code=code, message="Bad image data.", transient=transient)


@dataclass
class Shop:
    """The door with a scripted Vision behind it."""

    journal: Journal
    lifetime: Lifetime
    buyer: Buyer
    budget: Budget
    quota: Quota
    run: int
    door: Door
    disk: Inline
    told: list[events.Event]
    calls: list[list[str]] = field(default_factory=list)
    script: list[Step] = field(default_factory=list)
    token_seconds: float = 0.0
    """What a new token takes, before anything is sent."""
    way_there: float = 0.0
    """Seconds from when a request is sent to when Vision has it."""
    arrived: list[float] = field(default_factory=list)
    """When Vision had each, by the loop's time."""

    async def ask_vision(
        self, images: Sequence[Image], leaving: Callable[[], None]
    ) -> Sequence[Answer]:
        await asyncio.sleep(self.token_seconds)
        if self.script and isinstance(self.script[0], NotSent):
            # No connection is made, so nothing is asked whether it may leave.
            await asyncio.sleep(1)
            raise self.script.pop(0)  # type: ignore[misc]
        leaving()
        await asyncio.sleep(self.way_there)
        self.arrived.append(asyncio.get_running_loop().time())
        self.calls.append([image.photo.id for image in images])
        await asyncio.sleep(1)
        step = self.script.pop(0) if self.script else labelled
        if isinstance(step, IngestorError):
            raise step
        return step(images)

    async def units(self) -> ledger.Units:
        return await self.journal.read(partial(ledger.units_of_run, run=self.run))

    async def states(self) -> dict[str, int]:
        return await self.journal.read(runs.photos_by_state)


def labelled(images: Sequence[Image]) -> list[Annotation]:
    """A label that is a function of the bytes: a mix-up would show."""
    return [
        an_annotation(image.photo.id, a_label(image.content.decode()), sha256=image.sha256)
        for image in images
    ]


def pictures(*names: str) -> list[Image]:
    return [an_image(str(100 + at), content=name.encode()) for at, name in enumerate(names)]


OpenShop = Callable[..., Awaitable[Shop]]
"""`await open_shop(images, ceiling=…, share=…, claim=…, limits=…, patience=…)`."""


@asynccontextmanager
async def opening_shops(folder: Path) -> AsyncIterator[OpenShop]:
    lifetime = Lifetime(drain=8.0)
    disk = Inline()
    async with Journal(folder / "journal.sqlite3", thread=disk) as journal:

        async def open_(
            images: Sequence[Image],
            *,
            ceiling: int | None = None,
            share: float = 0.5,
            claim: Claim | None = None,
            limits: tuple[int, int] = (1800, 1800),
            patience: float = PATIENCE,
        ) -> Shop:
            opening = await journal.write(
                partial(
                    open_run, name="r", world="sandbox", target="catalog", in_doubt="retry",
                    moments=Moments(now=WALL, month=0.0, day=0.0, window=WALL - 60.0),
                )
            )  # fmt: skip
            photos = [image.photo for image in images]
            await journal.write(lambda db: listed(db, *photos, run=opening.run, now=WALL))
            clock = asyncio.get_running_loop().time
            quota = Quota(limits, largest=(1, 16), clock=clock)
            budget = Budget(ceiling=ceiling)
            names, told = count(1), list[events.Event]()
            common: dict[str, Any] = {
                "journal": journal,
                "features": FEATURES,
                "lifetime": lifetime,
                "patience": patience,
                "wall": lambda: WALL + clock(),
                "listen": told.append,
            }

            async def ask_vision(
                batch: Sequence[Image], leaving: Callable[[], None]
            ) -> Sequence[Answer]:
                return await shop.ask_vision(batch, leaving)

            door = Door(
                ask_vision=ask_vision, quota=quota, budget=budget,
                run=opening.run, name=lambda: f"purchase-{next(names)}", claim=claim,
                most_attempts=MOST_ATTEMPTS if share else 1, **common,
            )  # fmt: skip
            buyer = Buyer(door=door, doubts=DoubtAllowance(share=share, floor=16), **common)
            shop = Shop(journal, lifetime, buyer, budget, quota, opening.run, door, disk, told)
            return shop

        yield open_
        lifetime.close()


def names_of(outcomes: Sequence[Published | Failure]) -> dict[str, str]:
    """Photo id -> its first label, or the reason of its failure."""
    return {
        outcome.photo_id if isinstance(outcome, Failure) else outcome.photo.id: outcome.reason
        if isinstance(outcome, Failure)
        else outcome.annotation.labels[0].name
        for outcome in outcomes
    }
