"""What Vision is asked, what its answers mean, and which error each refusal is."""

from __future__ import annotations

import base64
import contextlib
import json
import sys
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestor.apis.google import Fixed
from ingestor.apis.vision import (
    BYTES_PER_REQUEST,
    IMAGES_PER_REQUEST,
    ImageError,
    Vision,
    annotate_request,
    error_for,
    read_annotations,
    weigh_image,
)
from ingestor.apis.vision.body import BYTES_PER_IMAGE
from ingestor.errors import (
    AnswerLost,
    Denied,
    IngestorError,
    Rejected,
    Throttled,
    Unauthorized,
    Unavailable,
    VendorError,
)
from ingestor.models import Annotation, FeatureSet, Image, PurchaseState
from ingestor.purchases.meaning import state_after
from ingestor.transport import Parts, Request, Response
from tests.builders import FEATURES, an_image
from tests.unit.apis.conftest import NESTED, Answer, Noting, Recorder

URL = "https://vision.googleapis.com"
EVERYTHING = FeatureSet(max_labels=50, safe_search=True)
THE_VENDORS_OWN = 600.0
"""Seconds that the vendor's client waits: who gives up earlier pays for answers, and buys them again."""


def sent(images: list[Image], features: FeatureSet = FEATURES) -> Request:
    return annotate_request(images, features, url=URL, headers={"x-canary": "1"})


def body_of(request: Request) -> bytes:
    assert isinstance(request.body, Parts)
    return b"".join(request.body.make())


def a_response(body: object, *, status: int = 200) -> Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status=status, headers={}, body=raw)


def labels(*entries: object) -> Response:
    return a_response({"responses": [{"labelAnnotations": list(entries)}]})


def only(response: Response, features: FeatureSet = FEATURES) -> Annotation:
    [annotation] = read_annotations(response, [an_image()], features)
    assert isinstance(annotation, Annotation)
    return annotation


# What is asked


def test_every_image_is_asked_for_in_order() -> None:
    images = [an_image(content=b"one"), an_image(content=b"a second one")]

    asked = json.loads(body_of(sent(images)))

    contents = [base64.b64decode(entry["image"]["content"]) for entry in asked["requests"]]
    assert contents == [b"one", b"a second one"]


def test_features_say_what_is_wanted() -> None:
    [asked] = json.loads(body_of(sent([an_image()], EVERYTHING)))["requests"]

    assert asked["features"] == [
        {"type": "LABEL_DETECTION", "maxResults": 50, "model": "builtin/stable"},
        {"type": "SAFE_SEARCH_DETECTION"},
    ]


@given(
    contents=st.lists(st.binary(max_size=400), min_size=1, max_size=16),
    safe_search=st.booleans(),
)
def test_the_length_is_known_beforehand_and_the_body_repeats(
    contents: list[bytes], safe_search: bool
) -> None:
    images = [an_image(content=content) for content in contents]
    features = FeatureSet(max_labels=10, safe_search=safe_search)

    request = sent(images, features)

    assert isinstance(request.body, Parts)
    assert request.body.length == len(body_of(request))
    assert body_of(request) == body_of(request)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 491_520])
def test_the_encoded_size_is_never_too_small(size: int) -> None:
    image = an_image(content=bytes(size))

    lengths = [len(body_of(sent([image] * count, EVERYTHING))) for count in (1, 2)]

    assert lengths[1] - lengths[0] <= weigh_image(image) <= lengths[1] - lengths[0] + 150


