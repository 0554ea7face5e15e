"""
Asking: form posts, so that the key stands in the body and never in a URL.

(https://www.flickr.com/services/api/request.rest.html)
"""

from __future__ import annotations

import asyncio
from urllib.parse import quote, urlencode

from pydantic import SecretStr

from ingestor.apis.flickr.addresses import ImageOrigin
from ingestor.apis.flickr.answers import Group, read_group, read_listing
from ingestor.apis.flickr.pages import ListedPage
from ingestor.apis.flickr.rows import Unusable, read_rows
from ingestor.models import Photo
from ingestor.transport import Request, Transport

PER_PAGE = 500
"""The most that Flickr gives at once
(https://www.flickr.com/services/api/flickr.groups.pools.getPhotos.html)."""
EXTRAS = "license,date_upload,owner_name,path_alias,media,url_z,url_c,url_m,url_l,url_n"
"""Enough for a photo without a call of its own."""
DEADLINE = 30.0
"""Seconds; a page of 500 usually takes one or two (taste)."""
ROWS_A_TURN = 50
"""Read at once: 3 ms on a slow machine, where a page takes 30."""
MOST_ANSWER = 8_000_000
"""Bytes; 500 rows with all extras are about 400,000 (those of the sandbox)."""


def pool_request(group_id: str, *, page: int, url: str, key: SecretStr) -> Request:
    arguments = {
        "group_id": group_id,
        "page": str(page),
        "per_page": str(PER_PAGE),
        "extras": EXTRAS,
    }
    return _request("flickr.groups.pools.getPhotos", arguments, url=url, key=key)


def lookup_request(group: str, *, url: str, key: SecretStr) -> Request:
    """`group` is an alias or an id: parts of such URLs."""
    page = f"https://www.flickr.com/groups/{quote(group, safe='@')}/"
    return _request("flickr.urls.lookupGroup", {"url": page}, url=url, key=key)


class Flickr:
    """The thin half; `images` is the one origin that pictures may come from."""

    def __init__(
        self, transport: Transport, *, url: str, key: SecretStr, images: ImageOrigin
    ) -> None:
        self._transport = transport
        self._url = url
        self._key = key
        self._images = images

    async def pool_page(self, group_id: str, page: int) -> ListedPage:
        response = await self._transport.send(
            pool_request(group_id, page=page, url=self._url, key=self._key)
        )
        listing = read_listing(response, group=group_id)
        rows: list[Photo | Unusable] = []
        for first in range(0, len(listing.rows), ROWS_A_TURN):
            some = listing.rows[first : first + ROWS_A_TURN]
            rows += read_rows(some, group=group_id, images=self._images)
            # A whole page at once would hold up the loop for 30 ms.
            await asyncio.sleep(0)
        return listing.read(rows, origin=self._images.url)

    async def lookup_group(self, group: str) -> Group:
        response = await self._transport.send(lookup_request(group, url=self._url, key=self._key))
        return read_group(response, group=group)


def _request(method: str, arguments: dict[str, str], *, url: str, key: SecretStr) -> Request:
    form = {
        "method": method,
        "api_key": key.get_secret_value(),
        "format": "json",
        "nojsoncallback": "1",
        **arguments,
    }
    return Request(
        upstream="flickr",
        method="POST",
        url=url,
        headers={"content-type": "application/x-www-form-urlencoded"},
        body=urlencode(form).encode(),
        deadline=DEADLINE,
        cap=MOST_ANSWER,
    )
