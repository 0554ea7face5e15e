"""
Cloud Vision's `images:annotate`, the call that costs money.

How a request is made stands in `body`, how its answer is read in `answers`, what a refusal means in
`errors`; `client` only waits.
"""

from ingestor.apis.vision.answers import ImageError, read_annotations
from ingestor.apis.vision.body import (
    BYTES_PER_REQUEST,
    IMAGES_PER_REQUEST,
    text_at_once,
    weigh_image,
)
from ingestor.apis.vision.client import PAID_DEADLINE, Vision, annotate_request
from ingestor.apis.vision.errors import error_for

__all__ = [
    "BYTES_PER_REQUEST",
    "IMAGES_PER_REQUEST",
    "PAID_DEADLINE",
    "ImageError",
    "Vision",
    "annotate_request",
    "error_for",
    "read_annotations",
    "text_at_once",
    "weigh_image",
]
