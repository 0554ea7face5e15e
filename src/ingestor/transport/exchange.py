"""One request out, one answer in: under a deadline, a cap, a minimum rate and a memory budget."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
from yarl import URL

from ingestor.errors import AnswerLost
from ingestor.transport.allowlist import require_sendable
from ingestor.transport.caps import (
    AS_IT_IS,
    FIRST_FINAL_STATUS,
    FIRST_ROOM,
    FIRST_STATUS_WITHOUT_CONTENT,
)
from ingestor.transport.marks import Marks
from ingestor.transport.outgoing import PIECE, Outgoing, cut
from ingestor.transport.pace import SILENT_WINDOWS, Pace
from ingestor.transport.translation import explain
from ingestor.transport.values import Parts, Request, Response, place

GRACE = 0.05
"""Seconds behind the deadline, enough for a few turns of the loop."""


class Exchange:
    """Good for one request. Raises what aiohttp raises; the marks tell how far it came."""

    def __init__(self, request: Request, *, marks: Marks, window: float) -> None:
        self._request = request
        self._window = window
        self._body = _outgoing(request.body)
        self.marks = marks

    @property
    def mistake(self) -> Exception | None:
        """What went wrong while our own code made the body."""
        return self._body.mistake if isinstance(self._body, Outgoing) else None

    async def run(self, session: aiohttp.ClientSession, url: URL) -> Response:
        require_sendable(self._request)
        self.marks.follow()
        async with asyncio.timeout(None) as clock:
            loop = asyncio.get_running_loop()
            due = loop.call_later(self._request.deadline, _run_out, clock)
            try:
                return await self._ask(session, url, clock)
            finally:
                due.cancel()

    async def _ask(
        self, session: aiohttp.ClientSession, url: URL, clock: asyncio.Timeout
    ) -> Response:
        answer = await self._begin(session, url, clock)
        try:
            if answer.status < FIRST_FINAL_STATUS:
                raise self._lost("garbage")
            return Response(
                status=answer.status,
                headers=answer.headers,
                body=await self._content(answer, clock),
            )
        finally:
            # Without effect once the last byte was read: that gave the connection back.
            answer.close()

    async def _begin(
        self, session: aiohttp.ClientSession, url: URL, clock: asyncio.Timeout
    ) -> aiohttp.ClientResponse:
        """Send, and read the head of what comes back."""
        request = self._request
        headers = dict(request.headers)
        if isinstance(self._body, Outgoing):
            headers["Content-Length"] = str(request.sending)
        with self._unless_silent(clock):
            return await session.request(
                request.method,
                url,
                headers=headers,
                data=self._body,
                allow_redirects=False,
            )

    @contextmanager
    def _unless_silent(self, clock: asyncio.Timeout) -> Iterator[None]:
        """Where there is a minimum rate, an answer has to begin as well."""
        if not self._request.slowest:
            yield
            return
        silence = SILENT_WINDOWS * self._window
        due = asyncio.get_running_loop().call_later(silence, _run_out, clock)
        try:
            yield
        finally:
            due.cancel()

    async def _content(self, answer: aiohttp.ClientResponse, clock: asyncio.Timeout) -> bytes:
        if answer.headers.get("Content-Encoding", "identity").lower() not in AS_IT_IS:
            # We asked for none, and unpack nothing: a bomb stays a parcel.
            if answer.status >= FIRST_STATUS_WITHOUT_CONTENT:
                return b""
            raise self._lost("encoded")
        pace = Pace(clock, slowest=self._request.slowest, window=self._window)
        if not answer.content.is_eof():
            pace.start()
        try:
            return await self._read(answer, pace)
        finally:
            pace.stop()
            self.marks.too_slow = pace.tripped
            self.marks.received = pace.received

    async def _read(self, answer: aiohttp.ClientResponse, pace: Pace) -> bytes:
        """Never `answer.read()`, which knows no cap."""
        cap = self._request.cap
        said = answer.content_length or 0
        if said > cap:
            raise self._lost("too-large")
        if said:
            await self._make_room(said, pace)
        pieces = []
        while piece := await answer.content.readany():
            pace.received += len(piece)
            if pace.received > cap:
                raise self._lost("too-large")
            if pace.received > said:
                said = min(max(pace.received, 2 * said, FIRST_ROOM), cap)
                await self._make_room(said, pace)
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _make_room(self, total: int, pace: Pace) -> None:
        room = self._request.room
        if room is not None and total > room.size:
            pace.paused = True
            await room(total)
            pace.paused = False

    def _lost(self, reason: str) -> AnswerLost:
        return explain(reason, place=place(self._request.url), kind=AnswerLost)


def _run_out(clock: asyncio.Timeout) -> None:
    """
    What is here already is taken first: where the process stood still, an answer may have come in
    time, and nobody was there to see it.
    """
    if not clock.expired():
        clock.reschedule(asyncio.get_running_loop().time() + GRACE)


def _outgoing(body: bytes | Parts | None) -> Outgoing | bytes | None:
    if isinstance(body, Parts):
        return Outgoing(body)
    return Outgoing(cut(body)) if body and len(body) > PIECE else body
