"""The token endpoint and the metadata server: who gets a token, and how long it lasts."""

from __future__ import annotations

import base64
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ingestor.sandbox.google import (
    CLIENT_ID,
    CLIENT_SECRET,
    FAULTS,
    JWT_BEARER,
    REFRESH_TOKEN,
)
from ingestor.sandbox.service_account import (
    EMAIL,
    GRANT_AUDIENCE,
    KEY_FILE,
    KEY_ID,
    ServiceAccount,
)
from tests.sandbox.google_site import NOW, Answer, Site, a_site, rsa_key

PLATFORM = "https://www.googleapis.com/auth/cloud-platform"
METADATA = {"Metadata-Flavor": "Google"}
TOKEN_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"
USER = {
    "grant_type": "refresh_token",
    "client_id": CLIENT_ID,
    "client_secret": CLIENT_SECRET,
    "refresh_token": REFRESH_TOKEN,
}


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    async with a_site() as site:
        yield site


def a_jwt(*, key: rsa.RSAPrivateKey | None = None, header: Any = None, **claims: Any) -> str:
    """An assertion as Google's client would sign it; claims of None are left out."""
    filled = {
        "iss": EMAIL,
        "scope": PLATFORM,
        "aud": GRANT_AUDIENCE,
        "iat": int(NOW),
        "exp": int(NOW) + 3600,
    } | claims
    parts = [
        {"alg": "RS256", "typ": "JWT", "kid": KEY_ID} | (header or {}),
        {name: value for name, value in filled.items() if value is not None},
    ]
    signed = b".".join(base64.urlsafe_b64encode(orjson.dumps(p)).rstrip(b"=") for p in parts)
    signature = (key or rsa_key()).sign(signed, padding.PKCS1v15(), hashes.SHA256())
    return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


async def exchange(site: Site, jwt: str) -> Answer:
    form = {"grant_type": JWT_BEARER, "assertion": jwt}
    return await site.ask("google", "POST", "/token", data=form)


async def test_a_signed_assertion_buys_a_token(site: Site) -> None:
    answer = await exchange(site, a_jwt(scope=f"{PLATFORM} openid"))

    assert answer.status == 200
    assert answer.json["token_type"] == "Bearer"
    assert answer.json["expires_in"] == 3599
    assert site.tokens.scopes(answer.json["access_token"]) == frozenset({PLATFORM, "openid"})


OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.mark.parametrize(
    ("jwt", "error", "text"),
    [
        pytest.param(a_jwt(key=OTHER_KEY), "invalid_grant", "Invalid JWT Signature.", id="key"),
        pytest.param(
            a_jwt(header={"alg": "none"}), "invalid_grant", "Invalid JWT Signature.", id="alg"
        ),
        pytest.param(
            a_jwt(header={"kid": "other"}), "invalid_grant", "Invalid JWT Signature.", id="kid"
        ),
        pytest.param(a_jwt(iss="x@y"), "invalid_grant", "account not found", id="issuer"),
        pytest.param(a_jwt(aud="https://x"), "invalid_grant", "audience", id="audience"),
        pytest.param(
            a_jwt(exp=int(NOW) - 301), "invalid_grant", "reasonable timeframe", id="expired"
        ),
        pytest.param(
            a_jwt(iat=int(NOW) + 301), "invalid_grant", "reasonable timeframe", id="not yet"
        ),
        pytest.param(a_jwt(exp=int(NOW) + 3601), "invalid_grant", "60 minutes", id="too long"),
        pytest.param(a_jwt(exp="soon"), "invalid_grant", "must be numbers", id="exp is text"),
        pytest.param(a_jwt(scope=None), "invalid_scope", "Invalid OAuth scope", id="no scope"),
        pytest.param("a.b", "invalid_grant", "well-formed", id="two parts"),
        pytest.param("a.b.c", "invalid_grant", "well-formed", id="no JSON"),
        pytest.param("W10.W10.W10", "invalid_grant", "well-formed", id="no objects"),
    ],
)
async def test_a_bad_assertion_buys_nothing(site: Site, jwt: str, error: str, text: str) -> None:
    answer = await exchange(site, jwt)

    assert answer.status == 400
    assert answer.json["error"] == error
    assert text in answer.json["error_description"]


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        pytest.param({}, 400, "invalid_request", id="nothing"),
        pytest.param({"grant_type": "password"}, 400, "unsupported_grant_type", id="other grant"),
        pytest.param(USER | {"client_secret": "x"}, 401, "invalid_client", id="wrong client"),
        pytest.param(USER | {"refresh_token": "x"}, 400, "invalid_grant", id="wrong token"),
        pytest.param(USER | {"scope": "mail"}, 400, "invalid_scope", id="wrong scope"),
    ],
)
async def test_a_bad_form_buys_nothing(
    site: Site, form: dict[str, str], status: int, error: str
) -> None:
    answer = await site.ask("google", "POST", "/token", data=form)

    assert (answer.status, answer.json["error"]) == (status, error)


