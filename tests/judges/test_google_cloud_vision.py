"""google-cloud-vision, the vendor's own client, judges the sandbox's Vision."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import google.auth.api_key
import pytest
import requests
from google.api_core import exceptions
from google.cloud import vision_v1 as vision
from google.cloud.vision_v1.services.image_annotator.transports.rest import (
    ImageAnnotatorRestTransport,
)
from google.oauth2 import credentials as user_credentials
from google.oauth2 import service_account

from ingestor.sandbox.google import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN
from ingestor.sandbox.server import Sandbox
from ingestor.sandbox.vision.credentials import PROJECT
from tests.judges.judging import Check
from tests.judges.whole_sandbox import SECONDS

JUDGE = "google-cloud-vision"

pytestmark = pytest.mark.judge

SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
LABELS = vision.Feature(type_=vision.Feature.Type.LABEL_DETECTION)
SAFE = vision.Feature(type_=vision.Feature.Type.SAFE_SEARCH_DETECTION)
EVERY_KIND: Any = vision.Feature.Type
PICTURES = 3


@pytest.fixture(autouse=True)
def _good_day(sandbox: Sandbox) -> Iterator[None]:
    yield
    sandbox.faults.clear()
    sandbox.quotas.change(requests=0, images=0)
    sandbox.quotas.clear()
    sandbox.bill.clear()


@pytest.fixture(scope="module")
def photo_ids(sandbox: Sandbox) -> list[str]:
    listed = sandbox.world.pools[next(iter(sandbox.world.groups))].listed(1)
    return [i for i in listed[:50] if sandbox.world.labels_of(i)][:PICTURES]


@pytest.fixture(scope="module")
def pictures(sandbox: Sandbox, photo_ids: list[str]) -> list[bytes]:
    """As the CDN serves them."""
    return [picture(sandbox, photo_id) for photo_id in photo_ids]


def picture(sandbox: Sandbox, photo_id: str) -> bytes:
    photo = sandbox.world.photo(photo_id)
    assert photo is not None
    url = sandbox.addresses.image_url + photo.path("z")
    return requests.get(url, timeout=SECONDS).content


def a_client(sandbox: Sandbox, credentials: Any = None, **options: Any) -> Any:
    """Plain http, to the sandbox; by API key where no credentials are given."""
    transport = ImageAnnotatorRestTransport(
        host=sandbox.addresses.vision_url.removeprefix("http://"),
        url_scheme="http",
        credentials=credentials or google.auth.api_key.Credentials(sandbox.addresses.google_key),
        **options,
    )
    return vision.ImageAnnotatorClient(transport=transport)


def an_entry(content: bytes, *features: vision.Feature) -> vision.AnnotateImageRequest:
    return vision.AnnotateImageRequest(
        image=vision.Image(content=content), features=features or [LABELS]
    )


def ask(client: Any, *contents: bytes, features: Any = (LABELS,)) -> Any:
    requests = [an_entry(content, *features) for content in contents]
    return client.batch_annotate_images(requests=requests, retry=None, timeout=SECONDS)


def test_labels_arrive_as_messages(
    sandbox: Sandbox, pictures: list[bytes], photo_ids: list[str], check: Check
) -> None:
    answer = ask(a_client(sandbox), *pictures)

    check("one response per image", len(answer.responses) == len(pictures))
    for photo_id, response in zip(photo_ids, answer.responses, strict=True):
        expected = sandbox.world.labels_of(photo_id)[:10]
        labels = response.label_annotations
        check("ten labels", len(labels) == 10)
        check("words", [x.description for x in labels] == [x.description for x in expected])
        check("ids", [x.mid for x in labels] == [x.mid or "" for x in expected])
        scores = [label.score for label in labels]
        check("scores as they are", scores == pytest.approx([x.score for x in expected]))
        check("best first", scores == sorted(scores, reverse=True))
        check("between 0 and 1", all(0 < label.topicality <= 1 for label in labels))
        check("no error", response.error.code == 0)


def test_safe_search_is_read_as_likelihoods(
    sandbox: Sandbox, pictures: list[bytes], check: Check
) -> None:
    answer = ask(a_client(sandbox), pictures[0], features=(LABELS, SAFE))

    safe = answer.responses[0].safe_search_annotation
    check("adult", safe.adult == vision.Likelihood.VERY_UNLIKELY)
    for name in ("spoof", "medical", "violence", "racy"):
        check(name, getattr(safe, name) != vision.Likelihood.UNKNOWN)
    check("labels too", bool(answer.responses[0].label_annotations))


def test_every_feature_can_be_asked_for(
    sandbox: Sandbox, pictures: list[bytes], check: Check
) -> None:
    features = [vision.Feature(type_=kind) for kind in EVERY_KIND if kind]

    response = ask(a_client(sandbox), pictures[0], features=features).responses[0]

    colours = response.image_properties_annotation.dominant_colors.colors
    check("colours", len(colours) == 3)
    check("black has no parts", colours[-1].color.red == colours[-1].color.blue == 0)
    corners = response.crop_hints_annotation.crop_hints[0].bounding_poly.vertices
    check("four corners", len(corners) == 4)
    check("the origin", (corners[0].x, corners[0].y) == (0, 0))
    check("the opposite corner", corners[2].x >= 400 and corners[2].y >= 400)
    check("a guess", bool(response.web_detection.best_guess_labels[0].label))


def test_as_many_labels_come_as_were_asked_for(
    sandbox: Sandbox, pictures: list[bytes], check: Check
) -> None:
    feature = vision.Feature(type_=vision.Feature.Type.LABEL_DETECTION, max_results=2)

    response = ask(a_client(sandbox), pictures[0], features=[feature]).responses[0]

    check("two labels", len(response.label_annotations) == 2)


def test_the_shorthand_for_labels_brings_labels(
    sandbox: Sandbox, pictures: list[bytes], check: Check
) -> None:
    response = a_client(sandbox).label_detection(
        image=vision.Image(content=pictures[0]), retry=None, timeout=SECONDS
    )

    check("labels", len(response.label_annotations) == 10)


def test_one_bad_image_is_an_error_of_its_own(
    sandbox: Sandbox, pictures: list[bytes], check: Check
) -> None:
    answer = ask(a_client(sandbox), pictures[0], b"no picture", pictures[1])

    check("code 3", answer.responses[1].error.code == 3)
    check("message", answer.responses[1].error.message == "Bad image data.")
    check("before it", bool(answer.responses[0].label_annotations))
    check("after it", bool(answer.responses[2].label_annotations))


def test_a_parent_is_taken_in_the_path(
    sandbox: Sandbox, pictures: list[bytes], check: Check
) -> None:
    for parent in ("projects/sandbox", "projects/sandbox/locations/eu"):
        request = vision.BatchAnnotateImagesRequest(
            requests=[an_entry(pictures[0])], parent=parent, labels={"team": "x"}
        )
        answer = a_client(sandbox).batch_annotate_images(request, retry=None, timeout=SECONDS)
        check(parent, bool(answer.responses[0].label_annotations))


def test_too_many_images_is_an_invalid_argument(
    sandbox: Sandbox, check: Check, pictures: list[bytes]
) -> None:
    with pytest.raises(exceptions.BadRequest) as caught:
        ask(a_client(sandbox), *[pictures[0]] * 17)

    check("message", "Too many images per request" in caught.value.message)
    check("nothing billed", sandbox.bill.units == 0)


def test_a_request_without_features_is_an_invalid_argument(sandbox: Sandbox, check: Check) -> None:
    request = vision.AnnotateImageRequest(image=vision.Image(content=b"x"))

    with pytest.raises(exceptions.BadRequest) as caught:
        a_client(sandbox).batch_annotate_images(requests=[request], retry=None, timeout=SECONDS)

    check("message", "Request must specify image and features." in caught.value.message)


def test_a_bad_key_is_an_invalid_argument(
    sandbox: Sandbox, pictures: list[bytes], check: Check
) -> None:
    client = a_client(sandbox, google.auth.api_key.Credentials("wrong"))

    with pytest.raises(exceptions.BadRequest) as caught:
        ask(client, pictures[0])

    check("reason", caught.value.reason == "API_KEY_INVALID")
    check("domain", caught.value.domain == "googleapis.com")
    check("service", caught.value.metadata == {"service": "vision.googleapis.com"})


def test_an_exhausted_quota_has_details(
    sandbox: Sandbox, pictures: list[bytes], check: Check
) -> None:
    sandbox.quotas.change(images=1)
    sandbox.faults.set("vision.hint", 1)
    ask(a_client(sandbox), pictures[0])

    with pytest.raises(exceptions.TooManyRequests) as caught:
        ask(a_client(sandbox), pictures[0])

    kinds = {detail["@type"].rpartition(".")[2]: detail for detail in caught.value.details}
    check("reason", caught.value.reason == "RATE_LIMIT_EXCEEDED")
    check("limit", caught.value.metadata["quota_limit_value"] == "1")
    check("violation", kinds["QuotaFailure"]["violations"][0]["subject"] == PROJECT)
    delay = kinds["RetryInfo"]["retryDelay"]
    check("delay", re.fullmatch(r"(\d+(\.\d{1,9})?)s", delay) is not None)
    check("within the minute", 0 < float(delay.removesuffix("s")) <= 60)
    check("help", bool(kinds["Help"]["links"][0]["url"]))


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("vision.unavailable", exceptions.ServiceUnavailable),
        ("vision.internal", exceptions.InternalServerError),
        ("vision.deadline", exceptions.GatewayTimeout),
        ("vision.bad-gateway", exceptions.BadGateway),
        ("vision.throttled", exceptions.TooManyRequests),
        ("vision.billing-disabled", exceptions.Forbidden),
        ("vision.service-disabled", exceptions.Forbidden),
        ("vision.bad-request", exceptions.BadRequest),
    ],
)
def test_faults_are_the_errors_they_claim_to_be(
    sandbox: Sandbox, pictures: list[bytes], check: Check, fault: str, error: Any
) -> None:
    sandbox.faults.queue(fault)

    with pytest.raises(exceptions.GoogleAPICallError) as caught:
        ask(a_client(sandbox), pictures[0])

    check(fault, isinstance(caught.value, error))
    check("once", bool(ask(a_client(sandbox), pictures[0]).responses))


def test_its_own_retry_survives_a_bad_minute(
    sandbox: Sandbox, pictures: list[bytes], check: Check
) -> None:
    sandbox.faults.queue("vision.unavailable", times=2)

    answer = a_client(sandbox).batch_annotate_images(
        requests=[an_entry(pictures[0])], timeout=SECONDS
    )

    check("answered", bool(answer.responses[0].label_annotations))
    check("charged once", sandbox.bill.units == 1)


def test_a_service_account_signs_in(sandbox: Sandbox, pictures: list[bytes], check: Check) -> None:
    file = sandbox.addresses.service_account_file
    account = service_account.Credentials.from_service_account_file(file, scopes=SCOPES)

    answer = ask(a_client(sandbox, account), pictures[0])

    check("labels", bool(answer.responses[0].label_annotations))
    check("a token was fetched", sandbox.tokens.scopes(account.token) == frozenset(SCOPES))


def test_a_service_account_may_sign_for_itself(
    sandbox: Sandbox, pictures: list[bytes], check: Check
) -> None:
    file = sandbox.addresses.service_account_file
    account = service_account.Credentials.from_service_account_file(file)
    fetched = sandbox.calls.total("google")

    answer = ask(a_client(sandbox, account, always_use_jwt_access=True), pictures[0])

    check("labels", bool(answer.responses[0].label_annotations))
    check("no token was fetched", sandbox.calls.total("google") == fetched)


def test_a_revoked_token_is_renewed(sandbox: Sandbox, pictures: list[bytes], check: Check) -> None:
    file = sandbox.addresses.service_account_file
    account = service_account.Credentials.from_service_account_file(file, scopes=SCOPES)
    client = a_client(sandbox, account)
    ask(client, pictures[0])
    first = account.token
    sandbox.tokens.revoke_all()

    answer = ask(client, pictures[0])

    check("labels", bool(answer.responses[0].label_annotations))
    check("another token", account.token != first)


def test_an_end_user_needs_a_project(sandbox: Sandbox, pictures: list[bytes], check: Check) -> None:
    user = user_credentials.Credentials(
        None,
        refresh_token=REFRESH_TOKEN,
        token_uri=sandbox.addresses.token_url,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
    )

    with pytest.raises(exceptions.Forbidden) as caught:
        ask(a_client(sandbox, user), pictures[0])
    answer = ask(a_client(sandbox, user.with_quota_project("sandbox")), pictures[0])

    check("reason", "requires a quota project" in caught.value.message)
    check("labels", bool(answer.responses[0].label_annotations))
