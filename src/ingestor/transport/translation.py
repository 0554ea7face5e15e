"""
Foreign errors stop here: what aiohttp, the resolver and TLS raise, in the words of this house.

What matters is whether the request had begun to leave, because a paid request that left is perhaps
billed. The marks that tell are set by aiohttp's tracing: with no `request_headers_sent`, nothing
was sent. A status in a foreign error is never read: aiohttp makes some up itself.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from types import SimpleNamespace

import aiohttp

from ingestor.errors import AddressRefused, AnswerLost, NotSent, TransportError

FOREIGN = (aiohttp.ClientError, OSError, ValueError, TransportError)
"""What an exchange may raise beside our own mistakes; `TimeoutError` is an OSError."""

NO_FILES_LEFT = (errno.EMFILE, errno.ENFILE)

SENTENCES = {
    "broken": "the exchange broke off",
    "connect": "no connection could be made",
    "connect-timeout": "connecting took too long",
    "disconnected": "the other side closed the connection without an answer",
    "dns": "the host's name could not be looked up",
    "garbage": "the answer is not HTTP, or has unreasonable headers",
    "no-files": "this process has too many open files to connect",
    "pool": "no connection of the pool became free in time",
    "reset": "the connection was reset",
    "timeout": "no complete answer within the deadline",
    "tls": "no TLS connection could be made",
    "too-slow": "the answer trickles in too slowly",
    "truncated": "the answer ended before it was complete",
}
"""By reason; whole messages are these and a place, so no foreign text can carry a secret out."""


@dataclass(slots=True)
class Marks:
    """What has happened to a request so far."""

    queued: bool = False
    """It waits for the pool."""
    reused: bool = False
    sent: bool = False
    """It has begun to leave, or may have."""
    too_slow: bool = False


def tracing() -> aiohttp.TraceConfig:
    """Set the marks that a request carries as its `trace_request_ctx`."""

    async def queue(_: aiohttp.ClientSession, context: SimpleNamespace, _event: object) -> None:
        context.trace_request_ctx.queued = True

    async def unqueue(_: aiohttp.ClientSession, context: SimpleNamespace, _event: object) -> None:
        context.trace_request_ctx.queued = False

    async def reuse(_: aiohttp.ClientSession, context: SimpleNamespace, _event: object) -> None:
        context.trace_request_ctx.reused = True

    async def leave(_: aiohttp.ClientSession, context: SimpleNamespace, _event: object) -> None:
        context.trace_request_ctx.sent = True

    config = aiohttp.TraceConfig()
    config.on_connection_queued_start.append(queue)
    config.on_connection_queued_end.append(unqueue)
    config.on_connection_reuseconn.append(reuse)
    config.on_request_headers_sent.append(leave)
    return config


def translate(error: BaseException, *, marks: Marks, place: str) -> TransportError:
    """
    Make a fresh error, without cause, context or traceback: in theirs, a URL or a header with a
    key may hide.
    """
    match error:
        case TransportError():
            return type(error)(str(error), reason=error.reason)
        case aiohttp.ClientConnectorCertificateError():
            return AddressRefused(
                f"{place}: its TLS certificate cannot be trusted", reason="tls-certificate"
            )
        case ValueError() if not isinstance(error, aiohttp.ClientError):
            return AddressRefused(
                f"{place}: the request has a forbidden character in a header (a key with a line"
                " break?)",
                reason="malformed",
            )
    reason = _reason(error, marks)
    kind = AnswerLost if marks.sent else NotSent
    return kind(f"{place}: {SENTENCES[reason]}", reason=reason)


def _reason(error: BaseException, marks: Marks) -> str:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "dns"
        case aiohttp.ClientSSLError():
            return "tls"
        case aiohttp.ConnectionTimeoutError():
            return "connect-timeout"
        case aiohttp.ClientConnectorError():
            return "no-files" if error.errno in NO_FILES_LEFT else "connect"
        case aiohttp.ClientResponseError():
            return "garbage"
        case aiohttp.ClientPayloadError():
            return "truncated"
        case aiohttp.ServerDisconnectedError():
            return "disconnected"
        case TimeoutError():
            return "pool" if marks.queued else "too-slow" if marks.too_slow else "timeout"
        case OSError():
            return "reset"
        case _:
            return "broken"
