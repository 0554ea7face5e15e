"""What was learned: annotations, by photo and by content, and which of them are published."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
import orjson
from msgspec.structs import replace

from ingestor.journal.listing import photo_from
from ingestor.journal.rows import execute_rows, json_list
from ingestor.models import Annotation, Image, Label, Photo, Published, Size
from ingestor.records.keys import keyed, rank

ELSEWHERE: Final = "elsewhere"
"""Stands for the purchase that another journal knows."""
LABELS: Final = msgspec.json.Decoder(tuple[Label, ...])
LABELS_TEXT: Final = msgspec.json.Encoder()
NEWEST: Final = "annotations.number + ((annotations.at > 0) << 60)"
"""
Highest for what was learned last, by the number of its row: clocks may be set. What the database had before
ours has a time of 0, and is older than all else.
"""
ANEW: Final = """
    state IN ('listed', 'annotated') AND state = 'listed'
    AND EXISTS (SELECT 1 FROM annotations WHERE annotations.photo = photos.id)
"""
"""
Photos that wait to be annotated anew. In the words of `photos_unfinished`, an index without which all
photos are looked through.
"""
NEWEST_KNOWN: Final = f"""
    SELECT text, image, labels, safe, model, sha256, features, partial, max({NEWEST})
    FROM photos JOIN records ON records.number = record
    JOIN annotations ON annotations.photo = photos.id
