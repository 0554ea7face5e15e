"""
Who is asking: an admin with an OAuth token, a signed-in user, or nobody.

OAuth tokens come in the header or as `access_token`, ID tokens and the legacy secret only as
`auth`; see https://firebase.google.com/docs/database/rest/auth.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import orjson

from ingestor.sandbox.rtdb.refusals import (
    EXPIRED_TOKEN,
    UNAUTHORIZED,
    UNPARSABLE_TOKEN,
    Refused,
)
from ingestor.sandbox.rtdb.rules import Auth

EMULATOR_OWNER: Final = "owner"
"""What clients of the emulator send as their token."""

LEGACY_SECRET: Final = "sandbox-legacy-secret"  # noqa: S105 - made up, for this sandbox only

NEEDED_SCOPES: Final = frozenset(
    {
        "https://www.googleapis.com/auth/userinfo.email",
        "https://www.googleapis.com/auth/firebase.database",
    }
)

Scopes: TypeAlias = Callable[[str], frozenset[str] | None]
"""The scopes of an access token; None for one that is unknown or no longer good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An admin is not asked for rules; `auth` is what rules see of anybody else."""

    admin: bool
    auth: Auth = None


NOBODY: Final = Caller(admin=False)
ADMIN: Final = Caller(admin=True)


def access_token_of(headers: Mapping[str, str], parameters: Mapping[str, str]) -> str | None:
    kind, _, token = headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return token.strip()
    return parameters.get("access_token")


def caller_of(
    headers: Mapping[str, str], parameters: Mapping[str, str], *, scopes: Scopes, now: int
) -> Caller:
    """
    Judge the credentials of a request at `now` milliseconds.

    Bad credentials raise `Refused` with 401, also where nobody would have been let in.
    """
    token = access_token_of(headers, parameters)
    if token is not None:
        caller = _holder_of(token, scopes)
    elif "auth" in parameters:
        caller = _user_of(parameters["auth"], now)
    else:
        caller = NOBODY
    override = parameters.get("auth_variable_override")
    return caller if override is None else _overridden(caller, override)


def _holder_of(token: str, scopes: Scopes) -> Caller:
    if token == EMULATOR_OWNER:
        return ADMIN
    granted = scopes(token)
    if granted is None or not granted >= NEEDED_SCOPES:
        raise Refused(401, UNAUTHORIZED)
    return ADMIN


def _user_of(token: str, now: int) -> Caller:
    """The user of an ID token; like the emulator, the sandbox does not check signatures."""
    if token == LEGACY_SECRET:
        return ADMIN
    try:
        _, payload, _ = token.split(".")
        claims = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        uid = claims.get("user_id") or claims["sub"]
    except (ValueError, KeyError, AttributeError):
        raise Refused(401, UNPARSABLE_TOKEN) from None
    if claims.get("exp", now) * 1000 < now:
        raise Refused(401, EXPIRED_TOKEN)
    return Caller(admin=False, auth={"uid": uid, "token": claims})


def _overridden(caller: Caller, text: str) -> Caller:
    if not caller.admin:
        raise Refused(401, UNAUTHORIZED)
    try:
        auth = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Refused(400, "auth_variable_override must be JSON") from None
    return Caller(admin=False, auth=auth if isinstance(auth, dict) else None)
