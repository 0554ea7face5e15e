"""Whatever goes wrong, nothing that is raised or logged shows a key."""

from __future__ import annotations

import logging
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from ingestor.errors import TransportError
from ingestor.transport import Request
from tests.far_end import FarEnd, Play, a_request, a_transport, far_end, response, says

KEY = "CANARY-0123456789"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CANARY = KEY.encode()


def a_secret_request(url: str, *, method: str = "POST", **given: object) -> Request:
    """Secrets wherever one can be."""
    return a_request(
        f"{url}/path?api_key={KEY}&auth={KEY}",
        **{
            "method": method,
            "headers": {"X-Goog-Api-Key": KEY, "Authorization": f"Bearer {KEY}"},
            "body": CANARY if method == "POST" else None,
            "deadline": 0.5,
            "cap": 1000,
        }
        | given,
    )


def shown(error: BaseException) -> str:
    """Everything a careless report would print of an error, the locals of our frames included."""
    where = error.__traceback__
    # The first frame is the test's, which holds the key on purpose.
    inside = traceback.TracebackException(
        type(error), error, where.tb_next if where else None, capture_locals=True
    )
    texts = [str(error), repr(error), repr(error.args), repr(vars(error)), *inside.format()]
    return "\n".join(texts)


@asynccontextmanager
async def closed(*_plays: Play) -> AsyncIterator[FarEnd]:
    async with far_end(says()) as far:
        pass
    yield far


FAILURES = {
    "closed without a word": says(),
    "reset without a word": says(then="reset"),
    "stalled": says(then="stall"),
    "stalled after headers": says(response(length=9), then="stall"),
    "reset in the middle": says(response(b"a", length=99_999), then="reset"),
    "truncated": says(response(CANARY, length=999)),
    "broken chunk": says(CHUNKED, CANARY + b"\r\n"),
    "chunk cut off": says(CHUNKED + b"99\r\n" + CANARY),
    "reflected as a status line": says(CANARY + b" 200 OK\r\n\r\n"),
    "reflected in a broken header": says(b"HTTP/1.1 200 OK\r\n" + CANARY + b"\r\n\r\n"),
    "reflected in a long header": says(b"HTTP/1.1 200 OK\r\nX: " + CANARY * 9000 + b"\r\n\r\n"),
    "reflected in a broken length": says(
        b"HTTP/1.1 200 OK\r\nContent-Length: " + CANARY + b"\r\n\r\n"
    ),
    "reflected as an encoding": says(response(CANARY, headers=[f"Content-Encoding: {KEY}"])),
    "too large": says(response(CANARY * 999)),
    "too large in chunks": says(CHUNKED + b"fff\r\n" + b"x" * 0xFFF + b"\r\n0\r\n\r\n"),
}


@pytest.mark.parametrize("play", FAILURES.values(), ids=FAILURES.keys())
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_lost_answer_shows_no_key(
    method: str, play: Play, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async with far_end(play) as far, a_transport(far.origin) as transport:
        with pytest.raises(TransportError) as lost:
            await transport.send(a_secret_request(far.origin, method=method))

    assert "CANARY" not in shown(lost.value)
    assert lost.value.__context__ is None
    assert "CANARY" not in caplog.text
    assert f"{far.origin.removeprefix('http://')}/path" in str(lost.value)


REFUSED: dict[str, Callable[[str], tuple[str, dict[str, object]]]] = {
    "closed port": lambda origin: (origin, {}),
    "unknown host": lambda _: ("https://other.example", {}),
    "user in the address": lambda _: (f"http://{KEY}:{KEY}@127.0.0.1", {}),
    "line break in the address": lambda origin: (f"{origin}/\r\n", {}),
    "broken address": lambda _: ("http://[::1", {}),
    "line break in a key": lambda origin: (origin, {"headers": {"X": f"{KEY}\n"}}),
    "unknown upstream": lambda origin: (origin, {"upstream": "nobody"}),
}


@pytest.mark.parametrize("wrong", REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_request_that_never_left_shows_no_key(
    method: str, wrong: Callable[[str], tuple[str, dict[str, object]]]
) -> None:
    async with closed() as far, a_transport(far.origin) as transport:
        url, given = wrong(far.origin)
        with pytest.raises(TransportError) as error:
            await transport.send(a_secret_request(url, method=method, **given))

    assert "CANARY" not in shown(error.value)
    assert error.value.__context__ is None


def test_a_request_shows_no_key() -> None:
    assert repr(a_secret_request("https://example.com")) == "Request(images: POST example.com/path)"


async def test_an_answer_shows_no_key() -> None:
    play = says(response(CANARY, status=f"200 {KEY}", headers=[f"Location: ?k={KEY}"]))

    async with far_end(play) as far, a_transport(far.origin) as transport:
        answer = await transport.send(a_secret_request(far.origin))

    assert repr(answer) == "Response(status=200)"
