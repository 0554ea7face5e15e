"""
Whether bytes are a picture: judged by the first bytes, the declared size, and how they end.

Nothing is decoded; that would take a hundred times as long as everything else here. Formats and
limits: https://cloud.google.com/vision/docs/supported-files
"""

from collections.abc import Callable, Mapping
from typing import Final

MOST_PIXELS: Final = 75_000_000
MOST_BYTES: Final = 20 * 1024 * 1024

BAD: Final = "Bad image data."
TOO_MANY_PIXELS: Final = "Image too large. Please limit to 75 megapixels."
TOO_MANY_BYTES: Final = "Image size too large. Please limit to 20 MB."

TAIL: Final = 64
"""Cameras pad their files; the end marker is looked for in so many bytes."""

JPEG_END: Final = b"\xff\xd9"
FRAME_HEADERS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG markers whose segment holds height and width (ITU T.81, table B.1)."""
SCAN: Final = 0xDA
WITHOUT_LENGTH: Final = frozenset({0x01, *range(0xD0, 0xD8)})

Size = tuple[int, int]


def objection(image: bytes) -> str | None:
    """The message of the per-image error (code 3) these bytes deserve, if any."""
    if len(image) > MOST_BYTES:
        return TOO_MANY_BYTES
    size = dimensions(image)
    if size is None:
        return BAD
    return TOO_MANY_PIXELS if size[0] * size[1] > MOST_PIXELS else None


def dimensions(image: bytes) -> Size | None:
    """Width and height of a complete picture; None for anything else."""
    for magic, read in FORMATS.items():
        if image.startswith(magic):
            try:
                size = read(image)
            except IndexError:
                return None
            return size if size and all(size) else None
    return None


def _jpeg(image: bytes) -> Size | None:
    if image.rfind(JPEG_END, max(2, len(image) - TAIL)) < 0:
        return None
    size = None
    place = 2
    while image[place] == 0xFF:
        marker = image[place + 1]
        if marker == SCAN:
            return size
        if marker in WITHOUT_LENGTH:
            place += 2
            continue
        if marker in FRAME_HEADERS:
            height, width = _big(image[place + 5 : place + 7]), _big(image[place + 7 : place + 9])
            size = width, height
        place += 2 + max(2, _big(image[place + 2 : place + 4]))
    return None


def _png(image: bytes) -> Size | None:
    complete = image[12:16] == b"IHDR" and b"IEND" in image[-TAIL:]
    return (_big(image[16:20]), _big(image[20:24])) if complete else None


def _gif(image: bytes) -> Size | None:
    complete = len(image) > 13 and b";" in image[-TAIL:]
    return (_little(image[6:8]), _little(image[8:10])) if complete else None


def _bmp(image: bytes) -> Size | None:
    complete = len(image) >= max(26, _little(image[2:6]))
    height = int.from_bytes(image[22:26], "little", signed=True)
    return (_little(image[18:22]), abs(height)) if complete else None


def _webp(image: bytes) -> Size | None:
    if image[8:12] != b"WEBP" or len(image) < 8 + _little(image[4:8]):
        return None
    match image[12:16]:
        case b"VP8 ":
            return _little(image[26:28]) & 0x3FFF, _little(image[28:30]) & 0x3FFF
        case b"VP8L":
            bits = _little(image[21:25])
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            return _little(image[24:27]) + 1, _little(image[27:30]) + 1
        case _:
            return None


def _ico(image: bytes) -> Size | None:
    return (image[6] or 256, image[7] or 256)


def _unmeasured(image: bytes) -> Size | None:
    """TIFF and PDF keep their size deep inside; they pass as small ones."""
    return (1, 1) if len(image) > TAIL else None


def _big(number: bytes) -> int:
    return int.from_bytes(number, "big")


def _little(number: bytes) -> int:
    return int.from_bytes(number, "little")


FORMATS: Final[Mapping[bytes, Callable[[bytes], Size | None]]] = {
    b"\xff\xd8\xff": _jpeg,
    b"\x89PNG\r\n\x1a\n": _png,
    b"GIF87a": _gif,
    b"GIF89a": _gif,
    b"BM": _bmp,
    b"RIFF": _webp,
    b"\x00\x00\x01\x00": _ico,
    b"II*\x00": _unmeasured,
    b"MM\x00*": _unmeasured,
    b"%PDF-": _unmeasured,
}
