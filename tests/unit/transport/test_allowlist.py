"""No path leads to an address that was not configured: not a URL, a redirect, or a name."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ingestor.errors import AddressRefused, NotSent, SettingsError
from ingestor.kits.aside import Aside
from ingestor.transport import HttpTransport
from ingestor.transport.allowlist import AllowList, is_public
from ingestor.transport.connector import CheckedResolver, GuardedConnector, LookUp
from tests.far_end import a_request, a_transport, far_end, response, says

CDN = "https://live.staticflickr.com"


@pytest.mark.parametrize("read", [AllowList.admit, AllowList.split], ids=["admit", "split"])
@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://live.staticflickr.com/1.jpg", id="plain"),
        pytest.param("https://LIVE.staticflickr.com/1.jpg", id="shouted"),
        pytest.param("https://live.staticflickr.com:8443/1.jpg", id="port"),
        pytest.param("https://s.yimg.com/1.jpg", id="host"),
        pytest.param("https://live.staticflickr.com.evil.example/", id="longer host"),
        pytest.param("https://live.staticflickr.com./1.jpg", id="trailing dot"),
        pytest.param("https://live.staticflickr.com@evil.example/", id="host as a user"),
        pytest.param("https://user@live.staticflickr.com/1.jpg", id="user"),
        pytest.param("https://evil.example\\@live.staticflickr.com/", id="backslash"),
        pytest.param("https://127.0.0.1/", id="loopback"),
        pytest.param("https://[::ffff:127.0.0.1]/", id="wrapped loopback"),
        pytest.param("https://169.254.169.254/latest/", id="metadata"),
        pytest.param("https://2130706433/", id="loopback as a number"),
        pytest.param("file:///etc/passwd", id="file"),
        pytest.param("//live.staticflickr.com/1.jpg", id="no scheme"),
        pytest.param("/1.jpg", id="relative"),
        pytest.param("", id="empty"),
        pytest.param("https://[::1/", id="broken address"),
        pytest.param("https://live.staticflickr.com:99999/", id="broken port"),
        pytest.param("https://live.staticflickr.com/a b", id="blank"),
        pytest.param("https://live.staticflickr.com/\r\nHost: evil.example", id="line break"),
        pytest.param("https://live.staticflickr.com/é", id="not ASCII"),
        pytest.param("wss://live.staticflickr.com/1.jpg", id="socket"),
    ],
)
def test_a_strange_address_is_refused(url: str, read: Callable[[AllowList, str], object]) -> None:
    with pytest.raises(AddressRefused):
        read(AllowList([CDN]), url)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        pytest.param(f"{CDN}/65535/1_a_z.jpg?x=1", "/65535/1_a_z.jpg?x=1", id="as spelled here"),
        pytest.param(f"{CDN}:443/1.jpg", "/1.jpg", id="with its port"),
        pytest.param(CDN, "/", id="bare"),
        pytest.param(f"{CDN}/1.jpg#part", "/1.jpg", id="with a fragment, which stays here"),
    ],
)
def test_a_configured_origin_is_admitted(url: str, target: str) -> None:
    origin, asked = AllowList([CDN]).split(url)

    assert AllowList([CDN]).admit(url).raw_host == origin.host == "live.staticflickr.com"
    assert (origin.secure, origin.port, asked) == (True, 443, target)


@pytest.mark.parametrize(
    "origin",
    [
        pytest.param("http://example.com", id="plain http"),
        pytest.param("https://10.0.0.8", id="private"),
        pytest.param("https://169.254.169.254", id="link-local"),
        pytest.param("https://user:CANARY@example.com", id="user"),
        pytest.param("ftp://example.com", id="ftp"),
        pytest.param("example.com", id="no scheme"),
        pytest.param("https://[::1", id="broken"),
        pytest.param("https://user:CANARY@api..example.com", id="user and two dots"),
        pytest.param("https://api..example.com", id="two dots"),
        pytest.param(f"https://{'a' * 64}.example.com", id="a label too long"),
    ],
)
def test_an_unsafe_origin_is_a_wrong_setting(origin: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        AllowList([origin])

    assert "CANARY" not in str(wrong.value)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),  # noqa: S104 (an address to refuse, not to bind)
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::808:808", True),
        ("::10.1.2.3", False),
        ("fec0::1", False),
        ("nonsense", False),
    ],
)
def test_only_addresses_of_the_internet_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://live.staticflickr.com/1.jpg", "live.staticflickr.com"),
        ("https://live.staticflickr.com:80/1.jpg", "live.staticflickr.com:80"),
        ("http://localhost/1.jpg", "localhost"),
        ("http://localhost:443/1.jpg", "localhost:443"),
        ("http://[::1]:9000/1.jpg", "[::1]:9000"),
        ("http://[::1]/1.jpg", "[::1]"),
    ],
)
def test_a_request_names_the_host_as_its_address_does(url: str, host: str) -> None:
    origin, _target = AllowList([url]).split(url)

    assert origin.authority == host


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_refused_address_is_never_connected_to(method: str) -> None:
    async with (
        far_end(says(response())) as other,
        far_end(says(response())) as far,
        a_transport(far.origin) as transport,
    ):
        with pytest.raises(AddressRefused):
            await transport.send(a_request(f"{other.origin}/", method=method))

        assert transport.calls["images"].failures == {"not-allowed": 1}
    assert other.connections == 0


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temp", "308 Perm"])
async def test_a_redirect_is_an_answer_and_not_followed(status: str) -> None:
    async with far_end(says(response())) as other:
        moved = response(status=status, headers=[f"Location: {other.origin}/"])
        async with far_end(says(moved)) as far, a_transport(far.origin, other.origin) as transport:
            answer = await transport.send(a_request(f"{far.origin}/", method="POST", body=b"x"))

    assert answer.headers["location"] == f"{other.origin}/"
    assert (len(far.requests), other.connections) == (1, 0)


async def test_an_unknown_upstream_is_refused() -> None:
    async with a_transport("http://127.0.0.1:1") as transport:
        with pytest.raises(AddressRefused):
            await transport.send(a_request("http://127.0.0.1:1/", upstream="nobody"))


def leading_to(*addresses: str) -> LookUp:
    """Every name leads to these addresses."""

    def look_up(_host: str, port: int, **_: object) -> list[tuple[Any, ...]]:
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, port)) for text in addresses]

    return look_up


def a_connector(*origins: str, look_up: LookUp) -> GuardedConnector:
    return GuardedConnector(
        AllowList(origins),
        keepalive=1.0,
        tls=ssl.create_default_context(),
        resolver=a_resolver(look_up),
    )


def a_resolver(look_up: LookUp) -> CheckedResolver:
    return CheckedResolver(aside=Aside(1, name="resolver"), look_up=look_up)


async def test_the_connector_refuses_by_itself_whoever_asks() -> None:
    """Even a session that knows nothing of the transport gets nowhere."""
    connector = a_connector("https://one.example", look_up=leading_to())

    async with aiohttp.ClientSession(connector=connector) as session:
        with pytest.raises(AddressRefused) as refused:
            await session.get("https://two.example/")

    assert refused.value.reason == "not-allowed"


async def test_no_proxy_stands_between() -> None:
    connector = a_connector("https://one.example", look_up=leading_to())

    async with aiohttp.ClientSession(connector=connector) as session:
        with pytest.raises(AddressRefused):
            await session.get("https://one.example/", proxy="http://127.0.0.1:1")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_the_environment_says_of_proxies_and_passwords_means_nothing(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords = tmp_path / "netrc"
    passwords.write_text("machine 127.0.0.1 login me password canary")
    monkeypatch.setenv("NETRC", str(passwords))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    async with far_end(says(response())) as far, a_transport(far.origin) as transport:
        await transport.send(a_request(f"{far.origin}/", method=method))

    assert b"authorization" not in far.requests[0].lower()


@pytest.mark.parametrize(
    ("host", "addresses"),
    [
        pytest.param("live.staticflickr.com", ["127.0.0.1"], id="loopback"),
        pytest.param("live.staticflickr.com", ["10.0.0.1"], id="private"),
        pytest.param("live.staticflickr.com", ["8.8.8.8", "169.254.169.254"], id="mixed"),
        pytest.param("live.staticflickr.com", ["::1"], id="loopback, version 6"),
        pytest.param("localhost", ["8.8.8.8"], id="localhost elsewhere"),
    ],
)
async def test_a_name_that_leads_elsewhere_is_refused(host: str, addresses: list[str]) -> None:
    resolver = a_resolver(leading_to(*addresses))

    with pytest.raises(AddressRefused) as refused:
        await resolver.resolve(host, 443)

    assert refused.value.reason == "elsewhere"


@pytest.mark.parametrize(
    ("host", "address"), [("live.staticflickr.com", "8.8.8.8"), ("localhost", "127.0.0.1")]
)
async def test_the_address_that_was_checked_is_connected_to(host: str, address: str) -> None:
    found = await a_resolver(leading_to(address)).resolve(host, 443)

    assert [(entry["host"], entry["port"]) for entry in found] == [(address, 443)]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_name_that_nobody_knows_means_that_nothing_was_sent(method: str) -> None:
    async with HttpTransport(
        origins={"images": [CDN]}, user_agent="tests", look_up=leading_to()
    ) as transport:
        with pytest.raises(NotSent) as error:
            await transport.send(a_request(f"{CDN}/", method=method))

    assert error.value.reason == "dns"


async def test_a_name_whose_look_up_hangs_holds_up_no_other_upstream() -> None:
    given_up = threading.Event()
    asked: set[str] = set()

    def look_up(host: str, *_: object, **__: object) -> list[tuple[Any, ...]]:
        asked.add(host)
        if host == "images.example":
            given_up.wait()
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    async with (
        HttpTransport(
            origins={"images": ["https://images.example"], "vision": ["https://vision.example"]},
            user_agent="tests",
            look_up=look_up,
        ) as transport,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(12):
            hanging = transport.send(a_request("https://images.example/", deadline=0.05))
            group.create_task(left_alone(hanging), name="hanging")
        await asyncio.sleep(0)

        paid = a_request("https://vision.example/", upstream="vision", method="POST", deadline=5)
        with pytest.raises(NotSent) as error:
            await transport.send(paid)
        given_up.set()

    assert error.value.reason == "dns"
    assert asked == {"images.example", "vision.example"}


async def left_alone(sending: Awaitable[object]) -> None:
    with pytest.raises(NotSent):
        await sending
