"""What leaves, how often, and what must be assumed when no answer comes."""

from __future__ import annotations

import asyncio
import socket
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator

import pytest

from ingestor.errors import AddressRefused, AnswerLost, NotSent
from ingestor.transport import HttpTransport, Parts
from ingestor.transport.connector import CONNECT_SECONDS
from tests.far_end import (
    FarEnd,
    Silence,
    a_request,
    a_transport,
    answers,
    far_end,
    response,
    says,
)

SHORT = 0.05
"""Seconds until a deadline that must pass."""


def some_parts() -> Parts:
    return Parts(length=300_007, make=lambda: (b"a" * 100_000, b"b" * 200_000, b"end...."))


def body_of(request: bytes) -> bytes:
    return request.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        pytest.param(b"", b"", id="empty"),
        pytest.param(b"hello", b"hello", id="small"),
        pytest.param(bytes(2_000_000), bytes(2_000_000), id="large"),
        pytest.param(some_parts(), b"".join(some_parts().make()), id="parts"),
    ],
)
async def test_a_body_arrives_as_it_was_given(body: bytes | Parts, sent: bytes) -> None:
    async with far_end(says(response())) as far, a_transport(far.origin) as transport:
        await transport.send(a_request(f"{far.origin}/", method="POST", body=body))

        assert transport.calls["images"].bytes_out == len(sent)
    assert body_of(far.requests[0]) == sent
    assert f"Content-Length: {len(sent)}\r\n".encode() in far.requests[0]


async def test_a_question_without_a_body_is_counted_as_well() -> None:
    async with far_end(says(response())) as far, a_transport(far.origin) as transport:
        await transport.send(a_request(f"{far.origin}/picture.jpg"))

        assert transport.calls["images"].bytes_out == len(far.requests[0])


async def test_parts_can_be_sent_again() -> None:
    request_body = some_parts()

    async with (
        far_end(answers(response(), response())) as far,
        a_transport(far.origin) as transport,
    ):
        for _ in range(2):
            await transport.send(a_request(f"{far.origin}/", method="POST", body=request_body))

    assert body_of(far.requests[0]) == body_of(far.requests[1])


async def test_no_library_sends_a_body_a_second_time() -> None:
    """aiohttp repeats a PUT where the connection that it reused was closed: but whether, is ours to say."""

    async def hears_two_and_answers_one(
        far: FarEnd, reader: StreamReader, writer: StreamWriter
    ) -> None:
        await answers(response())(far, reader, writer)
        await far.hear(reader)

    async with (
        far_end(hears_two_and_answers_one) as far,
        a_transport(far.origin) as transport,
    ):
        put = a_request(f"{far.origin}/", method="PUT", body=some_parts())
        await transport.send(put)
        with pytest.raises(AnswerLost):
            await transport.send(put)

    assert far.connections == 1
    assert len(far.requests) == 2


def breaking() -> Iterator[bytes]:
    yield b"12345"
    raise KeyError("a mistake of ours")


@pytest.mark.parametrize(
    ("parts", "mistake"),
    [
        pytest.param(Parts(length=9, make=lambda: [b"12345"]), ValueError, id="too little"),
        pytest.param(Parts(length=3, make=lambda: [b"12345"]), ValueError, id="too much"),
        pytest.param(Parts(length=9, make=breaking), KeyError, id="broken"),
    ],
)
async def test_a_mistake_in_a_body_is_not_blamed_on_the_network(
    parts: Parts, mistake: type[Exception]
) -> None:
    async with far_end(says(response())) as far, a_transport(far.origin) as transport:
        with pytest.raises(mistake):
            await transport.send(a_request(f"{far.origin}/", method="POST", body=parts))


async def test_a_body_that_is_longer_than_announced_does_not_arrive_whole() -> None:
    """What was paid for by a mistake of ours would be billed, and nobody would know."""
    parts = Parts(length=3, make=lambda: [b"12", b"345"])

    async with far_end(says(response())) as far, a_transport(far.origin) as transport:
        with pytest.raises(ValueError, match="announced"):
            await transport.send(a_request(f"{far.origin}/", method="POST", body=parts))
        async with asyncio.timeout(5):
            await far.left.wait()

    assert not far.requests


@pytest.mark.parametrize("body", [b"pay", some_parts()], ids=["bytes", "parts"])
async def test_a_post_is_never_sent_twice_by_itself(body: bytes | Parts) -> None:
    """The server closes the reused connection after hearing the second request."""

    async def hears_two_answers_one(
        far: FarEnd, reader: StreamReader, writer: StreamWriter
    ) -> None:
        await says(response(), then="keep")(far, reader, writer)
        await says()(far, reader, writer)

    async with far_end(hears_two_answers_one) as far, a_transport(far.origin) as transport:
        await transport.send(a_request(f"{far.origin}/", method="POST"))
        with pytest.raises(AnswerLost):
            await transport.send(a_request(f"{far.origin}/", method="POST", body=body))

    assert (len(far.requests), far.connections) == (2, 1)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_connection_closed_while_idle_costs_nothing(method: str) -> None:
    async with far_end(says(response())) as far, a_transport(far.origin) as transport:
        await transport.send(a_request(f"{far.origin}/", method=method))
        await far.hung_up.wait()
        answer = await transport.send(a_request(f"{far.origin}/", method=method))

    assert answer.status == 200
    assert len(far.requests) == 2


