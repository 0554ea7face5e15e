"""The database on a bad day: refusals before anything is done, and lies about what was done."""

import asyncio
import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from aiohttp import web

from ingestor.sandbox.faults import Faults, share_of
from ingestor.sandbox.rtdb.database import Database
from ingestor.sandbox.rtdb.keys import Path
from ingestor.sandbox.rtdb.refusals import (
    EXPIRED_TOKEN,
    PERMISSION_DENIED,
    TOO_LARGE,
    UNAUTHORIZED,
    Refused,
)
from ingestor.sandbox.rtdb.verbs import Veto
from ingestor.sandbox.wire import hang_up, stall

REFUSALS: Final[Mapping[str, tuple[int, str]]] = {
    "database.unavailable": (503, "Service unavailable"),
    "database.internal-error": (500, "An internal error occurred"),
    "database.gateway-timeout": (504, "Internal server error."),
    "database.token-expired": (401, EXPIRED_TOKEN),
    "database.token-revoked": (401, UNAUTHORIZED),
    "database.permission-denied": (401, PERMISSION_DENIED),
    "database.forbidden": (403, PERMISSION_DENIED),
    "database.quota-exceeded": (402, "The quota of the database has been exceeded."),
    "database.deactivated": (423, "The Firebase database '{ns}' has been deactivated."),
    "database.disabled": (423, "The Firebase database '{ns}' was disabled by a database owner."),
    "database.too-large": (413, TOO_LARGE),
    "database.throttled": (429, "Too many requests"),
    "database.not-found": (
        404,
        (
            "Firebase error. Please ensure that you have the URL of your Firebase Realtime "
            "Database instance configured correctly."
        ),
    ),
    "database.other-region": (
        404,
        "Database lives in a different region. Please change your database URL to {url}",
    ),
}

OTHER_REGION: Final = "https://{ns}.europe-west1.firebasedatabase.app"
LOOPBACKS: Final = ("::1", "127.0.0.1")
"""
A redirect leads to the one that was not asked: to a stranger, but not off this machine. Of the other
addresses of 127/8 macOS has none, and whoever follows one there waits until it gives up.
"""

BAD_GATEWAY: Final = "<html><head><title>502 Bad Gateway</title></head><body></body></html>\n"
SURPRISE: Final = "<html><body>Sign in to continue</body></html>\n"

BEFORE: Final = (
    *REFUSALS,
    "database.redirect",
    "database.bad-gateway",
    "database.stall",
    "database.reset",
)
REFUSED_WRITE: Final = "database.refused-write"
REFUSED_KEY: Final = "database.refused-key"
AFTER_WRITES: Final = (
    "database.error-after-apply",
    "database.reset-after-apply",
    "database.stall-after-apply",
    "database.unexpected-body",
)
SLOW_WRITE: Final = "database.slow-write"
SLOW_COMMIT: Final = "database.slow-commit"
STREAM_REDIRECT: Final = "database.stream-redirect"
STREAM_RESET: Final = "database.stream-reset"
STREAM_REVOKED: Final = "database.stream-revoked"

FAULTS: Final[Mapping[str, str]] = {
    "database.unavailable": "503, nothing applied",
    "database.internal-error": "500, nothing applied",
    "database.bad-gateway": "502 as HTML, nothing applied",
    "database.gateway-timeout": "504, nothing applied",
    "database.stall": "no answer at all, nothing applied",
    "database.reset": "connection reset, nothing applied",
    "database.error-after-apply": "500 although the write was applied",
    "database.reset-after-apply": "connection reset although the write was applied",
    "database.stall-after-apply": "no answer although the write was applied",
    "database.token-expired": "401, the token has expired",
    "database.token-revoked": "401, the token is no longer good",
    "database.permission-denied": "401, the rules deny",
    "database.forbidden": "403, the rules deny",
    "database.refused-write": "400, as for a bad key, nothing applied",
    "database.refused-key": "400 for every write that names one of this share of all ids",
    "database.too-large": "413, the payload is too large",
    "database.throttled": "429, too many writes",
    "database.quota-exceeded": "402, quota exceeded or plan downgraded",
    "database.deactivated": "423, the database has been deactivated",
    "database.disabled": "423, the database was disabled by its owner",
    "database.not-found": "404, no such database",
    "database.other-region": "404, the database lives in another region",
    "database.redirect": "307 to the same path on another host",
    "database.slow-write": "the write waits before it is applied",
    "database.slow-commit": "the write is applied at once, the answer waits",
    "database.unexpected-body": "200 with a page instead of JSON, applied",
    "database.stream-redirect": "307 to the same stream",
    "database.stream-reset": "the stream is cut after its first event",
    "database.stream-revoked": "auth_revoked after the first event",
}

