"""One request out, one answer in: under a deadline and a cap."""

from __future__ import annotations

import asyncio

import aiohttp
from yarl import URL

from ingestor.errors import AnswerLost
from ingestor.transport.allowlist import require_sendable
from ingestor.transport.caps import AS_IT_IS, FIRST_FINAL_STATUS, FIRST_STATUS_WITHOUT_CONTENT
from ingestor.transport.marks import Marks
from ingestor.transport.outgoing import PIECE, Outgoing, cut
from ingestor.transport.translation import explain
from ingestor.transport.values import Parts, Request, Response, place

GRACE = 0.05
"""Seconds behind the deadline, enough for a few turns of the loop."""


class Exchange:
    """Good for one request. Raises what aiohttp raises; the marks tell how far it came."""

    def __init__(self, request: Request, *, marks: Marks) -> None:
        self._request = request
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
                return await self._ask(session, url)
            finally:
                due.cancel()

    async def _ask(self, session: aiohttp.ClientSession, url: URL) -> Response:
        answer = await self._begin(session, url)
        try:
            if answer.status < FIRST_FINAL_STATUS:
                raise self._lost("garbage")
            return Response(
                status=answer.status,
                headers=answer.headers,
                body=await self._content(answer),
            )
        finally:
            # Without effect once the last byte was read: that gave the connection back.
            answer.close()

    async def _begin(self, session: aiohttp.ClientSession, url: URL) -> aiohttp.ClientResponse:
        """Send, and read the head of what comes back."""
        request = self._request
        return await session.request(
            request.method,
            url,
            headers=request.headers,
            data=self._body,
            allow_redirects=False,
        )

    async def _content(self, answer: aiohttp.ClientResponse) -> bytes:
        if answer.headers.get("Content-Encoding", "identity").lower() not in AS_IT_IS:
            # We asked for none, and unpack nothing: a bomb stays a parcel.
            if answer.status >= FIRST_STATUS_WITHOUT_CONTENT:
                return b""
            raise self._lost("encoded")
        return await self._read(answer)

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        """Never `answer.read()`, which knows no cap."""
        cap, marks = self._request.cap, self.marks
        if (answer.content_length or 0) > cap:
            raise self._lost("too-large")
        pieces = []
        while piece := await answer.content.readany():
            marks.received += len(piece)
            if marks.received > cap:
                raise self._lost("too-large")
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

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
