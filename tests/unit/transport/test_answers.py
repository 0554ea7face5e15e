"""What comes back through a real socket, and what it may cost us at most."""

from __future__ import annotations

import asyncio
import gzip
from asyncio import StreamReader, StreamWriter

import pytest

from ingestor.errors import AnswerLost
from tests.far_end import (
    FarEnd,
    Play,
    Room,
    a_request,
    a_transport,
    answers,
    far_end,
    response,
    says,
    says_for_ever,
)

both_ways = pytest.mark.parametrize("method", ["GET", "POST"])
"""A GET goes a short way of its own, everything else, the paid requests above all, through aiohttp."""

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
PIECE = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"


@both_ways
async def test_an_answer_comes_back_whole(method: str) -> None:
    play = says(response(b"hello", status="404 Not Found", headers=["X-Cache: Error"]))

    async with far_end(play) as far, a_transport(far.origin) as transport:
        answer = await transport.send(a_request(f"{far.origin}/a?b=c", method=method))

    assert (answer.status, answer.body) == (404, b"hello")
    assert answer.headers["x-cache"] == "Error"
    assert far.requests[0].startswith(f"{method} /a?b=c HTTP/1.1\r\n".encode())


@both_ways
async def test_a_request_says_who_we_are_and_wants_nothing_packed(method: str) -> None:
    async with far_end(says(response())) as far, a_transport(far.origin) as transport:
        await transport.send(a_request(f"{far.origin}/", method=method))

    assert b"\r\nUser-Agent: tests\r\n" in far.requests[0]
    assert b"\r\nAccept-Encoding: identity\r\n" in far.requests[0]


@both_ways
async def test_cookies_are_never_sent_back(method: str) -> None:
    play = answers(response(headers=["Set-Cookie: a=b"]), response())

    async with far_end(play) as far, a_transport(far.origin) as transport:
        for _ in range(2):
            await transport.send(a_request(f"{far.origin}/", method=method))

    assert b"cookie" not in far.requests[1].lower()


@both_ways
async def test_a_path_is_sent_as_it_was_escaped(method: str) -> None:
    async with far_end(says(response())) as far, a_transport(far.origin) as transport:
        await transport.send(a_request(f"{far.origin}/a%2Fb%41/../c%25.json?x=%2B+", method=method))

    assert far.requests[0].startswith(
        f"{method} /a%2Fb%41/../c%25.json?x=%2B+ HTTP/1.1\r\n".encode()
    )


@both_ways
async def test_an_open_connection_is_used_again(method: str) -> None:
    play = answers(response(), response(), response())

    async with far_end(play) as far, a_transport(far.origin) as transport:
        for _ in range(3):
            await transport.send(a_request(f"{far.origin}/", method=method))

        assert transport.calls["images"].reused == 2
    assert far.connections == 1


