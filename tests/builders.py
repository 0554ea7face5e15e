"""Builders of what flows, with the irrelevant filled in."""

from __future__ import annotations

import hashlib
from typing import Any

from ingestor.models import Annotation, FeatureSet, Image, Label, Photo, Published, Size
from ingestor.report import Bottleneck, Report, UnitsReport

FEATURES = FeatureSet(max_labels=10)


def a_size(name: str = "z", **given: Any) -> Size:
    url = f"https://live.staticflickr.com/65535/54483125961_0d0b8ae4a9_{name}.jpg"
    return Size(**{"url": url, "width": 640, "height": 427, **given})


def a_photo(photo_id: str = "54483125961", **given: Any) -> Photo:
    filled: dict[str, Any] = {
        "id": photo_id,
        "group": "42637302@N00",
        "owner": "12345678@N00",
        "owner_name": "Jane",
        "title": "Some title",
        "page": f"https://www.flickr.com/photos/12345678@N00/{photo_id}/",
        "sizes": (a_size(),),
        "thumb": "https://live.staticflickr.com/65535/54483125961_0d0b8ae4a9_m.jpg",
        "license": "4",
        "uploaded": 1745840000,
        "date_added": 1745850000,
    }
    return Photo(**filled | given)


def an_image(
    photo_id: str = "54483125961", *, content: bytes = b"\xff\xd8\xff", **given: Any
) -> Image:
    filled: dict[str, Any] = {
        "photo": a_photo(photo_id),
        "content": content,
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": a_size(),
    }
    return Image(**filled | given)


def a_label(name: str = "Dog", score: float = 0.95, **given: Any) -> Label:
    return Label(**{"name": name, "score": score, "topicality": score, "mid": "/m/0bt9lr", **given})


def an_annotation(photo_id: str = "54483125961", *labels: Label, **given: Any) -> Annotation:
    filled: dict[str, Any] = {
        "photo_id": photo_id,
        "labels": labels,
        "safe": None,
        "model": FEATURES.model,
        "sha256": hashlib.sha256(b"").hexdigest(),
        "features": FEATURES.key,
    }
    return Annotation(**filled | given)


def a_published(photo_id: str = "54483125961", *labels: Label, **given: Any) -> Published:
    filled: dict[str, Any] = {
        "photo": a_photo(photo_id),
        "size": a_size(),
        "annotation": an_annotation(photo_id, *labels),
    }
    return Published(**filled | given)


def a_report(**given: Any) -> Report:
    filled: dict[str, Any] = {
        "run_id": "r1",
        "groups": ("1@N00",),
        "ended": "complete",
        "message": "",
        "exit_code": 0,
        "listed": 1000,
        "stored": 860,
        "skipped": 103,
        "dead": 37,
        "pending": 0,
        "units": UnitsReport(certain=860, possible=0),
        "cost_usd": 1.25,
        "seconds": 34.2,
        "images_per_second": 29.4,
        "quota_used": 0.981,
        "bottleneck": Bottleneck(name="vision-quota", advice="ask for a larger quota"),
        "by_reason": {"known": 100, "video": 3, "gone": 30, "corrupt": 7},
    }
    return Report(**filled | given)
