"""Answers from files, and a transport that gives them without a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ingestor.apis.flickr import ImageOrigin, ListedPage
from ingestor.apis.flickr.answers import read_listing
from ingestor.apis.flickr.rows import read_rows
from ingestor.apis.google import Fixed
from ingestor.transport import Request, Response

ANSWERS = Path(__file__).parents[2] / "answers"
NESTED = b"[" * 1_000_000 + b"]" * 1_000_000
"""Deeper than any Python reads: since 3.14 as deep as 8 MB of stack go, above 100,000 here."""

Answer = Callable[[str], Response]


class Recorder:
    """A transport that notes what it is asked, and answers in turn."""

    def __init__(self, *answers: Response) -> None:
        self.answers = list(answers)
        self.requests: list[Request] = []

    async def send(self, request: Request) -> Response:
        self.requests.append(request)
        return self.answers.pop(0)


@pytest.fixture
def answer() -> Answer:
    """Read one file of tests/answers by its vendor and name; see the README there."""
    return lambda name: read_answer((ANSWERS / f"{name}.txt").read_bytes())


@pytest.fixture
def recorder() -> type[Recorder]:
    return Recorder


def read_answer(content: bytes) -> Response:
    head, _, body = content.partition(b"\n\n")
    status, *headers = [line for line in head.decode().splitlines() if not line.startswith("#")]
    pairs = (line.split(": ", 1) for line in headers)
    return Response(status=int(status), headers=dict(pairs), body=body.removesuffix(b"\n"))


def read_pool_page(response: Response, *, group: str, images: ImageOrigin) -> ListedPage:
    """A whole page at once; `Flickr.pool_page` reads it piece by piece."""
    listing = read_listing(response, group=group)
    return listing.read(read_rows(listing.rows, group=group, images=images), origin=images.url)


class Noting(Fixed):
    """Credentials that note what was refused."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__(headers)
        self.refused: list[Mapping[str, str]] = []

    async def refresh_after(self, headers: Mapping[str, str]) -> None:
        self.refused.append(headers)