@pytest.mark.parametrize(
    ("play", "reason"),
    [
        pytest.param(says(response(b"x" * 2000)), "too-large", id="said to be above the cap"),
        pytest.param(says_for_ever(CHUNKED, PIECE), "too-large", id="endless chunks"),
        pytest.param(
            says_for_ever(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 999), "too-large", id="endless"
        ),
        pytest.param(
            says(response(gzip.compress(bytes(10**6)), headers=["Content-Encoding: gzip"])),
            "encoded",
            id="a parcel nobody asked for",
        ),
        pytest.param(says(response(b"half", length=9)), "truncated", id="short of its length"),
        pytest.param(says(CHUNKED + b"5\r\nhel"), "truncated", id="short of its chunk"),
        pytest.param(says(CHUNKED + b"5\r\nhello\r\n"), "truncated", id="no last chunk"),
        pytest.param(says(CHUNKED + b"zz\r\nhello\r\n"), "garbage", id="a chunk of length zz"),
        pytest.param(says(), "disconnected", id="closed without a word"),
        pytest.param(says(then="reset"), "reset", id="reset without a word"),
        pytest.param(says(b"SSH-2.0-OpenSSH\r\n\r\n"), "garbage", id="another protocol"),
        pytest.param(
            says(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n"),
            "garbage",
            id="long header",
        ),
        pytest.param(
            says(b"HTTP/1.1 101 Go\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n"),
            "garbage",
            id="upgrade",
        ),
        pytest.param(says(response(headers=["A: b"] * 200)), "garbage", id="200 headers"),
        pytest.param(
            says(response(b"ab", headers=["Content-Length: 3"])), "garbage", id="two lengths"
        ),
    ],
)
@both_ways
async def test_what_is_no_answer_is_lost_not_read(play: Play, reason: str, method: str) -> None:
    async with far_end(play) as far, a_transport(far.origin) as transport:
        with pytest.raises(AnswerLost) as lost:
            await transport.send(a_request(f"{far.origin}/a", method=method, cap=1000))

        assert lost.value.reason == reason
        assert transport.calls["images"].failures == {reason: 1}


@both_ways
async def test_a_reset_in_the_middle_is_lost(method: str) -> None:
    play = says(response(b"half", length=100_000), then="reset")

    async with far_end(play) as far, a_transport(far.origin) as transport:
        with pytest.raises(AnswerLost) as lost:
            await transport.send(a_request(f"{far.origin}/a", method=method))

    assert lost.value.reason in ("truncated", "reset")


@both_ways
async def test_bytes_after_an_answer_do_not_reach_the_next_one(method: str) -> None:
    play = says(response(b"mine") + response(b"poison"), then="stall")

    async with (
        far_end(play, says(response(b"yours"))) as far,
        a_transport(far.origin) as transport,
    ):
        first = await transport.send(a_request(f"{far.origin}/1", method=method))
        second = await transport.send(a_request(f"{far.origin}/2", method=method))

    assert (first.body, second.body) == (b"mine", b"yours")


@pytest.mark.parametrize(
    "poison",
    [
        pytest.param(response(b"poison"), id="another answer"),
        pytest.param(response(status="429 Slow Down"), id="a refusal, which costs nothing"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\npoi", id="one without an end"),
    ],
)
@both_ways
@pytest.mark.parametrize("resting", [1, 2])
async def test_what_came_while_a_connection_rested_is_not_the_next_answer(
    method: str, poison: bytes, resting: int
) -> None:
    came = asyncio.Event()

    async def talks_by_itself(far: FarEnd, reader: StreamReader, writer: StreamWriter) -> None:
        await says(response(b"mine"), then="keep")(far, reader, writer)
        await came.wait()
        writer.write(poison)
        await far.hear(reader)

    plays = (*[talks_by_itself] * resting, says(response(b"yours")))
    async with far_end(*plays) as far, a_transport(far.origin) as transport:
        first = a_request(f"{far.origin}/1", method=method)
        await asyncio.gather(*(transport.send(first) for _ in range(resting)))
        came.set()
        # Both ends live in this loop.
        for _turn in range(5):
            await asyncio.sleep(0)
        second = await transport.send(a_request(f"{far.origin}/2", method=method))

    assert second.body == b"yours"
    assert len(far.requests) == resting + 1


@pytest.mark.parametrize("encoding", ["", "identity", "Identity"])
@both_ways
async def test_what_is_not_packed_may_say_so(method: str, encoding: str) -> None:
    play = says(response(b"hello", headers=[f"Content-Encoding: {encoding}"]))

    async with far_end(play) as far, a_transport(far.origin) as transport:
        answer = await transport.send(a_request(f"{far.origin}/", method=method))

    assert answer.body == b"hello"


@pytest.mark.parametrize("status", [302, 404, 503])
@both_ways
async def test_what_is_no_success_keeps_its_status_when_its_body_is_packed(
    method: str, status: int
) -> None:
    packed = response(
        b"\x1f\x8b", status=f"{status} No", headers=["Location: /a", "Content-Encoding: gzip"]
    )

    async with far_end(says(packed)) as far, a_transport(far.origin) as transport:
        answer = await transport.send(a_request(f"{far.origin}/", method=method))

    assert (answer.status, answer.body) == (status, b"")
    assert answer.headers["location"] == "/a"


async def test_the_memory_held_is_asked_for_before_it_grows() -> None:
    room = Room()
    body = b"".join([PIECE] * 16) + b"0\r\n\r\n"
    async with far_end(says(CHUNKED + body)) as far, a_transport(far.origin) as transport:
        answer = await transport.send(a_request(f"{far.origin}/", cap=2_000_000, room=room))

    assert len(answer.body) <= room.size <= 2_000_000
    assert room.asked == sorted(room.asked)


@both_ways
async def test_a_cap_holds_however_much_was_set_aside(method: str) -> None:
    play = says(CHUNKED + b"7d0\r\n" + b"x" * 2000 + b"\r\n0\r\n\r\n")

    async with far_end(play) as far, a_transport(far.origin) as transport:
        with pytest.raises(AnswerLost) as lost:
            await transport.send(
                a_request(f"{far.origin}/", method=method, cap=1000, room=Room(size=5000))
            )

    assert lost.value.reason == "too-large"


@pytest.mark.parametrize(
    ("aside", "asked"), [(0, [700]), (700, [])], ids=["once", "not where it was set aside"]
)
async def test_room_is_asked_for_as_long_as_an_answer_says_it_is(
    aside: int, asked: list[int]
) -> None:
    room = Room(size=aside)

    async with far_end(says(response(b"x" * 700))) as far, a_transport(far.origin) as transport:
        await transport.send(a_request(f"{far.origin}/", room=room))

    assert room.asked == asked
