"""Vision's two quotas as a client meets them, and what lies on the bill afterwards."""

from __future__ import annotations

import pytest

from tests.sandbox.google_site import LABELS, SAFE, a_jpeg, a_site


async def test_images_times_features_may_run_out_together() -> None:
    async with a_site(images_per_minute=6) as site:
        site.faults.set("vision.quota-by-feature", 0)
        two_features = [LABELS, SAFE]
        first = await site.annotate(a_jpeg(), a_jpeg(), features=two_features)
        second = await site.annotate(a_jpeg(), a_jpeg(), features=two_features)

        assert (first.status, second.status) == (200, 429)
        assert site.quotas.images.used == 4
        assert site.bill.requests == 1


async def test_features_have_quotas_of_their_own() -> None:
    async with a_site(images_per_minute=2) as site:
        answer = await site.annotate(a_jpeg(), a_jpeg(), features=[LABELS, SAFE])

        assert answer.status == 200
        assert site.quotas.images.used == 2


async def test_a_refusal_names_the_quota() -> None:
    async with a_site(requests_per_minute=1) as site:
        await site.annotate(a_jpeg())

        answer = await site.annotate(a_jpeg())

        info = answer.detail("ErrorInfo")
        assert (answer.status, answer.error["status"]) == (429, "RESOURCE_EXHAUSTED")
        assert answer.error["message"].startswith("Quota exceeded for quota metric 'Requests' and")
        assert info["reason"] == "RATE_LIMIT_EXCEEDED"
        assert info["metadata"]["quota_limit_value"] == "1"
        assert info["metadata"]["service"] == "vision.googleapis.com"
        assert answer.detail("QuotaFailure")["violations"][0]["subject"].startswith("projects/")
        assert answer.detail("RetryInfo") is None
        assert "Retry-After" not in answer.headers


async def test_a_hint_is_the_truth_and_never_early() -> None:
    async with a_site(images_per_minute=1) as site:
        site.faults.set("vision.hint", 1)
        await site.annotate(a_jpeg())
        site.clock.seconds += 12.5

        refused = await site.annotate(a_jpeg())
        site.clock.seconds += 47.5
        granted = await site.annotate(a_jpeg())

        assert refused.detail("RetryInfo")["retryDelay"] == "47.5s"
        assert refused.headers["Retry-After"] == "48"
        assert granted.status == 200


async def test_refused_requests_cost_nothing() -> None:
    async with a_site(images_per_minute=16) as site:
        for _ in range(5):
            await site.annotate(*[a_jpeg()] * 16)

        assert (site.bill.units, site.bill.requests) == (16, 1)
        assert site.calls.count("vision", status=429) == 4


async def test_the_quota_can_change_while_it_is_used() -> None:
    async with a_site(images_per_minute=1) as site:
        await site.annotate(a_jpeg())

        changed = await site.control("PUT", "/quota", {"images": 2})
        statuses = [(await site.annotate(a_jpeg())).status for _ in range(2)]

        assert changed.json["images"] == 2
        assert statuses == [200, 429]


async def test_a_stranger_on_the_project_is_felt() -> None:
    async with a_site(images_per_minute=10) as site:
        site.faults.set("vision.stranger", 0.6)

        statuses = [(await site.annotate(a_jpeg())).status for _ in range(5)]

        assert statuses == [200, 200, 200, 200, 429]


@pytest.mark.parametrize(
    ("features", "units"),
    [([LABELS], 2), ([LABELS, SAFE], 2), ([SAFE], 2), ([LABELS, {"type": "WEB_DETECTION"}], 4)],
    ids=["labels", "safe search beside labels", "safe search", "labels and web"],
)
async def test_units_on_the_bill(features: list[dict[str, str]], units: int) -> None:
    async with a_site() as site:
        await site.annotate(a_jpeg(width=1), a_jpeg(width=2), features=features)

        bill = (await site.control("GET", "/bill")).json
        assert bill["units"] == units
        assert bill["photos"] == 2
        assert bill["most_for_one_photo"] == 1


async def test_a_photo_bought_twice_stands_on_the_bill_twice() -> None:
    async with a_site() as site:
        await site.annotate(a_jpeg(), a_jpeg(width=7))
        await site.annotate(a_jpeg())

        bill = (await site.control("GET", "/bill")).json
        assert (bill["most_for_one_photo"], bill["photos_charged_again"]) == (2, 1)
