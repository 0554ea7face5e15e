"""The short way of a GET: when a connection may be used again, and what an answer may take."""

from __future__ import annotations

import asyncio
import gc
import ssl
import tracemalloc
from asyncio import StreamReader, StreamWriter
from pathlib import Path

import pytest

from ingestor.errors import AnswerLost, NotSent
from ingestor.sandbox.certificate import Certificate
from ingestor.transport import HttpTransport
from ingestor.transport.lines.answer import LONGEST_HEAD, Answer
from ingestor.transport.lines.line import Line
from ingestor.transport.lines.watch import Watch
from tests.far_end import (
    FarEnd,
    Room,
    Silence,
    a_request,
    a_transport,
    answers,
    far_end,
    response,
    says,
)

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LARGE_PICTURE = 8_000_000
PICTURE = 150_000
HINT = b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"


def an_answer(*pieces: bytes, cap: int = 1000, held: int = 1000) -> Answer:
    answer = Answer(cap=cap, held=held)
    for piece in pieces:
        answer.feed(memoryview(piece))
    return answer


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(response(b"hello"), id="with a length"),
        pytest.param(CHUNKED + b"2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\n\r\n", id="in chunks"),
        pytest.param(
            CHUNKED + b"5\r\nhello\r\n0\r\nContent-Encoding: gzip\r\n\r\n", id="with a trailer"
        ),
        pytest.param(HINT * 3 + response(b"hello"), id="after hints"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" + response(b"hello"), id="after a go-ahead"),
        pytest.param(response(b"hello", headers=["CONTENT-ENCODING: Identity"]), id="not packed"),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_an_answer_is_the_same_however_it_is_cut(said: bytes, size: int) -> None:
    answer = an_answer(*(said[at : at + size] for at in range(0, len(said), size)))

    assert (answer.body, answer.status, answer.reusable) == (b"hello", 200, True)


def test_the_end_of_the_connection_ends_what_says_no_length() -> None:
    answer = an_answer(b"HTTP/1.0 200 OK\r\n\r\nhel", b"lo")
    assert not answer.over

    answer.end()

    assert (answer.complete, answer.body, answer.reusable) == (True, b"hello", False)


def test_a_large_picture_is_never_there_twice() -> None:
    answer = an_answer(
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LARGE_PICTURE, cap=LARGE_PICTURE
    )
    piece = memoryview(bytes(250_000))

    tracemalloc.start()
    for _ in range(LARGE_PICTURE // len(piece)):
        answer.feed(piece)
    body = answer.body
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(body) == LARGE_PICTURE
    # The piece that is being read, and the first megabyte, which comes in pieces.
    assert peak <= 1.2 * LARGE_PICTURE


def test_pictures_that_end_at_once_are_not_there_twice() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % PICTURE
    several = [an_answer(head, cap=PICTURE) for _ in range(20)]
    half = memoryview(bytes(PICTURE // 2))

    tracemalloc.start()
    for answer in (*several, *several):
        answer.feed(half)
    bodies = [answer.body for answer in several]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    # The one that is being joined.
    assert peak <= 1.1 * sum(map(len, bodies))


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(response(b"hello") + b"H", id="a stray byte"),
        pytest.param(response(b"hello") + response(b"poison"), id="another answer"),
        pytest.param(response(b"hello", headers=["Connection: close"]), id="it says so"),
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", id="an old server"),
    ],
)
def test_a_line_is_not_used_again_after(said: bytes) -> None:
    answer = an_answer(said)

    assert (answer.body, answer.complete, answer.reusable) == (b"hello", True, False)


@pytest.mark.parametrize(
    ("said", "trouble"),
    [
        pytest.param(response(b"x" * 1001), "too-large", id="above the cap"),
        pytest.param(CHUNKED + b"3e9\r\n" + b"x" * 1001, "too-large", id="above it in chunks"),
        pytest.param(response(headers=[f"A{n}: b" for n in range(100)]), "garbage", id="headers"),
        pytest.param(response(headers=["A: " + "b" * 8191]), "garbage", id="a long header"),
        pytest.param(HINT * (LONGEST_HEAD // len(HINT) + 1), "garbage", id="nothing but hints"),
        pytest.param(b"HTTP/1.1 099 Odd\r\n\r\n", "garbage", id="a status below all"),
        pytest.param(
            CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\n"), "garbage", id="both"
        ),
        pytest.param(CHUNKED.replace(b"chunked", b"gzip, chunked"), "encoded", id="packed chunks"),
        pytest.param(
            response(b"x" * 2 * LONGEST_HEAD, headers=["Content-Encoding: gzip"]),
            "encoded",
            id="a large parcel",
        ),
    ],
)
def test_an_answer_that_takes_too_much_is_given_up(said: bytes, trouble: str) -> None:
    answer = an_answer(said)

    assert (answer.complete, answer.trouble) == (False, trouble)


@pytest.mark.parametrize(
    "begun",
    [
        pytest.param(CHUNKED + b"5\r\nhello\r\n0\r\nX: ", id="a trailer"),
        pytest.param(CHUNKED + b"5;a=", id="an extension"),
    ],
)
def test_what_is_no_body_is_given_up_before_it_piles_up(begun: bytes) -> None:
    answer = an_answer(begun, *[b"y" * 1000] * (LONGEST_HEAD // 1000))
    assert not answer.over

    answer.feed(memoryview(b"y" * 1000))

    assert (answer.complete, answer.trouble) == (False, "garbage")


def test_a_long_body_may_come_in_any_number_of_pieces() -> None:
    size = LONGEST_HEAD // 2
    chunks = [b"1\r\n", b"x\r\n"] * size

    answer = an_answer(CHUNKED, *chunks, b"0\r\n\r\n", cap=size, held=size)

    assert (answer.complete, answer.received, answer.trouble) == (True, size, "")


def test_what_follows_an_answer_does_it_no_harm_however_long_it_is() -> None:
    answer = an_answer(response(b"hello"), *[b"y" * 1000] * (LONGEST_HEAD // 1000 + 1))

    assert (answer.complete, answer.trouble, answer.reusable) == (True, "", False)


def test_a_body_of_just_the_cap_is_taken() -> None:
    assert an_answer(response(b"x" * 1000)).complete
    assert an_answer(CHUNKED + b"3e8\r\n" + b"x" * 1000 + b"\r\n0\r\n\r\n").complete


async def hears_two_answers_one(far: FarEnd, reader: StreamReader, writer: StreamWriter) -> None:
    await says(response(b"first"), then="keep")(far, reader, writer)
    await far.hear(reader)


async def test_a_line_that_was_closed_while_the_request_left_costs_no_get() -> None:
    plays = (hears_two_answers_one, says(response(b"second")))

    async with far_end(*plays) as far, a_transport(far.origin) as transport:
        await transport.send(a_request(f"{far.origin}/1"))
        answer = await transport.send(a_request(f"{far.origin}/2"))

        assert (transport.calls["images"].count, transport.calls["images"].reused) == (2, 0)
    assert answer.body == b"second"
    assert len(far.requests) == 3


async def test_a_get_is_not_made_again_once_its_answer_has_begun() -> None:
    async def breaks_off(far: FarEnd, reader: StreamReader, writer: StreamWriter) -> None:
        await says(response(b"first"), then="keep")(far, reader, writer)
        await says(b"HTTP/1.1 200")(far, reader, writer)

    async with far_end(breaks_off) as far, a_transport(far.origin) as transport:
        await transport.send(a_request(f"{far.origin}/1"))
        with pytest.raises(AnswerLost) as lost:
            await transport.send(a_request(f"{far.origin}/2"))

    assert lost.value.reason == "disconnected"
    assert len(far.requests) == 2


async def test_a_line_that_has_rested_too_long_is_closed() -> None:
    async with (
        far_end(answers(response(), then="stall")) as far,
        HttpTransport(
            origins={"images": [far.origin]},
            user_agent="tests",
            keepalive={"images": 0.0},
            window=0.05,
        ) as transport,
    ):
        await transport.send(a_request(f"{far.origin}/"))
        async with asyncio.timeout(5):
            await far.left.wait()


async def test_lines_that_rest_are_closed_by_whoever_leaves() -> None:
    async with far_end(answers(response(), then="stall")) as far:
        async with a_transport(far.origin) as transport:
            await transport.send(a_request(f"{far.origin}/"))

        async with asyncio.timeout(5):
            await far.left.wait()


async def test_what_comes_unasked_closes_a_resting_line() -> None:
    ask = asyncio.Event()

    async def talks_by_itself(far: FarEnd, reader: StreamReader, writer: StreamWriter) -> None:
        await says(response(b"first"), then="keep")(far, reader, writer)
        await ask.wait()
        writer.write(response(b"poison"))
        await reader.read()
        far.left.set()

    plays = (talks_by_itself, says(response(b"second")))
    async with far_end(*plays) as far, a_transport(far.origin) as transport:
        await transport.send(a_request(f"{far.origin}/1"))
        ask.set()
        async with asyncio.timeout(5):
            await far.left.wait()
        answer = await transport.send(a_request(f"{far.origin}/2"))

    assert answer.body == b"second"


async def test_a_picture_larger_than_its_room_waits_until_it_is_given_more() -> None:
    given = asyncio.Event()
    room = Room(size=100, first=given.wait())
    body = b"x" * 900_000

    async with (
        far_end(says(response(body))) as far,
        a_transport(far.origin) as transport,
        asyncio.TaskGroup() as group,
    ):
        asked = group.create_task(
            transport.send(a_request(f"{far.origin}/", room=room)), name="asked"
        )
        await room.needed.wait()
        assert not asked.done()
        given.set()

    assert asked.result().body == body
    assert room.asked == [len(body)]


async def test_a_line_is_closed_when_nobody_waits_any_more_for_room_for_its_answer() -> None:
    room = Room(first=asyncio.Event().wait())

    async with (
        far_end(answers(response(b"whole"), then="stall")) as far,
        a_transport(far.origin) as transport,
    ):
        asked = asyncio.create_task(
            transport.send(a_request(f"{far.origin}/", room=room)), name="asked"
        )
        await room.needed.wait()
        asked.cancel()
        async with asyncio.timeout(5):
            await far.left.wait()


class Wire(asyncio.Transport):
    """Whether it is read from."""

    reading = True

    def write(self, data: object) -> None: ...

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        self.reading = False

    def abort(self) -> None: ...


async def test_reading_stops_at_the_byte_that_nobody_has_room_for() -> None:
    wire, basket = Wire(), bytearray(response(b"x" * 900))
    line = Line(basket=memoryview(basket), watch=Watch(step=1.0), keepalive=1.0)
    line.connection_made(wire)
    asked = asyncio.create_task(
        line.ask(b"", Answer(cap=1000, held=100), due=1e9, room=Room(100), needed=0.0), name="asked"
    )
    await asyncio.sleep(0)

    line.buffer_updated(len(basket) - 1)

    assert not wire.reading, "before anybody waiting has had a turn"
    asked.cancel()
    await asyncio.wait((asked,))


async def test_a_deadline_holds_while_nobody_accepts() -> None:
    async with HttpTransport(
        origins={"images": ["https://images.example"]}, user_agent="tests", network=Silence()
    ) as transport:
        with pytest.raises(NotSent) as late:
            await transport.send(a_request("https://images.example/", deadline=0.05))

    assert late.value.reason == "timeout"


def living(kind: type) -> list[object]:
    """All there are of a kind, those that other tests have left behind among them."""
    return [thing for thing in gc.get_objects() if isinstance(thing, kind)]


async def test_a_picture_goes_with_whoever_held_it_last() -> None:
    """Garbage is looked for rarely in a run: what waits for that piles up."""
    gc.collect()
    before = living(Answer)
    gc.disable()
    try:
        async with far_end(says(response(b"x"))) as far, a_transport(far.origin) as transport:
            await transport.send(a_request(f"{far.origin}/"))

            assert living(Answer) == before
    finally:
        gc.enable()


async def test_a_line_over_tls_goes_with_its_connection(tmp_path: Path) -> None:
    """What TLS holds of each is a quarter of a megabyte."""
    made = Certificate.made(tmp_path)
    play = says(response(b"x", headers=["Connection: close"]))
    gc.collect()
    before = living(Line)
    gc.disable()
    try:
        async with (
            far_end(play, tls=made.context()) as far,
            HttpTransport(
                origins={"images": [far.origin]},
                user_agent="tests",
                tls=ssl.create_default_context(cafile=made.authority),
            ) as transport,
        ):
            await transport.send(a_request(f"{far.origin}/"))
            await far.hung_up.wait()

            assert living(Line) == before
    finally:
        gc.enable()


class Watched:
    """Notes when it is looked at; due once."""

    def __init__(self, due: float) -> None:
        self.due = due
        self.looks: list[float] = []

    def look(self, now: float) -> None:
        self.looks.append(now)
        if now >= self.due:
            self.due = float("inf")

    def close(self) -> None:
        self.due = float("inf")


@pytest.mark.looptime
async def test_what_is_due_soon_is_looked_at_in_time() -> None:
    watch = Watch(step=1.0)
    later, sooner = Watched(60.0), Watched(0.25)

    watch.add(later)
    watch.add(sooner)
    await asyncio.sleep(3)
    watch.close()

    assert later.looks == pytest.approx([0.25, 1.25, 2.25], abs=0.01)


@pytest.mark.looptime
async def test_the_deadlines_of_others_do_not_shorten_the_time_between_two_looks() -> None:
    """A rate is judged by the number of looks."""
    watch = Watch(step=1.0)
    patient = Watched(60.0)

    watch.add(patient)
    for hurried in range(10):
        watch.add(Watched(1.5 + hurried / 100))
    await asyncio.sleep(3.9)
    watch.close()

    assert patient.looks == pytest.approx([1.0, 2.0, 3.0], abs=0.01)
