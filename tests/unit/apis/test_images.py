"""What a picture is, and what the image server's other answers mean."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import pytest

from ingestor.apis.images import SLOWEST, Images, judge
from ingestor.errors import AnswerLost, Rejected, VendorError, reason_of, retry_hint
from ingestor.models import Size
from ingestor.transport import Request, Response
from tests.unit.apis.conftest import Recorder

CDN = "https://live.staticflickr.com"
URL = f"{CDN}/65535/1_0a_z.jpg"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(99) + b"\0\0\0\0IEND\xae\x42\x60\x82"
WEBP = b"RIFF\x0c\0\0\0WEBPVP8 \0\0\0\0"
JPEG = b"\xff\xd8\xff\xe0" + bytes(5000) + b"\xff\xd9"


@dataclass
class AnOrigin:
    url: str = CDN
    before: str = "http://127.0.0.1:7311"

    def moved(self, url: str) -> str | None:
        return url.replace(self.before, self.url) if url.startswith(self.before) else None


def an_answer(body: bytes = JPEG, *, status: int = 200, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=status, headers=named, body=body)


def moved(location: str, status: int = 302) -> Response:
    return an_answer(b"", status=status, location=location)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(JPEG, id="JPEG"),
        pytest.param(JPEG + bytes(500), id="padded JPEG"),
        pytest.param(PNG, id="PNG"),
        pytest.param(b"GIF89a" + bytes(99) + b";", id="GIF"),
        pytest.param(b"GIF87a" + bytes(99) + b";", id="old GIF"),
        pytest.param(b"GIF89a" + bytes(99) + b";\0\0", id="padded GIF"),
        pytest.param(WEBP, id="WebP"),
    ],
)
def test_a_picture_is_taken_as_it_is_whatever_its_type_says(content: bytes) -> None:
    assert judge(an_answer(content, content_type="text/html")) == content


@pytest.mark.parametrize(
    ("answer", "reason", "hint"),
    [
        pytest.param(an_answer(b"", status=404), "gone", False, id="not found"),
        pytest.param(an_answer(status=410), "gone", False, id="removed"),
        pytest.param(an_answer(b""), "empty", True, id="no byte"),
        pytest.param(an_answer(b"\xff"), "not-an-image", True, id="one byte"),
        pytest.param(an_answer(b"<!DOCTYPE html>"), "not-an-image", True, id="HTML"),
        pytest.param(an_answer(b'{"stat":"fail"}'), "not-an-image", True, id="JSON"),
        pytest.param(an_answer(b"RIFF\x10\0\0\0WAVEfmt "), "not-an-image", True, id="sound"),
        pytest.param(an_answer(JPEG[:2500]), "corrupt", True, id="half a JPEG"),
        pytest.param(an_answer(JPEG + bytes(2000)), "corrupt", True, id="end too far away"),
        pytest.param(an_answer(PNG[:-6]), "corrupt", True, id="a PNG without its end"),
        pytest.param(an_answer(b"GIF89a" + bytes(99)), "corrupt", True, id="half a GIF"),
        pytest.param(an_answer(WEBP[:-1]), "corrupt", True, id="a WebP that says it is longer"),
        pytest.param(an_answer(status=429), "throttled", True, id="too fast"),
        pytest.param(an_answer(status=429, retry_after="7"), "throttled", 7.0, id="too fast, 7 s"),
        pytest.param(an_answer(status=503, retry_after="9"), "unavailable", 9.0, id="down, 9 s"),
        pytest.param(an_answer(status=500), "unavailable", True, id="broken"),
        pytest.param(an_answer(status=408), "unavailable", True, id="timed out"),
        pytest.param(an_answer(status=403), "forbidden", True, id="forbidden"),
        pytest.param(an_answer(status=400), "refused", False, id="our fault"),
        pytest.param(an_answer(status=206), "refused", False, id="a part"),
    ],
)
def test_what_is_no_picture_says_why_and_whether_to_try_again(
    answer: Response, reason: str, hint: bool | float
) -> None:
    with pytest.raises(VendorError) as error:
        judge(answer)

    assert (reason_of(error.value), retry_hint(error.value)) == (reason, hint)


def test_a_known_placeholder_is_no_picture() -> None:
    with pytest.raises(Rejected) as error:
        judge(an_answer(), placeholders=[hashlib.sha256(JPEG).hexdigest()])

    assert error.value.reason == "gone"


async def test_a_picture_is_asked_for_within_limits_and_without_credentials() -> None:
    recorder = Recorder(an_answer())

    assert await Images(recorder, origin=AnOrigin()).fetch(Size(url=URL)) == JPEG

    request = recorder.requests[0]
    assert (request.url, request.upstream, request.headers) == (URL, "images", {})
    # Vision takes no larger image.
    assert (request.cap, request.slowest) == (20_000_000, SLOWEST)


async def test_a_redirect_on_the_same_server_is_followed() -> None:
    recorder = Recorder(moved("/65535/2_0b.jpg"), moved(f"{CDN}/65535/3_0c.jpg?x=1"), an_answer())

    assert await Images(recorder, origin=AnOrigin()).fetch(Size(url=URL)) == JPEG

    assert [request.url for request in recorder.requests[1:]] == [
        f"{CDN}/65535/2_0b.jpg",
        f"{CDN}/65535/3_0c.jpg?x=1",
    ]


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        pytest.param(
            "https://s.yimg.com/pw/images/en-us/photo_unavailable_l.png", "gone", id="gone"
        ),
        pytest.param(f"{CDN}/photo_unavailable.gif", "gone", id="gone, here"),
        pytest.param("https://evil.example/1.jpg", "redirected", id="elsewhere"),
        pytest.param("//evil.example/1.jpg", "redirected", id="elsewhere, no scheme"),
        pytest.param(f"{CDN}.evil.example/1.jpg", "redirected", id="elsewhere, alike"),
        pytest.param(f"{CDN}@evil.example/1.jpg", "redirected", id="elsewhere, as a user"),
        pytest.param("http://live.staticflickr.com/1.jpg", "redirected", id="not encrypted"),
        pytest.param("http://169.254.169.254/computeMetadata/v1/", "redirected", id="metadata"),
        pytest.param("http://127.0.0.1:9/", "redirected", id="loopback"),
        pytest.param("file:///etc/passwd", "redirected", id="file"),
        pytest.param("http://[::1", "redirected", id="broken"),
        pytest.param("", "redirected", id="nowhere"),
        pytest.param("/65535/2 0b.jpg", "redirected", id="a blank in it"),
        pytest.param(f"{CDN}/65535/2_\xe9.jpg", "redirected", id="not ASCII"),
    ],
)
async def test_a_redirect_away_is_not_followed(location: str, reason: str) -> None:
    recorder = Recorder(moved(location))

    with pytest.raises(Rejected) as error:
        await Images(recorder, origin=AnOrigin()).fetch(Size(url=URL))

    assert (error.value.reason, len(recorder.requests)) == (reason, 1)


async def test_a_loop_of_redirects_ends() -> None:
    recorder = Recorder(*[moved(URL)] * 9)

    with pytest.raises(Rejected) as error:
        await Images(recorder, origin=AnOrigin()).fetch(Size(url=URL))

    assert (error.value.reason, len(recorder.requests)) == ("redirected", 4)


async def test_a_picture_listed_under_another_origin_is_asked_of_this_one() -> None:
    """It was pending when the settings changed, and must not die of that."""
    recorder = Recorder(an_answer())
    size = Size(url=URL.replace(CDN, AnOrigin.before))

    assert await Images(recorder, origin=AnOrigin()).fetch(size) == JPEG
    assert [request.url for request in recorder.requests] == [URL]


async def test_a_picture_elsewhere_is_not_asked_for() -> None:
    recorder = Recorder()

    with pytest.raises(Rejected) as error:
        await Images(recorder, origin=AnOrigin()).fetch(Size(url="https://evil.example/1.jpg"))

    assert error.value.reason == "url-refused"


@dataclass
class Losing:
    """A transport whose answers are always lost."""

    reason: str

    async def send(self, request: Request) -> Response:
        raise AnswerLost("lost", reason=self.reason)


@pytest.mark.parametrize(
    ("reason", "hint"), [("too-large", False), ("encoded", False), ("truncated", True)]
)
async def test_a_lost_picture_is_tried_again_where_that_may_help(reason: str, hint: bool) -> None:
    with pytest.raises((Rejected, AnswerLost)) as error:
        await Images(Losing(reason), origin=AnOrigin()).fetch(Size(url=URL))

    assert (reason_of(error.value), retry_hint(error.value)) == (reason, hint)
