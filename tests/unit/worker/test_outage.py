"""An outage of Vision is one outage, however many groups have their turns in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from ingestor import events
from ingestor.errors import AddressRefused, AnswerLost, reason_of
from ingestor.journal import runs
from ingestor.journal.writer import Journal
from ingestor.kits.lifetime import Lifetime
from ingestor.models import Image, Size
from ingestor.purchases.meaning import Answer
from ingestor.services import Group, ListedPage, Services
from ingestor.settings import Settings
from ingestor.worker.troubles import Trouble, trouble_of
from ingestor.worker.turns import Turns
from tests.builders import a_photo, a_size, an_annotation
from tests.inline import Inline

pytestmark = pytest.mark.looptime

GROUPS, EACH = 12, 8
"""Groups of few photos, as a look usually finds them: one request for each."""
OVER = 120.0
MOST_LOST = 4 * EACH


class Outside:
    """Everything works, but for Vision until the outage is over."""

    def __init__(self) -> None:
        self.asked = 0
        self.clock = asyncio.get_running_loop().time

    async def list_page(self, group: str, _number: int) -> ListedPage:
        ids = [f"{group.partition('@')[0]}{number}" for number in range(EACH)]
        rows = [a_photo(id_, group=group, sizes=(a_size(id_),)) for id_ in ids]
        return ListedPage(pages=1, total=EACH, rows=rows)

    async def fetch(self, size: Size, _room: object) -> bytes:
        return b"\xff\xd8\xff" + size.url.encode()

    async def ask_vision(
        self, images: Sequence[Image], leaving: Callable[[], None]
    ) -> Sequence[Answer]:
        leaving()
        self.asked += len(images)
        await asyncio.sleep(1.0)
        if self.clock() < OVER:
            raise AnswerLost("reset", reason="reset")
        return [an_annotation(image.photo.id, sha256=image.sha256) for image in images]


class Untrusted(Outside):
    """Vision's certificate is nobody's whom we trust."""

    async def ask_vision(
        self, images: Sequence[Image], leaving: Callable[[], None]
    ) -> Sequence[Answer]:
        raise AddressRefused("vision: not trusted", reason="tls-certificate")


@asynccontextmanager
async def open_turns(outside: Outside, place: Path) -> AsyncIterator[tuple[Turns, Journal]]:
    lifetime = Lifetime(drain=8.0)
    services = SimpleNamespace(
        list_page=outside.list_page, fetch=outside.fetch, ask_vision=outside.ask_vision,
        update=None, database=None, target="catalog", statistics=dict,
    )  # fmt: skip
    async with Journal(place / "journal.sqlite3", thread=Inline()) as journal:
        turns = Turns(
            Settings.read(groups=("1@N00",), state=place, patience=3600.0, disk_reserve=0),
            journal,
            cast("Services", services),
            lifetime=lifetime,
            listen=events.ignore,
            wall=lambda: 1_800_000_000.0 + outside.clock(),
        )
        yield turns, journal
    lifetime.close()


async def test_a_certificate_of_visions_that_is_refused_halts_the_buying_of_all_groups(
    tmp_path: Path,
):
    """Else the looks at those that have nothing to buy would hide it."""
    async with open_turns(Untrusted(), tmp_path) as (turns, _journal):
        turn = await turns.take(Group(id="100@N00", name="Zoo"), buying=True)

    assert turn.error is not None
    assert trouble_of(turn.error) is Trouble.HALT
    assert (reason_of(turn.error), str(turn.error)) == ("tls-certificate", "vision: not trusted")


async def test_an_outage_that_many_groups_meet_costs_what_one_would(tmp_path: Path):
    outside = Outside()
    async with open_turns(outside, tmp_path) as (turns, journal):
        for number in range(GROUPS):
            await turns.take(Group(id=f"{100 + number}@N00", name="Zoo"), buying=True)
        states = await journal.read(runs.photos_by_state)

    assert states.get("dead", 0) <= MOST_LOST
    assert states["stored"] == GROUPS * EACH - states.get("dead", 0)
    assert outside.asked <= GROUPS * EACH + MOST_LOST
