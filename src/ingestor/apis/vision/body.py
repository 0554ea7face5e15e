"""
The body of `images:annotate`, made while it is sent.

Base64 needs no escaping in JSON, and the whole never stands in memory: one image at a time becomes
text, is sent, and is forgotten. A repeat starts again from the images.
(https://cloud.google.com/vision/docs/reference/rest/v1/images/annotate)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson
import pybase64

from ingestor.models import FeatureSet, Image
from ingestor.transport import Parts

IMAGES_PER_REQUEST = 16
"""The vendor's limit; a seventeenth fails them all (https://cloud.google.com/vision/quotas)."""
BYTES_PER_REQUEST = 9_961_472
"""9.5 MiB of JSON: below the documented 10 MB, whichever megabytes are meant (same page)."""
SLICE = 393_216
"""
Bytes of an image that become text at once. Nearly every picture is smaller; of larger ones, each call
in flight would hold its text beside it. A multiple of 3, so that the texts can follow each other.
"""
BYTES_PER_IMAGE = 256
"""At least what surrounds one image in the JSON; about 190 with every feature asked for."""


def weigh_image(image: Image) -> int:
    """Bytes that an image takes of a request: its base64 and the JSON around it."""
    return _base64_size(len(image.content)) + BYTES_PER_IMAGE


def text_at_once(images: Sequence[Image]) -> int:
    """Bytes of text that a request of these images holds at most while it is sent."""
    return _base64_size(min(SLICE, max([len(image.content) for image in images])))


def body_for(images: Sequence[Image], features: FeatureSet) -> Parts:
    """Lay out the request for `images`, in their order."""
    opening = b'{"image":{"content":"'
    closing = b'"},"features":' + orjson.dumps(_features(features)) + b"}"
    ending = b"]}"

    def make() -> Iterator[bytes]:
        lead = b'{"requests":[' + opening
        for image in images:
            # One piece: a write of its own for the text around costs as much as this copy (measured).
            content = memoryview(image.content)
            yield b"".join((lead, pybase64.b64encode(content[:SLICE])))
            for start in range(SLICE, len(content), SLICE):
                yield pybase64.b64encode(content[start : start + SLICE])
            lead = closing + b"," + opening
        yield closing + ending

    content = sum([_base64_size(len(image.content)) for image in images])
    around = len(images) * len(opening + closing) + len(images) - 1
    return Parts(length=len(b'{"requests":[') + around + content + len(ending), make=make)


def _base64_size(size: int) -> int:
    return (size + 2) // 3 * 4


def _features(features: FeatureSet) -> list[dict[str, str | int]]:
    asked: list[dict[str, str | int]] = [
        {
            "type": "LABEL_DETECTION",
            "maxResults": features.max_labels,
            "model": features.model,
        }
    ]
    if features.safe_search:
        asked.append({"type": "SAFE_SEARCH_DETECTION"})
    return asked
