"""
How Google says no: one error body for every API, and the front end's HTML where no API is reached.

The JSON form is `google.rpc.Status` with typed details
(https://cloud.google.com/apis/design/errors). Texts are those that real services were seen to
send; where only the shape is known, the wording is ours.
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import orjson

JSON_TYPE: Final = "application/json; charset=UTF-8"
HTML_TYPE: Final = "text/html; charset=UTF-8"

STATUS_NAMES: Final[Mapping[int, str]] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}

DOMAIN: Final = "googleapis.com"
TYPES: Final = "type.googleapis.com/google.rpc."

Detail = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back over the wire: a status, a body, and what is special about the headers."""

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)


def refusal(
    status: int,
    message: str,
    *,
    details: Sequence[Detail] = (),
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Build the JSON error; Google indents it whatever `prettyPrint` says."""
    error: dict[str, object] = {
        "code": status,
        "message": message,
        "status": STATUS_NAMES[status],
    }
    if details:
        error["details"] = list(details)
    body = orjson.dumps({"error": error}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    return Answer(status=status, body=body, headers=headers or {})


def error_info(reason: str, *, metadata: Mapping[str, str]) -> Detail:
    return {
        "@type": f"{TYPES}ErrorInfo",
        "reason": reason,
        "domain": DOMAIN,
        "metadata": dict(metadata),
    }


def localized(message: str) -> Detail:
    return {"@type": f"{TYPES}LocalizedMessage", "locale": "en-US", "message": message}


def help_link(description: str, *, url: str) -> Detail:
    return {"@type": f"{TYPES}Help", "links": [{"description": description, "url": url}]}


def retry_info(seconds: float) -> Detail:
    """A duration is a string with at most nine decimals and an `s`: "37s", "1.5s"."""
    return {
        "@type": f"{TYPES}RetryInfo",
        "retryDelay": f"{seconds:.9f}".rstrip("0").rstrip(".") + "s",
    }


def bad_request(violations: Sequence[tuple[str, str]]) -> Answer:
    """A 400 that names every (field, description); the root has no field name."""
    entries = [
        {"field": place, "description": text} if place else {"description": text}
        for place, text in violations
    ]
    message = "\n".join(text for _, text in violations)
    detail: Detail = {"@type": f"{TYPES}BadRequest", "fieldViolations": entries}
    return refusal(400, message, details=[detail])


def front_end_page(status: int, sentence: str) -> Answer:
    """
    The HTML page of the machine in front of all APIs.

    Unknown paths, wrong verbs, oversized uploads and dead backends never get as far as JSON.
    """
    phrase = HTTPStatus(status).phrase
    body = (
        "<!DOCTYPE html>\n<html lang=en>\n<meta charset=utf-8>\n"
        f"<title>Error {status} ({html.escape(phrase)})!!1</title>\n"
        f"<p><b>{status}.</b> <ins>That’s an error.</ins>\n"
        f"<p>{sentence} <ins>That’s all we know.</ins>\n"
    )
    return Answer(status=status, body=body.encode(), content_type=HTML_TYPE)


def not_found(path: str) -> Answer:
    return front_end_page(
        404, f"The requested URL <code>{html.escape(path)}</code> was not found on this server."
    )


def entity_too_large() -> Answer:
    """https://www.google.com answers an oversized upload so; seen on other Google hosts."""
    body = (
        "<html><head><title>413 Request Entity Too Large</title></head><body>"
        "<h1>413. That’s an error.</h1>"
        "<p>Your client issued a request that was too large.</p></body></html>\n"
    )
    return Answer(status=413, body=body.encode(), content_type=HTML_TYPE)


class Refused(Exception):
    """A request that gets this answer and nothing else."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer: Final = answer
