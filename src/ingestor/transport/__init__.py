"""
The way to the four upstreams: a request value goes in, a response value comes out.

`values` are what goes in and comes out. `http` is the transport itself: over aiohttp, where a `connector`
guards the socket and a body is `outgoing`, or over `lines`; below both is one `network`. `allowlist` says where one may go, `safety` what
must hold before, `caps` what an answer may be on both ways, `pace` how fast a picture has to come. An `exchange`
keeps its deadline and its cap, and leaves `marks` of how far it came; `translation` says what went wrong,
`statistics` how often.

Three others open client sockets, and bring their own rules: google-auth's tokens (`apis.google`),
OpenTelemetry's exporter (`eyes.traces`), and talk with the sandbox on loopback (`cli.sandboxed`,
`bench.upstreams`).

Foreign errors stop here: whatever aiohttp, the resolver or TLS raise leaves this room as one of
`errors.TransportError`'s three kinds, which tell the paid call what it must assume.

Rule of the room: nobody in here knows a vendor; what is allowed comes in as origins.
"""

from ingestor.transport.http import HttpTransport
from ingestor.transport.safety import require_safe_http
from ingestor.transport.statistics import CallStatistics
from ingestor.transport.values import Hidden, Parts, Request, Response, Room, Transport

__all__ = [
    "CallStatistics",
    "Hidden",
    "HttpTransport",
    "Parts",
    "Request",
    "Response",
    "Room",
    "Transport",
    "require_safe_http",
]
