"""
One room per vendor: pure functions hold all we know about the wire, a thin client awaits.

`flickr` lists, `images` has the pictures, `vision` labels them, `rtdb` is the database; `google` has the
credentials of the last two.

Rule of the room: no HTTP library is imported here but the one that google-auth brings for tokens,
and vendors do not know each other. What they have in common stands below: who we are to them, whether an
answer is JSON, and how long they ask us to wait.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol, TypeVar

import msgspec
import orjson

from ingestor.transport import Response

T = TypeVar("T")

LONGEST_WAIT = 86_400.0
"""Seconds that a Retry-After may ask for: a day; anything above is nonsense, and read as a day."""


class Credentials(Protocol):
    """What authorizes a request, as headers; they are secret."""

    async def headers(self) -> Mapping[str, str]:
        """
        Renews first what is about to end. Raises Denied, or NotSent where there is no token now: what
        it was wanted for has not left this machine.
        """
        ...

    async def refresh_after(self, headers: Mapping[str, str]) -> None:
        """Replace what was refused; nothing happens if these headers are history already."""
        ...


def read_json(response: Response) -> object:
    """
    Parse a body; None where it is not JSON, for nobody answers a bare `null` to mean anything.

    Strict on purpose: NaN, infinities, lone surrogates and nesting beyond 1,024 are not JSON.
    """
    try:
        return orjson.loads(response.body)
    except orjson.JSONDecodeError:
        return None


def read_usual(response: Response, decoder: msgspec.json.Decoder[T]) -> T | None:
    """
    Parse a body of the shape that nearly all of its kind have, judged by `decoder` on the way; None where
    anything in it is odd, for whoever then judges it member by member.
    """
    try:
        # Made a text first: in members that it skips the decoder would not notice bytes that are none.
        return decoder.decode(response.body.decode())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def text_of(response: Response) -> str:
    """A body for a message: one line of whatever it is."""
    return " ".join(response.body[:1024].decode("utf-8", "replace").split())


def retry_after(headers: Mapping[str, str]) -> float | None:
    """
    Seconds from a Retry-After, which is a number or a date (RFC 9110, 10.2.3).

    A date counts from the answer's own Date, so that our clock may be wrong.
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value), LONGEST_WAIT)
    until, now = _date(value), _date(headers.get("date", ""))
    if until is None or now is None:
        return None
    return min(max((until - now).total_seconds(), 0.0), LONGEST_WAIT)


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError):
        return None
    # The oldest of the three forms of a date names no zone, and all of them mean this one (5.6.7).
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
