"""Who may ask Vision, and how it tells everybody else."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.sandbox.google_site import KEY, Answer, Site, a_jpeg, a_site

PLATFORM = "https://www.googleapis.com/auth/cloud-platform"
VISION = "https://www.googleapis.com/auth/cloud-vision"
EMAIL = "https://www.googleapis.com/auth/userinfo.email"
REALM = 'Bearer realm="https://accounts.google.com/"'


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    async with a_site() as site:
        yield site


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def ask(site: Site, **given: object) -> Answer:
    return await site.annotate(a_jpeg(), key=None, **given)


async def test_the_key_counts_in_header_and_query(site: Site) -> None:
    assert (await ask(site, headers={"X-Goog-Api-Key": KEY})).status == 200
    assert (await ask(site, params={"key": KEY})).status == 200


@pytest.mark.parametrize("where", ["header", "query", "disabled"])
async def test_a_bad_key_is_a_bad_request(site: Site, where: str) -> None:
    if where == "disabled":
        await site.control("POST", "/keys", {"google": False})
    params = {"key": "other"} if where == "query" else {}
    headers = {"X-Goog-Api-Key": KEY if where == "disabled" else "other"}

    answer = await ask(site, params=params, headers={} if params else headers)

    assert (answer.status, answer.error["status"]) == (400, "INVALID_ARGUMENT")
    assert answer.error["message"] == "API key not valid. Please pass a valid API key."
    assert answer.detail("ErrorInfo")["reason"] == "API_KEY_INVALID"
    assert answer.detail("ErrorInfo")["metadata"] == {"service": "vision.googleapis.com"}
    assert answer.detail("LocalizedMessage")["message"] == answer.error["message"]


async def test_a_key_that_is_switched_on_again_works(site: Site) -> None:
    await site.control("POST", "/keys", {"google": False})
    await site.control("POST", "/keys", {"google": True})

    assert (await site.annotate(a_jpeg())).status == 200


async def test_no_credential_is_told_how_to_sign_in(site: Site) -> None:
    answer = await ask(site)

    assert (answer.status, answer.error["status"]) == (401, "UNAUTHENTICATED")
    assert answer.error["message"].startswith("Request is missing required authentication")
    assert answer.detail("ErrorInfo")["reason"] == "CREDENTIALS_MISSING"
    assert answer.headers["WWW-Authenticate"] == REALM


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(bearer("made-up"), id="unknown"),
        pytest.param({"Authorization": "Basic dXNlcjpwYXNz"}, id="of another kind"),
        pytest.param(bearer(""), id="empty"),
        pytest.param(bearer("owner"), id="of the emulator"),
    ],
)
async def test_a_bad_token_is_called_invalid(site: Site, headers: dict[str, str]) -> None:
    answer = await ask(site, headers=headers | {"X-Goog-Api-Key": KEY})

    assert answer.status == 401
    assert answer.error["message"].startswith("Request had invalid authentication credentials.")
    assert answer.headers["WWW-Authenticate"] == f'{REALM}, error="invalid_token"'


@pytest.mark.parametrize("scope", [PLATFORM, VISION])
async def test_a_token_with_the_scope_may_ask(site: Site, scope: str) -> None:
    token = site.tokens.issue([scope, EMAIL], seconds=60)

    assert (await ask(site, headers=bearer(token))).status == 200
    assert (await ask(site, params={"access_token": token})).status == 200


async def test_a_token_without_the_scope_may_not(site: Site) -> None:
    token = site.tokens.issue([EMAIL], seconds=60)

    answer = await ask(site, headers=bearer(token))

    assert answer.status == 403
    assert answer.detail("ErrorInfo")["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"


@pytest.mark.parametrize("end", ["expired", "revoked"])
async def test_a_token_ends(site: Site, end: str) -> None:
    token = site.tokens.issue([PLATFORM], seconds=60)
    before = await ask(site, headers=bearer(token))

    if end == "expired":
        site.clock.seconds += 60
    else:
        await site.control("POST", "/tokens/revoke")
    after = await ask(site, headers=bearer(token))

    assert (before.status, after.status) == (200, 401)


async def test_an_end_user_must_name_the_project_that_pays(site: Site) -> None:
    headers = bearer(site.tokens.issue([PLATFORM], seconds=60, holder="user"))

    without = await ask(site, headers=headers)
    with_project = await ask(site, headers=headers | {"x-goog-user-project": "sandbox"})

    assert without.status == 403
    assert "requires a quota project, which is not set by default" in without.error["message"]
    assert with_project.status == 200


@pytest.mark.parametrize(
    ("fault", "reason", "text"),
    [
        ("vision.service-disabled", "SERVICE_DISABLED", "has not been used in project"),
        ("vision.billing-disabled", "BILLING_DISABLED", "requires billing to be enabled"),
        ("vision.key-restricted", "API_KEY_SERVICE_BLOCKED", "are blocked"),
    ],
)
async def test_a_project_can_be_switched_off(
    site: Site, fault: str, reason: str, text: str
) -> None:
    site.faults.set(fault, 1.0)

    answer = await site.annotate(a_jpeg())

    assert (answer.status, answer.error["status"]) == (403, "PERMISSION_DENIED")
    assert answer.detail("ErrorInfo")["reason"] == reason
    assert text in answer.error["message"]
    assert site.bill.units == 0


async def test_an_expired_token_stays_expired(site: Site) -> None:
    token = site.tokens.issue([PLATFORM], seconds=3600)
    site.faults.queue("vision.token-expired")

    answers = [(await ask(site, headers=bearer(token))).status for _ in range(2)]

    assert answers == [401, 401]
    assert site.tokens.scopes(token) is None


async def test_keys_do_not_expire_with_tokens(site: Site) -> None:
    site.faults.set("vision.token-expired", 1.0)

    assert (await site.annotate(a_jpeg())).status == 200
