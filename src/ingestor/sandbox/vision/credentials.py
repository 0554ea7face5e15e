"""
Who may ask Vision: the project's API key, or a token with the right scope.

Texts and details are those of the service; note that a bad key is a 400, no credential a 401.
https://cloud.google.com/docs/authentication/api-keys
"""

from collections.abc import Callable, Mapping
from typing import Final

from ingestor.sandbox.google_errors import (
    Answer,
    Refused,
    error_info,
    help_link,
    localized,
    refusal,
)
from ingestor.sandbox.service_account import PROJECT_NUMBER
from ingestor.sandbox.tokens import Grant, Holder

SERVICE: Final = "vision.googleapis.com"
METHOD: Final = "google.cloud.vision.v1.ImageAnnotator.BatchAnnotateImages"
PROJECT: Final = f"projects/{PROJECT_NUMBER}"
"""As Google's errors name consumers."""
CONSOLE: Final = "https://console.developers.google.com"
CONSUMER: Final = {"consumer": PROJECT, "service": SERVICE}
CALL: Final = {"method": METHOD, "service": SERVICE}

SCOPES: Final = frozenset(
    {
        "https://www.googleapis.com/auth/cloud-platform",
        "https://www.googleapis.com/auth/cloud-vision",
    }
)

EXPECTED: Final = (
    "Expected OAuth 2 access token, login cookie or other valid authentication credential. "
    "See https://developers.google.com/identity/sign-in/web/devconsole-project."
)
CHALLENGE: Final = 'Bearer realm="https://accounts.google.com/"'

KEY_HEADER: Final = "X-Goog-Api-Key"
PROJECT_HEADER: Final = "X-Goog-User-Project"

Lookup = Callable[[str], Grant | None]
"""What a token is good for."""


def check_credentials(
    headers: Mapping[str, str], query: Mapping[str, str], *, key: str, lookup: Lookup
) -> Holder | None:
    """Return whose token it is, None for the key; raise `Refused` for anything else."""
    token = bearer_token(headers, query)
    if token is not None:
        return _check_token(lookup(token), has_project=bool(headers.get(PROJECT_HEADER)))
    given = headers.get(KEY_HEADER) or query.get("key") or query.get("$key")
    if not given:
        raise Refused(credentials_missing())
    if given != key:
        raise Refused(key_invalid())
    return None


def bearer_token(headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
    """The token of a request; an `Authorization` of another kind counts as an empty one."""
    header = headers.get("Authorization")
    if header is None:
        return query.get("access_token") or query.get("oauth_token")
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _check_token(grant: Grant | None, *, has_project: bool) -> Holder:
    if grant is None:
        raise Refused(token_invalid())
    if not grant.scopes & SCOPES:
        raise Refused(scope_insufficient())
    if grant.holder == "user" and not has_project:
        raise Refused(quota_project_missing())
    return grant.holder


def key_invalid() -> Answer:
    message = "API key not valid. Please pass a valid API key."
    details = [error_info("API_KEY_INVALID", metadata={"service": SERVICE}), localized(message)]
    return refusal(400, message, details=details)


def credentials_missing() -> Answer:
    return refusal(
        401,
        f"Request is missing required authentication credential. {EXPECTED}",
        details=[error_info("CREDENTIALS_MISSING", metadata=CALL)],
        headers={"WWW-Authenticate": CHALLENGE},
    )


def token_invalid() -> Answer:
    return refusal(
        401,
        f"Request had invalid authentication credentials. {EXPECTED}",
        details=[error_info("ACCESS_TOKEN_EXPIRED", metadata=CALL)],
        headers={"WWW-Authenticate": f'{CHALLENGE}, error="invalid_token"'},
    )


def scope_insufficient() -> Answer:
    scopes = " ".join(sorted(SCOPES))
    return refusal(
        403,
        "Request had insufficient authentication scopes.",
        details=[error_info("ACCESS_TOKEN_SCOPE_INSUFFICIENT", metadata=CALL)],
        headers={"WWW-Authenticate": f'{CHALLENGE}, error="insufficient_scope", scope="{scopes}"'},
    )


def quota_project_missing() -> Answer:
    """End users' tokens: https://cloud.google.com/docs/authentication/troubleshoot-adc"""
    return refusal(
        403,
        "Your application is authenticating by using local Application Default Credentials. "
        f"The {SERVICE} API requires a quota project, which is not set by default. To learn how "
        "to set your quota project, see "
        "https://cloud.google.com/docs/authentication/adc-troubleshooting/user-creds .",
        details=[error_info("SERVICE_DISABLED", metadata=CONSUMER)],
    )


def service_disabled() -> Answer:
    url = f"{CONSOLE}/apis/api/{SERVICE}/overview?project={PROJECT_NUMBER}"
    return refusal(
        403,
        f"Cloud Vision API has not been used in project {PROJECT_NUMBER} before or it is disabled. "
        f"Enable it by visiting {url} then retry. If you enabled this API recently, wait a few "
        "minutes for the action to propagate to our systems and retry.",
        details=[
            help_link("Google developers console API activation", url=url),
            error_info("SERVICE_DISABLED", metadata=CONSUMER),
        ],
    )


def billing_disabled() -> Answer:
    url = f"{CONSOLE}/billing/enable?project={PROJECT_NUMBER}"
    return refusal(
        403,
        "This API method requires billing to be enabled. Please enable billing on project "
        f"#{PROJECT_NUMBER} by visiting {url} then retry. If you enabled billing for this project "
        "recently, wait a few minutes for the action to propagate to our systems and retry.",
        details=[
            help_link("Google developers console billing", url=url),
            error_info("BILLING_DISABLED", metadata=CONSUMER),
        ],
    )


def key_restricted() -> Answer:
    return refusal(
        403,
        f"Requests to this API {SERVICE} method {METHOD} are blocked.",
        details=[error_info("API_KEY_SERVICE_BLOCKED", metadata=CONSUMER | {"methodName": METHOD})],
    )
