"""google-api-python-client and the vendor's discovery document judge the sandbox's Vision."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from googleapiclient import discovery_cache
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError
from googleapiclient.http import HttpRequest, build_http
from PIL import Image

from ingestor.sandbox.marks import marked
from ingestor.sandbox.server import Sandbox
from ingestor.sandbox.vision.masks import ANSWER
from ingestor.sandbox.vision.schema import BATCH, ENUMS, MESSAGES
from tests.judges.discovery import objections, size_of
from tests.judges.judging import Check

JUDGE = "google-api-python-client"

pytestmark = pytest.mark.judge

FEATURES = [
    {"type": "LABEL_DETECTION", "maxResults": 20},
    {"type": "SAFE_SEARCH_DETECTION"},
    {"type": "IMAGE_PROPERTIES"},
    {"type": "CROP_HINTS"},
    {"type": "WEB_DETECTION"},
]
CREDENTIALS = {"access_token", "oauth_token", "key"}
VALUES = {"alt": "json", "prettyPrint": "true", "fields": "*", "callback": "x"}
REQUEST, RESPONSE, STATUS = BATCH, "BatchAnnotateImagesResponse", "Status"


@pytest.fixture(autouse=True)
def _good_day(sandbox: Sandbox) -> Iterator[None]:
    yield
    sandbox.faults.clear()
    sandbox.quotas.change(requests=0, images=0)
    sandbox.quotas.clear()


@pytest.fixture(scope="module")
def document() -> Any:
    """As the client carries it along; nothing is fetched."""
    return json.loads(discovery_cache.get_static_doc("vision", "v1"))


@pytest.fixture(scope="module")
def pictures(sandbox: Sandbox) -> list[bytes]:
    """The marks of real photos on a plain picture: one of them is a photo without labels."""
    listed = list(sandbox.world.pools[next(iter(sandbox.world.groups))].listed(1))
    bare = next(photo_id for photo_id in listed if not sandbox.world.labels_of(photo_id))
    return [marked(a_drawing(), photo_id) for photo_id in (*listed[:3], bare)]


def a_drawing() -> bytes:

    out = io.BytesIO()
    Image.new("RGB", (640, 480), "teal").save(out, "JPEG")
    return out.getvalue()


@contextmanager
def a_service(sandbox: Sandbox, *, key: str | None = None) -> Iterator[Any]:
    """`key` may be empty: then none is sent."""
    http = build_http()
    with build(
        "vision",
        "v1",
        static_discovery=True,
        http=http,
        developerKey=sandbox.addresses.google_key if key is None else key or None,
        client_options={"api_endpoint": sandbox.addresses.vision_url},
    ) as service:
        yield service


def a_body(*contents: bytes, features: Any = FEATURES) -> dict[str, Any]:
    return {
        "requests": [
            {"image": {"content": base64.b64encode(content).decode()}, "features": features}
            for content in contents
        ]
    }


def ask(sandbox: Sandbox, body: Any, *, key: str | None = None, **given: Any) -> Any:
    with a_service(sandbox, key=key) as service:
        return service.images().annotate(body=body, **given).execute()


def kept(check: Check, value: Any, *, name: str, document: Any) -> None:
    """One check per member: each is known to the schema and of its type."""
    wrong = objections(value, name=name, schemas=document["schemas"])
    assert not wrong, wrong
    for _member in range(size_of(value)):
        check(name, bool(value))


def test_requests_and_answers_keep_to_the_schema(
    sandbox: Sandbox, pictures: list[bytes], document: Any, check: Check
) -> None:
    body = a_body(*pictures, b"not a picture")

    answer = ask(sandbox, body)

    kept(check, body, name=REQUEST, document=document)
    kept(check, answer, name=RESPONSE, document=document)
    check("one each", len(answer["responses"]) == 5)
    check("the bad one", answer["responses"][4]["error"]["code"] == 3)
    for response in answer["responses"][:3]:
        check("labels", len(response["labelAnnotations"]) > 10)
        check("safe search", response["safeSearchAnnotation"]["adult"] == "VERY_UNLIKELY")


def test_a_picture_without_labels_is_an_empty_object(
    sandbox: Sandbox, pictures: list[bytes], check: Check
) -> None:
    answer = ask(sandbox, a_body(pictures[-1], features=[{"type": "LABEL_DETECTION"}]))

    check("nothing", answer == {"responses": [{}]})


@pytest.mark.parametrize(
    ("mask", "members"),
    [
        ("responses(labelAnnotations(mid,description,score,topicality),error)", {"error"}),
        ("responses/labelAnnotations/score", {"labelAnnotations"}),
        ("responses/safeSearchAnnotation/adult", {"safeSearchAnnotation"}),
        ("*", {"cropHintsAnnotation"}),
    ],
)
def test_masks_keep_to_the_schema(
    sandbox: Sandbox,
    pictures: list[bytes],
    document: Any,
    check: Check,
    mask: str,
    members: set[str],
) -> None:
    answer = ask(sandbox, a_body(pictures[0], b"bad"), fields=mask)

    kept(check, answer, name=RESPONSE, document=document)
    there = {name for response in answer["responses"] for name in response}
    check(mask, members <= there)


@pytest.mark.parametrize("given", [{"prettyPrint": False}, {"quotaUser": "me"}, {"x__xgafv": "2"}])
def test_system_parameters_are_taken(
    sandbox: Sandbox, pictures: list[bytes], check: Check, given: dict[str, Any]
) -> None:
    answer = ask(sandbox, a_body(pictures[0]), **given)

    check(str(given), bool(answer["responses"][0]["labelAnnotations"]))


@pytest.mark.parametrize("parent", ["projects/sandbox", "projects/sandbox/locations/us"])
def test_projects_and_locations_have_images_too(
    sandbox: Sandbox, pictures: list[bytes], document: Any, check: Check, parent: str
) -> None:
    with a_service(sandbox) as service:
        place = service.projects()
        images = place.locations().images() if "locations" in parent else place.images()
        answer = images.annotate(parent=parent, body=a_body(pictures[0])).execute()

    kept(check, answer, name=RESPONSE, document=document)


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("vision.throttled", 429),
        ("vision.throttled-hint", 429),
        ("vision.unavailable", 503),
        ("vision.internal", 500),
        ("vision.deadline", 504),
        ("vision.billing-disabled", 403),
        ("vision.service-disabled", 403),
        ("vision.key-restricted", 403),
        ("vision.key-disabled", 400),
    ],
)
def test_errors_are_statuses(
    sandbox: Sandbox, pictures: list[bytes], document: Any, check: Check, fault: str, status: int
) -> None:
    sandbox.faults.queue(fault)

    with pytest.raises(HttpError) as caught:
        ask(sandbox, a_body(pictures[0]))

    error = json.loads(caught.value.content)["error"]
    name = error.pop("status")
    check("status", caught.value.resp.status == status == error["code"])
    check("its name", name.isupper())
    check("reason", caught.value.reason == error["message"])
    kept(check, error, name=STATUS, document=document)
    for detail in error.get("details", []):
        check("typed", detail["@type"].startswith("type.googleapis.com/google.rpc."))


def test_a_bad_request_is_told_where(sandbox: Sandbox, document: Any, check: Check) -> None:
    body = {"requests": [{"image": {"content": "###"}, "features": [{"type": "DOGS"}]}]}

    with pytest.raises(HttpError) as caught:
        ask(sandbox, body)

    fields = {v["field"] for v in caught.value.error_details[0]["fieldViolations"]}
    check("image", "requests[0].image.content" in fields)
    check("feature", "requests[0].features[0].type" in fields)
    wrong = objections(body, name=REQUEST, schemas=document["schemas"])
    check("the schema agrees", len(wrong) == 2)


def test_an_unknown_method_is_a_page(sandbox: Sandbox, check: Check) -> None:
    with a_service(sandbox) as service, pytest.raises(HttpError) as caught:
        service.files().annotate(body={}).execute()

    check("404", caught.value.resp.status == 404)
    check("HTML", b"<!DOCTYPE html>" in caught.value.content)


def test_no_key_is_unauthenticated(sandbox: Sandbox, check: Check) -> None:
    with pytest.raises(HttpError) as caught:
        ask(sandbox, a_body(b"x"), key="")

    check("401", caught.value.resp.status == 401)
    check("challenge", caught.value.resp["www-authenticate"].startswith("Bearer realm="))


def test_the_sandbox_knows_the_whole_schema(document: Any, check: Check) -> None:
    for name, fields in MESSAGES.items():
        check(name, fields.keys() == document["schemas"][name]["properties"].keys())
    kinds = document["schemas"]["Feature"]["properties"]["type"]["enum"]
    check("features", {kind for kind in ENUMS["Feature.Type"] if kind} == set(kinds))


def test_masks_know_the_whole_answer(document: Any, check: Check) -> None:
    schemas = document["schemas"]

    check("answer", ANSWER["responses"].keys() == properties(schemas, "AnnotateImageResponse"))
    labels = ANSWER["responses"]["labelAnnotations"]
    check("labels", labels.keys() == properties(schemas, "EntityAnnotation"))
    check("error", ANSWER["responses"]["error"].keys() == properties(schemas, "Status"))


def properties(schemas: Any, name: str) -> set[str]:
    return set(schemas[name]["properties"])


def test_the_parameters_are_those_of_the_document(
    sandbox: Sandbox, pictures: list[bytes], document: Any, check: Check
) -> None:
    with a_service(sandbox) as service:
        request: HttpRequest = service.images().annotate(body=a_body(pictures[0]))
        check("path", request.uri.split("?")[0].endswith("/v1/images:annotate"))
        check("verb", request.method == "POST")

        for name in document["parameters"].keys() - CREDENTIALS:
            url = f"{request.uri}&{name}={VALUES.get(name, '1')}"
            status, _body = request.http.request(url, "POST", body=request.body)
            check(name, status.status == 200)
