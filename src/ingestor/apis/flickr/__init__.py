"""
The Flickr API: what hangs in a group's pool, and which group a URL means.

Which addresses pictures may have stands in `addresses`, what a row of a listing says in `rows`, a page of
them in `pages`, what a whole answer says, or refuses, in `answers`; `client` only waits.
"""

from ingestor.apis.flickr.addresses import PICTURE_PATH, ImageOrigin
from ingestor.apis.flickr.answers import (
    OF_THE_GROUP,
    Group,
    OfNoUse,
    error_for,
    read_group,
)
from ingestor.apis.flickr.client import PER_PAGE, Flickr, lookup_request, pool_request
from ingestor.apis.flickr.pages import ListedPage
from ingestor.apis.flickr.rows import Unusable, read_row

__all__ = [
    "OF_THE_GROUP",
    "PER_PAGE",
    "PICTURE_PATH",
    "Flickr",
    "Group",
    "ImageOrigin",
    "ListedPage",
    "OfNoUse",
    "Unusable",
    "error_for",
    "lookup_request",
    "pool_request",
    "read_group",
    "read_row",
]
