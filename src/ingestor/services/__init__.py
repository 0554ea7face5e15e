"""
What a run may ask of the outside, as functions for the stages to take.

`opening` makes them of the settings, `politely` asks again, `database` is the one upstream with
questions of its own, `lister` asks for pages of pools.

Rule of the room: the stages do not know it; whoever starts a run hands them its functions.
"""

from ingestor.apis.flickr import OF_THE_GROUP, Group, ListedPage
from ingestor.apis.flickr import PER_PAGE as PHOTOS_PER_PAGE
from ingestor.apis.vision import BYTES_PER_REQUEST, IMAGES_PER_REQUEST, text_at_once, weigh_image
from ingestor.services.database import PoliteDatabase
from ingestor.services.opening import (
    Services,
    Update,
    open_catalog,
    open_database,
    open_services,
)
from ingestor.services.politely import Politely

__all__ = [
    "BYTES_PER_REQUEST",
    "IMAGES_PER_REQUEST",
    "OF_THE_GROUP",
    "PHOTOS_PER_PAGE",
    "Group",
    "ListedPage",
    "PoliteDatabase",
    "Politely",
    "Services",
    "Update",
    "open_catalog",
    "open_database",
    "open_services",
    "text_at_once",
    "weigh_image",
]
