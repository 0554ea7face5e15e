"""The way to a sandbox: as settings take it, and as one asks it for a page of its zoo."""

from __future__ import annotations

from ingestor.sandbox.server import Sandbox

NO_QUOTAS = {"images_per_minute": 1_000_000, "requests_per_minute": 1_000_000}
"""Quotas of ours that nobody waits for."""


def way_to(sandbox: Sandbox) -> dict[str, str]:
    """Its four addresses and two keys, by the names that settings have for them."""
    addresses = sandbox.addresses
    return {
        "flickr_url": addresses.flickr_url,
        "image_url": addresses.image_url,
        "vision_url": addresses.vision_url,
        "database_url": addresses.database_url,
        "flickr_api_key": addresses.flickr_key,
        "google_api_key": addresses.google_key,
    }


def zoo_query(sandbox: Sandbox, **arguments: str) -> dict[str, str]:
    """What to ask Flickr for the rows of a page, with the addresses of their pictures."""
    return {
        "method": "flickr.groups.pools.getPhotos",
        "group_id": "1000001@N20",
        "api_key": sandbox.addresses.flickr_key,
        "format": "json",
        "nojsoncallback": "1",
        "extras": "url_z",
        **arguments,
    }
