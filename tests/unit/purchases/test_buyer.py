"""What a batch costs, whatever Vision answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ingestor.errors import (
    AnswerLost,
    BrokenInvariant,
    Denied,
    IngestorError,
    JournalError,
    NotSent,
    Rejected,
    RunStopped,
    Throttled,
    Unauthorized,
    Unavailable,
)
from ingestor.journal import ledger, listing, results, runs
from ingestor.journal.recovery import open_run
from ingestor.journal.writer import Journal
from ingestor.kits.lifetime import Lifetime
from ingestor.kits.quota import Quota
from ingestor.models import Annotation, Failure, Image, Published
from ingestor.purchases import Budget, Buyer, Claim, Door, Doubts
from ingestor.purchases.door import Answer
from tests.builders import FEATURES, a_label, an_annotation, an_image
from tests.inline import Inline

pytestmark = pytest.mark.looptime

WALL = 1_790_000_000.0


@dataclass
class BadImage:
    photo_id: str
    code: int = 3
    message: str = "Bad image data."
    transient: bool = False


@dataclass
class Shop:
    """The door with a scripted Vision behind it."""

    journal: Journal
    lifetime: Lifetime
    buyer: Buyer
    budget: Budget
    quota: Quota
    run: int
    calls: list[list[str]] = field(default_factory=list)
    script: list[Callable[[Sequence[Image]], Sequence[Answer]] | IngestorError] = field(
        default_factory=list
    )

    async def look(self, images: Sequence[Image]) -> Sequence[Answer]:
        self.calls.append([image.photo.id for image in images])
        await asyncio.sleep(1)
        step = self.script.pop(0) if self.script else labelled
        if isinstance(step, IngestorError):
            raise step
        return step(images)

    async def units(self) -> ledger.Units:
        return await self.journal.read(partial(ledger.units_of_run, run=self.run))

    async def states(self) -> dict[str, int]:
        return await self.journal.read(runs.photos_by_state)


def labelled(images: Sequence[Image]) -> list[Annotation]:
    """A label that is a function of the bytes: a mix-up would show."""
    return [
        an_annotation(image.photo.id, a_label(image.content.decode()), sha256=image.sha256)
        for image in images
    ]


def pictures(*names: str) -> list[Image]:
    return [an_image(str(100 + at), content=name.encode()) for at, name in enumerate(names)]


@pytest.fixture
async def open_shop(tmp_path: Path) -> AsyncIterator[Callable[..., object]]:
    lifetime = Lifetime(drain=8.0)
    async with Journal(tmp_path / "journal.sqlite3", thread=Inline()) as journal:

        async def open_(
            images: Sequence[Image],
            *,
            ceiling: int | None = None,
            share: float = 0.5,
            claim: Claim | None = None,
        ) -> Shop:
            opening = await journal.write(
                partial(
                    open_run, name="r", world="sandbox", target="catalog", in_doubt="retry",
                    month_start=0.0, day_start=0.0, window=60.0, now=WALL,
                )
            )  # fmt: skip
            await journal.write(
                partial(
                    listing.sight, photos=[image.photo for image in images], run=opening.run,
                    room=None, features=None, unusable=(), now=WALL,
                )
            )  # fmt: skip
            clock = asyncio.get_running_loop().time
            quota = Quota((1800, 1800), largest=(1, 16), clock=clock)
            budget = Budget(ceiling=ceiling)
            names = count(1)
            common: dict[str, Any] = {
                "journal": journal,
                "features": FEATURES,
                "lifetime": lifetime,
                "patience": 120.0,
                "clock": clock,
                "wall": lambda: WALL + clock(),
            }

            async def look(batch: Sequence[Image]) -> Sequence[Answer]:
                return await shop.look(batch)

            door = Door(
                look=look, quota=quota, budget=budget,
                run=opening.run, name=lambda: f"purchase-{next(names)}", claim=claim, **common,
            )  # fmt: skip
            buyer = Buyer(door=door, doubts=Doubts(share=share, floor=16), **common)
            shop = Shop(journal, lifetime, buyer, budget, quota, opening.run)
            return shop

        yield open_
        lifetime.close()


def names_of(outcomes: Sequence[Published | Failure]) -> dict[str, str]:
    """Photo id -> its first label, or the reason of its failure."""
    return {
        outcome.photo_id if isinstance(outcome, Failure) else outcome.photo.id: outcome.reason
        if isinstance(outcome, Failure)
        else outcome.annotation.labels[0].name
        for outcome in outcomes
    }


async def test_every_image_gets_the_labels_of_its_own_bytes(open_shop):
    images = pictures("cat", "dog", "owl")
    shop = await open_shop(images)

    outcomes = await shop.buyer.annotate(images)

    assert names_of(outcomes) == {"100": "cat", "101": "dog", "102": "owl"}
    assert (await shop.units()).certain == 3


async def test_the_same_bytes_are_bought_once(open_shop):
    images = pictures("cat", "dog", "cat", "cat")
    shop = await open_shop(images)

    outcomes = await shop.buyer.annotate(images)

    assert names_of(outcomes) == {"100": "cat", "101": "dog", "102": "cat", "103": "cat"}
    assert shop.calls == [["100", "101"]]


async def test_bytes_known_from_another_photo_are_free(open_shop):
    images = pictures("cat", "cat")
    shop = await open_shop(images)

    await shop.buyer.annotate(images[:1])
    outcomes = await shop.buyer.annotate(images[1:])

    assert names_of(outcomes) == {"101": "cat"}
    assert len(shop.calls) == 1


async def test_bytes_that_another_batch_is_buying_are_waited_for(open_shop):
    images = pictures("cat", "dog", "dog", "cat")
    shop = await open_shop(images)

    outcomes = await asyncio.gather(
        shop.buyer.annotate(images[:2]), shop.buyer.annotate(images[2:])
    )

    assert names_of(outcomes[1]) == {"102": "dog", "103": "cat"}
    assert (await shop.units()).certain == 2


async def test_bytes_whose_purchase_failed_elsewhere_are_bought_after_all(open_shop):
    images = pictures("cat", "cat")
    shop = await open_shop(images, share=0.0)
    shop.script.append(AnswerLost("reset", reason="reset"))

    outcomes = await asyncio.gather(
        shop.buyer.annotate(images[:1]), shop.buyer.annotate(images[1:])
    )

    assert [names_of(each) for each in outcomes] == [{"100": "in-doubt"}, {"101": "cat"}]


async def test_one_bad_image_does_not_spoil_the_batch(open_shop):
    images = pictures("cat", "dog")
    shop = await open_shop(images)
    shop.script.append(lambda batch: [labelled(batch)[0], BadImage(batch[1].photo.id)])

    outcomes = await shop.buyer.annotate(images)

    assert names_of(outcomes) == {"100": "cat", "101": "vision-bad-image"}
    assert len(shop.calls) == 1


async def test_only_the_image_with_a_passing_error_is_sent_again(open_shop):
    images = pictures("cat", "dog", "owl")
    shop = await open_shop(images)
    shop.script.append(
        lambda batch: [
            *labelled(batch)[:2], BadImage(batch[2].photo.id, code=14, transient=True)
        ]
    )  # fmt: skip

    outcomes = await shop.buyer.annotate(images)

    assert names_of(outcomes)["102"] == "owl"
    assert shop.calls == [["100", "101", "102"], ["102"]]


async def test_a_poisonous_image_is_found_by_halves(open_shop):
    images = pictures(*(f"animal {number}" for number in range(16)))
    shop = await open_shop(images)

    def refusing(batch: Sequence[Image]) -> Sequence[Answer]:
        if any(image.photo.id == "107" for image in batch):
            raise Rejected("Base64 decoding failed", upstream="vision", reason="bad-request")
        return labelled(batch)

    shop.script.extend([refusing] * 20)
    outcomes = await shop.buyer.annotate(images)

    assert sum(isinstance(outcome, Published) for outcome in outcomes) == 15
    assert names_of(outcomes)["107"] == "vision-bad-request"
    assert len(shop.calls) <= 9
    assert (await shop.units()).at_most == 15


@pytest.mark.parametrize(
    ("error", "possible"),
    [
        pytest.param(NotSent("refused", reason="connect"), 0, id="never sent"),
        pytest.param(Throttled("too fast", upstream="vision"), 0, id="too fast"),
        pytest.param(Unauthorized("stale", upstream="vision", status=401), 0, id="stale token"),
        pytest.param(
            Unavailable("busy", upstream="vision", reason="unavailable"), 1, id="Google's own 503"
        ),
        pytest.param(AnswerLost("reset", reason="reset"), 1, id="answer lost"),
        pytest.param(
            Unavailable("HTML", upstream="vision", status=502, reason="server-error"),
            1,
            id="a front end's 502",
        ),
    ],
)
async def test_what_failed_is_repeated_and_counted_for_what_it_may_have_cost(
    open_shop, error, possible
):
    images = pictures("cat")
    shop = await open_shop(images)
    shop.script.append(error)

    outcomes = await shop.buyer.annotate(images)

    units = await shop.units()
    assert names_of(outcomes) == {"100": "cat"}
    assert (units.certain, units.possible, units.reserved) == (1, possible, 0)


async def test_a_wrong_count_is_never_matched_by_position(open_shop):
    images = pictures("cat", "dog", "owl")
    shop = await open_shop(images)
    shop.script.append(AnswerLost("2 answers for 3 images", reason="wrong-count"))

    outcomes = await shop.buyer.annotate(images)

    assert names_of(outcomes) == {"100": "cat", "101": "dog", "102": "owl"}
    assert shop.calls == [["100", "101", "102"], ["100"], ["101"], ["102"]]


async def test_doubt_is_not_repeated_beyond_its_allowance(open_shop):
    images = pictures("cat")
    shop = await open_shop(images, share=0.0)
    shop.script.append(AnswerLost("reset", reason="reset"))

    outcomes = await shop.buyer.annotate(images)

    assert names_of(outcomes) == {"100": "in-doubt"}
    assert len(shop.calls) == 1
    assert (await shop.units()).possible == 1


async def test_an_image_is_doubted_only_once(open_shop):
    images = pictures("cat")
    shop = await open_shop(images)
    shop.script.extend(AnswerLost("reset", reason="reset") for _ in range(5))

    outcomes = await shop.buyer.annotate(images)

    assert names_of(outcomes) == {"100": "in-doubt"}
    assert len(shop.calls) == 2


async def test_a_passing_error_does_not_wash_a_doubt_away(open_shop):
    images = pictures("cat")
    shop = await open_shop(images, share=1.0)
    lost = AnswerLost("connection reset", reason="reset")
    shop.script += [
        lost, lambda batch: [BadImage(batch[0].photo.id, code=14, transient=True)], lost
    ]  # fmt: skip

    outcomes = await shop.buyer.annotate(images)

    assert names_of(outcomes) == {"100": "in-doubt"}
    assert len(shop.calls) == 3


@pytest.mark.parametrize(
    ("share", "calls"),
    [
        pytest.param(0.5, 8, id="three times, and again after a doubt"),
        pytest.param(0.0, 1, id="never where nothing may be bought twice"),
    ],
)
async def test_google_s_own_503_is_repeated_within_bounds(open_shop, share, calls):
    images = pictures("cat")
    shop = await open_shop(images, share=share)
    shop.script.extend(
        Unavailable("busy", upstream="vision", reason="unavailable") for _ in range(9)
    )

    await shop.buyer.annotate(images)

    assert len(shop.calls) == calls
    assert (await shop.units()).possible == calls


async def test_a_second_stale_token_ends_the_run(open_shop):
    images = pictures("cat")
    shop = await open_shop(images)
    shop.script.extend(Unauthorized("stale", upstream="vision", status=401) for _ in range(9))

    outcomes = await shop.buyer.annotate(images)

    assert outcomes == []
    assert isinstance(shop.lifetime.error, Unauthorized)
    assert len(shop.calls) == 2


async def test_a_disabled_api_ends_the_run_and_costs_nothing(open_shop):
    images = pictures("cat")
    shop = await open_shop(images)
    shop.script.append(Denied("billing is off", upstream="vision", status=403, reason="billing"))

    outcomes = await shop.buyer.annotate(images)

    assert outcomes == []
    assert shop.lifetime.reason == "billing"
    assert (await shop.units()).at_most == 0
    assert await shop.states() == {"listed": 1}


async def test_a_daily_quota_ends_the_run_at_once(open_shop):
    images = pictures("cat")
    shop = await open_shop(images)
    shop.script.append(Throttled("per day", upstream="vision", reason="daily-quota"))

    await shop.buyer.annotate(images)

    assert isinstance(shop.lifetime.error, RunStopped)
    assert len(shop.calls) == 1


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

    assert (outcomes, shop.calls) == ([], [])
    assert (await shop.units()).at_most == 0


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


async def test_what_is_known_cannot_be_bought_again(open_shop):
    images = pictures("cat")
    shop = await open_shop(images)
    await shop.buyer.annotate(images)

    intent = ledger.Intent(
        id="again", run=shop.run, at=WALL, features=FEATURES.key, attempt=1, units=1,
        images=tuple(images),
    )  # fmt: skip
    with pytest.raises(ledger.AlreadyBought):
        await shop.journal.write(partial(ledger.open_purchase, intent=intent))


async def test_a_broken_invariant_stops_buying_and_costs_nothing(open_shop):
    shop = await open_shop([*pictures("cat"), *pictures("owl")])
    await shop.buyer.annotate(pictures("cat"))

    outcomes = await shop.buyer.annotate(pictures("owl"))  # other bytes of the same photo

    assert outcomes == []
    assert isinstance(shop.lifetime.error, BrokenInvariant)
    assert (len(shop.calls), (await shop.units()).at_most) == (1, 1)


async def test_everything_bought_waits_to_be_published(open_shop):
    images = pictures("cat", "dog")
    shop = await open_shop(images)

    await shop.buyer.annotate(images)
    waiting = await shop.journal.read(partial(results.unpublished, most=10))

    assert names_of(waiting) == {"100": "cat", "101": "dog"}


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

    closed = await shop.journal.read(
        lambda db: db.execute("SELECT state, reason, epoch FROM purchases ORDER BY id").fetchall()
    )
    assert names_of(outcomes) == {"100": "dog", "101": "cat"}
    assert (len(shop.calls), claim.looks) == (1, 2)
    assert closed == [("not-sent", "lease", 7), ("settled", None, 7)]


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