def test_the_heaviest_request_is_below_ten_megabytes_whichever_are_meant() -> None:
    each = BYTES_PER_REQUEST // IMAGES_PER_REQUEST
    image = an_image(content=bytes((each - BYTES_PER_IMAGE) // 4 * 3))

    request = sent([image] * IMAGES_PER_REQUEST, EVERYTHING)

    assert each - 4 < weigh_image(image) <= each
    assert 9_900_000 < request.sending <= 10_000_000


def test_images_become_text_one_at_a_time() -> None:
    image = an_image(content=bytes(150_000))
    request = sent([image] * 16)
    assert isinstance(request.body, Parts)

    tracemalloc.start()
    for _part in request.body.make():
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    share = peak / request.body.length
    sys.stderr.write(f"peak memory of a body under construction, against its size: {share:.2f}\n")
    # The part being sent, the next one and its text before the rest was put around: never all 16.
    assert peak < 3.2 * weigh_image(image)


def test_the_request_is_patient_and_keeps_credentials_out_of_sight() -> None:
    request = sent([an_image()])

    assert request.deadline >= THE_VENDORS_OWN
    assert request.headers == {"content-type": "application/json", "x-canary": "1"}
    assert "canary" not in repr(request)
    assert request.url.startswith(f"{URL}/v1/images:annotate?prettyPrint=false&fields=responses(")


# What is answered


def test_labels_keep_names_scores_and_ids_beside_the_hash_of_their_image(answer: Answer) -> None:
    annotation = only(answer("vision/labels"))

    assert [(label.name, label.score, label.mid) for label in annotation.labels] == [
        ("Dog", 0.97346616, "/m/0bt9lr"),
        ("Mammal", 0.93893605, "/m/04rky"),
        ("Snout", 0.8125, ""),
    ]
    assert annotation.features == FEATURES.key
    assert annotation.sha256 == an_image().sha256


def test_one_bad_image_does_not_spoil_the_batch(answer: Answer) -> None:
    images = [an_image("1"), an_image("2"), an_image("3")]

    bad, cat, empty = read_annotations(answer("vision/one_bad_image"), images, FEATURES)

    assert bad == ImageError(photo_id="1", code=3, message="Bad image data.", transient=False)
    assert isinstance(cat, Annotation)
    assert [label.name for label in cat.labels] == ["Cat"]
    assert isinstance(empty, Annotation)
    assert empty.labels == ()


def test_annotations_beside_an_error_are_kept(answer: Answer) -> None:
    annotation = only(answer("vision/partial"))

    assert annotation.partial
    assert [label.name for label in annotation.labels] == ["Cat"]


def test_safe_search_answers_for_every_kind(answer: Answer) -> None:
    annotation = only(answer("vision/safe_search"), EVERYTHING)

    assert annotation.safe == {
        "adult": "VERY_UNLIKELY",
        "spoof": "UNLIKELY",
        "medical": "UNKNOWN",
        "violence": "POSSIBLE",
        "racy": "UNKNOWN",
    }


@pytest.mark.parametrize("likelihood", [[], {}, ["LIKELY"], 7, None, "CERTAINLY"], ids=repr)
def test_a_likelihood_of_a_strange_shape_costs_no_paid_answer(likelihood: object) -> None:
    safe = {"adult": likelihood, "racy": "LIKELY"}
    body = {"responses": [{"safeSearchAnnotation": safe}]}

    [found] = read_annotations(a_response(body), [an_image()], EVERYTHING)

    assert isinstance(found, Annotation)
    assert found.safe is not None
    assert (found.safe["adult"], found.safe["racy"]) == ("UNKNOWN", "LIKELY")


@pytest.mark.parametrize(
    ("code", "transient"),
    [(3, False), (4, True), (7, False), (8, True), (13, True), (14, True), (99, False)],
)
def test_the_code_says_whether_an_image_may_try_again(code: int, transient: bool) -> None:
    response = a_response({"responses": [{"error": {"code": code, "message": "no"}}]})

    [error] = read_annotations(response, [an_image()], FEATURES)

    assert isinstance(error, ImageError)
    assert error.transient is transient


def test_nobody_misses_labels_beside_an_error() -> None:
    body = {"responses": [{"labelAnnotations": None, "error": {"code": 3, "message": "Bad."}}]}

    [error] = read_annotations(a_response(body), [an_image()], FEATURES)

    assert isinstance(error, ImageError)


def test_an_empty_status_is_no_error() -> None:
    assert only(a_response({"responses": [{"error": {}}]})).labels == ()


@pytest.mark.parametrize("step", [1, -1], ids=["better last", "better first"])
def test_the_better_of_two_equal_labels_stays_and_the_best_come_first(step: int) -> None:
    entries = [
        {"description": "Dog", "score": 0.5},
        {"description": "Cat", "score": 0.7},
        {"description": "dog", "score": 0.9},
    ]

    annotation = only(labels(*entries[::step]))

    assert [(label.name, label.score) for label in annotation.labels] == [
        ("dog", 0.9),
        ("Cat", 0.7),
    ]


SHARES = st.floats(0, 1)
USUAL = st.fixed_dictionaries(
    {"description": st.text(), "score": SHARES, "topicality": SHARES, "mid": st.text()}
)


@given(st.lists(USUAL, max_size=12))
def test_an_odd_label_beside_them_changes_nothing_about_usual_ones(
    usual: list[dict[str, object]],
) -> None:
    odd = {"description": "odd one out", "score": -0.0005}

    alone = only(labels(*usual), EVERYTHING).labels
    beside = only(labels(*usual, odd), EVERYTHING).labels

    assert [label for label in beside if label.name != "odd one out"] == list(alone)


def test_no_more_labels_than_asked_for() -> None:
    many = labels(*({"description": f"label {n}", "score": n / 500} for n in range(500)))

    annotation = only(many)

    assert len(annotation.labels) == FEATURES.max_labels
    assert annotation.labels[0].name == "label 499"


def test_names_are_never_empty_and_never_endless() -> None:
    annotation = only(labels({"description": " "}, {"score": 0.5}, {"description": "é" * 10_000}))

    assert [label.name for label in annotation.labels] == ["é" * 200]


def test_a_score_a_little_above_one_is_one() -> None:
    annotation = only(labels({"description": "Dog", "score": 1.0000002, "topicality": 1}))

    assert annotation.labels[0].score == 1.0


@pytest.mark.parametrize("count", [0, 1, 3])
def test_an_answer_of_the_wrong_length_is_lost(count: int) -> None:
    images = [an_image("1"), an_image("2")]

    with pytest.raises(AnswerLost) as lost:
        read_annotations(a_response({"responses": [{}] * count}), images, FEATURES)

    assert lost.value.reason == "wrong-count"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html>captive portal</html>", id="html"),
        pytest.param(b'{"responses":[{}', id="cut off"),
        pytest.param(NESTED, id="nested"),
        pytest.param(b'{"responses":[{"new":' + NESTED + b"}]}", id="deep"),
        pytest.param(b'{"responses":[{"new":"\xff"}]}', id="no text"),
        pytest.param(b'{"responses":[{"labelAnnotations":[{"score":NaN}]}]}', id="nan"),
        pytest.param(
            b'{"responses":[{"labelAnnotations":[{"description":"\\ud800"}]}]}', id="half"
        ),
        pytest.param({"responses": {}}, id="object for list"),
        pytest.param({"responses": None}, id="null for list"),
        pytest.param([{}], id="list"),
        pytest.param({"responses": [None]}, id="null for answer"),
        pytest.param({"responses": [{"labelAnnotations": {}}]}, id="labels"),
        pytest.param({"responses": [{"labelAnnotations": [1]}]}, id="label"),
        pytest.param({"responses": [{"labelAnnotations": [{"score": "NaN"}]}]}, id="text score"),
        pytest.param({"responses": [{"labelAnnotations": [{"score": True}]}]}, id="bool score"),
        pytest.param({"responses": [{"labelAnnotations": [{"score": 1e300}]}]}, id="huge score"),
        pytest.param({"responses": [{"labelAnnotations": [{"score": -0.1}]}]}, id="negative"),
        pytest.param({"responses": [{"labelAnnotations": [{"topicality": 7}]}]}, id="topicality"),
        pytest.param({"responses": [{"labelAnnotations": [{"description": 7}]}]}, id="name"),
        pytest.param({"responses": [{"error": "no"}]}, id="error"),
        pytest.param({"responses": [{"error": {"code": "3"}}]}, id="error code"),
        pytest.param({"responses": [{"safeSearchAnnotation": []}]}, id="safe search"),
    ],
)
def test_an_unreadable_answer_is_lost_whole(body: object) -> None:
    with pytest.raises(AnswerLost) as lost:
        read_annotations(a_response(body), [an_image()], FEATURES)

    assert lost.value.reason == "unreadable"


