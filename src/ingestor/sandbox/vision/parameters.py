"""
The query string of a Google API: how the answer is to look, and who pays.

Every method takes these system parameters, with or without a `$`; others must be fields of the
request, and `images:annotate` has none that fit into a query.
https://cloud.google.com/apis/docs/system-parameters
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ingestor.sandbox.google_errors import TYPES, Refused, bad_request, refusal
from ingestor.sandbox.vision.masks import Mask, UnknownPath, read_mask

KNOWN: Final = frozenset(
    {
        "access_token",
        "alt",
        "callback",
        "fields",
        "key",
        "oauth_token",
        "prettyPrint",
        "quotaUser",
        "uploadType",
        "upload_protocol",
        ".xgafv",
        "userProject",
    }
)

FALSE: Final = frozenset({"false", "0", "no"})
CALLBACK: Final = re.compile(r"[A-Za-z_$][\w$.]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """How the caller wants the answer. `callback` makes it JSONP."""

    pretty: bool
    mask: Mask
    enum_numbers: bool
    callback: str | None


def read_parameters(query: Mapping[str, str]) -> Parameters:
    """Raise `Refused` with Google's 400 for what it does not know."""
    plain = {name.removeprefix("$"): value for name, value in query.items()}
    unknown = sorted(plain.keys() - KNOWN)
    if unknown:
        raise Refused(bad_request([("", _unbound(name)) for name in unknown]))
    kind, _, options = plain.get("alt", "json").partition(";")
    if kind != "json":
        raise Refused(refusal(400, f"The sandbox answers JSON only, not alt={kind[:32]}."))
    callback = plain.get("callback")
    if callback is not None and not CALLBACK.fullmatch(callback):
        raise Refused(refusal(400, "Invalid callback."))
    return Parameters(
        pretty=plain.get("prettyPrint", "true").lower() not in FALSE,
        mask=_mask(plain.get("fields", "")),
        enum_numbers="enum-encoding=int" in options,
        callback=callback,
    )


def _unbound(name: str) -> str:
    return (
        f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter. '
        f"Field '{name}' could not be found in request message."
    )


def _mask(text: str) -> Mask:
    try:
        return read_mask(text)
    except UnknownPath as error:
        path = error.args[0]
        violation = {
            "field": path,
            "description": "Error expanding 'fields' parameter. "
            f"Cannot find matching fields for path '{path}'.",
        }
        detail: dict[str, object] = {
            "@type": f"{TYPES}BadRequest",
            "fieldViolations": [violation],
        }
        message = "Request contains an invalid argument."
        raise Refused(refusal(400, message, details=[detail])) from None
