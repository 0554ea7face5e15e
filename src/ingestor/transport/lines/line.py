"""One connection: it carries a request, reads the answer, and rests until the next one."""

from __future__ import annotations

import asyncio
from typing import cast

from ingestor.transport.lines.answer import Answer
from ingestor.transport.lines.watch import Watch
from ingestor.transport.pace import LOOKS, SILENT_WINDOWS, Rate
from ingestor.transport.values import Room


class _Gone(asyncio.Transport):
    """In the place of a connection that was lost."""

    def write(self, data: object) -> None:
        """Whoever asks is told by the answer, which has ended."""

    def is_closing(self) -> bool:
        return True

    def abort(self) -> None:
        """Nothing is left to end."""


GONE = _Gone()


class Line(asyncio.BufferedProtocol):
    """
    The socket is read into `basket`, which all lines share: what arrives is taken out of it before
    anybody else is given it. So the memory that is read into is always the same, and still warm.
    """

    def __init__(self, *, basket: memoryview, watch: Watch, keepalive: float) -> None:
        """`keepalive`: seconds that it may rest."""
        self._basket = basket
        self._keepalive = keepalive
        self._resting = False
        self._watch = watch
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._answer: Answer | None = None
        self._granted = 0
        self._paused = False
        self._needed = 0.0
        self._silent = 0
        """Looks at an answer that had not begun."""
        self._rate: Rate | None = None
        """Of the answer, once it was looked at: nearly all of them are over before."""
        self._waiter: asyncio.Future[None] | None = None
        self.due = float("inf")
        self.open = True

    async def ask(
        self, head: bytes, answer: Answer, *, due: float, room: Room | None, needed: float
    ) -> None:
        """
        Send the request and read until the answer is over, well or not.

        `due` is the loop's time at which it has to be; `room` is awaited before more is held than
        the answer began with; `needed` bytes have to come within every window, if it is not 0.
        """
        self._answer, self._granted = answer, answer.wanted
        self._needed, self._silent, self._rate = needed, 0, None
        self._resting, self.due = False, due
        self._watch.expect(due)
        try:
            self._transport.write(head)
            while True:
                if not answer.over and answer.wanted <= self._granted:
                    self._waiter = self._loop.create_future()
                    await self._waiter
                if room is None or answer.wanted <= self._granted or answer.trouble:
                    return
                await self._ask_for(room, answer.wanted)
        except BaseException:
            # Whoever asked will not let the line rest, however well the answer came.
            answer.reusable = False
            raise
        finally:
            self._answer = None
            answer.let_go()
            if not answer.reusable:
                self.close()

    def close(self) -> None:
        self.open = False
        self.due = float("inf")
        self._watch.remove(self)
        # Not `close`, which would send what is left and wait for TLS to say goodbye.
        self._transport.abort()

    def look(self, now: float) -> None:
        """Called by the watch."""
        answer = self._answer
        if answer is None:
            self._rest(now)
        elif now >= self.due:
            self._give_up(answer, "timeout")
        elif self._needed and answer.begun:
            self._rate = self._rate or Rate(needed=self._needed)
            if self._paused:
                self._rate.forget()
            if self._rate.too_low(answer.received):
                self._give_up(answer, "too-slow")
        elif self._needed:
            self._silent += 1
            if self._silent > SILENT_WINDOWS * LOOKS:
                self._give_up(answer, "timeout")

    def _rest(self, now: float) -> None:
        """Rest begins at the first look, and not at the end of each request: nobody asks the time."""
        if not self._resting:
            self._resting, self.due = True, now + self._keepalive
        elif now >= self.due:
            self.close()

    # What the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._watch.add(self)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 (asyncio's signature)
        return self._basket

    def buffer_updated(self, nbytes: int) -> None:
        answer = self._answer
        if answer is None:
            self.close()
            return
        answer.feed(self._basket[:nbytes])
        if answer.wanted > self._granted:
            # At once: until whoever waits is told, a loop may read on, thirty baskets in uvloop's case.
            self._stop_reading()
            self._wake()
        elif answer.over:
            self._wake()

    def eof_received(self) -> None:
        self.open = False
        self._end("")

    def connection_lost(self, error: Exception | None) -> None:
        self._end("reset" if error else "")
        self.close()
        # A TLS connection keeps hold of us. If we kept hold of it, only the garbage collector would free
        # the two, late, and it holds a quarter of a megabyte.
        self._transport = GONE

    def _end(self, trouble: str) -> None:
        if self._answer is not None:
            if trouble and not self._answer.over:
                self._answer.trouble = trouble
            self._answer.end()
            self._wake()

    def _give_up(self, answer: Answer, trouble: str) -> None:
        if not answer.over:
            answer.trouble = trouble
        self.due = float("inf")
        self._wake()

    def _stop_reading(self) -> None:
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def _wake(self) -> None:
        """The answer is over or needs room."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _ask_for(self, room: Room, total: int) -> None:
        """
        What arrives meanwhile stays in the kernel, and holds up the other side in the end; the time
        that we take is not the other side's.
        """
        self._paused, left = True, self.due - self._loop.time()
        self.due = float("inf")
        self._stop_reading()
        await room(total)
        self._granted, self._paused = total, False
        self.due = self._loop.time() + left
        self._watch.expect(self.due)
        if not self._transport.is_closing():
            self._transport.resume_reading()