"""  # noqa: S608
"""Of photos, each with its newest annotation, once they are grouped."""
SHA256: Final = re.compile(r"[0-9a-f]{64}")


def keep(
    db: sqlite3.Connection, annotation: Annotation, *, size: Size, purchase: str, now: float
) -> None:
    """Write down what Vision said; from here on this photo is never bought again."""
    keep_all(db, [(annotation, size)], purchase=purchase, now=now)


def keep_all(
    db: sqlite3.Connection,
    learned: Sequence[tuple[Annotation, Size]],
    *,
    purchase: str,
    now: float,
) -> None:
    execute_rows(
        db,
        "INSERT OR REPLACE INTO annotations "
        "(photo, features, sha256, model, image, labels, safe, partial, purchase, at) "
        "VALUES {rows}",
        [
            (
                annotation.photo_id,
                annotation.features,
                bytes.fromhex(annotation.sha256),
                annotation.model,
                orjson.dumps((size.url, size.width, size.height)).decode(),
                _written(annotation.labels),
                None if annotation.safe is None else orjson.dumps(dict(annotation.safe)).decode(),
                int(annotation.partial),
                purchase,
                now,
            )
            for annotation, size in learned
        ],
    )
    _mark_annotated(db, [annotation.photo_id for annotation, _ in learned])


def _mark_annotated(db: sqlite3.Connection, photos: Sequence[str]) -> None:
    db.execute(
        "UPDATE photos SET state = 'annotated', reason = NULL "
        "WHERE id IN (SELECT value FROM json_each(?))",
        (json_list(photos),),
    )


def keep_found(db: sqlite3.Connection, found: Sequence[Published], *, now: float) -> None:
    """Write down what the database says that Vision said: bought by a journal that is not here."""
    learned = [
        # Another program's record: without the hash it answers for this photo, and for no other.
        (
            one.annotation
            if SHA256.fullmatch(one.annotation.sha256)
            else replace(one.annotation, sha256=""),
            one.size,
        )
        for one in found
    ]
    keep_all(db, learned, purchase=ELSEWHERE, now=now)


def lacking_among(db: sqlite3.Connection, found: Sequence[Published]) -> list[Published]:
    """Those that the journal has no annotation of with the same features."""
    held = set(
        db.execute(
            "SELECT photo, features FROM annotations "
            "WHERE photo IN (SELECT value FROM json_each(?))",
            (json_list([published.photo.id for published in found]),),
        )
    )
    return [one for one in found if (one.photo.id, one.annotation.features) not in held]


def unheard_among(db: sqlite3.Connection, found: Sequence[Published]) -> list[Published]:
    """Those with features that the journal lacks, or with other labels than it has with the same."""
    rows = db.execute(
        "SELECT photo, features, labels FROM annotations "
        "WHERE photo IN (SELECT value FROM json_each(?))",
        (json_list([published.photo.id for published in found]),),
    )
    ours = {(photo, features): _filed(read_labels(labels)) for photo, features, labels in rows}
    return [
        one
        for one in found
        if ours.get((one.photo.id, one.annotation.features)) != _filed(one.annotation.labels)
    ]


def _filed(labels: Iterable[Label]) -> dict[str, str]:
    """Ranks by the labels' keys, as the database's index has them."""
    return {key: rank(label.score) for key, label in keyed(labels).items()}


def reuse(
    db: sqlite3.Connection, photo: Photo, *, sha256: str, size: Size, features: str, now: float
) -> Annotation | None:
    """Give this photo the annotation of the same bytes under another id, if there is one."""
    row = db.execute(
        "SELECT labels, safe, model, partial, purchase FROM annotations "
        "WHERE substr(sha256, 1, 8) = substr(?1, 1, 8) AND sha256 = ?1 AND features = ?2 LIMIT 1",
        (bytes.fromhex(sha256), features),
    ).fetchone()
    if row is None:
        return None
    labels, safe, model, partial, purchase = row
    said = (labels, safe, model, partial, bytes.fromhex(sha256))
    annotation = _annotation(photo.id, said, features=features)
    keep(db, annotation, size=size, purchase=purchase, now=now)
    return annotation


def reuse_all(
    db: sqlite3.Connection, images: Sequence[Image], *, features: str, now: float
) -> list[Annotation | None]:
    """For each image what is known of its photo, or what its bytes taught us before, or None."""
    own = _own(db, [image.photo.id for image in images], features=features)
    known = {
        sha256
        for (sha256,) in execute_rows(
            db,
            "SELECT lower(hex(sha256)) FROM annotations "
            "WHERE substr(sha256, 1, 8) IN (VALUES {rows})",
            [(bytes.fromhex(image.sha256)[:8],) for image in images],
        )
    }
    return [
        own.get(image.photo.id)
        or (
            reuse(db, image.photo, sha256=image.sha256, size=image.size, features=features, now=now)
            if image.sha256 in known
            else None
        )
        for image in images
    ]


def _own(db: sqlite3.Connection, photos: Sequence[str], *, features: str) -> dict[str, Annotation]:
    """
    Annotations of these very photos, which then count as annotated. There is one where a photo was
    to be annotated anew for other features and that was broken off, whatever its bytes are by now.
    """
    rows = db.execute(
        "SELECT photo, labels, safe, model, partial, sha256 FROM annotations "
        "WHERE features = ? AND photo IN (SELECT value FROM json_each(?))",
        (features, json_list(photos)),
    ).fetchall()
    if rows:
        _mark_annotated(db, [row[0] for row in rows])
    return {photo: _annotation(photo, said, features=features) for photo, *said in rows}


def _annotation(photo_id: str, said: Sequence[Any], *, features: str) -> Annotation:
    """Of (labels, safe, model, partial, sha256), as the table has them."""
    labels, safe, model, partial, sha256 = said
    return Annotation(
        photo_id=photo_id,
        labels=read_labels(labels),
        safe=None if safe is None else orjson.loads(safe),
        model=model,
        sha256=sha256.hex(),
        features=features,
        partial=bool(partial),
    )


def earlier_labels(db: sqlite3.Connection, batch: Sequence[Published]) -> dict[str, list[Label]]:
    """
    The labels that photos had under other feature sets, by photo: what the database's index may
    still hold of them.
    """
    wanted = {published.photo.id: published.annotation.features for published in batch}
    rows = db.execute(
        # CROSS, so that SQLite begins with the photos and reads no labels of what is left out: nearly all.
        "SELECT photo, labels FROM json_each(?) "
        "CROSS JOIN annotations ON photo = key AND features != value",
        (orjson.dumps(wanted).decode(),),
    )
    earlier: dict[str, list[Label]] = {}
    for photo, labels in rows:
        earlier.setdefault(photo, []).extend(read_labels(labels))
    return earlier


def other_groups(
    db: sqlite3.Connection, batch: Sequence[Published]
) -> dict[str, list[tuple[str, int]]]:
    """
    Groups of ours that photos are in beside the one that their record names, with dates added; by
    photo. Of other groups others know better. That one is among them where it has another date: the photo
    left it and came again while it was bought.
    """
    named = {one.photo.id: f"{one.photo.group} {one.photo.date_added}" for one in batch}
    rows = db.execute(
        # CROSS, as above; EXISTS, so that no list is made of all groups.
        "SELECT photo, gid, date_added FROM json_each(?) "
        "CROSS JOIN memberships ON photo = key AND gid || ' ' || date_added != value "
        "WHERE EXISTS (SELECT 1 FROM groups WHERE groups.gid = memberships.gid)",
        (orjson.dumps(named).decode(),),
    )
    others: dict[str, list[tuple[str, int]]] = {}
    for photo, gid, added in rows:
        others.setdefault(photo, []).append((gid, added))
    return others


def labels_ever(db: sqlite3.Connection, photo: str) -> list[Label]:
    """Every label that a photo has under any feature set."""
    rows = db.execute("SELECT labels FROM annotations WHERE photo = ?", (photo,))
    return [label for (labels,) in rows for label in read_labels(labels)]


def unpublished(db: sqlite3.Connection, *, most: int) -> list[Published]:
    """Photos that were bought and not stored, each with its newest annotation."""
    rows = db.execute(
        f"{NEWEST_KNOWN} WHERE state = 'annotated' GROUP BY photos.id ORDER BY photos.id LIMIT ?",
        (most,),
    )
    return [published_from(row[:-1]) for row in rows]


def newest_of(db: sqlite3.Connection, photos: Sequence[str]) -> list[Published]:
    """Those of `photos` that were annotated, each with its newest annotation."""
    rows = db.execute(
        f"{NEWEST_KNOWN} WHERE id IN (SELECT value FROM json_each(?)) GROUP BY photos.id",  # noqa: S608
        (json_list(photos),),
    )
    return [published_from(row[:-1]) for row in rows]


def mark_stored(db: sqlite3.Connection, photos: Sequence[str]) -> None:
    db.execute(
        "UPDATE photos SET state = 'stored' "
        "WHERE state = 'annotated' AND id IN (SELECT value FROM json_each(?))",
        (json_list(photos),),
    )


def mark_unstored(db: sqlite3.Connection, photos: Sequence[str]) -> None:
    """They were stored once, and are not any more; or are to be published again."""
    db.execute(
        "UPDATE photos SET state = 'annotated' "
        "WHERE state = 'stored' AND id IN (SELECT value FROM json_each(?))",
        (json_list(photos),),
    )


def publish_again(db: sqlite3.Connection) -> None:
    """Forget what was stored where: the results now go to another store."""
    db.execute(f"UPDATE photos SET state = 'annotated' WHERE state = 'stored' OR ({ANEW})")  # noqa: S608


def leave_as_they_are(db: sqlite3.Connection) -> None:
    """Photos that were to be annotated anew, and were not, are stored as before: nobody asks now."""
    db.execute(
        "UPDATE photos SET state = CASE "  # noqa: S608
        "WHEN EXISTS (SELECT 1 FROM catalogued WHERE catalogued.photo = photos.id) "
        f"THEN 'stored' ELSE 'annotated' END WHERE {ANEW}"
    )


def known_anew(db: sqlite3.Connection, *, features: str | None) -> set[str]:
    """Photos that wait to be annotated anew, and are known with these features; None: with any."""
    rows = db.execute(
        f"SELECT id FROM photos WHERE {ANEW} AND (?1 IS NULL OR EXISTS "  # noqa: S608
        "(SELECT 1 FROM annotations WHERE annotations.photo = photos.id AND features = ?1))",
        (features,),
    )
    return {photo for (photo,) in rows}


def published_from(row: tuple[str, str, str, str | None, str, bytes, str, int]) -> Published:
    """Of (record, image, labels, safe, model, sha256, features, partial)."""
    record, image, labels, safe, model, sha256, features, partial = row
    photo = photo_from(record)
    return Published(
        photo=photo,
        size=read_size(image),
        annotation=_annotation(photo.id, (labels, safe, model, partial, sha256), features=features),
    )


def _written(labels: Iterable[Label]) -> str:
    return LABELS_TEXT.encode(labels).decode()


def read_size(text: str) -> Size:
    """The rendition that was judged, as `keep_all` wrote it."""
    url, width, height = orjson.loads(text)
    return Size(url=url, width=width, height=height)


def read_labels(text: str) -> tuple[Label, ...]:
    return LABELS.decode(text)
