"""
The image CDN: one rendition's bytes, or the reason why there are none.

Nothing is decoded here. Magic bytes decide what is an image, not the Content-Type, and whatever is
none never reaches the paid call. What was seen of the server: often no Content-Length; 404 with an
empty body for pictures that are gone; a redirect to a "photo unavailable" picture in older times; 429
without a hint.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import NoReturn, Protocol
from urllib.parse import urljoin

from ingestor.apis import retry_after
from ingestor.errors import AnswerLost, Rejected, Throttled, Unavailable
from ingestor.models import Size
from ingestor.transport import Request, Response, Room, Transport
from ingestor.transport.allowlist import usable

UPSTREAM = "images"

LARGEST = 20_000_000
"""Bytes; Vision takes no larger image (https://cloud.google.com/vision/quotas)."""
SLOWEST = 8192.0
"""Bytes a second; a picture of 150 kB then takes 18 s. Taste."""
DEADLINE = 60.0
"""Seconds for one attempt. Taste."""
MOST_HOPS = 3
"""Redirects that are followed; a CDN has a reason for one."""

REDIRECTS = frozenset({301, 302, 303, 307, 308})
GONE = frozenset({404, 410})
BLOCKED = 403
"""Said of a picture or of us: it passes, or it strikes everybody and ends our patience."""
TOO_FAST = 429
TIMED_OUT = 408
FIRST_SERVER_ERROR = 500

UNAVAILABLE_PICTURE = "photo_unavailable"
"""In the name of every picture that Flickr shows in place of a removed one."""
PLACEHOLDERS: Collection[str] = frozenset()
"""SHA-256 of such pictures when served with 200 at a photo's own address: none was seen so far."""

JPEG, JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
TAIL = 1024
"""
Bytes in which the end is looked for: some encoders pad behind it. JPEG's marker cannot stand inside
the picture, where every FF is followed by 00 or a restart marker (ITU-T T.81, B.1.1.5).
"""
PNG, PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xae\x42\x60\x82"
"""The last chunk and its checksum (https://www.w3.org/TR/png-3/#11IEND)."""
GIFS, GIF_END = (b"GIF87a", b"GIF89a"), b";"
"""The trailer (https://www.w3.org/Graphics/GIF/spec-gif89a.txt, 27)."""
RIFF, WEBP = b"RIFF", b"WEBP"
RIFF_HEADER = 8
"""Bytes that the length in it leaves out (RFC 9649, 2.4)."""
OTHER_FORMATS = (PNG, *GIFS)
"""Vision reads them, too (https://cloud.google.com/vision/docs/supported-files)."""

NOT_A_PICTURE_OF_OURS = {
    "too-large": f"the picture has more than {LARGEST // 1_000_000} MB",
    "encoded": "the picture came packed, which nobody asked for",
}
"""What the transport gives up on and another attempt would meet again."""


class Origin(Protocol):
    """The one place where pictures may be asked for."""

    @property
    def url(self) -> str:
        """Scheme, host and port, no slash behind."""
        ...

    def moved(self, url: str) -> str | None:
        """The address on this origin of a picture that was listed under another, or None."""
        ...


def image_request(url: str, *, room: Room | None) -> Request:
    """Carries no credential: whoever we are redirected to learns nothing."""
    return Request(
        upstream=UPSTREAM,
        method="GET",
        url=url,
        deadline=DEADLINE,
        cap=LARGEST,
        slowest=SLOWEST,
        room=room,
    )


def judge(response: Response, *, placeholders: Collection[str] = PLACEHOLDERS) -> bytes:
    """
    Return the picture.

    Raises Rejected where none will ever come ("gone", "refused"); Throttled, or Unavailable with
    the reasons "empty", "not-an-image" and "corrupt", where another attempt may bring one.
    """
    if response.status != 200:
        _refuse(response)
    content = response.body
    if not content:
        raise _once_more("the picture has no byte", reason="empty")
    if not _is_image(content):
        raise _once_more("the answer is not an image", reason="not-an-image")
    if content.startswith(JPEG):
        whole = content.rfind(JPEG_END, -TAIL) >= 0
    else:
        whole = _has_its_end(content)
    if not whole:
        raise _once_more("the picture ends in the middle", reason="corrupt")
    if placeholders and hashlib.sha256(content).hexdigest() in placeholders:
        raise _never("a placeholder stands for the picture", reason="gone")
    return content


def next_hop(response: Response, url: str, *, origin: str) -> str:
    """Where a redirect leads. Raises Rejected ("gone", "redirected") if we do not go there."""
    location = response.headers.get("location", "")
    if UNAVAILABLE_PICTURE in location:
        raise _never("the picture was removed", reason="gone")
    try:
        target = urljoin(url, location)
    except ValueError:
        target = ""
    if not location or not target.startswith(f"{origin}/"):
        raise _never("the picture's address leads away from the image server", reason="redirected")
    if not usable(target):
        # The transport would refuse it, and a refused address is taken for everybody's trouble.
        raise _never(
            "the picture's address leads to one that cannot be asked for", reason="redirected"
        )
    return target


class Images:
    """The thin half: asks, and follows redirects by hand, each hop on the same origin."""

    def __init__(self, transport: Transport, *, origin: Origin) -> None:
        self._transport = transport
        self._origin = origin.url
        self._moved = origin.moved

    async def fetch(self, size: Size, room: Room | None = None) -> bytes:
        """
        Make one attempt at one rendition; `room` is awaited before more bytes are held than said.

        Raises what `judge` and `next_hop` raise, Rejected ("url-refused", "too-large", "encoded"),
        and the transport's errors.
        """
        url: str | None = size.url
        if not size.url.startswith(f"{self._origin}/"):
            # Listed before the settings named another image server, and pending since.
            url = self._moved(size.url)
        if url is None:
            raise _never("the picture lies elsewhere", reason="url-refused")
        for _hop in range(1 + MOST_HOPS):
            try:
                response = await self._transport.send(image_request(url, room=room))
            except AnswerLost as error:
                _give_up_for_good(error)
                raise
            if response.status not in REDIRECTS:
                return judge(response)
            url = next_hop(response, url, origin=self._origin)
        raise _never("too many redirects", reason="redirected")


def _give_up_for_good(error: AnswerLost) -> None:
    """Raises Rejected where another attempt would meet the same."""
    if error.reason in NOT_A_PICTURE_OF_OURS:
        raise _never(NOT_A_PICTURE_OF_OURS[error.reason], reason=error.reason) from None


def _refuse(response: Response) -> NoReturn:
    status = response.status
    wait = retry_after(response.headers)
    if status in GONE:
        raise _never("the picture is gone", reason="gone")
    if status == TOO_FAST:
        raise Throttled(
            "the image server wants fewer requests", upstream=UPSTREAM, retry_after=wait
        )
    if status == BLOCKED:
        raise Unavailable(
            "the image server forbids it",
            upstream=UPSTREAM,
            reason="forbidden",
            retry_after=wait,
        )
    if status == TIMED_OUT or status >= FIRST_SERVER_ERROR:
        raise Unavailable(f"the image server answers {status}", upstream=UPSTREAM, retry_after=wait)
    raise _never(f"the image server answers {status}", reason="refused")


def _is_image(content: bytes) -> bool:
    return content.startswith((JPEG, *OTHER_FORMATS)) or (
        content.startswith(RIFF) and content[8:12] == WEBP
    )


def _has_its_end(content: bytes) -> bool:
    """Of the rarer formats; zeros behind a GIF's end are padding."""
    if content.startswith(PNG):
        return PNG_END in content[-TAIL:]
    if content.startswith(GIFS):
        return content[-TAIL:].rstrip(b"\0").endswith(GIF_END)
    return RIFF_HEADER + int.from_bytes(content[4:8], "little") <= len(content)


def _once_more(sentence: str, *, reason: str) -> Unavailable:
    return Unavailable(sentence, upstream=UPSTREAM, reason=reason)


def _never(sentence: str, *, reason: str) -> Rejected:
    return Rejected(sentence, upstream=UPSTREAM, reason=reason)
