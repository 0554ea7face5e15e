"""A slow answer is given up; one that we hold up ourselves is not."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from itertools import accumulate

import pytest

from ingestor.errors import AnswerLost
from ingestor.transport.pace import LOOKS, Rate
from tests.far_end import (
    FarEnd,
    Play,
    Room,
    a_request,
    a_transport,
    far_end,
    response,
    says,
    says_for_ever,
)

WINDOW = 0.1
"""Seconds instead of five."""

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"


@pytest.mark.parametrize(
    "play",
    [
        pytest.param(says_for_ever(HEAD, b"x", every=0.005), id="a drip"),
        pytest.param(says(HEAD + b"x" * 50_000, then="stall"), id="a stall"),
    ],
)
async def test_an_answer_below_the_minimum_rate_is_given_up(play: Play) -> None:
    async with far_end(play) as far, a_transport(far.origin, window=WINDOW) as transport:
        with pytest.raises(AnswerLost) as lost:
            await transport.send(a_request(f"{far.origin}/", slowest=8192))
        await far.left.wait()

    assert lost.value.reason == "too-slow"


async def test_a_server_that_says_nothing_is_given_up_long_before_the_deadline() -> None:
    """Each such picture holds a worker: where one of twenty hangs, they would be all that goes on."""
    silent = far_end(says(then="stall"))
    async with silent as far, a_transport(far.origin, window=WINDOW) as transport:
        with pytest.raises(AnswerLost) as lost:
            await transport.send(a_request(f"{far.origin}/", deadline=600.0, slowest=8192))
        await far.left.wait()

    assert lost.value.reason == "timeout"


def thinks(seconds: float, *pieces: bytes) -> Play:
    """Take so long over each piece of an answer, to each request."""

    async def play(far: FarEnd, reader: StreamReader, writer: StreamWriter) -> None:
        while True:
            await far.hear(reader)
            for piece in pieces:
                thought = asyncio.Event()
                asyncio.get_running_loop().call_later(seconds, thought.set)
                await thought.wait()
                writer.write(piece)

    return play


async def test_answers_that_only_take_time_to_begin_are_waited_for() -> None:
    """Each anew, on one connection."""
    far = far_end(thinks(2 * WINDOW, response(b"here")))
    async with far as slow, a_transport(slow.origin, window=WINDOW) as transport:
        asked = a_request(f"{slow.origin}/", slowest=8192)
        answers = [await transport.send(asked) for _ in range(3)]

    assert [answer.body for answer in answers] == [b"here"] * 3
    assert slow.connections == 1


async def test_an_answer_that_has_begun_may_take_longer_than_one_that_has_not() -> None:
    steady = far_end(thinks(WINDOW / 2, response(length=100_000), *[b"x" * 10_000] * 10))
    async with steady as far, a_transport(far.origin, window=WINDOW) as transport:
        answer = await transport.send(a_request(f"{far.origin}/", slowest=8192))

    assert len(answer.body) == 100_000


@pytest.mark.parametrize("method", ["GET", "POST"], ids=["a line", "a session"])
async def test_whose_rate_does_not_matter_may_be_silent_until_the_deadline(method: str) -> None:
    far = far_end(thinks(5 * WINDOW, response(b"here")))
    async with far as slow, a_transport(slow.origin, window=WINDOW) as transport:
        answer = await transport.send(a_request(f"{slow.origin}/", method=method))

    assert answer.body == b"here"


async def test_our_own_waiting_is_not_the_senders_fault() -> None:
    given = asyncio.Event()

    async def patience() -> None:
        asyncio.get_running_loop().call_later(2 * WINDOW, given.set)
        await given.wait()

    room = Room(first=patience())

    async def waits_for_us(far: FarEnd, reader: StreamReader, writer: StreamWriter) -> None:
        await says(response(length=10), then="keep")(far, reader, writer)
        await given.wait()
        writer.write(b"0123456789")
        await writer.drain()

    async with far_end(waits_for_us) as far, a_transport(far.origin, window=WINDOW) as transport:
        answer = await transport.send(a_request(f"{far.origin}/", slowest=8192, room=room))

    assert answer.body == b"0123456789"


@pytest.mark.parametrize(
    ("arrivals", "too_low"),
    [
        pytest.param([8000] * 30, False, id="steady"),
        pytest.param([40_000, 0, 0, 0, 0] * 6, False, id="in bursts"),
        pytest.param([40_000] * 9 + [0] * 5, True, id="dried up"),
        pytest.param([7000] * 30, True, id="always a little slow"),
        pytest.param([0] * 4, False, id="too early to tell"),
    ],
)
def test_a_rate_is_judged_over_the_last_window_only(arrivals: list[int], *, too_low: bool) -> None:
    rate = Rate(needed=8000 * LOOKS)

    looks = [rate.too_low(count) for count in accumulate(arrivals, initial=0)]

    assert any(looks) is too_low
