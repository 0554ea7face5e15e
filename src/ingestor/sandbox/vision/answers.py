"""Answers as bytes: the good one, the refusals for quota and faults, and the ones that break."""

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import orjson

from ingestor.sandbox.google_errors import (
    TYPES,
    Answer,
    Detail,
    entity_too_large,
    error_info,
    front_end_page,
    help_link,
    refusal,
    retry_info,
)
from ingestor.sandbox.quotas import Exhausted
from ingestor.sandbox.service_account import PROJECT_NUMBER
from ingestor.sandbox.vision import credentials
from ingestor.sandbox.vision.annotations import with_numbers
from ingestor.sandbox.vision.masks import masked
from ingestor.sandbox.vision.parameters import Parameters

COMMON_HEADERS: Final[Mapping[str, str]] = {
    "Vary": "Origin, X-Origin, Referer",
    "Server": "ESF",
    "Cache-Control": "private",
    "X-Content-Type-Options": "nosniff",
}

GZIP_FROM: Final = 1_024
"""Bytes; shorter answers go as they are."""
GZIP_LEVEL: Final = 1

METRICS: Final[Mapping[str, tuple[str, str]]] = {
    "requests": ("Requests", "vision.googleapis.com/default_requests"),
    "images": ("Label Detection requests", "vision.googleapis.com/label_detection_requests"),
}
"""Quota to the name in the text and the one in the metadata; the wording is ours."""

QUOTA_HELP: Final = "https://cloud.google.com/docs/quotas/help/request_increase"


def good_answer(
    entries: Sequence[Any], *, parameters: Parameters, reshape: str, odd: bool
) -> Answer:
    """
    The batch's answer as the caller asked for it: masked, indented, wrapped.

    `reshape` is the fault that changes its outline, if any. `odd` says that an entry may hold
    numbers which JSON or 64 bits do not have.
    """
    shown = [_shown(entry, parameters) for entry in entries]
    payload = RESHAPES[reshape](shown) if reshape in RESHAPES else {"responses": shown}
    body = _json(masked(payload, parameters.mask), pretty=parameters.pretty, odd=odd)
    if parameters.callback is None:
        return Answer(status=200, body=body)
    script = b"// API callback\n%b(%b);" % (parameters.callback.encode(), body.rstrip(b"\n"))
    return Answer(status=200, body=script, content_type="text/javascript; charset=UTF-8")


def compressed(answer: Answer) -> Answer:
    """For callers that accept gzip."""
    if len(answer.body) < GZIP_FROM:
        return answer
    body = gzip.compress(answer.body, compresslevel=GZIP_LEVEL, mtime=0)
    return replace(answer, body=body, headers={**answer.headers, "Content-Encoding": "gzip"})


def quota_exhausted(lacking: Exhausted, *, hint: bool) -> Answer:
    """A 429 that was earned; with a hint it says how long there will be no room."""
    name, metric = METRICS[lacking.metric]
    seconds = lacking.seconds if hint else None
    return throttled(name=name, metric=metric, limit=lacking.limit, seconds=seconds)


