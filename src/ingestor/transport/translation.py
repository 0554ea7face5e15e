"""
Foreign errors stop here: what aiohttp, the resolver and TLS raise, in the words of this house.

What matters is whether the request had begun to leave (see `marks`), because a paid request that
left is perhaps billed. A status in a foreign error is never read: aiohttp makes some up itself.
"""

from __future__ import annotations

import errno
from typing import TypeVar

import aiohttp

from ingestor.errors import AddressRefused, AnswerLost, NotSent, TransportError
from ingestor.transport.marks import Marks

E = TypeVar("E", bound=TransportError)

FOREIGN = (aiohttp.ClientError, OSError, TransportError)
"""What an exchange may raise beside our own mistakes; `TimeoutError` is an OSError."""

NO_FILES_LEFT = (errno.EMFILE, errno.ENFILE)
NOT_NOW = (9, 10)
"""OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED, which have no names in Python."""

SENTENCES = {
    "broken": "the exchange broke off",
    "connect": "no connection could be made",
    "connect-timeout": "connecting took too long",
    "disconnected": "the other side closed the connection without an answer",
    "dns": "the host's name could not be looked up",
    "encoded": "the answer came in an encoding that nobody asked for",
    "garbage": "the answer is not HTTP, or has unreasonable headers",
    "no-files": "this process has too many open files to connect",
    "reset": "the connection was reset",
    "timeout": "no complete answer within the deadline",
    "tls": "no TLS connection could be made",
    "tls-certificate": "its TLS certificate cannot be trusted",
    "tls-time": "its TLS certificate is not valid at the time that this machine's clock shows",
    "too-large": "the answer is larger than accepted",
    "too-slow": "the answer trickles in too slowly",
    "truncated": "the answer ended before it was complete",
}
"""By reason; whole messages are these and a place, so no foreign text can carry a secret out."""


def translate(error: BaseException, *, marks: Marks, place: str) -> TransportError:
    """
    Make a fresh error, without cause, context or traceback: in theirs, a URL or a header with a
    key may hide.
    """
    match error:
        case TransportError():
            return type(error)(str(error), reason=error.reason)
        case aiohttp.ClientConnectorCertificateError(certificate_error=cause):
            return distrusted(cause, place=place)
    kind = AnswerLost if marks.sent else NotSent
    return explain(_reason(error), place=place, kind=kind)


def explain(reason: str, *, place: str, kind: type[E]) -> E:
    """An error in our words alone."""
    return kind(f"{place}: {SENTENCES[reason]}", reason=reason)


def distrusted(error: object, *, place: str) -> AddressRefused:
    """Of a certificate that TLS does not take; where it is for the time, a person looks at the clock first."""
    reason = "tls-time" if getattr(error, "verify_code", 0) in NOT_NOW else "tls-certificate"
    return explain(reason, place=place, kind=AddressRefused)


def _reason(error: BaseException) -> str:
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
            return "timeout"
        case OSError():
            return "reset"
        case _:
            return "broken"
