"""What is to be known of a collection before it is shown: whose photos they are, what is hidden."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ingestor.catalog.bits import anything_hidden
from ingestor.errors import IngestorError
from ingestor.journal.facts import fact
from ingestor.journal.reader import looking_into
from ingestor.settings import is_loopback
from ingestor.web.house import House


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    invented: bool
    """By the sandbox: nobody took them, and what would be their page on Flickr is somebody else's."""
    blank: bool
    """Whether there is nobody to draw them."""
    hides: bool
    """Whether there may be anything that is hidden until one asks for it."""


async def collection_of(house: House) -> Collection:
    """By the journal; where there is a database alone, by the place of the pictures."""
    near = is_loopback(urlsplit(house.image_origin).hostname or "")
    told = None if house.remote else await asyncio.to_thread(_told, house.journal)
    invented, hides = told or (near, True)
    invented = invented or house.sandbox
    return Collection(invented=invented, blank=invented and not near, hides=hides)


def _told(journal: Path) -> tuple[bool, bool] | None:
    """Whether the photos are invented, and whether any is hidden; None where there is no journal."""
    try:
        with looking_into(journal) as db:
            return fact(db, "world") == "sandbox", anything_hidden(db)
    except IngestorError:
        return None
