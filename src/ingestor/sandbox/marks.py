"""
The mark that tells one drawing's many photos apart: a JPEG comment after the first two bytes.

It makes every photo's bytes its own, and it is how the sandbox's Vision knows what it looks at.
"""

from typing import Final

START_OF_IMAGE: Final = b"\xff\xd8"
COMMENT: Final = b"\xff\xfe"
PREFIX: Final = b"ingestor sandbox photo "


def mark_of(photo_id: str) -> bytes:
    """The bytes to put between the start marker and the rest of a drawing."""
    text = PREFIX + photo_id.encode()
    return COMMENT + (len(text) + 2).to_bytes(2) + text


def marked(drawing: bytes, photo_id: str) -> bytes:
    return START_OF_IMAGE + mark_of(photo_id) + drawing[2:]


def photo_id_in(image: bytes) -> str | None:
    """The photo a picture is of, if it was drawn here."""
    if image[:4] != START_OF_IMAGE + COMMENT:
        return None
    text = image[6 : 4 + int.from_bytes(image[4:6])]
    return text[len(PREFIX) :].decode(errors="replace") if text.startswith(PREFIX) else None
