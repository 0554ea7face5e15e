"""Who leaves a group goes, unless somebody else still has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    """A database with one photo; another machine takes it out of its group whenever we write."""

    def __init__(self, groups: Mapping[str, int], leases: Mapping[str, Any] | None = None) -> None:
        self.groups: Mapping[str, int] | None = groups
        self.leases = leases
        self.sent: list[Mapping[str, Any]] = []

    async def read(self, path: str) -> Any:
        return self.leases if path == "leases" else self.groups

    async def update(self, paths: Mapping[str, Any]) -> None:
        self.sent.append(paths)
        self.groups = None


async def withdrawn(folder: Path, place: Place, *, listed: Sequence[str] = (OURS,)) -> None:
    """Have a photo leave our group; the journal has listed these groups, and the photo in ours."""
    lifetime = Lifetime(drain=8.0)
    async with Journal(folder / "journal.sqlite3", thread=Inline()) as journal:
        for id_ in listed:
            photos = [a_photo("7", group=OURS)] if id_ == OURS else []
            await journal.write(
                partial(
                    listing.sight_page, group=listing.ListedGroup(id=id_, name="Zoo", total=1),
                    photos=photos, run=1, room=None, features=None, unusable=(), now=0.0,
                )
            )  # fmt: skip
        known = an_annotation("7", a_label("Dog", 0.9))
        await journal.write(
            partial(results.keep, annotation=known, size=a_size(), purchase="p", now=0.0)
        )
        services = SimpleNamespace(update=place.update, database=place, list_page=None)
        turns = Turns(
            Settings.read(groups=(OURS,), state=folder),
            journal,
            cast("Services", services),
            lifetime=lifetime,
            listen=events.ignore,
        )

        await turns._withdraw_some(Group(id=OURS, name="Zoo"), ["7"])
    lifetime.close()


async def test_a_photo_that_two_machines_take_out_at_once_does_not_stay(tmp_path: Path):
    place = Place({OURS: 1, THEIRS: 1})

    await withdrawn(tmp_path, place)

    first, then = place.sent
    assert first == {f"photos/p7/groups/{OURS}": None}
    assert {"photos/p7", "index/dog/1000000-p7"} <= set(then)


async def test_a_photo_of_a_group_that_others_have_taken_over_is_left_to_them(tmp_path: Path):
    """We listed it once."""
    place = Place({OURS: 1, THEIRS: 1}, {THEIRS: {"owner": "theirs", "epoch": 2, "until": 0}})

    await withdrawn(tmp_path, place, listed=(OURS, THEIRS))

    assert place.sent[0] == {f"photos/p7/groups/{OURS}": None}


async def test_a_photo_that_is_in_our_groups_only_goes_at_once(tmp_path: Path):
    place = Place({OURS: 1})

    await withdrawn(tmp_path, place, listed=(OURS, THEIRS))

    assert [set(paths) >= {"photos/p7", "dead/p7"} for paths in place.sent] == [True]
