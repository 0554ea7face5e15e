"""A seeded collection of any size, filed as a run would file it: in a journal, or in a database."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from ingestor.apis.rtdb import Database
from ingestor.catalog.indexing import index_photos
from ingestor.errors import IngestorError
from ingestor.journal.listing import sight
from ingestor.journal.reader import open_reader
from ingestor.journal.results import keep
from ingestor.journal.schema import migrate
from ingestor.journal.writer import connect
from ingestor.models import Annotation, Label, Photo, Published, Size
from ingestor.records import add_updates

BATCH = 500
"""What the machine files at once at the most."""
VOCABULARY = 8000
"""Labels; Vision knows some ten thousand."""
LABELS_PER_PHOTO = 5


def label_name(number: int) -> str:
    """Names that share beginnings, as words do."""
    syllables = ("ba", "co", "di", "fu", "ga", "le", "mo", "ni", "po", "ru", "sa", "te", "vi")
    word = ""
    for _ in range(4):
        number, part = divmod(number, len(syllables))
        word += syllables[part]
    return word.capitalize()


def batches(photos: int, *, seed: int) -> Iterator[list[Published]]:
    """Zipf: the first label is on a fifth of the photos or so, most are on a few."""
    dice = random.Random(seed)
    weights = [1 / (rank + 3) for rank in range(VOCABULARY)]
    names = [label_name(number) for number in range(VOCABULARY)]
    for first in range(0, photos, BATCH):
        drawn = iter(dice.choices(names, weights, k=BATCH * (LABELS_PER_PHOTO + 3)))
        batch = []
        for number in range(first, min(first + BATCH, photos)):
            own: dict[str, float] = {}
            while len(own) < LABELS_PER_PHOTO and (name := next(drawn, None)):
                own.setdefault(name, round(dice.betavariate(6, 1.6), 4))
            batch.append(a_photo(50_000_000_000 + number * 7919, own, dice))
        yield batch


def a_photo(number: int, scores: dict[str, float], dice: random.Random) -> Published:
    base = f"https://live.staticflickr.com/65535/{number}_{dice.getrandbits(40):010x}"
    size = Size(url=f"{base}_z.jpg", width=640, height=dice.choice((427, 480, 360, 640)))
    photo = Photo(
        id=str(number),
        group="1@N00",
        owner="2@N00",
        owner_name="Jane",
        title=f"Picture {number}",
        page=f"https://www.flickr.com/photos/2@N00/{number}/",
        sizes=(size,),
        thumb=f"{base}_n.jpg",
        license="4",
        uploaded=1745840000,
        date_added=1745850000,
    )
    annotation = Annotation(
        photo_id=photo.id,
        labels=tuple(Label(name=n, score=s, topicality=s, mid="") for n, s in scores.items()),
        safe=None,
        model="builtin/stable",
        sha256=f"{number:064x}",
        features="labels:10@builtin/stable",
    )
    return Published(photo=photo, size=size, annotation=annotation)


def photos_in(path: Path) -> int:
    """How many a journal holds that was built here; 0 where there is none of this version."""
    try:
        with closing(open_reader(path)) as db:
            (count,) = db.execute("SELECT count(*) FROM catalogued").fetchone()
    except IngestorError:
        return 0
    return int(count)


def build(path: Path, *, photos: int, seed: int) -> float:
    """Write the collection into a new journal; returns the seconds it took."""
    for beside in ("", "-wal", "-shm"):
        path.with_name(f"{path.name}{beside}").unlink(missing_ok=True)
    db = connect(path)
    migrate(db)
    db.execute("PRAGMA synchronous=OFF")
    began = time.perf_counter()
    for batch in batches(photos, seed=seed):
        db.execute("BEGIN")
        listed = [one.photo for one in batch]
        sight(db, listed, run=1, room=None, features=None, unusable=(), now=1.0)
        for one in batch:
            keep(db, one.annotation, size=one.size, purchase="p", now=1.0)
        index_photos(db, batch)
        db.execute("COMMIT")
    db.close()
    return time.perf_counter() - began


async def publish(database: Database, *, photos: int, seed: int) -> float:
    """Write the collection into an empty database; returns the seconds it took."""
    began = time.perf_counter()
    for batch in batches(photos, seed=seed):
        paths: dict[str, object] = {}
        for one in batch:
            add_updates(one, paths)
        await database.update(paths)
    return time.perf_counter() - began
