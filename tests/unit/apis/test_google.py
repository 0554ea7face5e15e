"""Keys, tokens that are renewed in time, and what goes wrong with them."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import google.auth.credentials
import google.auth.exceptions
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr

from ingestor.apis.google import (
    EARLY,
    LAST,
    RENEWALS_APART,
    Fixed,
    Tokens,
    guarded_request,
    is_emulator,
    open_credentials,
)
from ingestor.errors import (
    AddressRefused,
    Denied,
    IngestorError,
    NotSent,
    SettingsError,
    retry_hint,
)
from ingestor.models import PurchaseState
from ingestor.purchases.door import state_after

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
DATABASE = "https://demo-default-rtdb.firebaseio.com"
EMULATOR = "http://127.0.0.1:9000/?ns=demo"


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


# Choosing


async def test_a_key_is_a_header_that_stays() -> None:
    access = await open_credentials(api_key=SecretStr("canary"), database_url=None)

    await access.vision.refresh_after(await access.vision.headers())

    assert await access.vision.headers() == {"x-goog-api-key": "canary"}
    assert await access.database.headers() == {}


async def test_an_emulator_has_an_owner_of_its_own() -> None:
    access = await open_credentials(api_key=SecretStr("canary"), database_url=EMULATOR)

    assert await access.database.headers() == {"authorization": "Bearer owner"}


@pytest.mark.parametrize(
    ("url", "emulated"),
    [(EMULATOR, True), (DATABASE, False), ("https://a.example/?ns=demo", False)],
)
def test_an_emulator_is_known_by_its_url(url: str, emulated: bool) -> None:
    assert is_emulator(url) is emulated


async def test_no_credentials_at_all_says_what_to_set() -> None:
    with pytest.raises(SettingsError) as missing:
        await open_credentials(api_key=None, database_url=None)

    assert "GOOGLE_API_KEY" in str(missing.value)
    assert "GOOGLE_APPLICATION_CREDENTIALS" in str(missing.value)


async def test_a_key_for_vision_does_not_open_the_database() -> None:
    with pytest.raises(SettingsError) as missing:
        await open_credentials(api_key=SecretStr("canary"), database_url=DATABASE)

    assert str(missing.value).startswith("GOOGLE_API_KEY opens Vision, but no database.")


async def test_who_buys_nothing_needs_no_key() -> None:
    access = await open_credentials(api_key=None, database_url=EMULATOR, buying=False)

    assert await access.vision.headers() == {}


@pytest.mark.parametrize(
    "content", [None, b"", b"{}", b"[]", b"\xff", b'{"type":"service_account"}', b'{"type":"?"}']
)
async def test_an_unusable_key_file_is_named(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key.json"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))

    with pytest.raises(SettingsError) as unusable:
        await open_credentials(api_key=None, database_url=None)

    assert "GOOGLE_APPLICATION_CREDENTIALS" in str(unusable.value)


# Renewing


async def test_a_token_is_fetched_off_the_loop_and_kept() -> None:
    login = Login(3600)
    tokens = tokens_of(login)

    assert await authorization(tokens) == await authorization(tokens) == "Bearer token-1"
    assert threading.current_thread().name not in login.threads


@pytest.mark.parametrize(("left", "refreshes"), [(EARLY + 1, 1), (EARLY - 1, 2)])
async def test_a_token_is_renewed_before_its_end(left: float, refreshes: int) -> None:
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


async def test_after_a_failure_the_next_one_tries_again() -> None:
    tokens = tokens_of(Login(google.auth.exceptions.TransportError("no route"), 3600))

    with pytest.raises(NotSent):
        await tokens.headers()

    assert await authorization(tokens) == "Bearer token-2"


# The wire


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/token",
        "http://oauth2.googleapis.com/token",
        "https://oauth2.googleapis.com.evil.example/token",
        "https://oauth2.googleapis.com:8443/token",
        "https://user@oauth2.googleapis.com/token",
        "https://169.254.169.254/token",
    ],
)
def test_tokens_are_asked_for_at_known_places_only(url: str) -> None:
    with pytest.raises(AddressRefused):
        guarded_request()(url, method="POST")


class TokenSite(ThreadingHTTPServer):
    """Answers every post in turn, and notes what it was sent."""

    daemon_threads = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _TokenPage)
        self.answers: list[tuple[int, object]] = []
        self.posts: list[bytes] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/token"


class _TokenPage(BaseHTTPRequestHandler):
    server: TokenSite

    def do_POST(self) -> None:
        self.server.posts.append(self.rfile.read(int(self.headers["content-length"])))
        status, answer = self.server.answers.pop(0)
        body = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("connection", "close")
        if isinstance(answer, dict):
            for name, value in answer.get("headers", {}).items():
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Nobody listens."""


