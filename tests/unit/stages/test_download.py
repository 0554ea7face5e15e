"""Photos in, images out: what is a photo's fault, and what is weather."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from ingestor.errors import (
    AddressRefused,
    AnswerLost,
    IngestorError,
    NotSent,
    Rejected,
    RunStopped,
    Throttled,
    Unavailable,
)
from ingestor.events import ignore
from ingestor.kits.channel import Channel
from ingestor.kits.lifetime import Lifetime
from ingestor.kits.luck import FEWEST
from ingestor.kits.memory import Memory
from ingestor.kits.pacing import Adaptive
from ingestor.kits.retrying import LONGEST_WAIT
from ingestor.models import Failure, Image, Photo, Size
from ingestor.stages.blame import IN_A_ROW, SEVERAL
from ingestor.stages.download import Downloader, download
from tests.builders import a_photo, a_size

pytestmark = pytest.mark.looptime

PICTURE = b"\xff\xd8\xff picture \xff\xd9"


class Desk:
    """Everything a download needs, and what came out."""

    def __init__(
        self,
        fetch: Callable[..., Awaitable[bytes]],
        *,
        memory: int = 10_000_000,
        slots: int = 64,
        haste: float = 1.0,
        workers: int = 16,
    ) -> None:
        """`haste`: by how much the clock is faster than timers are, as on a machine that is busy."""
        time = asyncio.get_running_loop().time
        self.lifetime = Lifetime(drain=8.0)
        self.memory = Memory(memory)
        self.workers = workers
        self.slots = Adaptive(start=min(8, slots), ceiling=slots)
        self.failures: list[Failure] = []
        self.downloader = Downloader(
            fetch=fetch,
            slots=self.slots,
            memory=self.memory,
            lifetime=self.lifetime,
            patience=120.0,
            clock=lambda: haste * time(),
            listen=ignore,
        )

    async def failed(self, failure: Failure) -> None:
        self.failures.append(failure)

    async def run(self, *photos: Photo) -> list[Image]:
        waiting: Channel[Photo] = Channel(len(photos))
        images: Channel[Image] = Channel(len(photos))
        async with waiting:
            for photo in photos:
                await waiting.send(photo)
        await download(
            waiting,
            images,
            image_of=self.downloader.image_of,
            is_late=self.downloader.is_late,
            failed=self.failed,
            workers=self.workers,
            lifetime=self.lifetime,
        )
        self.lifetime.close()
        return [image async for image in images]


def photos(count: int) -> list[Photo]:
    return [a_photo(str(number), sizes=(a_size(f"n{number}"),)) for number in range(count)]


async def test_pictures_that_trickle_hold_up_no_other():
    came: dict[str, float] = {}

    async def fetch(size: Size, room: object) -> bytes:
        await asyncio.sleep(60.0 if size.url.endswith(("n3.jpg", "n4.jpg", "n5.jpg")) else 0.1)
        came[size.url] = asyncio.get_running_loop().time()
        return PICTURE + size.url.encode()

    desk = Desk(fetch, slots=1)
    images = await desk.run(*photos(40))

    assert len(images) == 40
    assert sorted(came.values())[-4] < 3 * 0.75 + 40 * 0.1
    assert desk.slots.in_flight == 0


@pytest.mark.parametrize(("haste", "strained"), [(1.0, False), (1.1, True)])
async def test_downloads_do_not_grow_where_the_loop_comes_late(haste: float, strained: bool):
    most = 0

    async def fetch(size: Size, room: object) -> bytes:
        nonlocal most
        most = max(most, desk.slots.in_flight)
        await asyncio.sleep(0.3)
        return PICTURE + size.url.encode()

    desk = Desk(fetch, haste=haste)
    images = await desk.run(*photos(100))

    assert len(images) == 100
    assert (most == 8) is strained


async def test_a_picture_that_trickles_does_not_hold_up_the_end():
    asked = Counter[str]()

    async def fetch(size: Size, room: object) -> bytes:
        asked[size.url] += 1
        await asyncio.sleep(60.0 if "n17." in size.url and asked[size.url] == 1 else 0.1)
        return PICTURE + size.url.encode()

    desk = Desk(fetch)
    images = await desk.run(*photos(40))

    assert len({image.photo.id for image in images}) == len(images) == 40
    assert asyncio.get_running_loop().time() < 3.0
    assert sum(asked.values()) == 41
    assert not any(desk.downloader.is_late(photo) for photo in photos(40))
    assert desk.memory.held == sum(image.reserved for image in images)
    assert desk.slots.in_flight == 0


def failing(
    error: Callable[[], IngestorError], *, times: int = 1_000_000, only: str = ""
) -> Callable[..., Awaitable[bytes]]:
    """Fail `times` for each address that contains `only`; then give the picture."""
    seen: Counter[str] = Counter()

    async def fetch(size: Size, room: object) -> bytes:
        await asyncio.sleep(0.1)
        seen[size.url] += 1
        if only in size.url and seen[size.url] <= times:
            raise error()
        return PICTURE + size.url.encode()

    return fetch


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(lambda: NotSent("no name", reason="dns"), id="no name"),
        pytest.param(lambda: AnswerLost("cut", reason="truncated"), id="cut short"),
        pytest.param(lambda: Throttled("slow", upstream="images"), id="too fast"),
        pytest.param(lambda: Unavailable("503", upstream="images"), id="overloaded"),
        pytest.param(
            lambda: Unavailable("html", upstream="images", reason="not-an-image"), id="a page"
        ),
    ],
)
async def test_a_passing_error_is_tried_again(error):
    desk = Desk(failing(error, times=1))

    images = await desk.run(*photos(5))

    assert (len(images), desk.failures) == (5, [])


async def test_a_wish_to_wait_is_everybodys():
    loop = asyncio.get_running_loop()
    begun: list[float] = []

    async def fetch(size: Size, room: object) -> bytes:
        begun.append(loop.time())
        await asyncio.sleep(0.1)
        if len(begun) == 8:
            raise Throttled("slow", upstream="images", retry_after=20.0)
        return PICTURE + size.url.encode()

    desk = Desk(fetch)
    images = await desk.run(*photos(60))

    assert len(images) == 60
    assert not [at for at in begun if 0.25 < at - begun[0] < 20.0]


async def test_what_is_gone_is_not_asked_for_again():
    asked: list[str] = []

    async def fetch(size: Size, room: object) -> bytes:
        asked.append(size.url)
        raise Rejected("gone", upstream="images", reason="gone")

    desk = Desk(fetch)
    await desk.run(*photos(1))

    assert [failure.reason for failure in desk.failures] == ["gone"]
    assert len(asked) == 1


async def test_one_bad_photo_among_good_ones_is_its_own_fault():
    fetch = failing(lambda: Unavailable("503", upstream="images"), only="n0.jpg")
    desk = Desk(fetch)

    images = await desk.run(*photos(60))

    assert len(images) == 59
    assert [failure.photo_id for failure in desk.failures] == ["0"]


async def test_a_last_photo_that_times_out_twice_is_not_given_up():
    left = [AnswerLost("no answer", reason="timeout")] * 2

    async def fetch(size: Size, room: object) -> bytes:
        if left:
            await asyncio.sleep(60)
            raise left.pop()
        return PICTURE

    desk = Desk(fetch)
    images = await desk.run(*photos(1))

    assert (len(images), desk.failures) == (1, [])


async def test_a_network_that_is_gone_for_a_minute_costs_no_photo():
    loop = asyncio.get_running_loop()

    async def fetch(size: Size, room: object) -> bytes:
        await asyncio.sleep(0.1)
        if loop.time() < 60:
            raise NotSent("no route", reason="connect")
        return PICTURE + size.url.encode()

    desk = Desk(fetch)
    images = await desk.run(*photos(30))

    assert (len(images), desk.failures) == (30, [])


async def test_a_server_that_fails_every_other_time_costs_hardly_a_photo():
    dice = random.Random(1)

    async def fetch(size: Size, room: object) -> bytes:
        await asyncio.sleep(0.1)
        if dice.random() < 0.5:
            raise Unavailable("503", upstream="images")
        return PICTURE + size.url.encode()

    desk = Desk(fetch, workers=64)
    images = await desk.run(*photos(1_000))

    assert len(images) + len(desk.failures) == 1_000
    assert len(desk.failures) <= 1


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(lambda: Throttled("slow", upstream="images"), id="too fast"),
        pytest.param(lambda: Unavailable("503", upstream="images"), id="overloaded"),
    ],
)
async def test_refusals_for_no_reason_leave_as_many_downloads_at_once(error):
    dice = random.Random(1)

    async def fetch(size: Size, room: object) -> bytes:
        await asyncio.sleep(0.1)
        if dice.random() < 0.07:
            raise error()
        return PICTURE + size.url.encode()

    desk = Desk(fetch, workers=64)
    images = await desk.run(*photos(4_000))

    assert len(images) == 4_000
    assert desk.slots.limit > 32


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(lambda: NotSent("no route", reason="connect"), id="no route"),
        pytest.param(lambda: AnswerLost("cut", reason="truncated"), id="cut short"),
        pytest.param(
            lambda: Unavailable("html", upstream="images", reason="not-an-image"), id="a page"
        ),
    ],
)
async def test_what_does_not_tell_of_load_makes_no_fewer_downloads_at_once(error):
    desk = Desk(failing(error, times=1, only="7."))

    images = await desk.run(*photos(400))

    assert len(images) == 400
    assert desk.slots.cuts == 0


async def test_many_photos_that_never_come_are_not_tried_longer_for_it():
    bad = {photo.sizes[0].url for photo in photos(1_000)[::10]}

    async def fetch(size: Size, room: object) -> bytes:
        await asyncio.sleep(0.5)
        if size.url in bad:
            raise Unavailable("503", upstream="images")
        return PICTURE + size.url.encode()

    desk = Desk(fetch, workers=64)
    images = await desk.run(*photos(3_000))

    assert (len(images), len(desk.failures)) == (2_900, 100)
    assert sum(failure.attempts for failure in desk.failures) <= 100 * (FEWEST + 2)


async def test_a_photo_that_could_not_even_be_asked_for_is_not_given_up_while_others_are_served():
    error = lambda: NotSent("no name", reason="dns")  # noqa: E731
    desk = Desk(failing(error, times=FEWEST + 2, only="n0.jpg"), workers=4)

    images = await desk.run(*photos(3_000))

    assert (len(images), desk.failures) == (3_000, [])


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(lambda: NotSent("no route", reason="connect"), id="no route"),
        pytest.param(lambda: AnswerLost("cut", reason="reset"), id="reset"),
        pytest.param(lambda: Unavailable("503", upstream="images"), id="overloaded"),
    ],
)
async def test_a_minute_without_any_success_in_the_middle_costs_no_photo(error):
    loop = asyncio.get_running_loop()

    async def fetch(size: Size, room: object) -> bytes:
        await asyncio.sleep(0.5)
        if 2 < loop.time() < 62:
            raise error()
        return PICTURE + size.url.encode()

    desk = Desk(fetch)
    images = await desk.run(*photos(90))

    assert (len(images), desk.failures) == (90, [])


@pytest.mark.parametrize("workers", [4, 16, 64])
async def test_a_time_of_refusing_everything_is_soon_forgotten(workers: int):
    loop = asyncio.get_running_loop()

    async def fetch(size: Size, room: object) -> bytes:
        await asyncio.sleep(0.5)
        if 10 < loop.time() < 100:
            raise Unavailable("503", upstream="images")
        return PICTURE + size.url.encode()

    desk = Desk(fetch, workers=workers)
    images = await desk.run(*photos(600 * workers // 16))

    assert len(images) == 600 * workers // 16
    # Half of them are had before, and the last wait before somebody tries again is 30 seconds.
    assert loop.time() < 100 + 30 + 45


@pytest.mark.parametrize("seconds", [60.0, 300.0])
async def test_a_wish_that_passes_our_patience_stops_the_run_and_kills_no_photo(seconds: float):
    loop = asyncio.get_running_loop()

    async def fetch(size: Size, room: object) -> bytes:
        await asyncio.sleep(0.5)
        if loop.time() > 2:
            raise Throttled("slow", upstream="images", retry_after=seconds)
        return PICTURE + size.url.encode()

    desk = Desk(fetch)
    images = await desk.run(*photos(90))

    assert 0 < len(images) < 90
    assert desk.failures == []
    assert isinstance(desk.lifetime.error, RunStopped)


async def test_a_wish_for_one_photo_that_passes_our_patience_is_that_photos_fault():
    error = lambda: Throttled("slow", upstream="images", retry_after=300.0)  # noqa: E731
    desk = Desk(failing(error, only="n0.jpg"))

    images = await desk.run(*photos(90))

    assert len(images) == 89
    assert [failure.photo_id for failure in desk.failures] == ["0"]


@pytest.mark.parametrize(
    ("number", "seconds"),
    [(SEVERAL - 1, LONGEST_WAIT + 1.0), (SEVERAL, 1.0)],
    ids=["few", "several"],
)
async def test_who_is_turned_away_is_watched_until_several_are_or_nobody_else_is_heard(
    number: int, seconds: float
):
    desk = Desk(failing(lambda: Throttled("slow", upstream="images", retry_after=300.0)))

    async with asyncio.timeout(120.0):
        await desk.run(*photos(number))

    assert desk.failures == []
    assert isinstance(desk.lifetime.error, RunStopped)
    assert asyncio.get_running_loop().time() < seconds


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        pytest.param(lambda: Rejected("gone", upstream="images", reason="gone"), 1, id="gone"),
        pytest.param(
            lambda: Unavailable("html", upstream="images", reason="not-an-image"), 2, id="a page"
        ),
    ],
)
async def test_what_is_wrong_with_one_picture_says_nothing_of_those_that_wait(error, tries: int):
    """They were asked to come again in a while, and our patience is longer than that."""
    lasting = [95.0, *[0.1] * (tries - 1)]
    asked: set[str] = set()

    async def fetch(size: Size, room: object) -> bytes:
        if "n0." in size.url:
            await asyncio.sleep(lasting.pop())
            raise error()
        await asyncio.sleep(1.0)
        if size.url not in asked:
            asked.add(size.url)
            raise Throttled("slow", upstream="images", retry_after=100.0)
        return PICTURE + size.url.encode()

    desk = Desk(fetch)
    images = await desk.run(*photos(1 + SEVERAL))

    assert (len(images), desk.lifetime.error) == (SEVERAL, None)
    assert [failure.photo_id for failure in desk.failures] == ["0"]


async def test_a_dead_letter_tells_how_often_it_was_tried():
    asked: list[str] = []

    async def fetch(size: Size, room: object) -> bytes:
        asked.append(size.url)
        await asyncio.sleep(0.1)
        if "n0." in size.url:
            raise Unavailable("503", upstream="images")
        return PICTURE + size.url.encode()

    desk = Desk(fetch)
    await desk.run(*photos(60))

    (failure,) = desk.failures
    assert failure.attempts == sum("n0." in url for url in asked) >= FEWEST


@pytest.mark.parametrize("number", [1, 30])
async def test_a_network_that_stays_away_stops_the_run_and_kills_no_photo(number: int):
    desk = Desk(failing(lambda: NotSent("no route", reason="connect")))

    images = await desk.run(*photos(number))

    assert (images, desk.failures) == ([], [])
    assert isinstance(desk.lifetime.error, RunStopped)


@pytest.mark.parametrize(
    ("error", "most_lost"),
    [
        pytest.param(
            lambda: AddressRefused("it is another's", reason="tls-certificate"), 0, id="certificate"
        ),
        pytest.param(
            lambda: Rejected("leads away", upstream="images", reason="redirected"),
            IN_A_ROW + 16,
            id="challenge",
        ),
        pytest.param(
            lambda: Unavailable("html", upstream="images", reason="not-an-image"),
            IN_A_ROW + 16,
            id="maintenance",
        ),
    ],
)
async def test_what_everybody_is_answered_is_no_photos_fault(error, most_lost: int):
    loop = asyncio.get_running_loop()

    async def fetch(size: Size, room: object) -> bytes:
        await asyncio.sleep(0.1)
        if loop.time() > 0.5:
            raise error()
        return PICTURE + size.url.encode()

    desk = Desk(fetch)
    images = await desk.run(*photos(400))

    assert 0 < len(images) < 100
    assert len(desk.failures) <= most_lost
    assert isinstance(desk.lifetime.error, RunStopped)


async def test_many_bad_pictures_among_good_ones_stop_nothing():
    async def fetch(size: Size, room: object) -> bytes:
        await asyncio.sleep(0.1)
        if "gone" in size.url:
            raise Rejected("gone", upstream="images", reason="gone")
        if "5." in size.url or "7." in size.url:
            raise Rejected("leads away", upstream="images", reason="redirected")
        return PICTURE + size.url.encode()

    desk = Desk(fetch)
    gone = [a_photo(f"9{number}", sizes=(a_size(f"gone{number}"),)) for number in range(200)]
    images = await desk.run(*photos(400), *gone)

    assert (len(images), len(desk.failures)) == (320, 280)
    assert desk.lifetime.error is None


async def test_what_is_too_large_is_taken_in_a_smaller_size():
    async def fetch(size: Size, room: object) -> bytes:
        if "big" in size.url:
            raise Rejected("too large", upstream="images", reason="too-large")
        return PICTURE

    desk = Desk(fetch)
    (image,) = await desk.run(a_photo(sizes=(a_size("big"), a_size("small"))))

    assert "small" in image.size.url


async def test_memory_is_held_until_somebody_gives_it_back_and_no_longer():
    desk = Desk(failing(lambda: Rejected("gone", upstream="images", reason="gone"), only="n1."))

    images = await desk.run(*photos(3))

    assert desk.memory.held == sum(len(image.content) for image in images)
    assert len(images) == 2


async def test_stopping_ends_downloads_in_flight_at_once(looptime):
    async def fetch(size: Size, room: object) -> bytes:
        await asyncio.sleep(3600)
        return PICTURE

    desk = Desk(fetch)
    asyncio.get_running_loop().call_later(1.0, desk.lifetime.stop, "SIGTERM")
    images = await desk.run(*photos(30))

    assert (images, desk.failures, desk.memory.held) == ([], [], 0)
    assert looptime < 2
