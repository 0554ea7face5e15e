"""
Asking: updates of many paths at once, reads, and writes on a condition.

(https://firebase.google.com/docs/reference/rest/database) Nothing in here appends or increments:
what was sent may be sent again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from ingestor.apis import Credentials, read_json
from ingestor.apis.rtdb.addresses import Address, Query, address_of
from ingestor.apis.rtdb.errors import error_for
from ingestor.errors import Rejected, Unauthorized, Unavailable
from ingestor.transport import Hidden, Request, Response, Transport

NOTHING = "null_etag"
"""The ETag of a place where nothing stands: a write under it creates, or meets a conflict."""

SILENT = {"print": "silent"}
"""Success without the echo of what was written, which would be billed as a download."""

DEADLINE = 60.0
"""Seconds; the server itself gives a large write up after 60."""
MOST_ANSWER = 64_000_000
"""Bytes; the keys of a million photos are about 20,000,000."""

PATH = re.compile(r"/?[^.$#\[\]/\x00-\x1f\x7f]++(?:/[^.$#\[\]/\x00-\x1f\x7f]++){0,31}+")
"""Keys that are legal, and 32 levels of them at most
(https://firebase.google.com/docs/database/usage/limits)."""
ILLEGAL = bytes(range(0x20)) + b".$#[]\x7f"
"""Bytes of what no key holds; in UTF-8 they are part of no other character."""
LONGEST_KEY = 768
"""Bytes (same page)."""
SHORT = 64
"""Characters: too few for a key that is too long, at four bytes each, and for 33 levels, which take 65."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Somebody else wrote meanwhile: what stands there now, and its ETag."""

    value: Any
    etag: str


def update_request(
    paths: Mapping[str, Any], *, address: Address, headers: Mapping[str, str]
) -> Request:
    """
    One write, all or nothing; a path whose value is None is deleted.

    Raises Rejected for a path that the database would refuse together with all the others.
    """
    for path in _suspects(paths):
        if not _legal(path):
            raise Rejected(
                f"{path[:80]!r} is no path of a database.", upstream="database", reason="bad-path"
            )
    return _request("PATCH", address.url("", **SILENT), headers, body=dict(paths))


def read_request(
    path: str,
    *,
    address: Address,
    headers: Mapping[str, str],
    query: Query | None = None,
    shallow: bool = False,
) -> Request:
    """`shallow` gives the children's names with `true` for values, and takes no `query`."""
    parameters = {"shallow": "true"} if shallow else query.parameters() if query else {}
    return _request("GET", address.url(path, **parameters), headers)


class Database:
    """
    The thin half: everything it knows, it asks the functions above.

    After a 401 it has the credentials replaced, then raises Unauthorized: one more try is the caller's
    to make.
    """

    def __init__(self, transport: Transport, *, url: str, access: Credentials) -> None:
        self._transport = transport
        self._address = address_of(url)
        self._access = access

    async def update(self, paths: Mapping[str, Any]) -> None:
        headers = await self._access.headers()
        await self._send(update_request(paths, address=self._address, headers=headers))

    async def read(self, path: str, *, query: Query | None = None, shallow: bool = False) -> Any:
        """None where nothing stands; objects may come back as lists (see `records`)."""
        headers = await self._access.headers()
        request = read_request(
            path, address=self._address, headers=headers, query=query, shallow=shallow
        )
        return _value(await self._send(request))

    async def read_with_etag(self, path: str) -> tuple[Any, str]:
        """The ETag is NOTHING where nothing stands."""
        headers = Hidden(await self._access.headers(), **{"x-firebase-etag": "true"})
        response = await self._send(_request("GET", self._address.url(path), headers))
        return _value(response), _etag(response)

    async def write_if(self, path: str, value: Any, *, etag: str) -> Conflict | None:
        """Replace what stands at `path` if it is still what `etag` names; None when written."""
        headers = Hidden(await self._access.headers(), **{"if-match": etag})
        # Not silent: "print=silent" beside "if-match" has been seen to be refused.
        request = _request("PUT", self._address.url(path), headers, body=value)
        response = await self._send(request, expected=(412,))
        if response.status == 412:
            return Conflict(value=read_json(response), etag=_etag(response))
        return None

    async def _send(self, request: Request, *, expected: tuple[int, ...] = ()) -> Response:
        response = await self._transport.send(request)
        if response.status in {200, 204, *expected}:
            return response
        error = error_for(response)
        if isinstance(error, Unauthorized):
            await self._access.refresh_after(request.headers)
        raise error


def _request(method: str, url: str, headers: Mapping[str, str], *, body: object = None) -> Request:
    content = method != "GET"
    return Request(
        upstream="database",
        method=method,
        url=url,
        headers=Hidden(headers, **{"content-type": "application/json"} if content else {}),
        body=orjson.dumps(body) if content else None,
        deadline=DEADLINE,
        cap=MOST_ANSWER,
    )


def _suspects(paths: Mapping[str, Any]) -> Iterable[str]:
    """
    Paths that must be looked at one by one: all, if anything illegal stands in any of them, else the long
    ones. An update has thousands, and what is looked for in all at once costs next to nothing.
    """
    # In a chain of paths an empty key shows as two slashes, wherever in its path it stands.
    chain = "/".join(["", *paths, ""]).encode(errors="surrogatepass")
    if b"//" in chain or len(chain.translate(None, ILLEGAL)) < len(chain):
        return paths
    if max(map(len, paths), default=0) <= SHORT:
        return ()
    return [path for path in paths if len(path) > SHORT]


def _legal(path: str) -> bool:
    return PATH.fullmatch(path) is not None and all(
        len(key.encode(errors="surrogatepass")) <= LONGEST_KEY for key in path.split("/")
    )


def _value(response: Response) -> Any:
    """What was read; `null` is an answer here, and HTML is the console asking to sign in."""
    if response.body.strip() == b"null":
        return None
    value = read_json(response)
    if value is not None:
        return value
    if response.body.lstrip().startswith(b"<"):
        raise error_for(Response(status=302, headers=response.headers, body=b""))
    raise Unavailable(
        "The database's answer is unreadable.", upstream="database", reason="unreadable"
    )


def _etag(response: Response) -> str:
    if etag := response.headers.get("etag"):
        return etag
    raise Unavailable(
        "The database did not say which version it gave.", upstream="database", reason="no-etag"
    )