# What is refused


@pytest.mark.parametrize(
    ("name", "kind", "reason", "words"),
    [
        ("400_api_key", Denied, "api-key", "GOOGLE_API_KEY"),
        ("400_api_key_expired", Denied, "api-key", "GOOGLE_API_KEY"),
        ("400_base64", Rejected, "invalid-argument", "Base64"),
        ("400_too_many_images", Rejected, "too-many-images", "Too many"),
        ("400_payload", Rejected, "too-large", "41943040"),
        ("401_expired", Unauthorized, "unauthorized", "credentials"),
        ("403_service_disabled", Denied, "api-disabled", "not enabled in project 123456789"),
        ("403_billing", Denied, "billing", "https://console.cloud.google.com/billing"),
        ("403_quota_project", Denied, "quota-project", "set-quota-project"),
        ("403_forbidden", Denied, "forbidden", "does not have permission"),
        ("404_html", Denied, "wrong-address", "--vision-url"),
        ("413_html", Rejected, "too-large", "too large"),
        ("429_per_minute", Throttled, "throttled", "per minute"),
        ("429_daily", Throttled, "daily-quota", "for today"),
        ("429_html", Throttled, "throttled", "speed"),
        ("500", Unavailable, "server-error", "Internal error"),
        ("502_html", Unavailable, "server-error", "502"),
        ("503", Unavailable, "unavailable", "currently unavailable"),
        ("503_html", Unavailable, "server-error", "503"),
        ("504", Unavailable, "server-error", "Deadline exceeded"),
    ],
)
def test_each_refusal_has_its_kind(
    answer: Answer, name: str, kind: type[VendorError], reason: str, words: str
) -> None:
    error = error_for(answer(f"vision/{name}"))

    assert type(error) is kind
    assert (error.upstream, error.reason) == ("vision", reason)
    assert words in str(error)


