"""
Google's token endpoint and the metadata server of a virtual machine, on one site.

Both end in the same token store, which Vision and the database ask. Texts are those of
https://developers.google.com/identity/protocols/oauth2/service-account and of
https://cloud.google.com/compute/docs/metadata/overview
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from ingestor.sandbox.calls import Calls, Clock
from ingestor.sandbox.faults import Faults
from ingestor.sandbox.latency import Latency
from ingestor.sandbox.service_account import (
    EMAIL,
    GRANT_AUDIENCE,
    PROJECT,
    PROJECT_NUMBER,
    BadJwt,
    ServiceAccount,
)
from ingestor.sandbox.tokens import Holder, Tokens
from ingestor.sandbox.wire import hang_up, stall

UPSTREAM: Final = "google"

FAULTS: Final = {
    "google.unavailable": "503 from the token endpoint",
    "google.internal": "500 with `internal_failure` from the token endpoint",
    "google.throttled": "429 from the token endpoint",
    "google.revoked": "400 `invalid_grant`: the key was deleted or the consent withdrawn",
    "google.garbage": "200 with a body that is not JSON",
    "google.no-token": "200 without `access_token`",
    "google.expires-text": "`expires_in` as a string",
    "google.stall": "no answer from the token endpoint",
    "google.reset": "RST instead of a token",
    "google.metadata-unavailable": "503 from the metadata server",
    "google.metadata-missing": "404 from the metadata server: no service account here",
}

KNOBS: Final = {"google.expires-in": 3599.0}
"""Seconds; short ones make clients refresh while they run."""

JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"

CLIENT_ID: Final = f"{PROJECT_NUMBER}-sandbox.apps.googleusercontent.com"
CLIENT_SECRET: Final = "sandbox-canary-client-secret"  # noqa: S105 - a canary
REFRESH_TOKEN: Final = "sandbox-canary-refresh-token"  # noqa: S105 - a canary
"""An end user's default credentials; canaries, good for nothing outside the sandbox."""

PLATFORM: Final = "https://www.googleapis.com/auth/cloud-platform"
USER_SCOPES: Final = (PLATFORM, "https://www.googleapis.com/auth/userinfo.email", "openid")
MACHINE_SCOPES: Final = (PLATFORM, "https://www.googleapis.com/auth/userinfo.email")

METADATA: Final = "/computeMetadata/v1/"
FLAVOR: Final = "Metadata-Flavor"
METADATA_HEADERS: Final = {FLAVOR: "Google", "Server": "Metadata Server for VM"}
RENEWED_BEFORE: Final = 240.0
"""Seconds before its end until which the metadata server gives the same token again."""


@dataclass(slots=True, kw_only=True)
class MachineToken:
    token: str
    expires: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Google:
    """What a view may use."""

    account: ServiceAccount
    tokens: Tokens
    faults: Faults
    latency: Latency
    calls: Calls
    clock: Clock = time.monotonic
    machine_tokens: dict[frozenset[str], MachineToken] = field(default_factory=dict)


GOOGLE: Final = web.AppKey("google", Google)


def application(google: Google) -> web.Application:
    app = web.Application()
    app[GOOGLE] = google
    app.router.add_post("/token", _counted(token, method="token"))
    app.router.add_get(METADATA + "{path:.*}", _counted(metadata, method="metadata"))
    app.router.add_get("/", _counted(ping, method="ping"))
    return app


async def token(request: web.Request) -> web.StreamResponse:
    """Exchange an assertion or a refresh token for an access token."""
    google = request.app[GOOGLE]
    await google.latency.pause(UPSTREAM)
    fault = google.faults.first(TOKEN_FAULTS)
    if fault == "google.stall":
        return await stall()
    if fault == "google.reset":
        return hang_up(request)
    if fault is not None:
        return TOKEN_FAULTS[fault]()
    form = {name: str(value) for name, value in (await request.post()).items()}
    match form.get("grant_type"):
        case None:
            return _denied("invalid_request", "Required parameter is missing: grant_type")
        case grant if grant == JWT_BEARER:
            return _for_assertion(google, form)
        case "refresh_token":
            return _for_refresh_token(google, form)
        case other:
            return _denied("unsupported_grant_type", f"Invalid grant_type: {other[:64]}")


async def metadata(request: web.Request) -> web.StreamResponse:
    """The paths that Google's auth libraries ask for; everything else is not there."""
    google = request.app[GOOGLE]
    await google.latency.pause(UPSTREAM)
    if request.headers.get(FLAVOR) != "Google":
        return _page(403, "Missing Metadata-Flavor:Google header.")
    if "X-Forwarded-For" in request.headers:
        return _page(403, "Request was forwarded.")
    if google.faults.strikes("google.metadata-unavailable"):
        return _page(503, "Service Unavailable")
    path = request.match_info["path"].rstrip("/").replace(EMAIL, "default")
    if google.faults.strikes("google.metadata-missing") or path not in METADATA_PATHS:
        return _page(404, "The requested URL was not found.")
    return METADATA_PATHS[path](google, request.query)


async def ping(_request: web.Request) -> web.StreamResponse:
    """How a library finds out whether there is a metadata server at all."""
    return _text("computeMetadata/\n")


