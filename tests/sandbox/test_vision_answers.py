"""What Vision answers about a picture, and how the caller may shape the answer."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
import pytest_asyncio
from PIL import Image

from tests.sandbox.google_site import (
    LABELS,
    SAFE,
    Site,
    a_jpeg,
    a_picture,
    a_site,
    an_entry,
    encoded,
)


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    async with a_site() as site:
        yield site


def drawn(format_name: str, *, size: tuple[int, int] = (64, 48), mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, "teal" if mode == "RGB" else 1).save(out, format_name)
    return out.getvalue()


async def test_answers_come_in_the_order_of_the_images(site: Site) -> None:
    ids = site.photo_ids(16)

    answer = await site.annotate(*map(a_picture, ids))

    seen = [entry["labelAnnotations"][0]["description"] for entry in answer.responses]
    assert seen == [site.world.labels_of(photo_id)[0].description for photo_id in ids]


async def test_labels_are_sorted_by_score_and_ten_by_default(site: Site) -> None:
    answer = await site.annotate(a_picture(site.photo_ids(1)[0]))

    labels = answer.responses[0]["labelAnnotations"]
    scores = [label["score"] for label in labels]
    assert len(labels) == 10
    assert scores == sorted(scores, reverse=True)
    assert labels[0].keys() >= {"description", "score", "topicality"}


@pytest.mark.parametrize(("asked", "given"), [(1, 1), (3, 3), (0, 10)])
async def test_max_results_is_honoured(site: Site, asked: int, given: int) -> None:
    feature = {**LABELS, "maxResults": asked}

    answer = await site.annotate(a_picture(site.photo_ids(1)[0]), features=[feature])

    assert len(answer.responses[0]["labelAnnotations"]) == given


async def test_asking_for_more_than_there_is_gives_what_there_is(site: Site) -> None:
    photo_id = site.photo_ids(1)[0]

    answer = await site.annotate(a_picture(photo_id), features=[{**LABELS, "maxResults": 50}])

    assert len(answer.responses[0]["labelAnnotations"]) == len(site.world.labels_of(photo_id))


async def test_a_picture_without_labels_is_an_empty_object(site: Site) -> None:
    bare, full = site.photo_ids(1, labelled=False)[0], site.photo_ids(1)[0]

    answer = await site.annotate(a_picture(bare), a_picture(full))

    assert answer.responses[0] == {}
    assert answer.responses[1]["labelAnnotations"]


async def test_nothing_that_is_nought_is_sent(site: Site) -> None:
    every = ("LABEL", "SAFE_SEARCH", "WEB", "FACE", "TEXT")
    features = [{"type": f"{kind}_DETECTION"} for kind in every]
    features += [{"type": kind} for kind in ("IMAGE_PROPERTIES", "CROP_HINTS")]

    answer = await site.annotate(*map(a_picture, site.photo_ids(8)), features=features)

    values = list(scalars(answer.responses))
    assert len(values) > 100
    assert not [value for value in values if value in (0, "", [], None)]


def scalars(value: Any) -> Any:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list) and value:
        for entry in value:
            yield from ([] if entry == {} else scalars(entry))
    else:
        yield value


async def test_safe_search_comes_as_words_or_numbers(site: Site) -> None:
    picture = a_picture(site.photo_ids(1)[0])

    words = await site.annotate(picture, features=[SAFE])
    numbers = await site.annotate(
        picture, features=[SAFE], params={"$alt": "json;enum-encoding=int"}
    )

    by_word = words.responses[0]["safeSearchAnnotation"]
    by_number = numbers.responses[0]["safeSearchAnnotation"]
    assert by_word.keys() == {"adult", "spoof", "medical", "violence", "racy"}
    assert by_word["adult"] == "VERY_UNLIKELY"
    assert by_number["adult"] == 1


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "ICO"])
async def test_every_format_is_a_picture(site: Site, format_name: str) -> None:
    answer = await site.annotate(drawn(format_name))

    assert answer.responses[0]["labelAnnotations"]


async def test_a_stranger_is_judged_by_its_bytes_alone(site: Site) -> None:
    one, other = drawn("PNG"), drawn("PNG", size=(65, 48))

    answer = await site.annotate(one, other, one)

    assert answer.responses[0] == answer.responses[2]
    assert answer.responses[0] != answer.responses[1]


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(b"<html>", id="HTML"),
        pytest.param(b"\xff", id="one byte"),
        pytest.param(b"\xff\xd8\xff", id="magic only"),
        pytest.param(a_jpeg()[:-2], id="JPEG without its end"),
        pytest.param(drawn("JPEG")[:300], id="half a JPEG"),
        pytest.param(b"\xff\xd8\xff" + b"\x00" * 50 + b"\xff\xd9", id="JPEG of noughts"),
        pytest.param(a_jpeg(width=0), id="JPEG without width"),
        pytest.param(drawn("PNG")[:-8], id="PNG without its end"),
        pytest.param(drawn("GIF")[:9], id="half a GIF"),
        pytest.param(drawn("WEBP")[:-9], id="WEBP cut short"),
        pytest.param(drawn("BMP")[:-9], id="BMP cut short"),
    ],
)
async def test_one_bad_image_does_not_spoil_the_batch(site: Site, image: bytes) -> None:
    good = a_picture(site.photo_ids(1)[0])

    answer = await site.annotate(good, image, good)

    assert answer.status == 200
    assert answer.responses[1] == {"error": {"code": 3, "message": "Bad image data."}}
    assert answer.responses[0] == answer.responses[2]
    assert (site.bill.images.total(), site.bill.failed) == (3, 1)


@pytest.mark.parametrize(
    ("width", "height", "is_fine"), [(7500, 10_000, True), (7501, 10_000, False)]
)
async def test_megapixels_are_read_from_the_header(
    site: Site, width: int, height: int, is_fine: bool
) -> None:
    answer = await site.annotate(a_jpeg(width=width, height=height))

    message = answer.responses[0].get("error", {}).get("message")
    assert message == (None if is_fine else "Image too large. Please limit to 75 megapixels.")


@pytest.mark.parametrize(("over", "is_fine"), [(0, True), (1, False)])
async def test_an_image_may_have_twenty_megabytes(site: Site, over: int, is_fine: bool) -> None:
    site.faults.set("vision.payload-limit", 41_943_040)
    start, end = a_jpeg()[:-2], a_jpeg()[-2:]

    answer = await site.annotate(start + bytes(20 * 2**20 + over - len(start + end)) + end)

    message = answer.responses[0].get("error", {}).get("message")
    assert message == (None if is_fine else "Image size too large. Please limit to 20 MB.")


@pytest.mark.parametrize(
    ("content", "code", "text"),
    [
        pytest.param(encoded(a_jpeg()), 3, "Only one of image content and uri", id="both"),
        pytest.param("", 14, "We can not access the URL currently.", id="address only"),
    ],
)
async def test_an_address_is_not_fetched(site: Site, content: str, code: int, text: str) -> None:
    source = {"imageUri": "http://127.0.0.1:9/a.jpg"}
    entry = {"image": {"content": content, "source": source}, "features": [LABELS]}

    answer = await site.post({"requests": [entry]})

    assert answer.responses[0]["error"]["code"] == code
    assert text in answer.responses[0]["error"]["message"]


@pytest.mark.parametrize(
    ("mask", "shown"),
    [
        ("responses(labelAnnotations(mid,score),error)", {"mid", "score"}),
        ("responses/labelAnnotations/score", {"score"}),
        ("responses.label_annotations.score", {"score"}),
        (
            "responses(labelAnnotations/score,labelAnnotations/description)",
            {"score", "description"},
        ),
        ("*", {"mid", "description", "score", "topicality"}),
        ("responses/*/description", {"description"}),
    ],
)
async def test_a_mask_shows_what_it_names(site: Site, mask: str, shown: set[str]) -> None:
    answer = await site.annotate(a_picture(site.photo_ids(1)[0]), params={"fields": mask})

    names = {name for label in answer.responses[0]["labelAnnotations"] for name in label}
    assert names == shown


async def test_a_mask_leaves_an_entry_for_every_image(site: Site) -> None:
    pictures = [a_picture(photo_id) for photo_id in site.photo_ids(2)]

    answer = await site.annotate(*pictures, b"bad", params={"fields": "responses/error/code"})

    assert answer.responses == [{}, {}, {"error": {"code": 3}}]


@pytest.mark.parametrize(
    "mask", ["nothing", "responses(labels)", "responses(", "responses)", "a b"]
)
async def test_a_mask_for_what_there_is_not_is_refused(site: Site, mask: str) -> None:
    answer = await site.annotate(a_jpeg(), params={"fields": mask})

    assert answer.status == 400
    assert "Error expanding 'fields' parameter." in str(answer.detail("BadRequest"))


async def test_answers_are_indented_unless_asked_not_to_be(site: Site) -> None:
    pretty = await site.annotate(a_jpeg())
    plain = await site.annotate(a_jpeg(), params={"prettyPrint": "false"})

    assert pretty.body.startswith(b'{\n  "responses": [\n')
    assert b"\n " not in plain.body
    assert pretty.json == plain.json


async def test_a_callback_wraps_the_answer(site: Site) -> None:
    answer = await site.annotate(a_jpeg(), params={"callback": "got"})

    assert answer.body.startswith(b"// API callback\ngot({")
    assert orjson.loads(answer.body[answer.body.index(b"{") : -2])["responses"]


async def test_headers_are_those_of_the_front_end(site: Site) -> None:
    answer = await site.annotate(a_jpeg())

    assert answer.headers["Content-Type"] == "application/json; charset=UTF-8"
    assert answer.headers["Vary"] == "Origin, X-Origin, Referer"
    assert answer.headers["Server"] == "ESF"


async def test_long_answers_are_compressed_for_who_accepts_it(site: Site) -> None:
    picture = a_picture(site.photo_ids(1)[0])

    packed = await site.annotate(picture, headers={"Accept-Encoding": "gzip"})
    plain = await site.annotate(picture, headers={"Accept-Encoding": "identity"})

    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert packed.json == plain.json


async def test_the_same_seed_says_the_same(site: Site) -> None:
    body = {"requests": [an_entry(a_picture(i)) for i in site.photo_ids(4)]}

    async with a_site() as twin:
        assert (await twin.post(body)).body == (await site.post(body)).body
