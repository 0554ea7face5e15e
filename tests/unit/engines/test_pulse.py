"""What a worker says of itself between its turns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from ingestor import events
from ingestor.engines.pulse import FILE, MOST_GROUPS, MOST_NEWS, Pulse

NOW = 1_800_000_000.0


def a_look(group: str = "zoo", **given: Any) -> events.GroupLooked:
    told = {"group": group, "total": 500, "complete": True, "unix": NOW, "seconds": 0.2}
    return events.GroupLooked(**{**told, **given})


def a_failure(group: str = "zoo", **given: Any) -> events.GroupFailed:
    told = {"group": group, "reason": "unavailable", "message": "Flickr is away", "seconds": 60.0}
    return events.GroupFailed(**{**told, **given})


async def told(folder: Path, *happened: events.Event, awaited: str = "") -> Any:
    pulse = Pulse(folder, wall=lambda: NOW, awaited=lambda: awaited)
    for event in happened:
        pulse.take(event)
    async with pulse.beating():
        pass
    return orjson.loads((folder / FILE).read_bytes())


async def test_the_last_beat_says_that_it_is_the_last(tmp_path: Path) -> None:
    said = await told(tmp_path, events.WatchlistChanged(groups=3, refused=()))

    assert said["ended"]
    assert said["following"] == 3


async def test_a_worker_says_whom_it_waits_for_and_whether_it_has_met_its_groups(
    tmp_path: Path,
) -> None:
    away, met = "Flickr (no such host)", events.WatchlistChanged(groups=3, refused=())

    said = [
        await told(tmp_path),
        await told(tmp_path, awaited=away),
        await told(tmp_path, met, awaited=away),
        await told(tmp_path, met),
    ]

    assert [one["starting"] for one in said] == ["", away, None, None]
    assert [one["awaited"] for one in said] == ["", away, away, ""]


async def test_a_list_of_groups_that_cannot_be_read_is_told_of(tmp_path: Path) -> None:
    why = "--groups-file: groups.txt cannot be read (Permission denied)."

    said = await told(tmp_path, events.WatchlistChanged(groups=3, refused=(), message=why))

    assert said["news"] == [[NOW, "", why]]


async def test_a_look_that_went_well_ends_a_groups_trouble(tmp_path: Path) -> None:
    failed = await told(tmp_path, a_look(), a_failure())
    well = await told(tmp_path, a_look(), a_failure(), a_look(total=501))

    assert failed["groups"][0]["trouble"] == "Flickr is away"
    assert failed["groups"][0]["again"] == NOW + 60
    assert failed["groups"][0]["total"] == 500
    assert (well["groups"][0]["trouble"], well["groups"][0]["total"]) == ("", 501)
    assert well["counts"] == {"looks": 2, "runs": 0, "failures": 1, "taken_down": 0}


async def test_a_group_that_is_followed_no_longer_leaves_with_its_trouble(tmp_path: Path) -> None:
    gone = a_failure("gone", reason="group-not-found", seconds=None)

    said = await told(tmp_path, a_look(), gone, events.GroupDropped(group="gone"))

    assert [one["group"] for one in said["groups"]] == ["zoo"]


async def test_why_nothing_is_bought_is_told_until_it_is_over(tmp_path: Path) -> None:
    halt = events.BuyingHalted(reason="billing", message="billing is off", seconds=900)
    halted = await told(tmp_path, halt)
    again = await told(tmp_path, halt, events.BuyingResumed(reason="billing"))

    assert halted["halted"] == "billing is off"
    assert again["halted"] == ""
    assert [sentence for _, _, sentence in again["news"]] == [
        "nothing is bought: billing is off",
        "buying again",
    ]


async def test_photos_that_left_are_news(tmp_path: Path) -> None:
    said = await told(tmp_path, events.PhotosWithdrawn(group="zoo", photos=3000, taken_down=2))

    assert said["counts"]["taken_down"] == 2
    assert said["news"] == [[NOW, "zoo", "3,000 left, 2 taken down"]]


async def test_what_is_told_stays_short(tmp_path: Path) -> None:
    many = [a_failure(str(number), message="x" * 9999) for number in range(MOST_GROUPS + 50)]

    said = await told(tmp_path, *many)

    assert len(said["groups"]) == MOST_GROUPS
    assert len(said["news"]) == MOST_NEWS
    assert said["groups"][-1]["group"] == str(MOST_GROUPS + 49)
    assert (tmp_path / FILE).stat().st_size < 200_000


async def test_an_error_leaves_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="as it is"):
        async with Pulse(tmp_path, wall=lambda: NOW, awaited=str).beating():
            raise KeyError("as it is")

    assert orjson.loads((tmp_path / FILE).read_bytes())["ended"]
