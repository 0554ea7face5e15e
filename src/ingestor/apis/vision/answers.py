"""
What Vision answered, image by image.

One bad image does not spoil the others: its error is a value. An answer that cannot be matched to
its images is as good as lost, and nothing of it is used: no part of it says which image it means.
(https://cloud.google.com/vision/docs/reference/rest/v1/AnnotateImageResponse)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from ingestor.apis import read_json, read_usual, text_of
from ingestor.apis.vision.errors import error_for
from ingestor.errors import AnswerLost, excerpt
from ingestor.models import Annotation, FeatureSet, Image, Label
from ingestor.transport import Response

LONGEST_NAME = 200
"""Characters of a label or machine id that are kept; real ones have fewer than 60."""
REMEMBERED_NAMES = 4096
"""A few thousand labels name everything that Vision sees."""
ROUNDING = 0.001
"""Scores are 32-bit floats and may come out a little above 1: no reason to lose a paid answer."""

TRANSIENT_CODES = frozenset({4, 8, 13, 14})
"""
Deadline exceeded, resource exhausted, internal, unavailable: this image again
(https://cloud.google.com/vision/docs/reference/rpc/google.rpc).
"""

_SCORE = attrgetter("score")

SAFE_KINDS = ("adult", "spoof", "medical", "violence", "racy")
LIKELIHOODS = frozenset(
    {"UNKNOWN", "VERY_UNLIKELY", "UNLIKELY", "POSSIBLE", "LIKELY", "VERY_LIKELY"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageError:
    """Vision answered for this image that it has no answer; the call was made all the same."""

    photo_id: str
    code: int
    """google.rpc.Code: 3 is "Bad image data.", 13 and 14 are their trouble."""
    message: str
    transient: bool


_Share = Annotated[float, Meta(ge=0.0, le=1.0)]


class _Entity(Struct, frozen=True, gc=False):
    """A label. Members that are empty are left out of this kind of JSON (proto3)."""

    description: str = ""
    score: _Share = 0.0
    topicality: _Share = 0.0
    mid: str = ""


class _Result(Struct, frozen=True, rename="camel"):
    """Of one image."""

    label_annotations: list[_Entity] = []
    error: object = None
    safe_search_annotation: object = None


class _Results(Struct, frozen=True):
    responses: list[_Result] = []


_USUAL = msgspec.json.Decoder(_Results)
"""
Reads an answer of the usual shape, as nearly all have it, and judges it on the way: what an answer costs
are its ten labels an image.
"""


def read_annotations(
    response: Response, images: Sequence[Image], features: FeatureSet
) -> list[Annotation | ImageError]:
    """
    Match the answer to its images: one value each, in their order.

    Raises what `error_for` names, and AnswerLost ("wrong-count", "unreadable") for a success of
    which nothing may be used.
    """
    if not 200 <= response.status < 300:
        raise error_for(response)
    results = _results(response)
    if len(results) != len(images):
        raise AnswerLost(
            f"Vision answered {len(results)} times for {len(images)} images.", reason="wrong-count"
        )
    try:
        return [
            _read_result(result, image, features)
            for result, image in zip(results, images, strict=True)
        ]
    except _UnreadableError as error:
        raise AnswerLost(f"Vision's answer is unreadable: {error}", reason="unreadable") from None


class _UnreadableError(Exception):
    """Something is not of the shape that the vendor documents; the text says what."""


def _results(response: Response) -> Sequence[object]:
    """One for each image; where one of them is odd, all are given as they stand."""
    if usual := read_usual(response, _USUAL):
        return usual.responses
    match read_json(response):
        case {"responses": list(results)}:
            return results
        case dict(answer) if "responses" not in answer:
            return []
        case _:
            raise AnswerLost(
                f"Vision's answer is unreadable: {text_of(response)}", reason="unreadable"
            )


def _read_result(result: object, image: Image, features: FeatureSet) -> Annotation | ImageError:
    if not isinstance(result, _Result):
        result = _odd_result(result)
    found = result.label_annotations
    error = _read_error(result.error, photo_id=image.photo.id)
    if error and not found:
        return error
    return Annotation(
        photo_id=image.photo.id,
        labels=_read_labels(found, most=features.max_labels),
        safe=_read_safe(result.safe_search_annotation),
        model=features.model,
        sha256=image.sha256,
        features=features.key,
        # "Other filled annotations are valid": the vendor declares them correct.
        partial=error is not None,
    )


def _odd_result(result: object) -> _Result:
    """Judge it member by member: it is odd, or another of the same answer is."""
    if not isinstance(result, dict):
        raise _UnreadableError(f"a {type(result).__name__} stands where an answer should")
    found, error = result.get("labelAnnotations", []), result.get("error")
    if not found and _read_error(error, photo_id=""):
        # Nobody misses them beside an error, whatever stands in their place.
        found = []
    if not isinstance(found, list):
        raise _UnreadableError("the labels are not a list")
    return _Result(
        label_annotations=[_odd_entity(entry) for entry in found],
        error=error,
        safe_search_annotation=result.get("safeSearchAnnotation"),
    )


def _odd_entity(entry: object) -> _Entity:
    if not isinstance(entry, dict):
        raise _UnreadableError("a label is not an object")
    return _Entity(
        description=_text(entry.get("description", "")),
        score=_share(entry.get("score", 0.0)),
        topicality=_share(entry.get("topicality", 0.0)),
        mid=_text(entry.get("mid", "")),
    )


def _read_error(error: object, *, photo_id: str) -> ImageError | None:
    """A status without a code is code 0, and that is none."""
    if error is None or error == {}:
        return None
    if not isinstance(error, dict):
        raise _UnreadableError("an error is not an object")
    code, message = error.get("code", 0), error.get("message", "")
    if isinstance(code, bool) or not isinstance(code, int) or not isinstance(message, str):
        raise _UnreadableError("an error has no code or message")
    if not code and not message:
        return None
    return ImageError(
        photo_id=photo_id,
        code=code or 2,
        message=excerpt(message),
        transient=code in TRANSIENT_CODES,
    )


def _read_labels(found: Sequence[_Entity], *, most: int) -> tuple[Label, ...]:
    """The best first; of the same label twice, the better one."""
    best: dict[str, Label] = {}
    for entity in found:
        name, folded = _spelled(entity.description)
        score = entity.score
        if folded and (folded not in best or score > best[folded].score):
            best[folded] = Label(
                name=name,
                score=score,
                topicality=entity.topicality,
                mid=entity.mid[:LONGEST_NAME],
            )
    return tuple(sorted(best.values(), key=_SCORE, reverse=True)[:most])


@lru_cache(maxsize=REMEMBERED_NAMES)
def _spelled(said: str) -> tuple[str, str]:
    """A label's name, and what it has in common with its other spellings."""
    name = said[:LONGEST_NAME].strip()
    return name, name.casefold()


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _UnreadableError(f"a {type(value).__name__} stands where a text should")
    return value[:LONGEST_NAME]


def _share(value: object) -> float:
    """A number in 0..1; `true` is none, although Python thinks so."""
    if isinstance(value, bool) or not isinstance(value, float | int):
        raise _UnreadableError(f"a {type(value).__name__} stands where a score should")
    if not -ROUNDING <= value <= 1 + ROUNDING:
        raise _UnreadableError(f"a score of {value:g}")
    return min(max(float(value), 0.0), 1.0)


def _read_safe(answer: object) -> Mapping[str, str] | None:
    """A likelihood for each kind; what is left out, or new to us, is UNKNOWN."""
    if answer is None:
        return None
    if not isinstance(answer, dict):
        raise _UnreadableError("the safe search is not an object")
    return {kind: _likelihood(answer.get(kind)) for kind in SAFE_KINDS}


def _likelihood(value: object) -> str:
    return value if isinstance(value, str) and value in LIKELIHOODS else "UNKNOWN"