@pytest.mark.parametrize(
    ("name", "seconds"),
    [("429_per_minute", None), ("429_retry_info", 37.5), ("429_html", 30.0)],
)
def test_the_longest_wait_that_is_asked_for_counts(
    answer: Answer, name: str, seconds: float | None
) -> None:
    error = error_for(answer(f"vision/{name}"))

    assert isinstance(error, Throttled)
    assert error.retry_after == seconds


@pytest.mark.parametrize("name", ["500", "502_html", "503", "503_html", "504"])
def test_a_broken_vision_may_have_done_the_work(answer: Answer, name: str) -> None:
    error = error_for(answer(f"vision/{name}"))

    assert isinstance(error, Unavailable)
    assert state_after(error) is PurchaseState.IN_DOUBT


GOOGLES = b'{"error": {"message": "No."}}'
SOMEBODYS = b"<html>No.</html>"


@pytest.mark.parametrize("status", [400, 401, 403, 413, 429, 500, 503])
def test_no_message_repeats_the_key_by_which_google_calls_us(status: int) -> None:
    said = "Permission denied: Consumer 'api_key:AIza-canary_key' has been suspended."

    for body in ({"error": {"message": said}}, said):
        told = str(error_for(a_response(body, status=status)))

        assert "canary" not in told


@pytest.mark.parametrize("status", [301, 302, 307, 308, 401, 403, 404, 413, 429])
@pytest.mark.parametrize("body", [GOOGLES, SOMEBODYS], ids=["Google", "somebody"])
def test_who_is_not_let_in_is_not_billed_whoever_says_so(status: int, body: bytes) -> None:
    assert state_after(error_for(a_response(body, status=status))) is PurchaseState.REFUSED


@pytest.mark.parametrize("status", [400, 405, 409, 412, 416, 422, 451])
def test_another_refusal_is_not_billed_if_it_is_googles(status: int) -> None:
    googles, somebodys = (
        state_after(error_for(a_response(body, status=status))) for body in (GOOGLES, SOMEBODYS)
    )

    assert (googles, somebodys) == (PurchaseState.REFUSED, PurchaseState.IN_DOUBT)


@pytest.mark.parametrize("status", [408, 499, 500, 501, 502, 503, 504, 505, 520, 599, 700])
@pytest.mark.parametrize("body", [GOOGLES, SOMEBODYS], ids=["Google", "somebody"])
def test_what_broke_may_be_billed_whoever_says_so(status: int, body: bytes) -> None:
    assert state_after(error_for(a_response(body, status=status))) is PurchaseState.IN_DOUBT


@pytest.mark.parametrize("status", [408, 499, 500, 503, 504, 520])
@pytest.mark.parametrize(
    "said",
    [
        {"message": "Quota exceeded.", "status": "RESOURCE_EXHAUSTED"},
        {"message": "API key not valid. Please pass a valid API key."},
        {"message": "It requires a quota project, which is not set by default."},
        {"message": "No.", "details": [{"reason": "SERVICE_DISABLED"}]},
    ],
    ids=["quota", "key", "project", "service"],
)
def test_what_broke_may_be_billed_whatever_is_said_beside_it(
    status: int, said: dict[str, object]
) -> None:
    assert state_after(error_for(a_response({"error": said}, status=status))) is (
        PurchaseState.IN_DOUBT
    )


WORDS = (
    "responses error code message details reason metadata status labelAnnotations description "
    "score topicality mid retryDelay safeSearchAnnotation adult consumer"
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(WORDS.split()), inner, max_size=4)
    ),
    max_leaves=20,
)
STATUSES = (200, 204, 302, 400, 401, 403, 404, 413, 429, 500, 503, 520)


@given(
    body=JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60),
    status=st.sampled_from(STATUSES),
)
def test_whatever_is_answered_only_our_errors_come_out(body: bytes, status: int) -> None:
    with contextlib.suppress(IngestorError):
        read_annotations(a_response(body, status=status), [an_image()], FEATURES)


# The client

A_KEY = {"x-goog-api-key": "canary"}


async def test_the_client_asks_and_reads(answer: Answer) -> None:
    transport = Recorder(answer("vision/labels"))
    vision = Vision(transport, url=URL, access=Fixed(A_KEY), features=FEATURES)

    [annotation] = await vision.annotate([an_image()])

    assert isinstance(annotation, Annotation)
    assert transport.requests[0].headers["x-goog-api-key"] == "canary"


async def test_stale_credentials_are_renewed_before_the_error_leaves(answer: Answer) -> None:
    access = Noting(A_KEY)
    transport = Recorder(answer("vision/401_expired"))
    vision = Vision(transport, url=URL, access=access, features=FEATURES)

    with pytest.raises(Unauthorized):
        await vision.annotate([an_image()])

    assert access.refused == [A_KEY]
