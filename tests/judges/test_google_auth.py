"""google-auth judges the sandbox's token endpoint and metadata server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import google.auth
import pytest
from google.auth import exceptions
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2 import credentials as user_credentials
from google.oauth2 import service_account

from ingestor.sandbox.google import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN
from ingestor.sandbox.server import Sandbox
from ingestor.sandbox.service_account import EMAIL
from tests.judges.judging import Check
from tests.judges.whole_sandbox import SECONDS

JUDGE = "google-auth"

pytestmark = pytest.mark.judge

SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]

ON_A_MACHINE = """
import json
import google.auth
from google.auth.compute_engine import Credentials
from google.auth.transport.requests import Request

found, project = google.auth.default()
found.refresh(Request())
scoped = Credentials(scopes=["a", "b"])
scoped.refresh(Request())
print(json.dumps({
    "kind": type(found).__module__,
    "project": project,
    "email": found.service_account_email,
    "universe": found.universe_domain,
    "token": found.token,
    "scoped": scoped.token,
    "valid": found.valid,
}))
"""
"""google-auth reads the metadata server's address when it is imported, so it needs a process."""


@pytest.fixture(autouse=True)
def _good_day(sandbox: Sandbox) -> Iterator[None]:
    yield
    sandbox.faults.clear()


def an_account(sandbox: Sandbox, **changes: Any) -> Any:
    file = sandbox.addresses.service_account_file
    assert file is not None
    with open(file, encoding="utf-8") as content:  # noqa: PTH123 - as its reader does
        key = json.load(content)
    return service_account.Credentials.from_service_account_info(key | changes, scopes=SCOPES)


def a_user(sandbox: Sandbox, **changes: Any) -> Any:
    filled: dict[str, Any] = {
        "refresh_token": REFRESH_TOKEN,
        "token_uri": sandbox.addresses.token_url,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    }
    return user_credentials.Credentials(None, **filled | changes)


def lasts_an_hour(credentials: Any) -> bool:
    left = credentials.expiry.replace(tzinfo=UTC) - datetime.now(UTC)
    return bool(timedelta(minutes=59) < left < timedelta(minutes=61))


def test_a_service_account_is_granted_a_token(sandbox: Sandbox, check: Check) -> None:
    account = an_account(sandbox)

    account.refresh(Request())

    check("valid", account.valid)
    check("an hour", lasts_an_hour(account))
    check("scopes", sandbox.tokens.scopes(account.token) == frozenset(SCOPES))
    check("email", account.service_account_email == EMAIL)


def test_the_key_file_is_the_default_credential(
    sandbox: Sandbox, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = sandbox.addresses.service_account_file
    assert file is not None
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", file)

    found, project = google.auth.default(scopes=SCOPES)
    found.refresh(Request())

    check("kind", isinstance(found, service_account.Credentials))
    check("project", project == "sandbox")
    check("token", sandbox.tokens.scopes(str(found.token)) is not None)


def test_a_number_in_words_is_read_too(sandbox: Sandbox, check: Check) -> None:
    sandbox.faults.queue("google.expires-text")
    account = an_account(sandbox)

    account.refresh(Request())

    check("an hour", lasts_an_hour(account))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"client_email": "other@sandbox.iam.gserviceaccount.com"}, id="account"),
        pytest.param({"private_key_id": "0" * 40}, id="key id"),
    ],
)
def test_a_wrong_key_file_is_refused_for_good(
    sandbox: Sandbox, check: Check, changes: dict[str, str]
) -> None:
    with pytest.raises(exceptions.RefreshError) as caught:
        an_account(sandbox, **changes).refresh(Request())

    check("reason", "invalid_grant" in str(caught.value))
    check("for good", not caught.value.retryable)


@pytest.mark.parametrize("fault", ["google.revoked", "google.no-token"])
def test_a_refused_grant_is_for_good(sandbox: Sandbox, check: Check, fault: str) -> None:
    sandbox.faults.queue(fault)

    with pytest.raises(exceptions.RefreshError) as caught:
        an_account(sandbox).refresh(Request())

    check(fault, not caught.value.retryable)


@pytest.mark.parametrize("fault", ["google.unavailable", "google.internal"])
def test_a_bad_moment_is_survived(sandbox: Sandbox, check: Check, fault: str) -> None:
    sandbox.faults.queue(fault)
    account = an_account(sandbox)

    account.refresh(Request())

    check(fault, account.valid)
    check("it struck", sandbox.faults.counts()[fault] >= 1)


def test_an_end_user_is_granted_a_token(sandbox: Sandbox, check: Check) -> None:
    user = a_user(sandbox, scopes=SCOPES)

    user.refresh(Request())

    grant = sandbox.tokens.grant(user.token)
    check("valid", user.valid)
    check("an hour", lasts_an_hour(user))
    check("a user's", grant is not None and grant.holder == "user")
    check("granted scopes", user.granted_scopes == SCOPES)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"refresh_token": "old"}, "invalid_grant"), ({"client_secret": "x"}, "invalid_client")],
)
def test_an_end_user_may_have_lost_his_consent(
    sandbox: Sandbox, check: Check, changes: dict[str, str], reason: str
) -> None:
    with pytest.raises(exceptions.RefreshError) as caught:
        a_user(sandbox, **changes).refresh(Request())

    check(reason, reason in str(caught.value))


def test_a_revoked_token_is_renewed_on_a_401(sandbox: Sandbox, check: Check) -> None:
    account = an_account(sandbox)
    account.refresh(Request())
    first = account.token
    sandbox.tokens.revoke_all()

    with AuthorizedSession(account) as session:
        url = f"{sandbox.addresses.vision_url}/v1/images:annotate"
        answer = session.post(url, json={"requests": []}, timeout=SECONDS)

    check("let in", answer.status_code == 400)
    check("another token", account.token != first)


@pytest.fixture(scope="module")
def machine(sandbox: Sandbox) -> dict[str, Any]:
    """What google-auth finds out in a process that takes the sandbox for its machine."""
    host = sandbox.addresses.metadata_host
    environment = {
        "PATH": os.environ["PATH"],
        "GCE_METADATA_HOST": host,
        "GCE_METADATA_IP": host,
        "CLOUDSDK_CONFIG": "/nonexistent",
        "GCE_METADATA_MTLS_MODE": "none",
    }
    done = subprocess.run(
        [sys.executable, "-c", ON_A_MACHINE],
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_a_machine_has_an_identity(machine: dict[str, Any], check: Check) -> None:
    check("kind", machine["kind"] == "google.auth.compute_engine.credentials")
    check("project", machine["project"] == "sandbox")
    check("email", machine["email"] == EMAIL)
    check("universe", machine["universe"] == "googleapis.com")
    check("valid", machine["valid"])


def test_a_machines_tokens_are_good(
    sandbox: Sandbox, machine: dict[str, Any], check: Check
) -> None:
    found = sandbox.tokens.scopes(machine["token"])

    check("by default", found is not None and set(SCOPES) <= found)
    check("by wish", sandbox.tokens.scopes(machine["scoped"]) == frozenset({"a", "b"}))
