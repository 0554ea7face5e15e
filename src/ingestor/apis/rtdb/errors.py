"""
What a refusal by the database means, and what its reader can do about it.

(https://firebase.google.com/docs/reference/rest/database#section-error-conditions) Errors are
`{"error": "a sentence"}`. Rules that deny answer 401 as stale tokens do: the sentence tells which.
"""

from __future__ import annotations

from functools import partial
from urllib.parse import urlsplit

from ingestor.apis import read_json, retry_after, text_of
from ingestor.errors import Denied, Rejected, Throttled, Unauthorized, Unavailable, VendorError
from ingestor.transport import Response

RULES = (
    "The database's rules deny this ({message}). Give credentials with the role Firebase Realtime "
    "Database Admin, and deploy database.rules.json."
)
DENIALS = {
    402: ("plan", "The database is over its plan's quota, and disabled: {message}"),
    403: (
        "forbidden",
        "The database forbids this; check FIREBASE_DATABASE_URL. It says: {message}",
    ),
    404: (
        "no-database",
        (
            "There is no database at this address: check FIREBASE_DATABASE_URL against the Firebase "
            "console. It says: {message}"
        ),
    ),
    423: ("deactivated", "The database is switched off: enable it in the console. {message}"),
}


def error_for(response: Response) -> VendorError:
    """Name the error that a request got; writes that were refused changed nothing."""
    message, moved_to = _read_refusal(response)
    status = response.status
    denied = partial(Denied, upstream="database")
    if moved_to or "different region" in message:
        where = f"at {moved_to}" if moved_to else message
        return denied(
            f"The database lives in another region: set FIREBASE_DATABASE_URL to the one {where}.",
            reason="wrong-region",
        )
    if status in DENIALS:
        reason, sentence = DENIALS[status]
        return denied(sentence.format(message=message), reason=reason)
    if status < 400:
        return denied(
            f"This address answers, but not as a database (status {status}): check "
            "FIREBASE_DATABASE_URL.",
            reason="no-database",
        )
    if status == 401:
        return _unauthorized(message, response)
    return _refused(message, response)


def _unauthorized(message: str, response: Response) -> VendorError:
    words = message.lower()
    if "permission denied" in words:
        return Denied(RULES.format(message=message), upstream="database", reason="rules")
    if "appcheck" in words:
        return Denied(
            "The database enforces App Check, which servers cannot pass: switch the enforcement off "
            "for the Realtime Database, or use credentials of a service account.",
            upstream="database",
            reason="app-check",
        )
    why = (message or text_of(response)).rstrip(".")
    return Unauthorized(
        f"The database does not accept the credentials ({why}). Check that "
        "GOOGLE_APPLICATION_CREDENTIALS names the key of a service account in the database's own project.",
        upstream="database",
    )


def _refused(message: str, response: Response) -> VendorError:
    status, wait = response.status, retry_after(response.headers)
    message = message or text_of(response)
    if status == 429:
        return Throttled(
            f"The database refuses for speed: {message}", upstream="database", retry_after=wait
        )
    if status == 408 or status >= 500:
        return Unavailable(
            f"The database answered with status {status}: {message}",
            upstream="database",
            retry_after=wait,
        )
    return Rejected(
        f"The database rejects the request: {message}",
        upstream="database",
        reason=_reason_for(message, status=status),
    )


def _reason_for(message: str, *, status: int) -> str:
    if status == 413 or "WRITE_TOO_BIG" in message:
        return "too-large"
    return "no-index" if "Index not defined" in message else f"status-{status}"


def _read_refusal(response: Response) -> tuple[str, str]:
    """The sentence, and the host of the right URL where the answer names one."""
    match read_json(response):
        case {"error": str(message), **rest}:
            correct = rest.get("correctUrl")
        case {"correctUrl": str(correct)}:
            message = ""
        case _:
            return "", ""
    return message, _origin(correct) if isinstance(correct, str) else ""


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
