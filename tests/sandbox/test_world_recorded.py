"""A recorded pool, replayed: it moves as it did, and its photos bear their recorded labels."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ingestor.sandbox.world import RECORDED_GROUP, World
from tests.sandbox.flickr_site import POOL, Site, a_site

RECORDED = Path(__file__).parents[3] / "shared" / "recorded"

pytestmark = pytest.mark.skipif(not RECORDED.exists(), reason="the recording is not here")


def recorded(name: str) -> Any:
    return json.loads((RECORDED / name).read_text())


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    first, again = recorded("pool-page-1.json"), recorded("pool-page-1-again.json")
    moved = {row["id"] for row in again}
    states = [first, again + [row for row in first if row["id"] not in moved]]
    async with a_site(world=World.recorded(states, recorded("labels.json"))) as site:
        yield site


async def rows(site: Site, **arguments: Any) -> list[dict[str, Any]]:
    answer = await site.call(POOL, group_id=RECORDED_GROUP.nsid, per_page=500, **arguments)
    found: list[dict[str, Any]] = answer.json["photos"]["photo"]
    return found


async def test_photos_arrive_between_two_listings_of_the_first_page(site: Site) -> None:
    before, after = await rows(site), await rows(site)
    rest = await rows(site, page=2)

    assert [row["id"] for row in before] == [row["id"] for row in recorded("pool-page-1.json")]
    assert [r["id"] for r in after] == [r["id"] for r in recorded("pool-page-1-again.json")]
    assert len({row["id"] for row in before + after + rest}) == 798


async def test_rows_are_as_recorded(site: Site) -> None:
    assert await rows(site) == recorded("pool-page-1.json")


async def test_a_recorded_photo_has_a_picture_when_asked(site: Site) -> None:
    row = (await rows(site, extras="url_z"))[0]

    assert (await site.get(row["url_z"])).body.startswith(b"\xff\xd8\xff")


async def test_labels_are_those_that_were_recorded(site: Site) -> None:
    scores = recorded("labels.json")
    ids = [row["id"] for row in await rows(site)]

    for photo_id in ids:
        labels = site.world.labels_of(photo_id)
        assert {label.description: label.score for label in labels} == scores.get(photo_id, {})