def _counted(view: Handler, *, method: str) -> Handler:
    async def count(request: web.Request) -> web.StreamResponse:
        calls = request.app[GOOGLE].calls
        calls.arrived(UPSTREAM)
        return await calls.answering(UPSTREAM, method, view(request))

    return count


def _for_assertion(google: Google, form: Mapping[str, str]) -> web.Response:
    try:
        claims = google.account.claims(form.get("assertion", ""))
    except BadJwt as error:
        return _denied("invalid_grant", error.args[0])
    if claims.get("aud") != GRANT_AUDIENCE:
        return _denied("invalid_grant", "Invalid JWT: Failed audience check.")
    scopes = str(claims.get("scope", "")).split()
    if not scopes:
        return _denied("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
    return _token(google, scopes, holder="service")


def _for_refresh_token(google: Google, form: Mapping[str, str]) -> web.Response:
    if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
        return _denied("invalid_client", "The OAuth client was not found.", status=401)
    if form.get("refresh_token") != REFRESH_TOKEN:
        return _denied("invalid_grant", "Token has been expired or revoked.")
    asked = form.get("scope", "").split() or USER_SCOPES
    if not set(asked) <= set(USER_SCOPES):
        return _denied("invalid_scope", "Some requested scopes were invalid.")
    return _token(google, asked, holder="user", scope=" ".join(asked))


def _token(google: Google, scopes: Iterable[str], *, holder: Holder, **more: str) -> web.Response:
    seconds = google.faults.knob("google.expires-in")
    number: int | str = int(seconds)
    if google.faults.strikes("google.expires-text"):
        number = str(number)
    answer = {
        "access_token": google.tokens.issue(scopes, seconds=seconds, holder=holder),
        "expires_in": number,
        "token_type": "Bearer",
        **more,
    }
    return _json(answer)


def _machine_token(google: Google, query: Mapping[str, str]) -> web.Response:
    """The same token until shortly before its end, as the real one gives it."""
    asked = frozenset(filter(None, query.get("scopes", "").split(","))) or frozenset(MACHINE_SCOPES)
    kept = google.machine_tokens.get(asked)
    now = google.clock()
    if kept is None or kept.expires - RENEWED_BEFORE <= now or not google.tokens.grant(kept.token):
        seconds = google.faults.knob("google.expires-in")
        kept = MachineToken(
            token=google.tokens.issue(asked, seconds=seconds), expires=now + seconds
        )
        google.machine_tokens[asked] = kept
    left = int(kept.expires - now)
    answer = {"access_token": kept.token, "expires_in": left, "token_type": "Bearer"}
    return _json(answer, headers=METADATA_HEADERS)


def _account(_google: Google, query: Mapping[str, str]) -> web.Response:
    if query.get("recursive") != "true":
        return _text("aliases\nemail\nidentity\nscopes\ntoken\n")
    answer = {"aliases": ["default"], "email": EMAIL, "scopes": list(MACHINE_SCOPES)}
    return _json(answer, headers=METADATA_HEADERS)


def _denied(error: str, description: str, *, status: int = 400) -> web.Response:
    return _json({"error": error, "error_description": description}, status=status)


def _json(
    value: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    return web.Response(
        body=orjson.dumps(value),
        status=status,
        content_type="application/json",
        charset="utf-8",
        headers={"Cache-Control": "no-cache, no-store", **(headers or {})},
    )


def _text(text: str) -> web.Response:
    return web.Response(text=text, content_type="application/text", headers=METADATA_HEADERS)


def _page(status: int, sentence: str) -> web.Response:
    return web.Response(
        text=f"<!DOCTYPE html><html><body><p>{sentence}</p></body></html>\n",
        status=status,
        content_type="text/html",
        headers=METADATA_HEADERS,
    )


TOKEN_FAULTS: Final[Mapping[str, Callable[[], web.Response]]] = {
    "google.unavailable": lambda: _denied("temporarily_unavailable", "Try again.", status=503),
    "google.internal": lambda: _denied("internal_failure", "Backend error.", status=500),
    "google.throttled": lambda: _denied("rate_limit_exceeded", "Too many requests.", status=429),
    "google.revoked": lambda: _denied("invalid_grant", "Token has been expired or revoked."),
    "google.garbage": lambda: web.Response(body=b"\x00 not JSON", content_type="application/json"),
    "google.no-token": lambda: _json({"token_type": "Bearer"}),
    "google.stall": web.Response,
    "google.reset": web.Response,
}

METADATA_PATHS: Final[Mapping[str, Callable[[Google, Mapping[str, str]], web.Response]]] = {
    "": lambda _google, _query: _text("instance/\nproject/\n"),
    "instance/service-accounts": lambda _google, _query: _text(f"default/\n{EMAIL}/\n"),
    "instance/service-accounts/default": _account,
    "instance/service-accounts/default/email": lambda _google, _query: _text(EMAIL),
    "instance/service-accounts/default/scopes": lambda _google, _query: _text(
        "\n".join(MACHINE_SCOPES) + "\n"
    ),
    "instance/service-accounts/default/token": _machine_token,
    "project/project-id": lambda _google, _query: _text(PROJECT),
    "project/numeric-project-id": lambda _google, _query: _text(PROJECT_NUMBER),
    "universe/universe-domain": lambda _google, _query: _text("googleapis.com"),
}
