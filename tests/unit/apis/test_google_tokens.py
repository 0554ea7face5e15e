"""Tokens that are renewed in time, and what becomes of one that cannot be."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.client import BadStatusLine, RemoteDisconnected
from typing import Any

import google.auth.credentials
import google.auth.exceptions
import pytest
import requests

from ingestor.apis.google import EARLY, LAST, RENEWALS_APART, Tokens, guarded_request
from ingestor.errors import Denied, IngestorError, NotSent
from ingestor.models import PurchaseState
from ingestor.purchases.meaning import state_after

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Login(google.auth.credentials.Credentials):
    """A credential of google-auth whose refreshes are counted, and answer in turn."""

    def __init__(self, *outcomes: Exception | float) -> None:
        super().__init__()
        self.outcomes = list(outcomes)
        self.refreshes = 0
        self.threads: set[str] = set()

    def refresh(self, request: object) -> None:
        self.threads.add(threading.current_thread().name)
        outcome = self.outcomes[min(self.refreshes, len(self.outcomes) - 1)]
        self.refreshes += 1
        if isinstance(outcome, Exception):
            raise outcome
        self.token = self.granted()
        self.expiry = (NOON + timedelta(seconds=outcome)).replace(tzinfo=None)

    def granted(self) -> str:
        return f"token-{self.refreshes}"


class Machine(Login):
    """Asked at a metadata server, which gives the same token again until shortly before its end."""

    gives = "the same"

    def granted(self) -> str:
        return self.gives


class Slow(Login):
    """From the second time on it is let go, or waits for ever."""

    def __init__(self, *outcomes: Exception | float) -> None:
        super().__init__(*outcomes)
        self.begun = threading.Event()
        self.let_go = threading.Event()

    def refresh(self, request: object) -> None:
        if self.refreshes:
            self.begun.set()
            self.let_go.wait()
        super().refresh(request)


class Wall:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = NOON.timestamp()

    def __call__(self) -> float:
        return self.now


def tokens_of(login: Login, wall: Wall | None = None) -> Tokens:
    return Tokens(login, request=guarded_request(), clock=wall or Wall())


async def ageing(login: Login, *, left: float) -> tuple[Tokens, Wall]:
    """Tokens whose first one has `left` seconds to live."""
    wall = Wall()
    tokens = tokens_of(login, wall)
    await tokens.headers()
    wall.now += 3600 - left
    return tokens, wall


async def authorization(tokens: Tokens) -> str:
    return (await tokens.headers())["authorization"]


async def test_a_token_is_fetched_off_the_loop_and_kept() -> None:
    login = Login(3600)
    tokens = tokens_of(login)

    assert await authorization(tokens) == await authorization(tokens) == "Bearer token-1"
    assert threading.current_thread().name not in login.threads


@pytest.mark.parametrize(("left", "refreshes"), [(301, 1), (299, 2)])
async def test_a_token_is_renewed_five_minutes_before_its_end(left: float, refreshes: int) -> None:
    login = Login(3600)
    tokens, _ = await ageing(login, left=left)

    assert await authorization(tokens) == f"Bearer token-{refreshes}"
    assert login.refreshes == refreshes


NO_ROUTE = google.auth.exceptions.TransportError("no route")


async def test_a_good_token_is_used_while_it_cannot_be_renewed() -> None:
    tokens, _ = await ageing(Login(3600, NO_ROUTE), left=LAST + 1)

    assert await authorization(tokens) == "Bearer token-1"


async def test_a_good_token_is_not_lost_to_an_empty_one() -> None:
    login = Machine(3600)
    tokens, _ = await ageing(login, left=LAST + 1)
    login.gives = ""

    assert await authorization(tokens) == "Bearer the same"
    assert login.refreshes == 2


async def test_a_token_at_its_end_is_not_used() -> None:
    tokens, _ = await ageing(Login(3600, NO_ROUTE), left=LAST - 1)

    with pytest.raises(NotSent):
        await tokens.headers()


async def test_a_login_that_was_withdrawn_is_told_while_the_token_is_good() -> None:
    withdrawn = google.auth.exceptions.RefreshError("invalid_grant", {"error": "invalid_grant"})
    tokens, _ = await ageing(Login(3600, withdrawn), left=LAST + 1)

    with pytest.raises(Denied):
        await tokens.headers()


@pytest.mark.parametrize(
    "new_login",
    [
        pytest.param(lambda: Login(3600, NO_ROUTE), id="they fail"),
        pytest.param(lambda: Machine(3600), id="they bring the same"),
    ],
)
async def test_renewals_of_a_good_token_are_some_seconds_apart(
    new_login: Callable[[], Login],
) -> None:
    login = new_login()
    tokens, wall = await ageing(login, left=EARLY - 1)

    for _ in range(50):
        await tokens.headers()
    at_once = login.refreshes
    wall.now += RENEWALS_APART
    await tokens.headers()

    assert (at_once, login.refreshes) == (2, 3)


async def test_a_clock_that_is_set_back_does_not_put_renewals_off() -> None:
    login = Login(3600, NO_ROUTE)
    tokens, wall = await ageing(login, left=EARLY - 60)
    await tokens.headers()

    wall.now -= 30
    await tokens.headers()

    assert login.refreshes == 3


async def test_nobody_waits_for_the_renewal_of_a_good_token_but_who_began_it() -> None:
    login = Slow(3600)
    tokens, wall = await ageing(login, left=LAST + 60)
    renewing = asyncio.create_task(authorization(tokens))
    await asyncio.to_thread(login.begun.wait)

    wall.now += RENEWALS_APART
    meanwhile = await authorization(tokens)
    login.let_go.set()

    assert (meanwhile, await renewing) == ("Bearer token-1", "Bearer token-2")


@pytest.mark.looptime
async def test_a_renewal_that_hangs_costs_a_good_token_little(looptime: Any) -> None:
    login, wall = Slow(3600), Wall()
    login.refresh(None)
    wall.now += 3600 - LAST - 60

    used = await authorization(tokens_of(login, wall))
    login.let_go.set()

    assert used == "Bearer token-1"
    assert looptime == RENEWALS_APART


async def test_those_who_wait_for_a_token_share_the_failure() -> None:
    login = Login(NO_ROUTE)
    tokens = tokens_of(login)

    failures = await asyncio.gather(*(tokens.headers() for _ in range(50)), return_exceptions=True)

    assert login.refreshes == 1
    assert {type(failure) for failure in failures} == {NotSent}


async def test_many_who_need_a_token_cause_one_renewal() -> None:
    login = Login(3600)
    tokens = tokens_of(login)

    headers = await asyncio.gather(*(tokens.headers() for _ in range(50)))

    assert login.refreshes == 1
    assert len({found["authorization"] for found in headers}) == 1


async def test_a_refused_token_is_replaced_once() -> None:
    login = Login(3600)
    tokens = tokens_of(login)
    refused = await tokens.headers()

    await asyncio.gather(*(tokens.refresh_after(refused) for _ in range(50)))

    assert await authorization(tokens) == "Bearer token-2"
    assert login.refreshes == 2


async def test_the_project_to_charge_is_named() -> None:
    login = Login(3600)
    login._quota_project_id = "zoo-project"

    assert (await tokens_of(login).headers())["x-goog-user-project"] == "zoo-project"


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        pytest.param(NO_ROUTE, NotSent, id="no route"),
        pytest.param(
            google.auth.exceptions.RefreshError(
                "invalid_grant: revoked", {"error": "invalid_grant"}
            ),
            Denied,
            id="revoked",
        ),
        pytest.param(
            google.auth.exceptions.OAuthError(
                "Error code unauthorized_client", '{"error":"unauthorized_client"}'
            ),
            Denied,
            id="workload refused",
        ),
        pytest.param(
            google.auth.exceptions.RefreshError(
                "Unable to acquire", '{"error":{"code":403,"status":"PERMISSION_DENIED"}}'
            ),
            Denied,
            id="may not act as another",
        ),
        pytest.param(
            google.auth.exceptions.ReauthFailError("no terminal"), Denied, id="login is too old"
        ),
        pytest.param(
            google.auth.exceptions.RefreshError("server_error", retryable=True),
            NotSent,
            id="their trouble",
        ),
        pytest.param(
            google.auth.exceptions.RefreshError(
                "Unable to acquire", '{"error":{"code":503,"status":"UNAVAILABLE"}}'
            ),
            NotSent,
            id="their trouble below",
        ),
    ],
)
async def test_what_goes_wrong_has_its_kind(outcome: Exception, kind: type[IngestorError]) -> None:
    with pytest.raises(kind) as error:
        await tokens_of(Login(outcome)).headers()

    assert type(error.value) is kind
    assert str(outcome.args[0]) in str(error.value)
    assert state_after(error.value) is not PurchaseState.IN_DOUBT


async def test_a_machine_whose_clock_is_wrong_is_told_to_set_it_and_not_to_make_a_key() -> None:
    too_early = google.auth.exceptions.RefreshError(
        "invalid_grant: Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable "
        "timeframe. Check your iat and exp values in the JWT claim.",
        {"error": "invalid_grant"},
    )

    with pytest.raises(Denied, match="clock is wrong") as error:
        await tokens_of(Login(too_early)).headers()

    assert "Make a new" not in str(error.value)


ASKED_AT = requests.Request("POST", "https://oauth2.googleapis.com/token").prepare()


@pytest.mark.parametrize(
    ("wrapped", "inner", "said"),
    [
        (requests.ConnectionError, socket.gaierror(-2), "the host's name could not be looked up"),
        (requests.ConnectionError, ConnectionRefusedError(), "no connection could be made"),
        (requests.ConnectionError, ConnectionResetError(), "the connection was reset"),
        (
            requests.ConnectionError,
            RemoteDisconnected(""),
            "the other side closed the connection without an answer",
        ),
        (
            requests.ConnectionError,
            BadStatusLine("?"),
            "the answer is not HTTP, or has unreasonable headers",
        ),
        (requests.ConnectTimeout, None, "connecting took too long"),
        (requests.ReadTimeout, None, "no complete answer within the deadline"),
        (requests.exceptions.SSLError, ssl.SSLError(), "no TLS connection could be made"),
    ],
)
async def test_an_endpoint_that_is_not_reached_is_told_of_as_any_upstream(
    wrapped: type[requests.RequestException], inner: Exception | None, said: str
) -> None:
    """Not in the words of three libraries stacked on each other, cut off in the middle."""
    pool = wrapped("HTTPSConnectionPool(host='…', port=443): Max retries …", request=ASKED_AT)
    outage = google.auth.exceptions.TransportError(pool)
    outage.__cause__, pool.__context__ = pool, inner

    with pytest.raises(NotSent) as error:
        await tokens_of(Login(outage)).headers()

    assert str(error.value) == f"Google gave no token: oauth2.googleapis.com: {said}"


async def test_after_a_failure_the_next_one_tries_again() -> None:
    tokens = tokens_of(Login(google.auth.exceptions.TransportError("no route"), 3600))

    with pytest.raises(NotSent):
        await tokens.headers()

    assert await authorization(tokens) == "Bearer token-2"