KNOBS: Final[Mapping[str, float]] = {
    "database.slow-seconds": 10.0,
    "database.keep-alive-seconds": 30.0,
    "database.writes-per-second": 0.0,
    "database.megabytes-per-minute": 0.0,
}
"""
Limits of 0 mean none. The vendor names 1,000 writes/s and 64 MB/min, but not what happens beyond,
nor what a multi-path update counts for; here it is one write, and beyond is a 429.
"""

BYTES_PER_MEGABYTE: Final = 1024 * 1024
SECOND: Final = 1.0
MINUTE: Final = 60.0

_ID: Final = re.compile(r"[0-9]{4,}$")
"""What looks like an id at the end of a key: a poisoned record is one wherever it is named."""


async def misbehave(fault: str, request: web.Request, *, namespace: str) -> web.StreamResponse:
    """Answer as the fault says, having done nothing. Raises `Refused` for most."""
    match fault:
        case "database.stall" | "database.stall-after-apply":
            return await stall()
        case "database.reset" | "database.reset-after-apply":
            return hang_up(request)
        case "database.redirect":
            stranger = next(host for host in LOOPBACKS if host != request.url.host)
            there = str(request.url.with_host(stranger))
            return web.Response(status=307, headers={"Location": there})
        case "database.bad-gateway":
            return web.Response(status=502, text=BAD_GATEWAY, content_type="text/html")
        case "database.unexpected-body":
            return web.Response(text=SURPRISE, content_type="text/html")
        case "database.error-after-apply":
            raise Refused(500, REFUSALS["database.internal-error"][1])
    status, text = REFUSALS[fault]
    if fault != "database.other-region":
        raise Refused(status, text.format(ns=namespace))
    url = OTHER_REGION.format(ns=namespace)
    raise Refused(status, text.format(url=url), correctUrl=url)


async def linger(faults: Faults, fault: str, *, key: str) -> None:
    """Wait where the fault says so."""
    if faults.strikes(fault, key):
        await asyncio.sleep(faults.knob("database.slow-seconds"))


def veto_of(faults: Faults, database: Database) -> Veto:
    """What makes trouble about a path right now: chosen keys, and a share of all ids."""
    if faults.strikes(REFUSED_WRITE):
        return lambda _: True
    share = faults.rates().get(REFUSED_KEY, 0.0)
    chosen = tuple(database.refused_keys)
    if share == 0 and not chosen:
        return None

    def veto(path: Path) -> bool:
        if any(text in key for text in chosen for key in path):
            return True
        return bool(path) and _poisoned(path[-1], share)

    return veto


def _poisoned(key: str, share: float) -> bool:
    found = _ID.search(key)
    return found is not None and share_of(found[0]) < share


class Throttle:
    """The limits on writes per second and bytes per minute, in sliding windows."""

    def __init__(self, faults: Faults, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._faults = faults
        self._clock = clock
        self._writes: deque[float] = deque()
        self._bytes: deque[tuple[float, int]] = deque()
        self._sum = 0

    def admit(self, size: int) -> None:
        """Count a write of so many bytes, or raise `Refused` with 429."""
        now = self._clock()
        self._forget(now)
        most_writes = self._faults.knob("database.writes-per-second")
        most_bytes = self._faults.knob("database.megabytes-per-minute") * BYTES_PER_MEGABYTE
        too_many = most_writes and len(self._writes) >= most_writes
        if too_many or (most_bytes and self._sum + size > most_bytes):
            raise Refused(*REFUSALS["database.throttled"])
        self._writes.append(now)
        self._bytes.append((now, size))
        self._sum += size

    def _forget(self, now: float) -> None:
        while self._writes and self._writes[0] <= now - SECOND:
            self._writes.popleft()
        while self._bytes and self._bytes[0][0] <= now - MINUTE:
            self._sum -= self._bytes.popleft()[1]
