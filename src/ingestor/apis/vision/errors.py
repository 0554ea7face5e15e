"""
What a refusal by Vision means, and what its reader can do about it.

Google's errors are `google.rpc.Status` in JSON (https://cloud.google.com/apis/design/errors), but
front ends and proxies answer in HTML: whatever cannot be read is judged by its status alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial

from msgspec import structs

from ingestor.apis import LONGEST_WAIT, read_json, retry_after, text_of
from ingestor.errors import Denied, Rejected, Throttled, Unauthorized, Unavailable, VendorError
from ingestor.transport import Response

GIVEN_UP = frozenset({408, 499})
"""Timed out there, or cancelled: statuses of a call that had begun."""
FIRST_SERVER_ERROR = 500

KEY = re.compile(rb"api_key:[^\s'\"\\<&]+")
"""How Google calls whom it knows by a key: "Consumer 'api_key:AIza…' has been suspended."."""
HIDDEN = b"api_key:***"

DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s")
"""google.protobuf.Duration in JSON: "37s", "1.5s"."""
DAILY = re.compile(r"per\s*day|PerDay|daily", re.IGNORECASE)

KEY_SENTENCE = (
    "Google does not accept GOOGLE_API_KEY: {why}. Check the key and its restrictions at "
    "https://console.cloud.google.com/apis/credentials and set GOOGLE_API_KEY again."
)
DENIALS = {
    "API_KEY_INVALID": ("api-key", KEY_SENTENCE.format(why="it is not valid, or has expired")),
    "API_KEY_SERVICE_BLOCKED": (
        "api-key",
        KEY_SENTENCE.format(why="it is not allowed to call Cloud Vision"),
    ),
    "API_KEY_HTTP_REFERRER_BLOCKED": (
        "api-key",
        KEY_SENTENCE.format(why="it is restricted to web sites"),
    ),
    "API_KEY_IP_ADDRESS_BLOCKED": (
        "api-key",
        KEY_SENTENCE.format(why="it is restricted to other IP addresses"),
    ),
    "SERVICE_DISABLED": (
        "api-disabled",
        (
            "Cloud Vision is not enabled in {project}. Enable it at "
            "https://console.cloud.google.com/apis/library/vision.googleapis.com, wait a few "
            "minutes, and start again."
        ),
    ),
    "BILLING_DISABLED": (
        "billing",
        (
            "Cloud Vision needs billing, and {project} has none. Enable it at "
            "https://console.cloud.google.com/billing and start again."
        ),
    ),
    "USER_PROJECT_DENIED": (
        "quota-project",
        (
            "These credentials may not use the quota project ({project}). Grant them "
            "roles/serviceusage.serviceUsageConsumer there, or set GOOGLE_CLOUD_QUOTA_PROJECT."
        ),
    ),
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": (
        "scope",
        (
            "The Google credentials lack the cloud-platform scope. Run: gcloud auth "
            "application-default login --scopes=https://www.googleapis.com/auth/cloud-platform"
        ),
    ),
    "CONSUMER_SUSPENDED": (
        "suspended",
        "Google has suspended {project}. See https://console.cloud.google.com for the reason.",
    ),
}
"""By the reason of the ErrorInfo (https://cloud.google.com/apis/design/errors#error_info)."""

TELLTALES: tuple[tuple[str, str], ...] = (
    ("api key not valid", "API_KEY_INVALID"),
    ("api key expired", "API_KEY_INVALID"),
    ("has not been used in project", "SERVICE_DISABLED"),
    ("billing to be enabled", "BILLING_DISABLED"),
    ("requires billing", "BILLING_DISABLED"),
)
"""The same in the words of older answers that carry no details."""

NO_QUOTA_PROJECT = (
    "These Google credentials belong to a person and name no project to count against. Run: "
    "gcloud auth application-default set-quota-project PROJECT, or set GOOGLE_CLOUD_QUOTA_PROJECT."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    """A google.rpc.Status, as far as it matters here."""

    message: str
    status: str = ""
    reason: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    delay: float | None = None


def error_for(response: Response) -> VendorError:
    """
    Name the error that a whole request got.

    Of a paid call, what Google's own JSON says is `Rejected`, `Denied`, `Unauthorized` or `Throttled` is taken as not
    charged; `Unavailable` is possibly charged: "unavailable" is Google's own 503, which may be
    repeated a few times, "server-error" is every other one, and in doubt.
    """
    # What is said of it is read by many, on a worker's port and in the database as well.
    response = structs.replace(response, body=KEY.sub(HIDDEN, response.body))
    refusal = _read_refusal(response)
    status = response.status
    message = refusal.message if refusal else text_of(response)
    if status in GIVEN_UP or status >= FIRST_SERVER_ERROR:
        # Whatever is said beside it: the work may have begun.
        if status == 503 and refusal:
            return _unavailable(response, refusal)
        return _broken(response, message)
    if status == 429 or (refusal and refusal.status == "RESOURCE_EXHAUSTED"):
        return _throttled(response, refusal or _Refusal(message="Too many requests."))
    if denial := _denial(status, refusal):
        return denial
    match status:
        case 401:
            return Unauthorized(
                f"Vision does not accept the credentials: {message}", upstream="vision"
            )
        case 413:
            return _rejected(message, reason="too-large")
        case _ if refusal is None:
            # A status alone does not say that it was Google who refused, and before the work.
            return _broken(response, message)
        case _:
            return _rejected(message, reason=_reason_for(message))


def _throttled(response: Response, refusal: _Refusal) -> Throttled:
    quota = f"{refusal.metadata.get('quota_limit', '')} {refusal.message}"
    daily = DAILY.search(quota) is not None
    return Throttled(
        f"Vision refuses for {'today' if daily else 'speed'}: {refusal.message}",
        upstream="vision",
        reason="daily-quota" if daily else "throttled",
        retry_after=_wait(response, refusal),
    )


def _wait(response: Response, refusal: _Refusal) -> float | None:
    """The longer of what the details and the header ask for."""
    waits = [wait for wait in (refusal.delay, retry_after(response.headers)) if wait is not None]
    return max(waits, default=None)


def _denial(status: int, refusal: _Refusal | None) -> Denied | None:
    """What ends the run: the key, the project or the address is wrong, not the request."""
    denied = partial(Denied, upstream="vision")
    if status == 404 or 300 <= status < 400:
        return denied(
            f"There is no Cloud Vision at this address (status {status}): check --vision-url.",
            reason="wrong-address",
        )
    message = refusal.message if refusal else "it does not say why"
    if "requires a quota project" in message:
        # Before its reason is read, which says that the service is disabled: in gcloud's project, not ours.
        return denied(NO_QUOTA_PROJECT, reason="quota-project")
    if refusal and (told := DENIALS.get(_cause(refusal))):
        reason, sentence = told
        return denied(sentence.format(project=_project(refusal)), reason=reason)
    if status != 403:
        return None
    return denied(
        f"Google forbids this call; check the roles of the credentials. It says: {message}",
        reason="forbidden",
    )


def _cause(refusal: _Refusal) -> str:
    if refusal.reason:
        return refusal.reason
    message = refusal.message.lower()
    return next((cause for words, cause in TELLTALES if words in message), "")


def _project(refusal: _Refusal) -> str:
    consumer = refusal.metadata.get("consumer", "")
    kind, _, name = consumer.partition("/")
    return f"project {name}" if kind == "projects" and name else "the project"


def _unavailable(response: Response, refusal: _Refusal) -> Unavailable:
    return Unavailable(
        f"Vision is not available: {refusal.message}",
        upstream="vision",
        reason="unavailable",
        retry_after=_wait(response, refusal),
    )


def _broken(response: Response, message: str) -> Unavailable:
    return Unavailable(
        f"Vision answered with status {response.status}: {message}",
        upstream="vision",
        reason="server-error",
        retry_after=retry_after(response.headers),
    )


def _rejected(message: str, *, reason: str) -> Rejected:
    return Rejected(f"Vision rejects the request: {message}", upstream="vision", reason=reason)


def _reason_for(message: str) -> str:
    if "Too many images" in message:
        return "too-many-images"
    return "too-large" if "payload size exceeds" in message else "invalid-argument"


def _read_refusal(response: Response) -> _Refusal | None:
    """None for everything that is not Google's JSON."""
    match read_json(response):
        case {"error": {"message": str(message)} as error} | [
            {"error": {"message": str(message)} as error}
        ]:
            pass
        case _:
            return None
    details = [item for item in _list(error.get("details")) if isinstance(item, dict)]
    cause = next((item for item in details if isinstance(item.get("reason"), str)), {})
    metadata = cause.get("metadata")
    delays = (DURATION.fullmatch(str(item.get("retryDelay"))) for item in details)
    return _Refusal(
        message=message,
        status=str(error.get("status", "")),
        reason=cause.get("reason", ""),
        metadata={k: v for k, v in metadata.items() if isinstance(v, str)}
        if isinstance(metadata, dict)
        else {},
        delay=next((min(float(delay[1]), LONGEST_WAIT) for delay in delays if delay), None),
    )


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
