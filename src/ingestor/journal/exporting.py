"""Annotations as flat records, to be taken elsewhere."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

EVERYTHING: Final = """
    SELECT record, image, labels, safe, model, features, sha256, at, state,
        (SELECT json_group_array(gid) FROM memberships WHERE memberships.photo = photos.id)
    FROM annotations JOIN photos ON photos.id = annotations.photo ORDER BY photos.id, features
"""


def annotated(db: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    """
    Everything that was bought, one record per photo and feature set, in the order of photo ids.

    Times are unix seconds. Photos that are not stored yet, or dropped, are in it, too: paid is paid.
    """
    for record, image, labels, safe, model, features, sha256, at, state, groups in db.execute(
        EVERYTHING
    ):
        url, width, height = orjson.loads(image)
        yield {
            **_photo(orjson.loads(record)),
            "groups": sorted(orjson.loads(groups)),
            "image": url,
            "width": width,
            "height": height,
            "labels": [
                {"name": name, "score": score, "topicality": topicality, "mid": mid}
                for name, score, topicality, mid in orjson.loads(labels)
            ],
            "safe": None if safe is None else orjson.loads(safe),
            "model": model,
            "features": features,
            "sha256": sha256.hex(),
            "annotated_at": at,
            "stored": state == "stored",
        }


def _photo(record: Mapping[str, Any]) -> dict[str, Any]:
    names = ("id", "title", "owner", "owner_name", "page", "license", "uploaded")
    return {name: record[name] for name in names}
