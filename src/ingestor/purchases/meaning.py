"""
What Vision's answer, or the lack of one, means: for the images, and for the money.

Pure: whoever calls Vision decides what follows from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ingestor.apis.vision import ImageError
from ingestor.errors import AddressRefused, IngestorError, NotSent, Unavailable, VendorError
from ingestor.journal.ledger import Intent
from ingestor.models import Annotation, Failure, Image, PurchaseState

Answer = Annotation | ImageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What one purchase brought; every image is in exactly one of the three."""

    annotations: tuple[Annotation, ...]
    failures: tuple[Failure, ...]
    again: tuple[Image, ...]
    """Images with a transient error of their own."""


def judge(intent: Intent, answers: Sequence[Answer], *, most_attempts: int) -> Settled:
    """`most_attempts`: purchases that an image may be part of for errors of its own."""
    images = {image.photo.id: image for image in intent.images}
    annotations: list[Annotation] = []
    failures: list[Failure] = []
    again: list[Image] = []
    for answer in answers:
        if isinstance(answer, Annotation):
            annotations.append(answer)
        elif answer.transient and intent.attempt < most_attempts:
            again.append(images[answer.photo_id])
        else:
            failures.append(_failure(answer, attempts=intent.attempt))
    return Settled(annotations=tuple(annotations), failures=tuple(failures), again=tuple(again))


def _failure(error: ImageError, *, attempts: int) -> Failure:
    return Failure(
        photo_id=error.photo_id,
        stage="annotate",
        reason="vision-unavailable" if error.transient else "vision-bad-image",
        detail=f"{error.code}: {error.message}",
        attempts=attempts,
        paid="maybe",
    )


def serves(answers: Sequence[Answer]) -> bool:
    """Whether Vision could do something with one image, be it that it is none."""
    return any(isinstance(answer, Annotation) or not answer.transient for answer in answers)


def state_after(error: IngestorError) -> PurchaseState:
    """
    What a failed call means for the money.

    That a refusal (4xx in Google's JSON form) is not billed is assumed, not documented.
    """
    match error:
        case NotSent() | AddressRefused():
            return PurchaseState.NOT_SENT
        case Unavailable():
            return PurchaseState.IN_DOUBT
        case VendorError():
            return PurchaseState.REFUSED
        case _:
            return PurchaseState.IN_DOUBT
