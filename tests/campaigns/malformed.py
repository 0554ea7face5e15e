"""
Whatever comes out of a socket, the transport gives a whole answer or one of its own errors: never
aiohttp's, never a loop that complains, never a byte above the cap, and never a key in the words.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import socket
import struct
import sys
import time
import traceback
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

from ingestor.errors import TransportError
from ingestor.transport import HttpTransport, Request, Response

KEY: Final = "CANARY-0123456789"
CAP: Final = 4096
DEADLINE: Final = 20.0
"""Seconds; nobody stalls here, so an exchange that takes as long hangs by its own fault."""
AT_ONCE: Final = 8

GOOD: Final = (
    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{"stat":"ok"}',
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n",
    b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00",
    b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\nContent-Length: 2\r\n\r\nno",
    b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + b"x" * 9000,
)
TOKENS: Final = (
    *(b"\r\n", b"\n", b"\r", b"\r\n\r\n", b" ", b"\t", b":", b"\0", b"\x80", b"\xff", b";", b","),
    *(b"Content-Length: 5\r\n", b"Content-Length: -1\r\n", b"Content-Length: +1\r\n"),
    *(b"Content-Length: 99999999999999999999\r\n", b"Content-Length: 1, 2\r\n"),
    *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip, chunked\r\n"),
    *(b"Transfer-Encoding: identity\r\n", b"Content-Encoding: br\r\n", b"Content-Encoding: \r\n"),
    *(b"HTTP/1.1 ", b"HTTP/2 200\r\n", b"HTTP/9.9", b"ICY 200 OK\r\n", b"000", b"99", b"1000"),
    *(b"ffffffffffffffff\r\n", b"-1\r\n", b"0\r\n", b"0x5\r\n", b"\r\n folded", b"a" * 9000),
    *(b"X: y\r\n" * 200, b"Connection: Upgrade\r\nUpgrade: h2c\r\n", b"Set-Cookie: =;\r\n"),
    *(KEY.encode(), b"Location: //\r\n", b"Trailer: X\r\n", b"Date: \xe2\x98\x83\r\n"),
)
RESET: Final = struct.pack("ii", 1, 0)


def mangled(dice: random.Random) -> bytes:
    """A good answer, changed in up to five places."""
    content = dice.choice(GOOD)
    for _change in range(dice.choice((0, 1, 1, 2, 3, 5))):
        # Mostly at the head: bodies are only bytes.
        reach = len(content) if dice.random() < 0.3 else min(len(content), 120)
        start = dice.randrange(reach + 1)
        end = min(len(content), start + dice.choice((0, 1, 2, 8, 40)))
        piece = dice.choice((dice.choice(TOKENS), dice.choice(TOKENS), dice.randbytes(end - start)))
        match dice.randrange(5):
            case 0:
                content = content[:start] + content[end:]
            case 1:
                content = content[:end] + content[start:]
            case 2:
                content = content[:start]
            case _:
                content = content[:start] + piece + content[end:]
    return content


@dataclass(kw_only=True)
class Tally:
    outcomes: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)


@asynccontextmanager
async def server(first_seed: int) -> AsyncIterator[str]:
    """
    Says what the number in the request's path makes of the seed, in one piece or two, and closes.
    """

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            dice = random.Random(f"{first_seed}:{int(head.split(b' ')[1].split(b'/')[1])}")
            content = mangled(dice)
            cut = dice.randrange(len(content) + 1) if dice.random() < 0.5 else len(content)
            writer.write(content[:cut])
            await writer.drain()
            await asyncio.sleep(0)
            writer.write(content[cut:])
            await writer.drain()
            if dice.random() < 0.05:
                plain: socket.socket = writer.get_extra_info("socket")
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                writer.transport.abort()
        writer.close()

    listening = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()


async def exchange(transport: HttpTransport, origin: str, number: int) -> str:
    """One request; returns in a word how it ended. Raises AssertionError."""
    request = Request(
        upstream="vision",
        method="POST" if number % 3 else "GET",
        url=f"{origin}/{number}/path",
        headers={"x-goog-api-key": KEY},
        body=b"{}" if number % 3 else None,
        deadline=DEADLINE,
        cap=CAP,
    )
    try:
        return judged(await transport.send(request))
    except TransportError as error:
        return explained(error)


def judged(response: Response) -> str:
    assert 200 <= response.status <= 999, response.status
    assert len(response.body) <= CAP, len(response.body)
    return "an answer"


def explained(error: TransportError) -> str:
    assert KEY not in f"{error} {error!r} {error.args} {vars(error)}", "the key shows"
    assert error.__context__ is None, "something hangs on to the error"
    assert error.reason != "timeout", "it hung"
    return f"{type(error).__name__} {error.reason}"


async def campaign(*, answers: int, first_seed: int) -> Tally:
    tally = Tally()
    numbers = iter(range(answers))
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, said: complaints.append(said))

    async def ask(transport: HttpTransport, origin: str) -> None:
        for number in numbers:
            try:
                tally.outcomes[await exchange(transport, origin, number)] += 1
            except Exception:  # noqa: BLE001 - that there is any is what this looks for
                trace = traceback.format_exc(limit=-3)
                tally.failed.append(f"number {number} of seed {first_seed}: {trace}")

    async with (
        server(first_seed) as origin,
        HttpTransport(origins={"vision": [origin]}, user_agent="tests") as transport,
        asyncio.TaskGroup() as group,
    ):
        for number in range(AT_ONCE):
            group.create_task(ask(transport, origin), name=f"asking-{number}")
    tally.failed += [f"the loop complains: {said}" for said in complaints]
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/campaign malformed", description=__doc__)
    parser.add_argument("--answers", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    started = time.monotonic()
    tally = asyncio.run(campaign(answers=given.answers, first_seed=given.seed))
    for failure in tally.failed[:10]:
        sys.stderr.write(f"{failure}\n")
    for name, count in tally.outcomes.most_common():
        sys.stdout.write(f"{name:<50}{count:>8}\n")
    sys.stdout.write(f"{'unexpected':<50}{len(tally.failed):>8}\n")
    sys.stdout.write(f"{'seconds':<50}{time.monotonic() - started:>8.0f}\n")
    return bool(tally.failed)


if __name__ == "__main__":
    sys.exit(main())
