"""
From the bytes of a request to the images asked about, as fast as honesty allows.

Nine tenths of a body are base64. They are lifted out before the JSON is read, because turning
megabytes into Python strings only to decode them costs more than everything else together
(measured: 5 ms of 6.5 ms for 16 images of 200 kB). What cannot be lifted is read the plain way.
"""

import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson
from pybase64 import b64decode

from ingestor.sandbox.google_errors import Answer, Refused, bad_request, refusal
from ingestor.sandbox.vision.schema import BATCH, Message, NotBase64, Transcoder

MOST_IMAGES: Final = 16
"""Images per call: https://cloud.google.com/vision/quotas"""

CONTENT_KEY: Final = b'"content"'
BLANK: Final = b" \t\r\n"
QUOTE: Final = ord('"')
LIFTED: Final = "\x01lifted:"
"""Stands where a lifted string stood. Base64 has no control characters, so nothing else does."""

URL_SAFE: Final = str.maketrans("-_", "+/")

Buffer = bytes | bytearray


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    type: str
    most: int
    """`maxResults`; 0 where the request does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One image of a request and what is asked about it."""

    content: bytes
    has_source: bool
    features: tuple[Feature, ...]


def read_batch(body: Buffer) -> list[Asked]:
    """Raise `Refused` with Google's 400 unless the body is a proper request."""
    skeleton, contents = lift_contents(body)
    try:
        parsed = orjson.loads(skeleton)
    except orjson.JSONDecodeError as error:
        raise Refused(_not_json(error)) from None
    transcoder = Transcoder(decode=lambda text: _decode(text, lifted=contents))
    batch = transcoder.read(BATCH, parsed)
    if transcoder.violations:
        raise Refused(bad_request(transcoder.violations))
    return _images(batch)


def lift_contents(body: Buffer) -> tuple[Buffer, Sequence[memoryview]]:
    """
    Take every `"content": "..."` out of a body and put a short stand-in where it was.

    A quote inside a JSON string is written with a backslash before it, so the key cannot be met
    inside another value; a content with a backslash in it is left where it is.
    """
    view = memoryview(body)
    kept: list[Buffer | memoryview] = []
    contents: list[memoryview] = []
    done = 0
    while (found := body.find(CONTENT_KEY, done)) >= 0:
        start = _value_after(body, found + len(CONTENT_KEY))
        end = body.find(b'"', start)
        if start < 0 or end < 0 or body.find(b"\\", start, end) >= 0:
            return body, []
        kept += [view[done:start], orjson.dumps(f"{LIFTED}{len(contents)}")[1:-1]]
        contents.append(view[start:end])
        done = end
    kept.append(view[done:])
    return b"".join(kept), contents


def _value_after(body: Buffer, position: int) -> int:
    """The position behind `: "`, or -1 when something else follows."""
    seen_colon = False
    for place in range(position, len(body)):
        byte = body[place]
        if byte == QUOTE and seen_colon:
            return place + 1
        if byte == ord(":") and not seen_colon:
            seen_colon = True
        elif byte not in BLANK:
            return -1
    return -1


def _decode(text: str, *, lifted: Sequence[memoryview]) -> bytes:
    """Decode standard or URL-safe base64, padded or not; raises `NotBase64`."""
    if text.startswith(LIFTED):
        content = lifted[int(text[len(LIFTED) :])]
        try:
            return b64decode(content, validate=True)
        except binascii.Error:
            text = str(content, "utf-8", "replace")
    standard = text.translate(URL_SAFE).rstrip("=")
    try:
        return b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except ValueError:
        raise NotBase64(text) from None


def _not_json(error: orjson.JSONDecodeError) -> Answer:
    return bad_request([("", f"Invalid JSON payload received. {error.msg.capitalize()}")])


def _images(batch: Message) -> list[Asked]:
    requests = batch.get("requests") or []
    if not requests:
        # What the service answers to an empty batch is not documented: our choice.
        raise Refused(refusal(400, "Request must contain at least one image."))
    if len(requests) > MOST_IMAGES:
        raise Refused(refusal(400, "Too many images per request"))
    return [_asked(entry) for entry in requests]


def _asked(entry: Message) -> Asked:
    image = entry.get("image") or {}
    features = entry.get("features") or []
    wanted = {
        feature["type"]: Feature(type=feature["type"], most=feature.get("maxResults", 0))
        for feature in features
        if feature.get("type", "TYPE_UNSPECIFIED") != "TYPE_UNSPECIFIED"
    }
    source = any((image.get("source") or {}).values())
    if not wanted or not (image.get("content") or source):
        raise Refused(refusal(400, "Request must specify image and features."))
    if any(feature.most < 0 for feature in wanted.values()):
        raise Refused(refusal(400, "Feature max_results must not be negative."))
    return Asked(
        content=image.get("content", b""), has_source=source, features=tuple(wanted.values())
    )
