"""Keys and logins, how they are chosen, and what comes of asking for a token."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr

from ingestor.apis.google import Fixed, guarded_request, is_emulator, open_credentials
from ingestor.apis.google.guard import TOKEN_ORIGINS, metadata_hosts
from ingestor.errors import AddressRefused, Denied, NotSent, SettingsError, retry_hint

DATABASE = "https://demo-default-rtdb.firebaseio.com"
EMULATOR = "http://127.0.0.1:9000/?ns=demo"


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


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ({}, "is neither a service account's key nor a login"),
        ([], "is neither a service account's key nor a login"),
        ("no JSON", "is not a JSON file"),
        ({"installed": {"client_id": "x"}}, "is the file of an OAuth client"),
        ({"web": {"client_id": "x"}}, "is the file of an OAuth client"),
        ({"type": "service_account", "client_email": "a@b.c"}, "there is no token_uri in"),
        (
            {
                "type": "service_account",
                "client_email": "a@b.c",
                "token_uri": "https://oauth2.googleapis.com/token",
                "private_key": "canary",
            },
            "the private key in",
        ),
        ({"type": "a word that nobody knows" * 9}, "does not have a valid type"),
    ],
)
async def test_what_is_wrong_with_a_key_file_is_said(
    content: object, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))

    with pytest.raises(SettingsError) as unusable:
        await open_credentials(api_key=None, database_url=None)

    assert fault in str(unusable.value)
    assert str(path) in str(unusable.value)
    assert "canary" not in str(unusable.value)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        (" ", "is blank"),
        ("~/key.json", "'~/key.json' was not found: nothing replaces the ~ here"),
        ("/nowhere/key.json ", "'/nowhere/key.json ' was not found"),
        pytest.param(f"{__file__}/key.json", "key.json' was not found", id="below a file"),
        ("/", "'/' cannot be read (Is a directory)"),
    ],
)
async def test_what_is_wrong_with_the_path_of_a_key_is_said(
    name: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", name)

    with pytest.raises(SettingsError) as unusable:
        await open_credentials(api_key=None, database_url=None)

    assert fault in str(unusable.value)


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


@pytest.mark.parametrize("variable", ["GCE_METADATA_HOST", "GCE_METADATA_ROOT", "GCE_METADATA_IP"])
@pytest.mark.parametrize(
    ("place", "host"),
    [
        ("metadata", "metadata"),
        ("metadata:8080", "metadata"),
        ("10.0.0.7:8080", "10.0.0.7"),
        ("[fd20:ce::254]", "fd20:ce::254"),
        ("[fd20:ce::254]:8080", "fd20:ce::254"),
    ],
)
def test_a_machine_may_ask_where_its_owner_says(variable: str, place: str, host: str) -> None:
    usual = {"metadata.google.internal", "169.254.169.254"}

    assert metadata_hosts({variable: place}) == {*usual, host}
    assert metadata_hosts({}) == metadata_hosts({variable: ""}) == usual


def test_a_key_from_before_2018_names_a_known_place_too() -> None:
    assert "https://accounts.google.com" in TOKEN_ORIGINS


class TokenSite(ThreadingHTTPServer):
    """Answers every post in turn, and notes what it was sent."""

    daemon_threads = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _TokenPage)
        self.answers: list[tuple[int, object]] = []
        self.posts: list[bytes] = []
        self.headers: list[set[str]] = []
        """The names of those that came, in lower case."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/token"


class _TokenPage(BaseHTTPRequestHandler):
    server: TokenSite

    def do_POST(self) -> None:
        self.server.headers.append({name.lower() for name in self.headers})
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
    assert set(assertion_in(site.posts[0], part=1)["scope"].split()) == {
        "https://www.googleapis.com/auth/cloud-platform",
        "https://www.googleapis.com/auth/userinfo.email",
        "https://www.googleapis.com/auth/firebase.database",
    }


async def test_what_the_environment_says_of_proxies_and_passwords_means_nothing(
    site: TokenSite, key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords = tmp_path / "netrc"
    passwords.write_text("machine 127.0.0.1 login me password canary")
    monkeypatch.setenv("NETRC", str(passwords))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    site.answers = [(200, GOOD)]
    access = await open_credentials(api_key=None, database_url=None)

    assert await access.vision.headers() == {"authorization": "Bearer canary"}
    assert "authorization" not in site.headers[0]


async def test_a_revoked_service_account_is_told_apart(site: TokenSite, key_file: Path) -> None:
    site.answers = [(400, REVOKED)]
    access = await open_credentials(api_key=None, database_url=None)

    with pytest.raises(Denied) as denied:
        await access.vision.headers()

    assert "Invalid JWT Signature" in str(denied.value)


GOOD = {"access_token": "canary", "expires_in": 3599, "token_type": "Bearer"}
REVOKED = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}


def assertion_in(post: bytes, *, part: int) -> dict[str, str]:
    """What a token was asked for with: part 0 says how it is signed, part 1 what it says."""
    text = parse_qs(post.decode())["assertion"][0].split(".")[part]
    read: dict[str, str] = json.loads(base64.urlsafe_b64decode(text + "=="))
    return read


def begin_to_write(file: Path) -> str:
    """Leave half of a key there; returns the whole."""
    whole = file.read_text()
    file.write_text(whole[: len(whole) // 2])
    return whole


async def test_a_new_key_in_the_place_of_a_refused_one_is_taken(
    site: TokenSite, key_file: Path
) -> None:
    site.answers = [(400, REVOKED), (400, REVOKED), (200, GOOD)]
    access = await open_credentials(api_key=None, database_url=None)

    with pytest.raises(Denied):
        await access.vision.headers()
    whole = begin_to_write(key_file)
    with pytest.raises(Denied):
        await access.vision.headers()
    another = json.loads(whole) | {"private_key_id": "2"}
    await asyncio.to_thread(key_file.write_text, json.dumps(another))

    assert await access.vision.headers() == {"authorization": "Bearer canary"}
    assert [assertion_in(post, part=0)["kid"] for post in site.posts] == ["1", "1", "2"]


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
