"""One request out, one answer in: under a deadline, a cap, a minimum rate and a memory budget."""

from __future__ import annotations

import asyncio

import aiohttp
from yarl import URL

from ingestor.errors import AddressRefused, AnswerLost
from ingestor.transport.allowlist import sendable
from ingestor.transport.marks import Marks
from ingestor.transport.outgoing import PIECE, Outgoing, cut
from ingestor.transport.pace import Pace
from ingestor.transport.values import Parts, Request, Response, place

FIRST_ROOM = 256 * 1024
"""What is asked for when an answer does not say its length: most images are smaller."""
FIRST_FINAL_STATUS = 200
FIRST_ERROR_STATUS = 400


class Exchange:
    """Good for one request. Raises what aiohttp raises; `marks` tell how far it came."""

    def __init__(self, request: Request, *, window: float) -> None:
        self._request = request
        self._window = window
        self._body = _outgoing(request.body)
        self.marks = Marks()
        self.received = 0

    @property
    def sending(self) -> int:
        """Bytes of body."""
        body = self._request.body
        return body.length if isinstance(body, Parts) else len(body or b"")

    @property
    def mistake(self) -> Exception | None:
        """What went wrong while our own code made the body."""
        return self._body.mistake if isinstance(self._body, Outgoing) else None

    async def run(self, session: aiohttp.ClientSession, url: URL) -> Response:
        request = self._request
        headers = dict(request.headers)
        if not all(map(sendable, headers.values())):
            # Such as a key that was read from a file with its line break.
            raise AddressRefused(
                f"{place(request.url)}: a header (a key?) has a character that HTTP forbids",
                reason="malformed",
            )
        if isinstance(self._body, Outgoing):
            headers["Content-Length"] = str(self.sending)
        self.marks.follow()
        async with asyncio.timeout(request.deadline) as clock:
            answer = await session.request(
                request.method,
                url,
                headers=headers,
                data=self._body,
                allow_redirects=False,
            )
            try:
                if answer.status < FIRST_FINAL_STATUS:
                    raise self._lost(
                        "changes to a protocol that nobody asked for", reason="garbage"
                    )
                return Response(
                    status=answer.status,
                    headers=answer.headers,
                    body=await self._content(answer, clock),
                )
            finally:
                # Without effect once the last byte was read: that gave the connection back.
                answer.close()

    async def _content(self, answer: aiohttp.ClientResponse, clock: asyncio.Timeout) -> bytes:
        if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
            # We asked for none, and unpack nothing: a bomb stays a parcel.
            if answer.status >= FIRST_ERROR_STATUS:
                return b""
            raise self._lost("came in an encoding that nobody asked for", reason="encoded")
        pace = Pace(clock, slowest=self._request.slowest, window=self._window)
        if not answer.content.is_eof():
            pace.start()
        try:
            return await self._read(answer, pace)
        finally:
            pace.stop()
            self.marks.too_slow = pace.tripped
            self.received = pace.received

    async def _read(self, answer: aiohttp.ClientResponse, pace: Pace) -> bytes:
        """Never `answer.read()`, which knows no cap."""
        cap = self._request.cap
        said = answer.content_length or 0
        if said > cap:
            raise self._lost("is larger than accepted", reason="too-large")
        if said:
            await self._make_room(said, pace)
        pieces = []
        while piece := await answer.content.readany():
            pace.received += len(piece)
            if pace.received > cap:
                raise self._lost("is larger than accepted", reason="too-large")
            if pace.received > said:
                said = min(max(pace.received, 2 * said, FIRST_ROOM), cap)
                await self._make_room(said, pace)
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _make_room(self, total: int, pace: Pace) -> None:
        if self._request.room is not None:
            pace.paused = True
            await self._request.room(total)
            pace.paused = False

    def _lost(self, what: str, *, reason: str) -> AnswerLost:
        return AnswerLost(f"{place(self._request.url)}: the answer {what}", reason=reason)


def _outgoing(body: bytes | Parts | None) -> Outgoing | bytes | None:
    if isinstance(body, Parts):
        return Outgoing(body)
    return Outgoing(cut(body)) if body and len(body) > PIECE else body
