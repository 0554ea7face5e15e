"""How one image's answer goes wrong inside an otherwise good response."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from ingestor.sandbox.vision.annotations import (
    DEADLINE_EXCEEDED,
    INTERNAL,
    INVALID_ARGUMENT,
    UNAVAILABLE,
    Entry,
    failed,
)
from ingestor.sandbox.vision.seeing import BAD

RESOURCE_EXHAUSTED: Final = 8

TOO_BIG: Final = 10**300
NEGATIVE: Final = -0.25
MANY: Final = 500

LONG_LABEL: Final = "An endless label. " * 570
"""Some 10 KB."""

ODD_DESCRIPTIONS: Final = (
    "",
    LONG_LABEL,
    "a.b/c$d#e[f]g%h",
    "control\x01and\x7fdelete",
    "löwchen",
    "Löwchen",
    "犬 🐕\u200d🦺",
    "\u202eright to left",
    "'; drop table labels; --",
    "<script>alert(1)</script>",
    " padded ",
    "__proto__",
    "123",
)

Spoil = Callable[[Entry], Any]


def spoil(fault: str, entry: Entry) -> Any:
    """What is answered instead of `entry`; it is not changed itself."""
    return SPOILS[fault](entry)


def _error(code: int, message: str) -> Spoil:
    return lambda _entry: failed(code, message)


def _partial(entry: Entry) -> Entry:
    return entry | failed(INTERNAL, "Internal server error.")


def _score(value: object) -> Spoil:
    def change(entry: Entry) -> Entry:
        labels = _labels(entry)
        return entry | {"labelAnnotations": [labels[0] | {"score": value}, *labels[1:]]}

    return change


def _odd(entry: Entry) -> Entry:
    labels = _labels(entry)
    odd = [labels[0] | {"description": text} for text in ODD_DESCRIPTIONS]
    return entry | {"labelAnnotations": [*odd, *labels]}


def _many(entry: Entry) -> Entry:
    labels = [
        {"mid": f"/m/0s{number}", "description": f"Word {number}", "score": 0.95 - number / 1000}
        for number in range(MANY)
    ]
    return entry | {"labelAnnotations": labels}


def _double(entry: Entry) -> Entry:
    first, *rest = _labels(entry)
    return entry | {"labelAnnotations": [first, *rest, first | {"score": first["score"] / 2}]}


def _labels(entry: Entry) -> list[dict[str, Any]]:
    """The entry's labels; one made up where it has none, so that every fault shows."""
    labels = entry.get("labelAnnotations")
    if isinstance(labels, list) and labels:
        return labels
    return [{"mid": "/m/0sandbox", "description": "Sandbox", "score": 0.75, "topicality": 0.75}]


SPOILS: Final[Mapping[str, Spoil]] = {
    "vision.image-bad": _error(INVALID_ARGUMENT, BAD),
    "vision.image-internal": _error(INTERNAL, "Internal server error."),
    "vision.image-unavailable": _error(UNAVAILABLE, "The service is currently unavailable."),
    "vision.image-deadline": _error(DEADLINE_EXCEEDED, "Backend deadline exceeded."),
    "vision.image-exhausted": _error(RESOURCE_EXHAUSTED, "Resource has been exhausted."),
    "vision.image-null": lambda _entry: None,
    "vision.image-blank": lambda _entry: {},
    "vision.image-partial": _partial,
    "vision.score-nan": _score(float("nan")),
    "vision.score-huge": _score(TOO_BIG),
    "vision.score-negative": _score(NEGATIVE),
    "vision.score-bool": _score(True),
    "vision.score-text": _score("0.95"),
    "vision.labels-scalar": lambda entry: entry | {"labelAnnotations": 7},
    "vision.odd-labels": _odd,
    "vision.many-labels": _many,
    "vision.double-label": _double,
}
