"""
The `fields` parameter: which members of an answer the caller wants to see.

Grammar: members with commas between, `/` or `.` into a member, `(...)` for several inside one,
`*` for all: `responses(labelAnnotations(mid,score),error/code)`.
https://cloud.google.com/apis/docs/system-parameters
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

Mask = dict[str, "Mask"]
"""Member to what is wanted inside it; an empty mask wants everything."""

ALL: Final = "*"
WORD: Final = re.compile(r"[A-Za-z_@*][A-Za-z0-9_]*|[(),/.]")

ENTITY: Final[Mask] = {
    "mid": {},
    "description": {},
    "score": {},
    "topicality": {},
    "confidence": {},
    "locale": {},
    "locations": {},
    "properties": {},
    "boundingPoly": {},
}

ANSWER: Final[Mask] = {
    "responses": {
        "labelAnnotations": ENTITY,
        "landmarkAnnotations": ENTITY,
        "logoAnnotations": ENTITY,
        "textAnnotations": ENTITY,
        "faceAnnotations": {},
        "fullTextAnnotation": {},
        "localizedObjectAnnotations": {},
        "safeSearchAnnotation": {},
        "imagePropertiesAnnotation": {"dominantColors": {}},
        "cropHintsAnnotation": {"cropHints": {}},
        "webDetection": {},
        "productSearchResults": {},
        "context": {},
        "error": {"code": {}, "message": {}, "details": {}},
    }
}
"""What there is to ask for, as deep as labels and errors go; deeper members are not checked."""


class UnknownPath(ValueError):
    """A path that no answer has; the argument is the path."""


def read_mask(text: str) -> Mask:
    """Parse and check a mask; raises `UnknownPath`."""
    words = WORD.findall(text)
    if "".join(words) != re.sub(r"\s", "", text):
        raise UnknownPath(text)
    tokens = iter(words)
    mask = _members(tokens, text=text, nested=False)
    _check(mask, ANSWER, path="")
    return mask


def masked(value: Any, mask: Mask) -> Any:
    """Leave only what the mask wants; lists keep their length."""
    if not mask:
        return value
    if isinstance(value, list):
        return [masked(entry, mask) for entry in value]
    if isinstance(value, Mapping):
        return {
            name: masked(member, mask.get(name, mask.get(ALL, {})))
            for name, member in value.items()
            if name in mask or ALL in mask
        }
    return value


def _members(words: Iterator[str], *, text: str, nested: bool) -> Mask:
    mask: Mask = {}
    place = mask
    for word in words:
        if word == "(":
            place.update(_members(words, text=text, nested=True))
        elif word == ")":
            if not nested:
                raise UnknownPath(text)
            return mask
        elif word == ",":
            place = mask
        elif word not in "/.":
            place = place.setdefault(_camel(word), {})
    if nested:
        raise UnknownPath(text)
    return mask


def _check(mask: Mask, known: Mask, *, path: str) -> None:
    if not known:
        return
    for name, inner in mask.items():
        here = f"{path}.{name}" if path else name
        if name == ALL:
            continue
        if name not in known:
            raise UnknownPath(here)
        _check(inner, known[name], path=here)


def _camel(name: str) -> str:
    return re.sub("_([a-z])", lambda letter: letter[1].upper(), name)
