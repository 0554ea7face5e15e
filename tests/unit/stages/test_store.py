"""Annotations in: whatever becomes of one update, the others are written."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from ingestor.errors import Denied, Rejected
from ingestor.kits.channel import Channel
from ingestor.kits.lifetime import Lifetime, Stopping
from ingestor.models import Failure, Published
from ingestor.records import MOST_PHOTOS
from ingestor.stages.store import Fail, Write, store
from tests.builders import a_published

pytestmark = pytest.mark.looptime


async def stored(
    photos: int,
    write: Write,
    *,
    failed: Fail,
    writers: int = 1,
    lifetime: Lifetime | None = None,
) -> None:
    """Send so many photos through the stage, numbered from 0."""
    published: Channel[Published] = Channel(photos)
    await published.send_all([a_published(str(number)) for number in range(photos)])
    published.close()
    await store(
        published,
        write=write,
        failed=failed,
        writers=writers,
        lifetime=lifetime or Lifetime(drain=8.0),
    )


async def unexpected(failure: Failure) -> None:
    raise AssertionError(failure)


async def test_a_retry_that_the_stop_woke_ends_its_own_update_only():
    written: list[int] = []

    async def write(batch: Sequence[Published]) -> None:
        if not written:
            written.append(0)
            raise Stopping
        written.append(len(batch))

    await stored(MOST_PHOTOS + 1, write, failed=unexpected)

    assert written == [0, 1]


async def test_a_store_that_takes_nothing_stops_the_run_and_not_the_updates_after_it():
    """Whatever is bought from then on could not be stored, and what was bought may yet be."""
    lifetime = Lifetime(drain=8.0)
    denied = Denied("Permission denied", upstream="database", reason="rules")
    tried: list[int] = []

    async def write(batch: Sequence[Published]) -> None:
        tried.append(len(batch))
        if len(tried) == 1:
            raise denied

    await stored(MOST_PHOTOS + 1, write, failed=unexpected, lifetime=lifetime)

    assert (lifetime.reason, lifetime.error) == ("rules", denied)
    assert tried == [MOST_PHOTOS, 1]
    lifetime.close()


async def test_the_photo_that_spoils_an_update_is_found_and_the_others_are_written():
    written: list[str] = []
    dead: list[Failure] = []

    async def write(batch: Sequence[Published]) -> None:
        names = [published.photo.id for published in batch]
        if "5" in names:
            raise Rejected("Invalid key", upstream="database", reason="refused")
        written.extend(names)

    async def failed(failure: Failure) -> None:
        dead.append(failure)

    await stored(11, write, failed=failed, writers=2)

    assert sorted(written, key=int) == [str(number) for number in range(11) if number != 5]
    assert [(one.photo_id, one.reason, one.paid) for one in dead] == [("5", "store-refused", "yes")]


async def test_an_update_that_waits_for_a_place_when_the_drain_ends_is_not_begun():
    begun: list[int] = []
    lifetime = Lifetime(drain=8.0)
    asyncio.get_running_loop().call_later(1, lifetime.stop, "SIGTERM")

    async def hang(batch: Sequence[Published]) -> None:
        begun.append(len(batch))
        await asyncio.sleep(60)

    await stored(3 * MOST_PHOTOS, hang, failed=unexpected, lifetime=lifetime)

    assert begun == [MOST_PHOTOS]
    assert lifetime.clock() == pytest.approx(9)


async def test_an_update_that_is_cut_before_its_first_step_gives_its_place_back():
    lifetime = Lifetime(drain=8.0)
    asyncio.get_running_loop().call_soon(lifetime.cut)

    async def write(batch: Sequence[Published]) -> None:
        raise AssertionError(batch)

    async with asyncio.timeout(60):
        await stored(3 * MOST_PHOTOS, write, failed=unexpected, lifetime=lifetime)
