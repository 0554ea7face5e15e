"""
A whole answer: a page of a pool, a group, or a refusal that comes with status 200.

(https://www.flickr.com/services/api/flickr.groups.pools.getPhotos.html) What cannot be read is the
weather: the service answers with HTML, JSONP and broken JSON on its bad days, and is well again later.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import msgspec
from msgspec import Struct, structs

from ingestor.apis import read_json, read_usual, retry_after, text_of
from ingestor.apis.flickr.pages import ListedPage
from ingestor.apis.flickr.rows import Count, Row, Unusable, number, text
from ingestor.errors import Denied, Rejected, Throttled, Unavailable, VendorError
from ingestor.models import Photo
from ingestor.transport import Response

GROUP_ID = re.compile(r"[0-9]{1,20}@N[0-9]{2}")

WEATHER_CODES = frozenset({0, 10, 105, 106, 201})
"""Documented or seen while the service was away; 0 and 201 are not in the documents."""
OUR_FAULT_CODES = frozenset({3, 5, 18, 20, 77, 95, 111, 112, 114, 115, 116})
"""Unknown user, method, format, arguments: no repeat helps."""
SIGN_IN_CODES = frozenset({96, 97, 98, 99})
OF_THE_GROUP = frozenset({"group-not-found", "group-private", "not-public"})
"""Reasons that say nothing of another group."""

DENIALS = {
    1: (
        "group-not-found",
        (
            "Flickr knows no such group. Give --group the id (12345678@N00) or the URL of the group's "
            "page."
        ),
    ),
    2: (
        "group-private",
        "Its pool is private: Flickr shows it to members only. Choose a public group.",
    ),
    100: (
        "api-key",
        (
            "Flickr does not accept FLICKR_API_KEY. Get a key at "
            "https://www.flickr.com/services/apps/create/ and set FLICKR_API_KEY."
        ),
    ),
}


NOT_TO_BLAME = 4
"""So many rows of a page, and not one that is of use, say nothing of the photos (taste)."""


class OfNoUse(Unavailable):
    """A page that can be read, and of whose photos not one can be used."""

    def __init__(self, said: str, *, page: ListedPage) -> None:
        super().__init__(said, upstream="flickr", reason="unreadable")
        self.page = page


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A page whose rows are still as they came."""

    pages: int
    total: int
    rows: Sequence[object]

    def read(self, rows: Sequence[Photo | Unusable], *, origin: str) -> ListedPage:
        """`origin` is where pictures may come from. Raises OfNoUse where no row is."""
        page = ListedPage(pages=self.pages, total=self.total, rows=tuple(rows))
        useless = [row for row in rows if isinstance(row, Unusable)]
        if len(useless) == len(rows) >= NOT_TO_BLAME:
            raise OfNoUse(_useless(useless[0], origin=origin), page=page)
        return page


class _Photos(Struct):
    page: Count
    pages: Count
    total: Count
    photo: list[Row]


class _Listed(Struct):
    stat: Literal["ok"]
    photos: _Photos


_USUAL = msgspec.json.Decoder(_Listed)
"""Judges a page as nearly all of them come while it reads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    id: str
    name: str


def read_listing(response: Response, *, group: str) -> Listing:
    """Raises what `error_for` names; a page without its numbers is unreadable, never empty."""
    listing = _usual(response) or _member(response, "photos", group=group)
    page, pages, total = (number(listing.get(name)) for name in ("page", "pages", "total"))
    rows = listing.get("photo", [] if total == 0 else None)
    if page is None or pages is None or total is None or not isinstance(rows, list):
        raise _unreadable(response)
    return Listing(pages=pages, total=total, rows=rows)


def read_group(response: Response, *, group: str) -> Group:
    """`group` is what was asked for. Raises what `error_for` names."""
    found = _member(response, "group", group=group)
    id_ = text(found.get("id"))
    if not GROUP_ID.fullmatch(id_):
        raise _unreadable(response)
    return Group(id=id_, name=text(found.get("groupname")))


def error_for(response: Response, *, group: str) -> VendorError:
    """
    Name the refusal that an answer is, which most often comes with status 200; one of the group says
    which it is.
    """
    match read_json(response):
        case {"stat": "fail", **refusal} if response.status != 429:
            code, message = number(refusal.get("code")), text(refusal.get("message"))
            return _refusal(code, message, group=group)
        case _:
            return _by_status(response)


def _useless(row: Unusable, *, origin: str) -> str:
    if row.reason == "url-refused":
        return (
            f"Flickr lists pictures at {row.detail!r}, and they may only come from {origin}: if that "
            "is not what it should be, set INGESTOR_IMAGE_URL, or --image-url"
        )
    return f"Flickr lists photos of which none can be used ({row.reason})"


def _usual(response: Response) -> dict[str, object] | None:
    """A page of which nothing is odd; None where anything is, in whatever place."""
    usual = read_usual(response, _USUAL) if response.status == 200 else None
    return structs.asdict(usual.photos) if usual else None


def _member(response: Response, name: str, *, group: str) -> dict[str, object]:
    match read_json(response):
        case {"stat": "ok", **answer} if response.status == 200:
            member = answer.get(name)
        case _:
            raise error_for(response, group=group)
    if not isinstance(member, dict):
        raise _unreadable(response)
    return member


def _refusal(code: int | None, message: str, *, group: str) -> VendorError:
    """
    By code. One that is missing or new is retried for a while: better than to take a page for
    empty, or a bad day for the end.
    """
    if code in WEATHER_CODES or "not currently available" in message:
        return Unavailable(f"Flickr is not available: {message}", upstream="flickr")
    if denial := DENIALS.get(code or -1):
        reason, sentence = denial
        return _denied(sentence, reason=reason, group=group)
    if code in SIGN_IN_CODES:
        sentence = "Flickr wants a signed-in user for this, and only public pools are read"
        return _denied(f"{sentence}: {message}", reason="not-public", group=group)
    if code in OUR_FAULT_CODES:
        return Rejected(
            f"Flickr rejects the request: {message}", upstream="flickr", reason=f"code-{code}"
        )
    return Unavailable(
        f"Flickr fails with code {code}: {message}", upstream="flickr", reason="unexpected"
    )


def _denied(sentence: str, *, reason: str, group: str) -> Denied:
    if reason in OF_THE_GROUP:
        sentence = f"Group {group!r}: {sentence}"
    return Denied(sentence, upstream="flickr", reason=reason)


def _by_status(response: Response) -> VendorError:
    status, wait = response.status, retry_after(response.headers)
    broken = partial(Unavailable, upstream="flickr", retry_after=wait)
    if status in {403, 429}:
        # A block page (403) is what abuse looks like from here; only slowing down helps.
        return Throttled(
            f"Flickr refuses for speed (status {status}).",
            upstream="flickr",
            reason="throttled" if status == 429 else "blocked",
            retry_after=wait,
        )
    if status == 200:
        return _unreadable(response)
    if status == 408 or status >= 500:
        return broken(f"Flickr answered with status {status}.", reason="unavailable")
    if 200 < status < 400:
        return broken(f"Flickr sent us elsewhere (status {status}).", reason="redirected")
    if status == 404:
        return Denied(
            "There is no Flickr API at this address: check --flickr-url.",
            upstream="flickr",
            reason="wrong-address",
        )
    return Rejected(
        f"Flickr rejects the request with status {status}.",
        upstream="flickr",
        reason=f"status-{status}",
    )


def _unreadable(response: Response) -> Unavailable:
    return Unavailable(
        f"Flickr's answer is unreadable: {text_of(response)}",
        upstream="flickr",
        reason="unreadable",
    )
