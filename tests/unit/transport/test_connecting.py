"""How long it may take until somebody is at the other end: whoever asks, and whichever way."""

from __future__ import annotations

import asyncio
import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from ingestor.errors import NotSent
from ingestor.transport import HttpTransport
from ingestor.transport.connector import CONNECT_SECONDS, HAPPY_EYEBALLS_SECONDS, LookUp
from tests.far_end import a_request, far_end, has_version_6, response, says

both_ways = pytest.mark.parametrize("method", ["GET", "POST"])
PAID_DEADLINE = 600
"""Seconds, in which connecting has to be over long before."""
FULL = 8
"""More connections than a queue for one has room for."""
FAMILIES = {"::1": socket.AF_INET6, "127.0.0.1": socket.AF_INET}


@contextmanager
def black_hole(host: str, port: int = 0) -> Iterator[int]:
    """A port where whoever comes gets no answer at all: the queue is full, and nobody serves it."""
    with ExitStack() as sockets:
        hole = sockets.enter_context(socket.socket(FAMILIES[host], socket.SOCK_STREAM))
        hole.bind((host, port))
        hole.listen(0)
        for _ in range(FULL):
            waiting = sockets.enter_context(socket.socket(FAMILIES[host], socket.SOCK_STREAM))
            waiting.setblocking(False)
            waiting.connect_ex(hole.getsockname())
        yield hole.getsockname()[1]


def leading_to(*addresses: str) -> LookUp:
    def look_up(_host: str, port: int, **_: object) -> list[tuple[Any, ...]]:
        return [(FAMILIES[at], socket.SOCK_STREAM, 6, "", (at, port)) for at in addresses]

    return look_up


def a_transport(origin: str, look_up: LookUp = socket.getaddrinfo) -> HttpTransport:
    return HttpTransport(origins={"vision": [origin]}, user_agent="tests", look_up=look_up)


@contextmanager
def no_file_left() -> Iterator[None]:
    """Whatever this process opens now is one too many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def seconds_until_not_sent(transport: HttpTransport, url: str, method: str) -> float:
    clock = asyncio.get_running_loop().time
    started = clock()
    with pytest.raises(NotSent):
        await transport.send(
            a_request(url, upstream="vision", method=method, deadline=PAID_DEADLINE)
        )
    return clock() - started


@both_ways
@pytest.mark.looptime
async def test_a_look_up_that_hangs_is_given_up_long_before_the_deadline(method: str) -> None:
    over = threading.Event()

    def hangs(*_: object, **__: object) -> list[tuple[Any, ...]]:
        over.wait()
        return []

    async with a_transport("https://vision.example", hangs) as transport:
        taken = await seconds_until_not_sent(transport, "https://vision.example/", method)
        over.set()

    assert taken <= CONNECT_SECONDS + 1


@both_ways
@pytest.mark.looptime
async def test_who_does_not_accept_is_given_up_long_before_the_deadline(method: str) -> None:
    with black_hole("127.0.0.1") as port:
        origin = f"http://127.0.0.1:{port}"
        async with a_transport(origin) as transport:
            taken = await seconds_until_not_sent(transport, f"{origin}/", method)

    assert taken <= CONNECT_SECONDS + 1


@both_ways
@pytest.mark.looptime
@pytest.mark.skipif(not has_version_6(), reason="this machine has no IPv6")
async def test_a_family_of_addresses_that_leads_nowhere_holds_nobody_up(method: str) -> None:
    async with far_end(says(response(b"hello"))) as far:
        port = int(far.origin.rpartition(":")[2])
        origin = f"http://localhost:{port}"
        with black_hole("::1", port):
            async with a_transport(origin, leading_to("::1", "127.0.0.1")) as transport:
                started = asyncio.get_running_loop().time()
                answer = await transport.send(
                    a_request(f"{origin}/", upstream="vision", method=method)
                )
                taken = asyncio.get_running_loop().time() - started

    assert answer.body == b"hello"
    assert taken <= HAPPY_EYEBALLS_SECONDS + 1


@both_ways
async def test_a_process_that_may_open_no_more_says_that_it_is_itself(method: str) -> None:
    """Nobody at the other end is to blame, nor was anything sent."""
    async with far_end(says(response())) as far, a_transport(far.origin) as transport:
        ask = a_request(f"{far.origin}/", upstream="vision", method=method)
        with pytest.raises(NotSent) as error, no_file_left():
            await transport.send(ask)

    assert error.value.reason == "no-files"