async def test_a_closed_port_means_that_nothing_was_sent() -> None:
    async with far_end(says()) as far:
        pass

    async with a_transport(far.origin) as transport:
        with pytest.raises(NotSent) as error:
            await transport.send(a_request(f"{far.origin}/", method="POST", body=b"pay"))

    assert error.value.reason == "connect"


async def test_who_is_asked_last_may_keep_a_request_from_leaving() -> None:
    """There is a connection, and not a byte has gone over it."""

    def leaving() -> None:
        raise NotSent("the lease is over", reason="lease")

    async with far_end(says(response())) as far, a_transport(far.origin) as transport:
        with pytest.raises(NotSent) as error:
            await transport.send(
                a_request(f"{far.origin}/", method="POST", body=b"pay", leaving=leaving)
            )

    assert (error.value.reason, error.value.__cause__, far.requests) == ("lease", None, [])
    assert far.connections == 1


async def test_an_answer_that_does_not_come_is_lost() -> None:
    async with far_end(says(then="stall")) as far, a_transport(far.origin) as transport:
        with pytest.raises(AnswerLost) as lost:
            await transport.send(
                a_request(f"{far.origin}/", method="POST", body=b"pay", deadline=SHORT)
            )
        await far.left.wait()

    assert lost.value.reason == "timeout"


@pytest.mark.parametrize(
    ("method", "labels"),
    [
        pytest.param("GET", b"labels", id="read at once"),
        pytest.param("POST", b"labels" * 50_000, id="more than is read at once"),
    ],
)
async def test_an_answer_that_came_while_the_process_stood_still_is_taken(
    method: str, labels: bytes
) -> None:
    """Nobody was there to see that it came in time, and it may have been paid for."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        origin = f"http://127.0.0.1:{server.getsockname()[1]}"
        async with a_transport(origin) as transport, asyncio.TaskGroup() as group:
            sending = group.create_task(
                transport.send(a_request(f"{origin}/", method=method, deadline=1.0)), name="send"
            )
            far, _ = await loop.sock_accept(server)
            with far:
                await loop.sock_recv(far, 10_000)
                far.sendall(response(labels))
                time.sleep(1.1)  # noqa: ASYNC251 (nothing runs)

                assert (await sending).body == labels


async def test_a_stall_after_the_headers_ends_at_the_deadline() -> None:
    play = says(response(length=10), then="stall")

    async with far_end(play) as far, a_transport(far.origin) as transport:
        with pytest.raises(AnswerLost) as lost:
            await transport.send(a_request(f"{far.origin}/", deadline=SHORT))
        await far.left.wait()

    assert lost.value.reason == "timeout"


@pytest.mark.looptime
async def test_connecting_ends_long_before_the_deadline_of_a_paid_request() -> None:
    async with HttpTransport(
        origins={"vision": ["https://vision.example"]},
        user_agent="tests",
        network=Silence(),
    ) as transport:
        started = asyncio.get_running_loop().time()
        with pytest.raises(NotSent) as error:
            await transport.send(
                a_request("https://vision.example/", upstream="vision", method="POST", deadline=600)
            )

    assert error.value.reason == "connect-timeout"
    # It looks the name up, and connects.
    assert asyncio.get_running_loop().time() - started <= 2 * CONNECT_SECONDS + 1


async def test_an_early_answer_is_taken_although_the_body_is_not_through() -> None:
    async def refuses_at_once(far: FarEnd, reader: StreamReader, writer: StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(response(b"too many", status="429 Slow Down"))
        await writer.drain()
        await reader.read()

    body = Parts(length=50_000_000, make=lambda: (bytes(1_000_000) for _ in range(50)))
    async with far_end(refuses_at_once) as far, a_transport(far.origin) as transport:
        answer = await transport.send(a_request(f"{far.origin}/", method="POST", body=body))

    assert (answer.status, answer.body) == (429, b"too many")


async def test_cancelling_closes_the_connection() -> None:
    async with far_end(says(then="stall")) as far, a_transport(far.origin) as transport:
        sending = asyncio.create_task(transport.send(a_request(f"{far.origin}/")), name="send")
        await far.heard.wait()
        sending.cancel()

        with pytest.raises(asyncio.CancelledError):
            await sending
        await far.left.wait()

        assert transport.calls["images"].failures == {"cancelled": 1}


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_key_with_a_line_break_is_refused_before_it_leaves(method: str) -> None:
    key = {"X-Goog-Api-Key": "CANARY\r\nX: y"}

    async with far_end(says(response())) as far, a_transport(far.origin) as transport:
        with pytest.raises(AddressRefused) as refused:
            await transport.send(a_request(f"{far.origin}/", method=method, headers=key))

    assert refused.value.reason == "malformed"
    assert not far.requests


async def test_one_answer_does_not_wait_for_another() -> None:
    async with (
        far_end(says(then="stall"), answers(response(b"second"))) as far,
        a_transport(far.origin) as transport,
        asyncio.TaskGroup() as group,
    ):
        first = group.create_task(transport.send(a_request(f"{far.origin}/")), name="first")
        await far.heard.wait()

        assert (await transport.send(a_request(f"{far.origin}/"))).body == b"second"
        first.cancel()
