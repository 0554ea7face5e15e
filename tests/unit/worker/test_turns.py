"""Who leaves a group goes, unless somebody else still has it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from ingestor import events
from ingestor.journal import listing, results
from ingestor.journal.writer import Journal
from ingestor.kits.lifetime import Lifetime
from ingestor.services import Group, Services
from ingestor.settings import Settings
from ingestor.worker.turns import Turns
from tests.builders import a_label, a_photo, a_size, an_annotation
from tests.inline import Inline

OURS, THEIRS = "1@N00", "2@N00"


class Place:
    """A database with one photo, which the other machine takes out of its group as we do of ours."""

    def __init__(self) -> None:
        self.groups: dict[str, int] | None = {OURS: 1, THEIRS: 1}
        self.sent: list[Mapping[str, Any]] = []

    async def read(self, path: str) -> Any:
        return self.groups

    async def update(self, paths: Mapping[str, Any]) -> None:
        self.sent.append(paths)
        self.groups = None


async def test_a_photo_that_two_machines_take_out_at_once_does_not_stay(tmp_path: Path):
    place, lifetime = Place(), Lifetime(drain=8.0)
    async with Journal(tmp_path / "journal.sqlite3", thread=Inline()) as journal:
        group = listing.ListedGroup(id=OURS, name="Zoo", total=1)
        await journal.write(
            partial(
                listing.sight_page, group=group, photos=[a_photo("7", group=OURS)], run=1,
                room=None, features=None, unusable=(), now=0.0,
            )
        )  # fmt: skip
        known = an_annotation("7", a_label("Dog", 0.9))
        await journal.write(
            partial(results.keep, annotation=known, size=a_size(), purchase="p", now=0.0)
        )
        services = SimpleNamespace(update=place.update, database=place, list_page=None)
        turns = Turns(
            Settings.read(groups=(OURS,), state=tmp_path),
            journal,
            cast("Services", services),
            lifetime=lifetime,
            listen=events.ignore,
        )

        await turns._withdraw_some(Group(id=OURS, name="Zoo"), ["7"])
    lifetime.close()

    first, then = place.sent
    assert first == {f"photos/p7/groups/{OURS}": None}
    assert {"photos/p7", "index/dog/1000000-p7"} <= set(then)