async def test_a_refresh_token_buys_an_end_users_token(site: Site) -> None:
    answer = await site.ask("google", "POST", "/token", data=USER)

    grant = site.tokens.grant(answer.json["access_token"])
    assert grant is not None
    assert grant.holder == "user"
    assert PLATFORM in answer.json["scope"].split()


async def test_tokens_may_be_short_lived_and_told_in_words(site: Site) -> None:
    site.faults.set("google.expires-in", 5)
    site.faults.queue("google.expires-text")

    answer = await exchange(site, a_jwt())
    token = answer.json["access_token"]

    assert answer.json["expires_in"] == "5"
    assert site.tokens.scopes(token) is not None
    site.clock.seconds += 5
    assert site.tokens.scopes(token) is None


@pytest.mark.parametrize(
    ("fault", "status", "error"),
    [
        ("google.unavailable", 503, "temporarily_unavailable"),
        ("google.internal", 500, "internal_failure"),
        ("google.throttled", 429, "rate_limit_exceeded"),
        ("google.revoked", 400, "invalid_grant"),
    ],
)
async def test_the_endpoint_has_bad_days(site: Site, fault: str, status: int, error: str) -> None:
    site.faults.queue(fault)

    bad, good = await exchange(site, a_jwt()), await exchange(site, a_jwt())

    assert (bad.status, bad.json["error"]) == (status, error)
    assert good.status == 200


def test_every_fault_says_what_happens() -> None:
    assert all(name.startswith("google.") and text for name, text in FAULTS.items())


async def test_the_metadata_server_gives_the_same_token_until_shortly_before_its_end(
    site: Site,
) -> None:
    async def ask() -> Any:
        return (await site.ask("google", "GET", TOKEN_PATH, headers=METADATA)).json

    first = await ask()
    site.clock.seconds += 3599 - 241
    same = await ask()
    site.clock.seconds += 2
    renewed = await ask()

    assert same["access_token"] == first["access_token"]
    assert same["expires_in"] == 241
    assert renewed["access_token"] != first["access_token"]


async def test_other_scopes_are_another_token(site: Site) -> None:
    params = {"scopes": "a,b"}

    answer = await site.ask("google", "GET", TOKEN_PATH, headers=METADATA, params=params)

    assert site.tokens.scopes(answer.json["access_token"]) == frozenset({"a", "b"})
    assert answer.headers["Metadata-Flavor"] == "Google"


@pytest.mark.parametrize("headers", [{}, METADATA | {"X-Forwarded-For": "10.0.0.1"}])
async def test_metadata_is_not_for_everybody(site: Site, headers: dict[str, str]) -> None:
    answer = await site.ask("google", "GET", TOKEN_PATH, headers=headers)

    assert answer.status == 403


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("project/project-id", "sandbox"),
        ("instance/service-accounts/default/email", EMAIL),
        (f"instance/service-accounts/{EMAIL}/email", EMAIL),
        ("universe/universe-domain", "googleapis.com"),
    ],
)
async def test_metadata_has_plain_values(site: Site, path: str, text: str) -> None:
    answer = await site.ask("google", "GET", f"/computeMetadata/v1/{path}", headers=METADATA)

    assert answer.body.decode() == text


async def test_metadata_can_be_missing(site: Site) -> None:
    site.faults.queue("google.metadata-missing")

    answer = await site.ask("google", "GET", TOKEN_PATH, headers=METADATA)

    assert answer.status == 404


def test_a_key_file_is_for_its_owner_and_plainly_a_canary(tmp_path: Path) -> None:
    file = tmp_path / "key.json"

    ServiceAccount(rsa_key(), now=lambda: NOW).write_key_file(file, token_url="http://t/token")

    content = orjson.loads(file.read_bytes())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert content["client_email"].startswith("sandbox@")
    assert content["project_id"] == "sandbox"
    assert content["token_uri"] == "http://t/token"


def test_a_key_file_that_everybody_can_read_is_closed_again(tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    file.write_text("old")
    file.chmod(0o644)

    ServiceAccount(rsa_key(), now=lambda: NOW).write_key_file(file, token_url="http://t/token")

    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_sandbox_with_a_memory_keeps_its_key(tmp_path: Path) -> None:
    first = ServiceAccount.kept_in(tmp_path, now=lambda: NOW).key_file(token_url="")
    second = ServiceAccount.kept_in(tmp_path, now=lambda: NOW).key_file(token_url="")

    assert first == second
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600


def test_a_jwt_signed_for_an_api_is_as_good_as_a_token() -> None:
    account = ServiceAccount(rsa_key(), now=lambda: NOW)

    for_api = account.self_signed(a_jwt(sub=EMAIL, aud="https://vision.googleapis.com/"))
    for_endpoint = account.self_signed(a_jwt(sub=EMAIL))
    forged = account.self_signed(a_jwt(sub=EMAIL, aud="https://x/", key=OTHER_KEY))

    assert for_api is not None
    assert PLATFORM in for_api.scopes
    assert for_endpoint is None
    assert forged is None


def test_the_private_key_is_a_key() -> None:
    pem = ServiceAccount(rsa_key(), now=lambda: NOW).key_file(token_url="")["private_key"]

    key = serialization.load_pem_private_key(pem.encode(), password=None)

    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == 2048
