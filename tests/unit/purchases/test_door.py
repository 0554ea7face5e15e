"""What one purchase leaves behind: nothing without an intent, nothing after a stop, nothing above a ceiling."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import pairwise

import pytest

from ingestor import events
from ingestor.errors import (
    AnswerLost,
    BrokenInvariant,
    IngestorError,
    JournalError,
    NotSent,
    Rejected,
    Throttled,
)
from ingestor.journal import ledger
from ingestor.journal.writer import THEN_MAKE_ROOM
from ingestor.kits.dimension import MINUTE
from ingestor.models import Image
from ingestor.purchases.meaning import Answer
from tests.builders import FEATURES
from tests.shops import PATIENCE, WALL, Shop, Step, labelled, names_of, pictures

pytestmark = pytest.mark.looptime

RESET = AnswerLost("Reset.", reason="reset")
REFUSED = Rejected("Bad.", upstream="vision", reason="bad-request")


async def test_a_ceiling_is_used_to_the_last_unit_and_never_passed(open_shop):
    images = pictures("cat", "dog", "owl", "fox", "bee")
    shop = await open_shop(images, ceiling=3)

    outcomes = await shop.buyer.annotate(images)

    assert len(outcomes) == 3
    assert (await shop.units()).at_most == 3
    assert shop.lifetime.reason == "max-units"
    assert await shop.states() == {"annotated": 3, "listed": 2}


async def test_many_batches_together_respect_the_ceiling(open_shop):
    images = pictures(*(f"animal {number}" for number in range(64)))
    shop = await open_shop(images, ceiling=41)

    await asyncio.gather(*(shop.buyer.annotate(images[at : at + 16]) for at in range(0, 64, 16)))

    assert (await shop.units()).at_most == 41


async def test_no_purchase_begins_once_the_run_is_stopping(open_shop):
    images = pictures("cat")
    shop = await open_shop(images)
    shop.lifetime.stop("SIGTERM")
    shop.quota.close()

    outcomes = await shop.buyer.annotate(images)

    assert (outcomes, shop.calls, shop.budget.reserved) == ([], [], 0)
    assert (await shop.units()).at_most == 0


class Meanwhile:
    """A claim that is asked for its epoch just before the intent is written: then something happens."""

    safe = True

    def __init__(self) -> None:
        self.happens: Callable[[], object] = int

    @property
    def epoch(self) -> int:
        self.happens()
        return 0

    async def ready(self) -> None:
        """At once."""


async def closings(shop: Shop) -> list[tuple[str, str | None, int]]:
    """How each purchase ended, why, and under which lease, in their order."""
    query = "SELECT state, reason, epoch FROM purchases ORDER BY id"
    return await shop.journal.read(lambda db: db.execute(query).fetchall())


async def test_a_signal_that_comes_while_the_intent_is_written_is_obeyed(open_shop):
    images, claim = pictures("cat"), Meanwhile()
    shop = await open_shop(images, claim=claim)
    claim.happens = partial(shop.lifetime.stop, "SIGTERM")

    outcomes = await shop.buyer.annotate(images)

    assert (outcomes, shop.calls, shop.budget.reserved) == ([], [], 0)
    assert await closings(shop) == [("not-sent", "stopping", 0)]


async def test_a_disk_that_is_full_once_the_intent_is_written_sends_nothing(open_shop):
    images, claim = pictures("cat"), Meanwhile()
    shop = await open_shop(images, claim=claim)
    claim.happens = partial(setattr, shop.journal, "full", "The disk is full.")

    outcomes = await shop.buyer.annotate(images)

    assert (outcomes, shop.calls, shop.budget.reserved) == ([], [], 0)
    assert await closings(shop) == [("not-sent", "disk-full", 0)]
    assert shop.lifetime.reason == "disk-full"
    assert asyncio.get_running_loop().time() < 1, "nobody waits to try again"


@pytest.mark.parametrize("trouble", ["stopping", "disk-full", "disk-broken", "moved", "lease"])
async def test_what_comes_while_a_token_is_renewed_is_obeyed(open_shop, trouble: str):
    """For a minute the intent is written and nothing has left."""
    images, claim = pictures("cat"), Meanwhile()
    shop = await open_shop(images, claim=claim)
    shop.token_seconds = 60.0
    happen = {
        "stopping": partial(shop.lifetime.stop, "SIGTERM"),
        "disk-full": partial(setattr, shop.journal, "full", "The disk is full."),
        "disk-broken": partial(setattr, shop.journal, "broken", JournalError("The disk is gone.")),
        "moved": partial(setattr, shop.journal, "gone", JournalError("The file was moved.")),
        "lease": partial(setattr, claim, "safe", False),
    }[trouble]
    asyncio.get_running_loop().call_later(30, happen)
    asyncio.get_running_loop().call_later(61, shop.lifetime.stop, "SIGTERM")

    outcomes = await shop.buyer.annotate(images)

    assert (outcomes, shop.calls, shop.budget.reserved) == ([], [], 0)


async def test_a_slow_disk_counts_as_latency_and_a_wait_for_quota_does_not(open_shop):
    images = pictures("dog", "cat")
    shop = await open_shop(images)
    await shop.quota.acquire(1, 16)
    shop.disk.seconds = 0.5

    began = asyncio.get_running_loop().time()
    await shop.door.purchase(images, attempt=1)

    took = asyncio.get_running_loop().time() - began
    assert shop.door.latency == pytest.approx(0.5 + 1.0 + 0.5)
    assert took > shop.door.latency + 0.03


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(labelled, id="labels"),
        pytest.param(RESET, id="nothing"),
        pytest.param(REFUSED, id="a refusal"),
    ],
)
async def test_what_reaches_vision_late_counts_from_then(open_shop, said: Step):
    """It counts what arrives within a minute, whenever that was sent."""
    images = pictures("cat", "dog", "owl")
    shop = await open_shop(images, limits=(1, 1800))
    shop.script = [labelled, said, labelled]

    for image, shop.way_there in zip(images, (0.0, 20.0, 0.0), strict=True):
        with suppress(IngestorError):
            await shop.door.purchase([image], attempt=1)

    assert min(later - earlier for earlier, later in pairwise(shop.arrived)) >= MINUTE


async def test_a_refusal_that_comes_quickly_makes_no_answer_late(open_shop):
    """What makes labels takes longer than what says no: it is no way there, and costs no pace."""
    images = pictures("cat", "dog", "owl")
    shop = await open_shop(images, limits=(1, 1800))
    shop.script = [REFUSED]

    for image, shop.way_there in zip(images, (0.0, 2.0, 2.0), strict=True):
        with suppress(IngestorError):
            await shop.door.purchase([image], attempt=1)

    assert shop.arrived[2] - shop.arrived[1] < MINUTE + 1.0


@pytest.mark.parametrize(
    ("said", "told"),
    [
        pytest.param(labelled, events.BatchSettled, id="labels"),
        pytest.param(RESET, events.PurchaseInDoubt, id="nothing"),
        pytest.param(REFUSED, events.PurchaseUnbilled, id="a refusal"),
        pytest.param(NotSent("No.", reason="dns"), events.PurchaseUnbilled, id="never sent"),
    ],
)
async def test_of_every_purchase_is_told_what_it_may_have_cost(
    open_shop, said: Step, told: type[events.Event]
):
    images = pictures("cat", "dog")
    shop = await open_shop(images)
    shop.script.append(said)

    with suppress(IngestorError):
        await shop.door.purchase(images, attempt=1)

    assert [type(event) for event in shop.told] == [events.BatchSent, told]
    assert {event.purchase for event in shop.told} == {"purchase-1"}


@pytest.mark.parametrize(
    ("wish", "pause"), [(None, 0.0), (20.0, 20.0), (1e6, PATIENCE)], ids=["none", "some", "endless"]
)
async def test_who_is_refused_for_speed_slows_all_others(open_shop, wish: float, pause: float):
    """As long as Vision wants; where that is longer than our patience, it is the run that ends."""
    cat, dog = pictures("cat", "dog")
    shop = await open_shop([cat, dog])
    shop.script.append(Throttled("Slowly.", upstream="vision", retry_after=wish))

    with pytest.raises(Throttled):
        await shop.door.purchase([cat], attempt=1)
    refused, rate = asyncio.get_running_loop().time(), shop.quota.rate
    await shop.door.purchase([dog], attempt=1)

    assert rate < 1
    assert shop.arrived[-1] - refused == pytest.approx(pause, abs=0.1)


async def test_a_disk_that_is_full_takes_no_intent(open_shop):
    images = pictures("cat")
    shop = await open_shop(images)
    shop.journal.full = "The disk is full."

    await shop.buyer.annotate(images)

    assert (shop.calls, await closings(shop)) == ([], [])
    assert shop.lifetime.reason == "disk-full"
    assert str(shop.lifetime.error) == f"The disk is full. {THEN_MAKE_ROOM}"


async def test_a_call_in_flight_is_awaited_when_the_run_stops(open_shop):
    images = pictures("cat")
    shop = await open_shop(images)
    buying = asyncio.create_task(shop.buyer.annotate(images))
    await asyncio.sleep(0.5)

    shop.lifetime.stop("SIGTERM")
    shop.quota.close()
    outcomes = await buying

    assert names_of(outcomes) == {"100": "cat"}


async def test_a_call_cut_short_leaves_an_open_purchase(open_shop):
    images = pictures("cat")
    shop = await open_shop(images)
    buying = asyncio.create_task(shop.buyer.annotate(images))
    await asyncio.sleep(0.5)

    buying.cancel()
    await asyncio.wait([buying])

    assert (await shop.units()).reserved == 1


async def test_a_call_cut_short_before_anything_was_sent_cost_nothing(open_shop):
    images = pictures("cat")
    shop = await open_shop(images)
    shop.token_seconds = 60.0
    buying = asyncio.create_task(shop.buyer.annotate(images))
    await asyncio.sleep(30)

    buying.cancel()
    await asyncio.wait([buying])

    assert buying.cancelled()
    assert [end[:2] for end in await closings(shop)] == [("not-sent", "cut-short")]
    assert isinstance(shop.told[-1], events.PurchaseUnbilled)
    assert (shop.budget.reserved, shop.budget.spent) == (0, 0)
    assert shop.quota.granted == [0, 0]


async def test_a_call_cut_short_that_the_disk_takes_back_no_more_counts_as_perhaps_billed(
    open_shop,
):
    images = pictures("cat")
    shop = await open_shop(images)
    shop.token_seconds = 60.0
    buying = asyncio.create_task(shop.buyer.annotate(images))
    await asyncio.sleep(30)
    shop.journal.broken = JournalError("The disk is gone.")

    buying.cancel()
    await asyncio.wait([buying])

    assert buying.cancelled()
    assert (shop.budget.reserved, shop.budget.spent) == (0, 1)


def an_intent(shop: Shop, images: Sequence[Image]) -> ledger.Intent:
    return ledger.Intent(
        id="odd", run=shop.run, at=WALL, features=FEATURES.key, attempt=1, units=len(images),
        images=tuple(images),
    )  # fmt: skip


async def test_what_is_known_cannot_be_bought_again(open_shop):
    images = pictures("cat")
    shop = await open_shop(images)
    await shop.buyer.annotate(images)

    with pytest.raises(ledger.AlreadyBought):
        await shop.journal.write(partial(ledger.open_purchase, intent=an_intent(shop, images)))


async def test_the_same_picture_is_never_twice_in_one_request(open_shop):
    images = pictures("cat", "dog", "cat")
    shop = await open_shop(images)

    with pytest.raises(BrokenInvariant, match="twice"):
        await shop.journal.write(partial(ledger.open_purchase, intent=an_intent(shop, images)))

    assert (await shop.units()).at_most == 0


class Overtaken:
    """A claim that has the second purchase wait until the first is over."""

    safe = True
    epoch = 0

    def __init__(self) -> None:
        self.asked = 0
        self.over = asyncio.Event()

    async def ready(self) -> None:
        self.asked += 1
        if self.asked > 1:
            await self.over.wait()


async def test_a_broken_invariant_stops_buying_and_costs_nothing(open_shop):
    claim = Overtaken()
    shop = await open_shop([*pictures("cat"), *pictures("owl")], claim=claim)

    async def buy_cat() -> None:
        await shop.buyer.annotate(pictures("cat"))
        claim.over.set()

    # Other bytes of the same photo, of which nothing was known when they set out.
    _, outcomes = await asyncio.gather(buy_cat(), shop.buyer.annotate(pictures("owl")))

    assert outcomes == []
    assert isinstance(shop.lifetime.error, BrokenInvariant)
    assert (len(shop.calls), (await shop.units()).at_most) == (1, 1)


class Frozen:
    """A claim that was too short once, when the process had stood still after the intent."""

    epoch = 7

    def __init__(self) -> None:
        self.looks = 0

    @property
    def safe(self) -> bool:
        self.looks += 1
        return self.looks > 1

    async def ready(self) -> None:
        """The renewal comes at once."""


async def test_a_claim_that_is_too_short_is_renewed_before_anything_is_sent(open_shop):
    images = pictures("dog", "cat")
    claim = Frozen()
    shop = await open_shop(images, claim=claim)

    outcomes = await shop.buyer.annotate(images)

    assert names_of(outcomes) == {"100": "dog", "101": "cat"}
    assert (len(shop.calls), claim.looks) == (1, 3), "after each intent, and before it leaves"
    assert await closings(shop) == [("not-sent", "lease", 7), ("settled", None, 7)]


def no_new_token(_images: Sequence[Image]) -> Sequence[Answer]:
    """It was refused with a 401, and what it was refused for could not be renewed."""
    raise NotSent("Google gave no token.", reason="token-endpoint")


async def test_what_never_left_has_used_no_quota(open_shop):
    images = pictures("dog", "cat")
    shop = await open_shop(images, claim=Frozen())
    shop.script.append(NotSent("no connection", reason="connect"))

    outcomes = await shop.buyer.annotate(images)

    assert names_of(outcomes) == {"100": "dog", "101": "cat"}
    assert [end[0] for end in await closings(shop)] == ["not-sent", "not-sent", "settled"]
    assert shop.quota.granted == [1, 2]


async def test_a_refusal_has_used_quota_though_no_token_came_in_the_place_of_the_refused(open_shop):
    """Vision had it, and counted it: that its answer is told as never sent is for the money alone."""
    images = pictures("dog")
    shop = await open_shop(images, limits=(1, 1800))
    shop.script = [no_new_token]

    outcomes = await shop.buyer.annotate(images)

    assert names_of(outcomes) == {"100": "dog"}
    assert [end[0] for end in await closings(shop)] == ["not-sent", "settled"]
    assert shop.arrived[1] - shop.arrived[0] >= MINUTE


async def test_who_waits_for_units_hears_when_the_disk_refuses_an_answer(open_shop):
    images = pictures("cat", "dog")
    shop = await open_shop(images, ceiling=1)

    def break_disk(batch: Sequence[Image]) -> Sequence[Answer]:
        shop.journal.broken = JournalError("The disk is full.")
        return labelled(batch)

    shop.script.append(break_disk)
    async with asyncio.timeout(60):
        outcomes = await asyncio.gather(
            shop.buyer.annotate(images[:1]), shop.buyer.annotate(images[1:])
        )

    assert names_of(outcomes[0]) == {"100": "cat"}
    assert outcomes[1] == []
    assert (shop.lifetime.reason, str(shop.lifetime.error)) == ("journal", "The disk is full.")


async def test_who_waits_for_units_hears_of_a_call_that_was_cut_short(open_shop):
    images = pictures("cat", "dog")
    shop = await open_shop(images, ceiling=1)
    buying = asyncio.create_task(shop.buyer.annotate(images[:1]))
    await asyncio.sleep(0.5)
    waiting = asyncio.create_task(shop.buyer.annotate(images[1:]))
    await asyncio.sleep(0)

    buying.cancel()
    async with asyncio.timeout(60):
        outcomes = await waiting

    assert (outcomes, shop.calls) == ([], [["100"]])
    assert shop.budget.spent == 1


async def test_who_waits_for_units_hears_of_a_call_that_was_cut_short_twice(open_shop):
    images = pictures("cat", "dog")
    shop = await open_shop(images, ceiling=1)
    shop.token_seconds = 60.0
    buying = asyncio.create_task(shop.buyer.annotate(images[:1]))
    await asyncio.sleep(30)
    waiting = asyncio.create_task(shop.buyer.annotate(images[1:]))
    shop.disk.seconds = 1.0

    buying.cancel()
    await asyncio.sleep(0.5)
    buying.cancel()
    async with asyncio.timeout(60):
        await waiting

    assert (shop.budget.reserved, shop.budget.spent) == (0, 1), (
        "nobody knows what the disk says of it"
    )
