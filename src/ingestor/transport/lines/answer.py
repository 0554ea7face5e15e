"""
An answer while it arrives: llhttp reads it, and this keeps it, within caps.

What is asked of an answer beyond HTTP's grammar stands here, and in `transport.caps` as far as the long way
asks it, too: how long its head may be, how large it may grow, that it comes unpacked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from io import BytesIO

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from ingestor.transport.caps import (
    AS_IT_IS,
    FIRST_FINAL_STATUS,
    FIRST_ROOM,
    FIRST_STATUS_WITHOUT_CONTENT,
    LONGEST_HEADER,
    MOST_HEADERS,
)

LONGEST_HEAD = 64 * 1024
"""
Bytes that may arrive in a row without one of the body: a head with its early hints, and what stands
between chunks and behind the last.
"""
LARGE = 1024 * 1024
"""Bytes; what is smaller comes in a few pieces, and is joined once."""

AS_IT_IS_RAW = frozenset(map(str.encode, AS_IT_IS))

CONTINUE = 100
SWITCHING_PROTOCOLS = 101


class _LowerCase(dict[bytes, bytes]):
    """
    Names in lower case, the usual ones at hand: to make each anew would be a tenth of what a picture costs
    here.
    """

    def __missing__(self, name: bytes) -> bytes:
        return name.lower()


_LOWER_CASE = _LowerCase(
    (name, name.lower())
    for name in (
        b"Accept-Ranges Age Cache-Control Connection Content-Length Content-Type Date ETag Expires "
        b"Last-Modified Server Transfer-Encoding Vary Via X-Cache"
    ).split()
)


class Headers(Mapping[str, str]):
    """Asked for in lower case. Only what is looked at becomes text: of a picture's, nothing."""

    def __init__(self, raw: Mapping[bytes, bytes]) -> None:
        self._raw = raw

    def __getitem__(self, name: str) -> str:
        return self._raw[name.encode()].decode("latin-1")

    def __iter__(self) -> Iterator[str]:
        return (name.decode("latin-1") for name in self._raw)

    def __len__(self) -> int:
        return len(self._raw)


class Answer:
    """
    Feed it what arrives: in the end it is `complete`, or it has `trouble`, a reason as in
    `translation.SENTENCES`. On the way `wanted` tells how many bytes it is about to hold.
    """

    __slots__ = (
        "_bare_left",
        "_bulk",
        "_cap",
        "_count",
        "_parser",
        "_pieces",
        "_raw",
        "_until_end",
        "begun",
        "complete",
        "received",
        "reusable",
        "status",
        "trouble",
        "untouched",
        "wanted",
    )

    def __init__(self, *, cap: int, held: int) -> None:
        """`cap`: bytes of body that are accepted; `held`: bytes there is room for already."""
        self._cap = cap
        self._parser = HttpResponseParser(self)
        self._pieces: list[bytes] = []
        self._bulk: BytesIO | None = None
        """All of a large body, written once into the bytes that it will be; joined, it is there twice."""
        self._raw: dict[bytes, bytes] = {}
        self._count = 0
        self._bare_left = LONGEST_HEAD
        self._until_end = False
        self.untouched = True
        """Not a byte has come."""
        self.status = 0
        self.begun = False
        """Its head has been read."""
        self.received = 0
        """Bytes of body."""
        self.wanted = held
        self.complete = False
        self.reusable = False
        """Once complete: the connection is as it was before, and can carry another request."""
        self.trouble = ""

    @property
    def over(self) -> bool:
        return self.complete or bool(self.trouble)

    @property
    def headers(self) -> Mapping[str, str]:
        return Headers(self._raw)

    @property
    def body(self) -> bytes:
        if self._bulk is not None:
            self._bulk.truncate()
            return self._bulk.getvalue()
        pieces = self._pieces
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def feed(self, arrived: memoryview) -> None:
        self.untouched, received = False, self.received
        try:
            self._parser.feed_data(arrived)
        except (HttpParserError, HttpParserUpgrade):
            # What follows a complete answer does it no harm, but nobody can trust the connection.
            self.reusable = False
            if not self.complete:
                self.trouble = self.trouble or "garbage"
        if self.received > received:
            self._bare_left = LONGEST_HEAD
            return
        self._bare_left -= len(arrived)
        if self._bare_left < 0 and not self.complete:
            self.trouble = self.trouble or "garbage"

    def end(self) -> None:
        """Nothing more will arrive."""
        self.reusable = False
        if self.over:
            return
        if self.begun and self._until_end:
            self.complete = True
        else:
            self.trouble = "truncated" if self.begun else "disconnected"

    def let_go(self) -> None:
        """
        Forget the parser, which knows us as we know it: only a search for garbage would find the
        two, and that is rare; pictures would pile up.
        """
        del self._parser

    # What the parser calls; an exception stops it.

    def on_message_begin(self) -> None:
        if self.complete:
            self._stop("garbage")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count += 1
        if self._count > MOST_HEADERS:
            self._stop("garbage")
        if not self.begun:  # else it is a trailer, which nobody asked for
            self._raw[_LOWER_CASE[name]] = value

    def on_headers_complete(self) -> None:
        self.status = status = self._parser.get_status_code()
        if status < FIRST_FINAL_STATUS:
            if status <= SWITCHING_PROTOCOLS and status != CONTINUE:
                self._stop("garbage")
            return
        raw = self._raw
        if max(map(len, raw.values()), default=0) > LONGEST_HEADER:
            self._stop("garbage")
        self.begun = True
        packed = raw.get(b"content-encoding", b"identity").lower() not in AS_IT_IS_RAW
        if packed or raw.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
            self._leave_packed()
        length = int(raw.get(b"content-length", b"0"))
        if length > self._cap:
            self._stop("too-large")
        self.wanted = max(self.wanted, length)
        self._until_end = b"content-length" not in raw and b"transfer-encoding" not in raw

    def on_body(self, piece: bytes) -> None:
        self.received += len(piece)
        if self.received > self.wanted:
            if self.received > self._cap:
                self._stop("too-large")
            self.wanted = min(max(self.received, 2 * self.wanted, FIRST_ROOM), self._cap)
        if self._bulk is not None:
            self._bulk.write(piece)
            return
        self._pieces.append(piece)
        if self.received > LARGE:
            # Bytes that nobody has written to take no memory yet.
            self._bulk = BytesIO(bytes(self.wanted))
            self._bulk.writelines(self._pieces)
            self._pieces.clear()

    def on_message_complete(self) -> None:
        if self.begun:
            self.complete = True
            self.reusable = self._parser.should_keep_alive()
            if len(self._pieces) > 1:
                # Not only when it is asked for: of many that end at once all pieces would wait for it.
                self._pieces = [b"".join(self._pieces)]
        else:
            # An early hint; the answer is still to come.
            self._raw.clear()

    def _leave_packed(self) -> None:
        """We asked for none, and unpack nothing: a bomb stays a parcel, a refusal keeps its status."""
        self.complete = self.status >= FIRST_STATUS_WITHOUT_CONTENT
        self._stop("encoded")

    def _stop(self, trouble: str) -> None:
        if not self.complete:
            self.trouble = trouble
        raise ValueError(trouble)
