"""What a batch costs, whatever Vision answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

import pytest

from ingestor import events
from ingestor.errors import (
    AddressRefused,
    AnswerLost,
    Denied,
    IngestorError,
    NotSent,
    Rejected,
    RunStopped,
    Throttled,
    Unauthorized,
    Unavailable,
)
from ingestor.journal import results
from ingestor.models import Failure, Image, Published
from ingestor.purchases.door import MOST_ATTEMPTS
from ingestor.purchases.meaning import Answer
from tests.builders import a_label, an_annotation
from tests.shops import WALL, bad_image, labelled, names_of, pictures

pytestmark = pytest.mark.looptime

RESET = AnswerLost("reset", reason="reset")
BAD_GATEWAY = Unavailable("HTML", upstream="vision", reason="server-error")


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
    shop.script.append(lambda batch: [labelled(batch)[0], bad_image(batch[1].photo.id)])

    outcomes = await shop.buyer.annotate(images)

    assert names_of(outcomes) == {"100": "cat", "101": "vision-bad-image"}
    # Nobody says whether an image with an error of its own is billed.
    assert [one.paid for one in outcomes if isinstance(one, Failure)] == ["maybe"]
    assert len(shop.calls) == 1
    assert [one.photo for one in shop.told if isinstance(one, events.PhotoFailed)] == ["101"]


async def test_only_the_image_with_a_passing_error_is_sent_again(open_shop):
    images = pictures("cat", "dog", "owl")
    shop = await open_shop(images)
    shop.script.append(
        lambda batch: [
            *labelled(batch)[:2], bad_image(batch[2].photo.id, code=14, transient=True)
        ]
    )  # fmt: skip

    outcomes = await shop.buyer.annotate(images)

    assert names_of(outcomes)["102"] == "owl"
    assert shop.calls == [["100", "101", "102"], ["102"]]


async def test_an_image_whose_error_never_passes_is_given_up_and_its_neighbours_are_not(open_shop):
    images = pictures("cat", "dog")
    shop = await open_shop(images)

    def trouble_with_dogs(batch: Sequence[Image]) -> Sequence[Answer]:
        return [
            bad_image(image.photo.id, code=14, transient=True) if image.content == b"dog" else found
            for image, found in zip(batch, labelled(batch), strict=True)
        ]

    shop.script.extend([trouble_with_dogs] * 20)
    outcomes = await shop.buyer.annotate(images)

    assert names_of(outcomes) == {"100": "cat", "101": "vision-unavailable"}
    assert shop.calls == [["100", "101"], *[["101"]] * (MOST_ATTEMPTS - 1)]
    assert [one.attempts for one in outcomes if isinstance(one, Failure)] == [MOST_ATTEMPTS]
    assert (await shop.units()).possible == MOST_ATTEMPTS


async def test_where_nothing_is_bought_twice_an_image_with_a_passing_error_is_not_either(open_shop):
    images = pictures("cat")
    shop = await open_shop(images, share=0.0)
    shop.script.append(
        lambda batch: [bad_image(image.photo.id, code=13, transient=True) for image in batch]
    )

    outcomes = await shop.buyer.annotate(images)

    assert names_of(outcomes) == {"100": "vision-unavailable"}
    assert (len(shop.calls), (await shop.units()).possible) == (1, 1)


async def test_an_address_that_may_not_be_asked_was_sent_nothing(open_shop):
    images = pictures("cat")
    shop = await open_shop(images)
    shop.script.append(AddressRefused("vision: not trusted", reason="tls-certificate"))

    await shop.buyer.annotate(images)

    assert (await shop.units()).at_most == 0
    assert (await shop.states(), shop.lifetime.reason) == ({"listed": 1}, "tls-certificate")


async def test_a_photo_whose_labels_are_known_takes_them_whatever_its_bytes_are_now(open_shop):
    """As where it was to be annotated for other features, which was broken off."""
    (image,) = pictures("cat")
    shop = await open_shop([image])
    earlier = an_annotation("100", a_label("Lynx"), sha256="ab" * 32)
    await shop.journal.write(
        partial(results.keep, annotation=earlier, size=image.size, purchase="p", now=WALL)
    )
    await shop.journal.write(lambda db: db.execute("UPDATE photos SET state = 'listed'"))

    outcomes = await shop.buyer.annotate([image])

    assert (names_of(outcomes), shop.calls) == ({"100": "Lynx"}, [])
    assert await shop.states() == {"annotated": 1}


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
        pytest.param(Unauthorized("stale", upstream="vision"), 0, id="stale token"),
        pytest.param(
            Unavailable("busy", upstream="vision", reason="unavailable"), 1, id="Google's own 503"
        ),
        pytest.param(AnswerLost("reset", reason="reset"), 1, id="answer lost"),
        pytest.param(BAD_GATEWAY, 1, id="a front end's 502"),
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
    assert await shop.states() == {"dead": 1}


@pytest.mark.parametrize(("more", "parked"), [(8, 0), (9, 9)], ids=["within it", "beyond it"])
async def test_doubt_is_repeated_for_a_full_batch_and_a_share_of_what_was_bought(
    open_shop, more: int, parked: int
):
    images = pictures(*(f"animal {number}" for number in range(16 + more)))
    shop = await open_shop(images, share=0.5)
    shop.script += [RESET, labelled, RESET]

    first = await shop.buyer.annotate(images[:16])
    second = await shop.buyer.annotate(images[16:])

    assert sum(isinstance(outcome, Published) for outcome in first) == 16
    assert sum(isinstance(outcome, Failure) for outcome in second) == parked


async def test_an_answer_lost_while_stopping_leaves_its_photos_to_the_next_run(open_shop):
    images = pictures("cat")
    shop = await open_shop(images, share=0.0)
    shop.script.append(RESET)
    asyncio.get_running_loop().call_later(0.5, shop.lifetime.stop, "SIGTERM")

    outcomes = await shop.buyer.annotate(images)

    assert (outcomes, await shop.states()) == ([], {"listed": 1})
    assert (await shop.units()).possible == 1


@pytest.mark.parametrize("lost", [RESET, BAD_GATEWAY], ids=["reset", "a front end's 502"])
async def test_an_image_is_doubted_only_once(open_shop, lost: IngestorError):
    images = pictures("cat")
    shop = await open_shop(images)
    shop.script.extend([lost] * 5)

    outcomes = await shop.buyer.annotate(images)

    assert names_of(outcomes) == {"100": "in-doubt"}
    assert len(shop.calls) == 2
    assert [outcome.attempts for outcome in outcomes] == [2]


async def test_a_passing_error_does_not_wash_a_doubt_away(open_shop):
    images = pictures("cat")
    shop = await open_shop(images, share=1.0)
    lost = AnswerLost("connection reset", reason="reset")
    shop.script += [
        lost, lambda batch: [bad_image(batch[0].photo.id, code=14, transient=True)], lost
    ]  # fmt: skip

    outcomes = await shop.buyer.annotate(images)

    assert names_of(outcomes) == {"100": "in-doubt"}
    assert len(shop.calls) == 3


@pytest.mark.parametrize(
    ("share", "calls"),
    [
        pytest.param(0.5, 5, id="three times, and once more in doubt"),
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
    shop.script.extend(Unauthorized("stale", upstream="vision") for _ in range(9))

    outcomes = await shop.buyer.annotate(images)

    assert outcomes == []
    assert isinstance(shop.lifetime.error, Unauthorized)
    assert len(shop.calls) == 2


async def test_a_disabled_api_ends_the_run_and_costs_nothing(open_shop):
    images = pictures("cat")
    shop = await open_shop(images)
    shop.script.append(Denied("billing is off", upstream="vision", reason="billing"))

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
    assert "is used up until midnight Pacific time (per day)." in str(shop.lifetime.error)
    assert len(shop.calls) == 1


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        pytest.param(NotSent("refused.", reason="connect"), "vision-unreachable", id="not sent"),
        pytest.param(Throttled("too fast.", upstream="vision"), "throttled", id="too fast"),
    ],
)
async def test_who_never_gets_through_stops_when_patience_ends_and_has_paid_nothing(
    open_shop, error, reason: str
):
    images = pictures("cat")
    shop = await open_shop(images)
    shop.script.extend([error] * 100)

    outcomes = await shop.buyer.annotate(images)

    assert (outcomes, await shop.states()) == ([], {"listed": 1})
    assert (await shop.units()).at_most == 0
    assert isinstance(shop.lifetime.error, RunStopped)
    assert shop.lifetime.reason == reason
    assert ".)" not in str(shop.lifetime.error)


async def test_everything_bought_waits_to_be_published(open_shop):
    images = pictures("cat", "dog")
    shop = await open_shop(images)

    await shop.buyer.annotate(images)
    waiting = await shop.journal.read(partial(results.unpublished, most=10))

    assert names_of(waiting) == {"100": "cat", "101": "dog"}
