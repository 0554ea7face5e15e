"""
The messages of `images:annotate` as Google's JSON transcoder reads them, and what it objects to.

Names and types are those of the public discovery document (`vision.v1`, revision 20261016). The
transcoder takes camelCase and snake_case, refuses unknown names, and lists every objection.
https://protobuf.dev/programming-guides/json/
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

Message = dict[str, Any]

PACKAGE: Final = "type.googleapis.com/google.cloud.vision.v1."
BATCH: Final = "BatchAnnotateImagesRequest"

MESSAGES: Final[Mapping[str, Mapping[str, str]]] = {
    BATCH: {"requests": "[AnnotateImageRequest]", "parent": "string", "labels": "{string}"},
    "AnnotateImageRequest": {
        "image": "Image",
        "features": "[Feature]",
        "imageContext": "ImageContext",
    },
    "Image": {"content": "bytes", "source": "ImageSource"},
    "ImageSource": {"gcsImageUri": "string", "imageUri": "string"},
    "Feature": {"type": "Feature.Type", "maxResults": "int32", "model": "string"},
    "ImageContext": {
        "cropHintsParams": "CropHintsParams",
        "languageHints": "[string]",
        "latLongRect": "LatLongRect",
        "productSearchParams": "ProductSearchParams",
        "textDetectionParams": "TextDetectionParams",
        "webDetectionParams": "WebDetectionParams",
    },
    "CropHintsParams": {"aspectRatios": "[float]"},
    "LatLongRect": {"minLatLng": "LatLng", "maxLatLng": "LatLng"},
    "LatLng": {"latitude": "double", "longitude": "double"},
    "ProductSearchParams": {
        "boundingPoly": "BoundingPoly",
        "filter": "string",
        "productCategories": "[string]",
        "productSet": "string",
    },
    "BoundingPoly": {"vertices": "[Vertex]", "normalizedVertices": "[NormalizedVertex]"},
    "Vertex": {"x": "int32", "y": "int32"},
    "NormalizedVertex": {"x": "float", "y": "float"},
    "TextDetectionParams": {
        "advancedOcrOptions": "[string]",
        "enableTextDetectionConfidenceScore": "bool",
    },
    "WebDetectionParams": {"includeGeoResults": "bool"},
}
"""Message to field to type; `[T]` is repeated, `{T}` is a map from strings."""

ENUMS: Final[Mapping[str, tuple[str, ...]]] = {
    "Feature.Type": (
        "TYPE_UNSPECIFIED",
        "FACE_DETECTION",
        "LANDMARK_DETECTION",
        "LOGO_DETECTION",
        "LABEL_DETECTION",
        "TEXT_DETECTION",
        "SAFE_SEARCH_DETECTION",
        "IMAGE_PROPERTIES",
        "",
        "CROP_HINTS",
        "WEB_DETECTION",
        "DOCUMENT_TEXT_DETECTION",
        "PRODUCT_SEARCH",
        "",
        "",
        "",
        "",
        "",
        "",
        "OBJECT_LOCALIZATION",
    )
}
"""Values by number, as in `image_annotator.proto`; numbers are accepted in place of names."""

INT32_RANGE: Final = range(-(2**31), 2**31)

QUOTED: Final = 64
"""So much of an unsuitable value is repeated in the objection; taste."""

Bytes = Callable[[str], bytes]
"""Decodes base64, or raises `NotBase64`."""


class NotBase64(ValueError):
    """The argument is the text that cannot be decoded."""


class Transcoder:
    """Reads one JSON body; `violations` lists (field, text) in the order they were met."""

    def __init__(self, *, decode: Bytes) -> None:
        self.violations: Final[list[tuple[str, str]]] = []
        self._decode = decode

    def read(self, name: str, value: object, *, at: str = "") -> Message:
        """Return the message with camelCase names and decoded bytes; absent fields are absent."""
        if not isinstance(value, dict):
            self._object_expected(name, value, at=at)
            return {}
        fields = FIELDS[name]
        message: Message = {}
        for key, given in value.items():
            if key not in fields:
                where = f" at '{at}'" if at else ""
                self._object(
                    at,
                    f'Invalid JSON payload received. Unknown name "{key}"{where}: '
                    "Cannot find field.",
                )
            elif given is not None:
                proper, snake, kind = fields[key]
                message[proper] = self._field(kind, given, at=f"{at}.{snake}" if at else snake)
        return message

    def _field(self, kind: str, value: object, *, at: str) -> object:
        if kind.startswith("["):
            return self._repeated(kind[1:-1], value, at=at)
        if isinstance(value, list):
            self._object(
                at,
                f'Invalid JSON payload received. Unknown name "{at.rpartition(".")[2]}" at '
                f"'{at.rpartition('.')[0]}': Proto field is not repeating, cannot start list.",
            )
            return None
        if kind.startswith("{"):
            return self._map(kind[1:-1], value, at=at)
        if kind in MESSAGES:
            return self.read(kind, value, at=at)
        return self._scalar(kind, value, at=at)

    def _repeated(self, kind: str, value: object, *, at: str) -> list[object]:
        if not isinstance(value, list):
            self._unsuitable(kind, value, at=at)
            return []
        return [self._field(kind, entry, at=f"{at}[{i}]") for i, entry in enumerate(value)]

    def _map(self, kind: str, value: object, *, at: str) -> dict[str, object]:
        if not isinstance(value, dict):
            self._unsuitable("Map", value, at=at)
            return {}
        return {key: self._scalar(kind, entry, at=f"{at}.{key}") for key, entry in value.items()}

    def _scalar(self, kind: str, value: object, *, at: str) -> object:
        if kind == "bytes":
            return self._bytes(value, at=at)
        try:
            return _enum(kind, value) if kind in ENUMS else SCALARS[kind](value)
        except (ValueError, TypeError, OverflowError):
            self._unsuitable(kind, value, at=at)
            return None

    def _bytes(self, value: object, *, at: str) -> bytes | None:
        if not isinstance(value, str):
            self._unsuitable("bytes", value, at=at)
            return None
        try:
            return self._decode(value)
        except NotBase64 as error:
            shown = error.args[0][:QUOTED]
            self._object(
                at, f"Invalid value at '{at}' (TYPE_BYTES), Base64 decoding failed for \"{shown}\""
            )
            return None

    def _object_expected(self, name: str, value: object, *, at: str) -> None:
        if at:
            self._unsuitable(name, value, at=at)
        else:
            text = 'Invalid JSON payload received. Unknown name "": Root element must be a message.'
            self._object("", text)

    def _unsuitable(self, kind: str, value: object, *, at: str) -> None:
        shown = f'"{value[:QUOTED]}"' if isinstance(value, str) else str(value)[:QUOTED]
        self._object(at, f"Invalid value at '{at}' ({_type_name(kind)}), {shown}")

    def _object(self, at: str, text: str) -> None:
        self.violations.append((at, text))


def snake(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), name)


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number


def _int32(value: object) -> int:
    number = _number(value)
    if not number.is_integer() or int(number) not in INT32_RANGE:
        raise ValueError
    return int(number)


def _enum(kind: str, value: object) -> str:
    values = ENUMS[kind]
    if isinstance(value, str) and value in values and value:
        return value
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(values):
        return values[value] or values[0]
    raise ValueError


def _type_name(kind: str) -> str:
    if kind in MESSAGES or kind in ENUMS:
        return PACKAGE + kind
    return f"TYPE_{kind.upper()}"


SCALARS: Final[Mapping[str, Callable[[object], object]]] = {
    "string": _string,
    "bool": _bool,
    "int32": _int32,
    "float": _number,
    "double": _number,
}

FIELDS: Final = {
    message: {
        spelling: (name, snake(name), kind)
        for name, kind in fields.items()
        for spelling in (name, snake(name))
    }
    for message, fields in MESSAGES.items()
}
"""Both spellings of every field, to (camelCase, snake_case, type)."""