def throttled(
    *, name: str, metric: str, limit: int, seconds: float | None, per: str = "minute"
) -> Answer:
    message = (
        f"Quota exceeded for quota metric '{name}' and limit '{name} per {per}' of service "
        f"'{credentials.SERVICE}' for consumer "
        f"'project_number:{PROJECT_NUMBER}'."
    )
    details: list[Detail] = [
        error_info(
            "RATE_LIMIT_EXCEEDED",
            metadata={
                "consumer": credentials.PROJECT,
                "quota_limit": f"{name.replace(' ', '')}Per{per.capitalize()}PerProject",
                "quota_limit_value": str(limit),
                "quota_location": "global",
                "quota_metric": metric,
                "service": credentials.SERVICE,
            },
        ),
        help_link("Request a higher quota limit.", url=QUOTA_HELP),
        {
            "@type": f"{TYPES}QuotaFailure",
            "violations": [{"subject": credentials.PROJECT, "description": message}],
        },
    ]
    if seconds is None:
        return refusal(429, message, details=details)
    # The header has whole seconds only: rounded up, so that it is never too early.
    headers = {"Retry-After": str(-int(-seconds // 1))}
    return refusal(429, message, details=[*details, retry_info(seconds)], headers=headers)


def refused(fault: str, *, retry_after: float) -> Answer:
    """The answer of a fault that strikes before anything is processed."""
    name, metric = METRICS["requests"]
    if fault == "vision.throttled-hint":
        return throttled(name=name, metric=metric, limit=1800, seconds=retry_after)
    return REFUSALS[fault]()


def broken(fault: str, answer: Answer) -> Answer:
    """What arrives instead of a good answer, for faults that are broken in the body."""
    return BREAKS[fault](answer) if fault in BREAKS else answer


def _shown(entry: Any, parameters: Parameters) -> Any:
    numbers = parameters.enum_numbers and isinstance(entry, dict)
    return with_numbers(entry) if numbers else entry


def _json(value: object, *, pretty: bool, odd: bool) -> bytes:
    if odd:
        # Unlike orjson the standard library writes NaN, and integers of any length.
        return json.dumps(value, indent=2 if pretty else None).encode()
    indent = orjson.OPT_INDENT_2 if pretty else 0
    return orjson.dumps(value, option=indent | orjson.OPT_APPEND_NEWLINE)


def _daily() -> Answer:
    name, metric = METRICS["requests"]
    return throttled(name=name, metric=metric, limit=20_000, seconds=None, per="day")


def _per_minute() -> Answer:
    name, metric = METRICS["requests"]
    return throttled(name=name, metric=metric, limit=1800, seconds=None)


def _bad_request() -> Answer:
    return refusal(400, "Request contains an invalid argument.")


def _unavailable() -> Answer:
    return refusal(503, "The service is currently unavailable.")


REFUSALS: Final[Mapping[str, Callable[[], Answer]]] = {
    "vision.too-large": entity_too_large,
    "vision.throttled": _per_minute,
    "vision.daily-quota": _daily,
    "vision.unavailable": _unavailable,
    "vision.token-expired": credentials.token_invalid,
    "vision.key-disabled": credentials.key_invalid,
    "vision.key-restricted": credentials.key_restricted,
    "vision.service-disabled": credentials.service_disabled,
    "vision.billing-disabled": credentials.billing_disabled,
    "vision.bad-request": _bad_request,
}


def _replaced(body: bytes) -> Callable[[Answer], Answer]:
    return lambda answer: replace(answer, body=body)


BREAKS: Final[Mapping[str, Callable[[Answer], Answer]]] = {
    "vision.unavailable-billed": lambda _: _unavailable(),
    "vision.internal": lambda _: refusal(500, "Internal error encountered."),
    "vision.deadline": lambda _: refusal(504, "Deadline expired before operation could complete."),
    "vision.bad-gateway": lambda _: front_end_page(
        502, "The server encountered a temporary error and could not complete your request."
    ),
    "vision.truncated": lambda answer: replace(answer, body=answer.body[: len(answer.body) // 2]),
    "vision.garbage": _replaced(b"\x00\xffnot JSON at all }{"),
    "vision.html": lambda _: replace(front_end_page(502, "Try again in 30 seconds."), status=200),
    "vision.no-body": _replaced(b""),
    "vision.synthetic-400": lambda answer: replace(answer, status=400),
}

RESHAPES: Final[Mapping[str, Callable[[list[Any]], object]]] = {
    "vision.wrong-types": lambda entries: {"responses": {"0": entries[0]}},
    "vision.no-responses": lambda _: {},
    "vision.empty-responses": lambda _: {"responses": []},
    "vision.short": lambda entries: {"responses": entries[:-1]},
    "vision.long": lambda entries: {"responses": [*entries, entries[-1]]},
}
