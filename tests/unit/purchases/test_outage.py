"""While Vision serves nobody hardly anything is bought, few photos die, and the run ends in time."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence

import pytest

from ingestor.errors import AnswerLost, IngestorError, NotSent, Rejected, Throttled, Unavailable
from ingestor.kits.breaker import IN_A_ROW
from ingestor.kits.retrying import LONGEST_WAIT
from ingestor.models import Failure, Image
from ingestor.purchases.buyer import MOST_REFUSED
from ingestor.purchases.door import OneAtATime
from ingestor.purchases.meaning import Answer
from tests.builders import an_image
from tests.shops import Shop, bad_image, labelled

pytestmark = pytest.mark.looptime

PHOTOS = 1_600
AT_ONCE = 6
"""Paid calls; those that are under way when it begins are lost, and some more until it is noticed."""
MOST_LOST = 16 * 2 * AT_ONCE
Broken = Callable[[Sequence[Image]], Sequence[Answer] | IngestorError]


def no_route(_batch: Sequence[Image]) -> IngestorError:
    return NotSent("no route", reason="connect")


def too_fast(_batch: Sequence[Image]) -> IngestorError:
    return Throttled("too fast", upstream="vision")


def bad_gateway(_batch: Sequence[Image]) -> IngestorError:
    return Unavailable("<html>", upstream="vision", reason="server-error")


def reset(_batch: Sequence[Image]) -> IngestorError:
    return AnswerLost("reset", reason="reset")


def googles_own(_batch: Sequence[Image]) -> IngestorError:
    return Unavailable("unavailable", upstream="vision")


def come_again_later(_batch: Sequence[Image]) -> IngestorError:
    return Unavailable("unavailable", upstream="vision", retry_after=300.0)


def image_by_image(batch: Sequence[Image]) -> Sequence[Answer]:
    return [bad_image(image.photo.id, code=14, transient=True) for image in batch]


def refused(_batch: Sequence[Image]) -> IngestorError:
    return Rejected("no", upstream="vision", reason="refused")


async def spend(shop: Shop, images: Sequence[Image], broken: Broken, *, begins: float, ends: float):
    """Buy all of them, some batches at once; in between everything is answered like that."""
    clock = asyncio.get_running_loop().time

    async def ask_vision(batch: Sequence[Image], leaving: Callable[[], None]) -> Sequence[Answer]:
        leaving()
        await asyncio.sleep(1.0)
        said = broken(batch) if begins <= clock() < ends else labelled(batch)
        if isinstance(said, IngestorError):
            raise said
        return said

    shop.ask_vision = ask_vision  # type: ignore[method-assign, assignment]
    batches = deque(images[at : at + 16] for at in range(0, len(images), 16))
    ended = Counter[str]()

    async def buy() -> None:
        while batches and not shop.lifetime.stopping:
            for one in await shop.buyer.annotate(batches.popleft()):
                ended[one.reason if isinstance(one, Failure) else "annotated"] += 1

    await asyncio.gather(*(buy() for _ in range(AT_ONCE)))
    return ended


def many() -> list[Image]:
    return [an_image(str(1000 + number), content=b"%d" % number) for number in range(PHOTOS)]


@pytest.mark.parametrize("broken", [bad_gateway, reset])
async def test_an_outage_in_doubt_costs_what_was_under_way(open_shop, broken: Broken):
    images = many()
    shop = await open_shop(images, share=0.005)

    ended = await spend(shop, images, broken, begins=20.0, ends=80.0)

    assert ended["in-doubt"] <= MOST_LOST
    assert ended["annotated"] == PHOTOS - ended["in-doubt"]
    assert (await shop.units()).possible <= MOST_LOST


async def test_whoever_waits_for_a_permit_while_an_outage_shows_asks_about_one_image(open_shop):
    images = many()[: 16 * 20]
    shop = await open_shop(images)
    shop.script = [AnswerLost("reset", reason="reset")] * 20
    batches = [images[at : at + 16] for at in range(0, len(images), 16)]

    ends = await asyncio.gather(
        *(shop.door.purchase(batch, attempt=1) for batch in batches), return_exceptions=True
    )

    # A permit comes every half second, and an answer after one.
    assert len(shop.calls) <= IN_A_ROW + 2
    assert [type(end) for end in ends[IN_A_ROW + 2 :]] == [OneAtATime] * (20 - IN_A_ROW - 2)
    assert shop.budget.reserved == 0
    assert shop.quota.granted == [len(shop.calls), 16 * len(shop.calls)]
    assert asyncio.get_running_loop().time() < 5.0, "nobody waits for permits that go unused"


async def test_whoever_leaves_it_alone_while_an_outage_shows_asks_about_one_image(open_shop):
    images = many()[: 16 * 12]
    shop = await open_shop(images)
    shop.script = [Unavailable("later", upstream="vision", retry_after=30.0)] * 12
    batches = [images[at : at + 16] for at in range(0, len(images), 16)]

    async def buy(batch: Sequence[Image], *, after: float) -> None:
        await asyncio.sleep(after)
        await shop.door.purchase(batch, attempt=1)

    # The first failure comes with a wish, and then the breaker opens.
    ends = await asyncio.gather(
        *(buy(batch, after=0.0) for batch in batches[:IN_A_ROW]),
        *(buy(batch, after=2.0) for batch in batches[IN_A_ROW:]),
        return_exceptions=True,
    )

    assert [type(end) for end in ends[IN_A_ROW:]] == [OneAtATime] * (12 - IN_A_ROW)
    assert asyncio.get_running_loop().time() < 35.0, "nobody waits for a turn that he cannot take"
    assert shop.quota.granted == [IN_A_ROW, 16 * IN_A_ROW]


@pytest.mark.parametrize("broken", [googles_own, image_by_image])
async def test_an_outage_that_google_tells_of_costs_no_photo(open_shop, broken: Broken):
    images = many()
    shop = await open_shop(images, share=0.005)

    ended = await spend(shop, images, broken, begins=20.0, ends=80.0)

    assert ended == {"annotated": PHOTOS}
    assert (await shop.units()).possible <= MOST_LOST


@pytest.mark.parametrize("broken", [bad_gateway, reset, googles_own, image_by_image])
async def test_an_outage_that_outlasts_our_patience_ends_the_run(open_shop, broken: Broken):
    images = many()
    shop = await open_shop(images, share=0.005)

    ended = await spend(shop, images, broken, begins=20.0, ends=3600.0)

    assert shop.lifetime.reason == "vision-unavailable"
    assert asyncio.get_running_loop().time() < 20 + 120 + 1
    assert ended.total() - ended["annotated"] <= MOST_LOST
    assert (await shop.states())["listed"] >= PHOTOS - ended.total()
    assert (await shop.units()).possible <= MOST_LOST


@pytest.mark.parametrize("broken", [no_route, too_fast])
async def test_what_refuses_or_cannot_be_reached_is_asked_as_long_as_patience_lasts(
    open_shop, broken: Broken
):
    images = many()[:32]
    shop = await open_shop(images, patience=3600.0)

    ended = await spend(shop, images, broken, begins=0.0, ends=9999.0)

    assert 3600 - LONGEST_WAIT - 2 < asyncio.get_running_loop().time() < 3600 + 60
    assert not ended


async def test_a_purchase_that_was_never_sent_keeps_no_list_of_its_images(open_shop):
    images = many()[:32]
    shop = await open_shop(images, patience=3600.0)

    await spend(shop, images, no_route, begins=0.0, ends=600.0)

    rows = await shop.journal.read(
        lambda db: db.execute("SELECT DISTINCT purchase FROM purchased_images").fetchall()
    )
    assert len(rows) == 2


async def test_a_wish_that_passes_our_patience_ends_the_run_at_once(open_shop):
    images = many()
    shop = await open_shop(images, share=0.005)

    ended = await spend(shop, images, come_again_later, begins=5.0, ends=3600.0)

    assert shop.lifetime.reason == "vision-unavailable"
    assert "300 s" in str(shop.lifetime.error)
    assert asyncio.get_running_loop().time() < 10
    assert ended.keys() == {"annotated"}


async def test_an_error_of_one_image_is_not_tried_again_in_the_same_moment(open_shop):
    images = many()[:16]
    shop = await open_shop(images)
    bad = images[3].photo.id

    def shaky(batch: Sequence[Image]) -> Sequence[Answer]:
        return [
            bad_image(bad, code=8, transient=True)
            if image.photo.id == bad
            else labelled([image])[0]
            for image in batch
        ]

    ended = await spend(shop, images, shaky, begins=0.0, ends=3600.0)

    assert ended == {"annotated": 15, "vision-unavailable": 1}
    assert asyncio.get_running_loop().time() > 4 + 0.5 + 1 + 2


async def test_many_refused_images_among_good_ones_stop_nothing(open_shop):
    images = many()[:320]
    shop = await open_shop(images)
    bad = {image.photo.id for image in images[::8]}

    def picky(batch: Sequence[Image]) -> Sequence[Answer] | IngestorError:
        return refused(batch) if bad & {image.photo.id for image in batch} else labelled(batch)

    ended = await spend(shop, images, picky, begins=0.0, ends=3600.0)

    assert ended == {"annotated": 280, "vision-refused": 40}
    assert len(bad) > MOST_REFUSED
    assert shop.lifetime.error is None


@pytest.mark.parametrize("begins", [0.0, 20.0])
async def test_where_every_image_is_refused_it_is_not_the_images(open_shop, begins: float):
    images = many()
    shop = await open_shop(images)

    ended = await spend(shop, images, refused, begins=begins, ends=3600.0)

    assert shop.lifetime.reason == "vision-refuses"
    assert ended["vision-refused"] <= MOST_REFUSED
    assert (await shop.units()).at_most == ended["annotated"]
