"""What Vision refuses before it looks at a picture, and in which words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
import pytest_asyncio

from tests.sandbox.google_site import LABELS, Site, a_jpeg, a_picture, a_site, an_entry, encoded


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    async with a_site() as site:
        yield site


def entry_with(**members: Any) -> dict[str, Any]:
    return an_entry(a_jpeg()) | members


@pytest.mark.parametrize(
    ("body", "field", "text"),
    [
        pytest.param(
            {"request": []}, None, 'Unknown name "request": Cannot find field.', id="root"
        ),
        pytest.param(
            {"requests": [entry_with(img={})]},
            "requests[0]",
            "Unknown name \"img\" at 'requests[0]': Cannot find field.",
            id="unknown name",
        ),
        pytest.param(
            {"requests": [entry_with(), entry_with(image={"bytes": ""})]},
            "requests[1].image",
            "Unknown name \"bytes\" at 'requests[1].image': Cannot find field.",
            id="unknown name, nested",
        ),
        pytest.param(
            {"requests": [entry_with(features=[{"type": "LABELS"}])]},
            "requests[0].features[0].type",
            "Invalid value at 'requests[0].features[0].type' "
            '(type.googleapis.com/google.cloud.vision.v1.Feature.Type), "LABELS"',
            id="enum",
        ),
        pytest.param(
            {"requests": [entry_with(features=[{**LABELS, "maxResults": "many"}])]},
            "requests[0].features[0].max_results",
            "Invalid value at 'requests[0].features[0].max_results' (TYPE_INT32), \"many\"",
            id="int32",
        ),
        pytest.param(
            {"requests": [entry_with(features=[{**LABELS, "maxResults": 2**31}])]},
            "requests[0].features[0].max_results",
            "(TYPE_INT32), 2147483648",
            id="int32 out of range",
        ),
        pytest.param(
            {"requests": [entry_with(image={"content": "not/base64!"})]},
            "requests[0].image.content",
            "Invalid value at 'requests[0].image.content' (TYPE_BYTES), "
            'Base64 decoding failed for "not/base64!"',
            id="base64",
        ),
        pytest.param(
            {"requests": [entry_with(image={"content": "AAAA\nAAAA"})]},
            "requests[0].image.content",
            "Base64 decoding failed",
            id="base64 with a line break",
        ),
        pytest.param(
            {"requests": [entry_with(image={"content": 7})]},
            "requests[0].image.content",
            "(TYPE_BYTES), 7",
            id="a number for bytes",
        ),
        pytest.param(
            {"requests": [entry_with(image="AAAA")]},
            "requests[0].image",
            '(type.googleapis.com/google.cloud.vision.v1.Image), "AAAA"',
            id="a string for a message",
        ),
        pytest.param(
            {"requests": [entry_with(image=[{}])]},
            "requests[0].image",
            "Proto field is not repeating, cannot start list.",
            id="a list for one",
        ),
        pytest.param([], None, "Root element must be a message.", id="no object"),
        pytest.param(b'{"requests": [', None, "Invalid JSON payload received.", id="cut off"),
        pytest.param(b"{'requests': []}", None, "Invalid JSON payload received.", id="not JSON"),
        pytest.param(b'{"a": NaN}', None, "Invalid JSON payload received.", id="NaN"),
        pytest.param(b'{"a": "\xff"}', None, "Invalid JSON payload received.", id="not UTF-8"),
        pytest.param(b"", None, "Invalid JSON payload received.", id="nothing"),
    ],
)
async def test_a_bad_body_names_its_fault(
    site: Site, body: Any, field: str | None, text: str
) -> None:
    answer = await site.post(body)

    violation = answer.detail("BadRequest")["fieldViolations"][0]
    assert answer.status == answer.error["code"] == 400
    assert answer.error["status"] == "INVALID_ARGUMENT"
    assert text in answer.error["message"]
    assert text in violation["description"]
    assert violation.get("field") == field


async def test_every_violation_is_named(site: Site) -> None:
    entry = entry_with(x=1, features=[{"type": "DOGS", "model": 5}])

    answer = await site.post({"requests": [entry]})

    places = [v["field"] for v in answer.detail("BadRequest")["fieldViolations"]]
    assert sorted(places) == [
        "requests[0]",
        "requests[0].features[0].model",
        "requests[0].features[0].type",
    ]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param({"requests": [entry_with()] * 17}, "Too many images per request", id="17"),
        pytest.param({"requests": []}, "Request must contain", id="none"),
        pytest.param({}, "Request must contain", id="no requests"),
        pytest.param(
            {"requests": [entry_with(features=[])]},
            "Request must specify image and features.",
            id="no feature",
        ),
        pytest.param(
            {"requests": [entry_with(features=[{"maxResults": 3}])]},
            "Request must specify image and features.",
            id="a feature without a type",
        ),
        pytest.param(
            {"requests": [entry_with(image={})]},
            "Request must specify image and features.",
            id="no image",
        ),
        pytest.param(
            {"requests": [entry_with(features=[{**LABELS, "maxResults": -1}])]},
            "must not be negative",
            id="negative maxResults",
        ),
    ],
)
async def test_an_unreasonable_request_is_refused_whole(
    site: Site, body: Any, message: str
) -> None:
    answer = await site.post(body)

    assert answer.status == 400
    assert message in answer.error["message"]
    assert site.bill.units == 0


async def test_sixteen_images_are_not_too_many(site: Site) -> None:
    answer = await site.annotate(*map(a_picture, site.photo_ids(16)))

    assert len(answer.responses) == 16


@pytest.mark.parametrize(
    ("limit", "over"),
    [pytest.param(100_000, 1, id="strict"), pytest.param(100_000, 5_000_000, id="far over")],
)
async def test_a_payload_over_the_limit_is_told_so(site: Site, limit: int, over: int) -> None:
    site.faults.set("vision.payload-limit", limit)
    body = orjson.dumps({"requests": [entry_with()]})

    at_limit = await site.post(body + b" " * (limit - len(body)))
    above = await site.post(body + b" " * (limit - len(body) + over))

    assert at_limit.status == 200
    assert above.status == 400
    assert above.error["message"] == f"Request payload size exceeds the limit: {limit} bytes."


async def test_the_default_payload_limit_is_the_documented_one(site: Site) -> None:
    assert site.faults.knob("vision.payload-limit") == 10 * 1024 * 1024


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            {"image_context": {"language_hints": ["en"]}, "features": [{"max_results": 1}]},
            id="snake case",
        ),
        pytest.param(
            {"imageContext": {"languageHints": ["en"]}, "features": [{"maxResults": "1"}]},
            id="a number as text",
        ),
        pytest.param({"features": [{"maxResults": 1.0, "model": None}]}, id="a whole float, null"),
    ],
)
async def test_the_transcoder_takes_what_proto3_json_allows(site: Site, body: Any) -> None:
    image = {"content": encoded(a_picture(site.photo_ids(1)[0]))}
    feature = {**LABELS, **body["features"][0]}

    answer = await site.post({"requests": [{**body, "image": image, "features": [feature]}]})

    assert len(answer.responses[0]["labelAnnotations"]) == 1


@pytest.mark.parametrize("kind", [4, "LABEL_DETECTION"])
async def test_an_enum_may_be_a_number(site: Site, kind: Any) -> None:
    picture = a_picture(site.photo_ids(1)[0])

    answer = await site.annotate(picture, features=[{"type": kind}])

    assert answer.responses[0]["labelAnnotations"]


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(encoded, id="standard"),
        pytest.param(lambda image: encoded(image).rstrip("="), id="unpadded"),
        pytest.param(lambda i: encoded(i).replace("+", "-").replace("/", "_"), id="URL-safe"),
    ],
)
@pytest.mark.parametrize(
    "layout",
    [
        pytest.param('{"requests":[{"image":{"content":"%s"},%s}]}', id="compact"),
        pytest.param('{"requests":[{"image":{"content" :\n "%s" } , %s}]}', id="airy"),
        pytest.param('{"requests":[{"image":{"\\u0063ontent":"%s"},%s}]}', id="escaped key"),
    ],
)
async def test_base64_is_read_however_it_is_written(site: Site, write: Any, layout: str) -> None:
    photo_id = site.photo_ids(1)[0]
    image = a_picture(photo_id, filling=bytes(range(256)) + b"\xfb\xff\xfe")

    answer = await site.post(layout % (write(image), '"features":[{"type":"LABEL_DETECTION"}]'))

    assert answer.responses[0]["labelAnnotations"]
    assert list(site.bill.images) == [photo_id]


async def test_escaped_slashes_in_base64_are_still_json(site: Site) -> None:
    image = a_picture(site.photo_ids(1)[0], filling=b"\xff" * 30)
    body = orjson.dumps({"requests": [an_entry(image)]}).replace(b"/", b"\\/")

    answer = await site.post(body)

    assert answer.responses[0]["labelAnnotations"]


async def test_a_value_that_spells_content_is_not_taken_for_the_key(site: Site) -> None:
    context = {"languageHints": ["content", '"content":"AAAA"']}

    answer = await site.post({"requests": [entry_with(imageContext=context)]})

    assert answer.status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("GET", "/v1/images:annotate", id="wrong verb"),
        pytest.param("POST", "/v1/images:annotated", id="wrong method"),
        pytest.param("POST", "/v2/images:annotate", id="wrong version"),
        pytest.param("POST", "/v1/projects/p/locations/mars/images:annotate", id="wrong place"),
        pytest.param("GET", "/<script>", id="nowhere"),
    ],
)
async def test_where_there_is_no_method_there_is_html(site: Site, method: str, path: str) -> None:
    answer = await site.ask("vision", method, path)

    assert answer.status == 404
    assert answer.headers["Content-Type"].startswith("text/html")
    assert b"<script>" not in answer.body


@pytest.mark.parametrize("parent", ["projects/p/", "projects/p/locations/eu/"])
async def test_the_parent_may_stand_in_the_path(site: Site, parent: str) -> None:
    body = {"requests": [entry_with()]}

    answer = await site.post(body, path=f"/v1/{parent}images:annotate")

    assert answer.status == 200


async def test_an_unknown_parameter_is_refused(site: Site) -> None:
    answer = await site.post({"requests": [entry_with()]}, params={"cachebuster": "1"})

    assert answer.status == 400
    assert "Cannot bind query parameter" in answer.error["message"]
