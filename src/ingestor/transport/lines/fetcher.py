"""What one upstream is asked by GET: a line for each request, which then rests for the next one."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from ingestor.errors import AnswerLost, NotSent
from ingestor.transport.allowlist import AllowList, Origin, require_sendable
from ingestor.transport.lines.answer import Answer
from ingestor.transport.lines.dialing import Dial
from ingestor.transport.lines.line import Line
from ingestor.transport.lines.watch import Watch
from ingestor.transport.marks import Marks
from ingestor.transport.pace import LOOKS
from ingestor.transport.translation import explain
from ingestor.transport.values import Request, Response, place

BASKET = 256 * 1024
"""Bytes read at once: a whole picture, and little enough to stay in the processor's cache."""
STALE = frozenset({"disconnected", "reset"})
"""How a request ends on a line that the other side closed while it rested."""


class Fetcher:
    """One upstream's lines; closing it closes them all."""

    def __init__(
        self,
        *,
        allowed: AllowList,
        dial: Dial,
        user_agent: str,
        keepalive: float,
        window: float,
    ) -> None:
        """`keepalive`: seconds that a line may rest; `window`: over which a rate is judged."""
        self._allowed = allowed
        self._dial = dial
        self._user_agent = user_agent
        self._always: dict[Origin, str] = {}
        """Headers that every request to an origin has."""
        self._keepalive = keepalive
        self._window = window
        self._watch = Watch(step=window / LOOKS)
        self._basket = memoryview(bytearray(BASKET))
        self._resting: defaultdict[Origin, list[Line]] = defaultdict(list)

    async def fetch(self, request: Request, *, marks: Marks, due: float) -> Response:
        """`due`: the loop's time. Raises NotSent, AnswerLost or AddressRefused."""
        origin, target = self._allowed.split(request.url)
        head = self._head(origin, target, request)
        line = self._rested(origin)
        if line is not None:
            marks.reused = True
            answer = await self._ask(line, head, request, marks=marks, due=due)
            if not (answer.untouched and answer.trouble in STALE):
                return self._outcome(answer, request, origin=origin, line=line)
            # The server closed it before it heard of this request, and a GET may be made twice.
            marks.reused = False
        line = await self._new_line(origin, due=due)
        answer = await self._ask(line, head, request, marks=marks, due=due)
        return self._outcome(answer, request, origin=origin, line=line)

    async def close(self) -> None:
        self._watch.close()
        # The loop tells the sockets in its next round.
        await asyncio.sleep(0)

    async def _ask(
        self, line: Line, head: bytes, request: Request, *, marks: Marks, due: float
    ) -> Answer:
        cap, room = request.cap, request.room
        answer = Answer(cap=cap, held=min(room.size, cap) if room else cap)
        marks.sent = True
        marks.head += len(head)
        try:
            await line.ask(
                head,
                answer,
                due=due,
                room=room,
                needed=request.slowest * self._window,
            )
        finally:
            marks.received = answer.received
        return answer

    def _outcome(self, answer: Answer, request: Request, *, origin: Origin, line: Line) -> Response:
        if answer.trouble:
            raise explain(answer.trouble, place=place(request.url), kind=AnswerLost)
        if line.open:
            self._resting[origin].append(line)
        return Response(status=answer.status, headers=answer.headers, body=answer.body)

    def _rested(self, origin: Origin) -> Line | None:
        """The one that was used last: it is the likeliest to be open still."""
        resting = self._resting[origin]
        while resting:
            line = resting.pop()
            if line.open:
                return line
        return None

    async def _new_line(self, origin: Origin, *, due: float) -> Line:
        try:
            async with asyncio.timeout_at(due):
                return await self._dial(origin, self._line)
        except TimeoutError:
            late = explain("timeout", place=origin.host, kind=NotSent)
        raise late

    def _line(self) -> Line:
        return Line(basket=self._basket, watch=self._watch, keepalive=self._keepalive)

    def _head(self, origin: Origin, target: str, request: Request) -> bytes:
        given = ""
        if request.headers:
            require_sendable(request)
            given = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        always = self._always.get(origin)
        if always is None:
            always = self._always[origin] = (
                f"Host: {origin.authority}\r\nUser-Agent: {self._user_agent}\r\n"
                "Accept: */*\r\nAccept-Encoding: identity\r\n"
            )
        return f"GET {target} HTTP/1.1\r\n{always}{given}\r\n".encode()
