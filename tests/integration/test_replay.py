"""The run of 2016, replayed: two pages of a pool that moved, and what Vision said of them then."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ingestor.catalog.local import LocalCatalog
from ingestor.catalog.query import MOST_HITS, Query
from ingestor.catalog.rtdb import DatabaseCatalog
from ingestor.engines import local
from ingestor.kits.lifetime import Lifetime
from ingestor.records import rank
from ingestor.sandbox.options import Options
from ingestor.sandbox.server import Sandbox
from ingestor.sandbox.world import World
from ingestor.services import open_catalog
from tests.integration.conftest import in_database, settings_for

RECORDED = Path(__file__).parents[3] / "shared" / "recorded"

pytestmark = pytest.mark.skipif(
    not RECORDED.is_dir(), reason=f"the recording is not here ({RECORDED.name})"
)

PHOTOS = 798


def recording(name: str) -> Any:
    return json.loads((RECORDED / name).read_text(encoding="utf-8"))


@pytest.fixture
async def replayed() -> AsyncIterator[Sandbox]:
    """First the pool shows one page; when it is asked for again, 298 photos have arrived."""
    before, after = recording("pool-page-1.json"), recording("pool-page-1-again.json")
    newest = {row["id"] for row in after}
    grown = after + [row for row in before if row["id"] not in newest]
    world = World.recorded([before, grown], recording("labels.json"))
    options = Options(port=0, fast=True, sketches=True,
                      images_per_minute=0, requests_per_minute=0)  # fmt: skip
    async with Sandbox(options, world=world) as sandbox:
        yield sandbox


def expected(label: str, photos: set[str]) -> list[str]:
    """The recording's own answer: best first; scores are equal to seven digits, then ids decide."""
    labels = recording("labels.json")
    found = [photo for photo in photos if label in labels.get(photo, {})]
    return sorted(found, key=lambda photo: (rank(labels[photo][label]), photo))


async def test_the_run_of_2016_ends_with_every_photo_once(replayed: Sandbox, state: Path):
    (group,) = replayed.world.groups
    settings = settings_for(replayed, state, groups=(group,), max_labels=50)

    report = await local.ingest(settings, lifetime=Lifetime(drain=8.0))

    photos = {key.removeprefix("p") for key in in_database(replayed, "/photos")}
    assert (report.listed, report.stored, report.exit_code) == (PHOTOS, PHOTOS, 0)
    assert len(photos) == PHOTOS
    assert replayed.bill.most_for_one_image() == 1
    assert replayed.bill.units == PHOTOS
    async with LocalCatalog(settings.journal_path) as embedded, open_catalog(settings) as database:
        assert isinstance(database, DatabaseCatalog)
        # The recording's only vicuña is in another pool: both catalogs must know that, too.
        for label, photographed in (("butterfly", 45), ("vicuña", 0), ("macro photography", 139)):
            query = Query(labels=(label,), limit=MOST_HITS)
            for catalog in (embedded, database):
                page = await catalog.search(query)
                assert [hit.photo for hit in page.hits] == expected(label, photos)
                assert len(page.hits) == photographed
