"""
The licences of Flickr's photos, by the number in a listing.

(https://www.flickr.com/services/api/flickr.photos.licenses.getInfo.html)
"""

from __future__ import annotations

from typing import Final, NamedTuple


class License(NamedTuple):
    name: str
    url: str


def _cc(code: str, version: str) -> License:
    name = f"CC {code.upper()} {version}"
    return License(name, f"https://creativecommons.org/licenses/{code}/{version}/")


RESERVED: Final = License("All rights reserved", "https://www.flickr.com/help/terms")
UNKNOWN: Final = License("Licence on Flickr", "")
"""Where the listing did not say: the photo's page does."""

LICENSES: Final = {
    "0": RESERVED,
    "1": _cc("by-nc-sa", "2.0"),
    "2": _cc("by-nc", "2.0"),
    "3": _cc("by-nc-nd", "2.0"),
    "4": _cc("by", "2.0"),
    "5": _cc("by-sa", "2.0"),
    "6": _cc("by-nd", "2.0"),
    "7": License("No known copyright restrictions", "https://www.flickr.com/commons/usage/"),
    "8": License("United States government work", "https://www.usa.gov/government-works"),
    "9": License("CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
    "10": License("Public domain mark", "https://creativecommons.org/publicdomain/mark/1.0/"),
    "11": _cc("by", "4.0"),
    "12": _cc("by-sa", "4.0"),
    "13": _cc("by-nd", "4.0"),
    "14": _cc("by-nc", "4.0"),
    "15": _cc("by-nc-sa", "4.0"),
    "16": _cc("by-nc-nd", "4.0"),
}


def license_of(number: str, *, page: str) -> License:
    """Always with a link: to the licence, or to the photo's page, which names it."""
    name, url = LICENSES.get(number, UNKNOWN)
    return License(name, url or page)