@pytest.fixture
def site() -> Iterator[TokenSite]:
    with TokenSite() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def key_file(site: TokenSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    content = {
        "type": "service_account",
        "project_id": "zoo",
        "private_key_id": "1",
        "client_email": "keeper@zoo.iam.gserviceaccount.com",
        "token_uri": site.url,
        "private_key": private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
    }
    path = tmp_path / "key.json"
    path.write_text(json.dumps(content))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    return path


async def test_a_service_account_is_granted_one_token_for_both(
    site: TokenSite, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_CLOUD_QUOTA_PROJECT", "zoo-project")
    site.answers = [(200, {"access_token": "canary", "expires_in": 3599, "token_type": "Bearer"})]

    access = await open_credentials(api_key=None, database_url=DATABASE)
    headers = await access.vision.headers()

    expected = {"authorization": "Bearer canary", "x-goog-user-project": "zoo-project"}
    assert headers == await access.database.headers() == expected
    assert b"jwt-bearer" in site.posts[0]


async def test_a_revoked_service_account_is_told_apart(site: TokenSite, key_file: Path) -> None:
    site.answers = [
        (400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
    ]
    access = await open_credentials(api_key=None, database_url=None)

    with pytest.raises(Denied) as denied:
        await access.vision.headers()

    assert "Invalid JWT Signature" in str(denied.value)


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        pytest.param(502, "<html><h1>502 Bad Gateway</h1></html>", id="a proxy's page"),
        pytest.param(404, "<html><h1>404 Not Found</h1></html>", id="nothing there"),
        pytest.param(400, {"reason": "?"}, id="no error's name"),
        pytest.param(400, ["?"], id="another shape"),
        pytest.param(200, "<html>Log in to this network</html>", id="a portal's page"),
        pytest.param(200, {"token_type": "Bearer"}, id="no token"),
        pytest.param(200, {"access_token": None, "expires_in": 3599}, id="an empty token"),
        pytest.param(200, {"access_token": "t", "expires_in": "soon"}, id="no end"),
    ],
)
async def test_an_answer_that_refuses_nothing_is_asked_for_again(
    status: int, answer: Any, site: TokenSite, key_file: Path
) -> None:
    good = {"access_token": "canary", "expires_in": 3599, "token_type": "Bearer"}
    site.answers = [(status, answer), (200, good)]
    access = await open_credentials(api_key=None, database_url=None)

    with pytest.raises(NotSent) as error:
        await access.vision.headers()

    assert retry_hint(error.value) is True
    assert await access.vision.headers() == {"authorization": "Bearer canary"}


async def test_a_token_site_that_sends_us_elsewhere_is_not_followed(
    site: TokenSite, key_file: Path
) -> None:
    site.answers = [(307, {"headers": {"location": "https://evil.example/token"}})]
    access = await open_credentials(api_key=None, database_url=None)

    with pytest.raises(Denied, match="not Google's"):
        await access.vision.headers()


def test_credentials_hide_from_a_traceback_with_locals() -> None:
    headers = asyncio.run(Fixed({"x-goog-api-key": "canary-0123"}).headers())

    assert dict(headers) == {"x-goog-api-key": "canary-0123"}
    assert "canary" not in repr(headers)
    assert "canary" not in f"{headers}"
