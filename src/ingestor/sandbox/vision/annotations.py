"""
What Vision answers about one image: a member per feature, and nothing where there is nothing.

As in proto3 JSON, zeros, empty strings and empty lists are left out, so an image without labels
is answered with `{}`. https://cloud.google.com/vision/docs/reference/rest/v1/AnnotateImageResponse
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Final

from ingestor.sandbox.vision.bodies import Asked, Feature
from ingestor.sandbox.vision.seeing import dimensions, objection
from ingestor.sandbox.vocabulary import Label
from ingestor.sandbox.world import Sight

Entry = dict[str, object]

DEFAULT_MOST: Final = 10
"""`maxResults` where the request does not say; users keep asking why there are ten."""

INVALID_ARGUMENT: Final = 3
DEADLINE_EXCEEDED: Final = 4
INTERNAL: Final = 13
UNAVAILABLE: Final = 14
"""`google.rpc.Code`: https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto"""

BOTH_GIVEN: Final = "Only one of image content and uri should be specified."
UNREACHABLE: Final = (
    "We can not access the URL currently. Please download the content and pass it in."
)

LIKELIHOODS: Final = (
    "UNKNOWN",
    "VERY_UNLIKELY",
    "UNLIKELY",
    "POSSIBLE",
    "LIKELY",
    "VERY_LIKELY",
)
"""By number, for `enum-encoding=int`."""


def annotate(asked: Asked, *, see: Callable[[bytes], Sight]) -> Entry:
    """Answer one image; `see` is asked only about bytes that are a picture."""
    if asked.content and asked.has_source:
        return failed(INVALID_ARGUMENT, BOTH_GIVEN)
    if not asked.content:
        return failed(UNAVAILABLE, UNREACHABLE)
    if problem := objection(asked.content):
        return failed(INVALID_ARGUMENT, problem)
    sight = see(asked.content)
    entry: Entry = {}
    for feature in asked.features:
        answer = ANSWERS.get(feature.type)
        entry |= answer(sight, feature, asked.content) if answer else {}
    return entry


def failed(code: int, message: str) -> Entry:
    return {"error": {"code": code, "message": message}}


def with_numbers(entry: Entry) -> Entry:
    """The same answer with enumerations as numbers, as Google's own clients ask for it."""
    safe = entry.get("safeSearchAnnotation")
    if not isinstance(safe, dict):
        return entry
    return entry | {
        "safeSearchAnnotation": {name: LIKELIHOODS.index(value) for name, value in safe.items()}
    }


def _labels(sight: Sight, feature: Feature, _image: bytes) -> Entry:
    best = sorted(sight.labels, key=lambda label: -label.score)[: feature.most or DEFAULT_MOST]
    return {"labelAnnotations": [_label(label) for label in best]} if best else {}


def _label(label: Label) -> Entry:
    members = {
        "mid": label.mid,
        "description": label.description,
        "score": label.score,
        "topicality": label.topicality,
    }
    return {name: value for name, value in members.items() if value}


def _safe_search(sight: Sight, _feature: Feature, _image: bytes) -> Entry:
    likelihoods: Mapping[str, str] = asdict(sight.safe_search)
    return {"safeSearchAnnotation": dict(likelihoods)}


def _properties(_sight: Sight, _feature: Feature, image: bytes) -> Entry:
    """Three dominant colours, made of the bytes; black has neither red, green nor blue."""
    digest = hashlib.blake2b(image[:4096], digest_size=6).digest()
    colours = (tuple(digest[:3]), tuple(digest[3:]), (0, 0, 0))
    shares = (0.5, 0.3, 0.2)
    return {
        "imagePropertiesAnnotation": {
            "dominantColors": {
                "colors": [
                    {"color": _colour(colour), "score": share, "pixelFraction": share / 2}
                    for colour, share in zip(colours, shares, strict=True)
                ]
            }
        }
    }


def _colour(parts: Sequence[int]) -> Entry:
    names = ("red", "green", "blue")
    return {name: part for name, part in zip(names, parts, strict=True) if part}


def _crop(_sight: Sight, _feature: Feature, image: bytes) -> Entry:
    """One hint: everything. The corner at the origin has neither x nor y."""
    width, height = dimensions(image) or (1, 1)
    right, bottom = width - 1, height - 1
    corners: tuple[Entry, ...] = ({}, {"x": right}, {"x": right, "y": bottom}, {"y": bottom})
    hint = {"boundingPoly": {"vertices": list(corners)}, "confidence": 0.5, "importanceFraction": 1}
    return {"cropHintsAnnotation": {"cropHints": [hint]}}


def _web(sight: Sight, _feature: Feature, _image: bytes) -> Entry:
    if not sight.labels:
        return {}
    guess = sight.labels[0].description.lower()
    return {"webDetection": {"bestGuessLabels": [{"label": guess, "languageCode": "en"}]}}


ANSWERS: Final[Mapping[str, Callable[[Sight, Feature, bytes], Entry]]] = {
    "LABEL_DETECTION": _labels,
    "SAFE_SEARCH_DETECTION": _safe_search,
    "IMAGE_PROPERTIES": _properties,
    "CROP_HINTS": _crop,
    "WEB_DETECTION": _web,
}
"""The features that find something here; the others never do."""
