"""
Where the database is, and which URL a path in it has.

    https://demo-default-rtdb.firebaseio.com            one in us-central1
    https://demo.europe-west1.firebasedatabase.app      one in another region
    http://127.0.0.1:9000/?ns=demo                      an emulator: the database is a parameter

(https://firebase.google.com/docs/reference/rest/database)
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import orjson


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """
    Which children of a node are wanted, by key: the one order that needs no index rule. The answer
    is an object, so its own order says nothing.
    """

    start_at: str | None = None
    end_at: str | None = None
    limit_to_first: int | None = None

    def parameters(self) -> dict[str, str]:
        """Values are JSON: a text keeps its quotes."""
        given = {
            "orderBy": "$key",
            "startAt": self.start_at,
            "endAt": self.end_at,
            "limitToFirst": self.limit_to_first,
        }
        return {
            name: orjson.dumps(value).decode() for name, value in given.items() if value is not None
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A database; `parameters` go with every request."""

    root: str
    """Scheme, host and a path if there is one, without a slash at the end."""
    parameters: tuple[tuple[str, str], ...] = ()

    def url(self, path: str, **parameters: str) -> str:
        """
        The URL of a path, whose segments are keys as they are stored: "labels/st%2E bernard" is
        sent as "labels/st%252E%20bernard".
        """
        segments = [quote(segment, safe="") for segment in path.split("/") if segment]
        query = urlencode([*self.parameters, *parameters.items()], quote_via=quote)
        return f"{self.root}/{'/'.join(segments)}.json" + (f"?{query}" if query else "")


def address_of(url: str) -> Address:
    """Take a database URL apart; the emulator's parameter stays with every request."""
    parts = urlsplit(url)
    return Address(
        root=f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}",
        parameters=tuple(parse_qsl(parts.query)),
    )
