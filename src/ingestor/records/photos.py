"""What stands at /photos/p{id}, written and read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ingestor.models import Annotation, Label, Photo, Published, Size
from ingestor.records.keys import escape, keyed, share, unescape

Value = Any
"""JSON: what the database can hold."""

SERVER_TIME = {".sv": "timestamp"}
"""Replaced by the database with its own clock, in milliseconds."""

BEFORE_PHOTOS, BEHIND_PHOTOS = "p", "p:"
"""Keys around those of all photos, as ":" is behind all digits: other programs may keep theirs beside them."""

LARGEST_COUNT = 2**53
"""Whole numbers up to it are the same to everybody who reads JSON (RFC 8259, section 6)."""


def photo_record(published: Published) -> dict[str, Value]:
    """What stands at /photos/p{id}; never null or empty inside, for neither can be stored."""
    photo, annotation = published.photo, published.annotation
    record: dict[str, Value] = {
        "title": photo.title,
        "owner": photo.owner,
        "ownerName": photo.owner_name,
        "page": photo.page,
        "image": published.size.url,
        "thumb": photo.thumb,
        "width": published.size.width,
        "height": published.size.height,
        "license": photo.license,
        "uploaded": photo.uploaded,
        "model": annotation.model,
        "features": annotation.features,
        "sha256": annotation.sha256,
        "at": SERVER_TIME,
    }
    # A record that somebody has taken the groups out of is read as a photo of none.
    if photo.group:
        record["groups"] = {escape(photo.group): photo.date_added}
    if labels := keyed(annotation.labels):
        record["labels"] = _label_records(labels)
    if annotation.safe:
        record["safe"] = dict(annotation.safe)
    return record


def read_photo(record: object, *, photo_id: str, group: str | None = None) -> Published | None:
    """
    Read what stands at /photos/p{id}; None where there is no photo.

    What is missing or of a strange type reads as "" or 0: other programs may have written it.

    A photo in several groups is read as one of `group`, or of the first one.
    """
    if not isinstance(record, dict):
        return None
    groups = read_groups(record)
    chosen = group if group in groups else min(groups, default="")
    size = Size(
        url=_text(record, "image"), width=_count(record, "width"), height=_count(record, "height")
    )
    photo = Photo(
        id=photo_id,
        group=chosen,
        owner=_text(record, "owner"),
        owner_name=_text(record, "ownerName"),
        title=_text(record, "title"),
        page=_text(record, "page"),
        sizes=(size,),
        thumb=_text(record, "thumb"),
        license=_text(record, "license"),
        uploaded=_count(record, "uploaded"),
        date_added=groups.get(chosen, 0),
    )
    return Published(photo=photo, size=size, annotation=_read_annotation(record, photo_id=photo_id))


def read_groups(record: object) -> dict[str, int]:
    """The dates on which a photo was added to its groups, by their ids."""
    groups = dict(children_of(record.get("groups"))) if isinstance(record, dict) else {}
    return {unescape(name): _count(groups, name) for name in groups}


def _read_annotation(record: Mapping[str, Value], *, photo_id: str) -> Annotation:
    labels = [
        _read_label(entry)
        for _key, entry in children_of(record.get("labels"))
        if isinstance(entry, dict)
    ]
    safe = {kind: str(likelihood) for kind, likelihood in children_of(record.get("safe"))}
    return Annotation(
        photo_id=photo_id,
        labels=tuple(sorted(labels, key=lambda label: (-label.score, label.name))),
        safe=safe or None,
        model=_text(record, "model"),
        sha256=_text(record, "sha256"),
        features=_text(record, "features"),
    )


def _read_label(entry: Mapping[str, Value]) -> Label:
    return Label(
        name=_text(entry, "name"),
        score=share(entry.get("score")),
        topicality=share(entry.get("topicality")),
        mid=_text(entry, "mid"),
    )


def _label_records(labels: Mapping[str, Label]) -> dict[str, Value]:
    records = {}
    for key, label in labels.items():
        score, topicality = label.score, label.topicality
        # A photo has twenty of these, nearly all what they should be; a call for each would show.
        if not (
            type(score) is type(topicality) is float
            and 0.0 <= score <= 1.0
            and 0.0 <= topicality <= 1.0
        ):
            score, topicality = share(score), share(topicality)
        records[key] = {
            "name": label.name,
            "score": score,
            "topicality": topicality,
            "mid": label.mid,
        }
    return records


def children_of(node: object) -> list[tuple[str, Value]]:
    """
    The children of a node. The database gives an object with small whole numbers for keys back as
    a list with holes (https://firebase.blog/posts/2014/04/best-practices-arrays-in-firebase).
    """
    match node:
        case dict():
            return list(node.items())
        case list():
            return [(str(key), child) for key, child in enumerate(node) if child is not None]
        case _:
            return []


def _text(record: Mapping[str, Value], name: str) -> str:
    value = record.get(name)
    return value if isinstance(value, str) else ""


def _count(record: Mapping[str, Value], name: str) -> int:
    value = record.get(name)
    # What is too large to be written again was not written by us.
    return int(value) if isinstance(value, int | float) and abs(value) <= LARGEST_COUNT else 0
