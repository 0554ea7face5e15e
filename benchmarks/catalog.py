"""
How fast the embedded catalog answers: a seeded collection of any size, and questions to it.

    python benchmarks/catalog.py build /tmp/million.sqlite3 --photos 1000000
    python benchmarks/catalog.py ask /tmp/million.sqlite3
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from ingestor.catalog.local import LocalCatalog, index_photos
from ingestor.catalog.query import Page, Query
from ingestor.journal.listing import sight
from ingestor.journal.results import keep
from ingestor.journal.schema import migrate
from ingestor.journal.writer import connect
from ingestor.models import Annotation, Label, Photo, Published, Size

BATCH = 500
"""What the machine files at once at the most."""
VOCABULARY = 8000
"""Labels; Vision knows some ten thousand."""
LABELS_PER_PHOTO = 5
ROUNDS = 40
PAGE = 30
DEEP_PAGE = 1000


def label_name(number: int) -> str:
    """Names that share beginnings, as words do."""
    syllables = ("ba", "co", "di", "fu", "ga", "le", "mo", "ni", "po", "ru", "sa", "te", "vi")
    word = ""
    for _ in range(4):
        number, part = divmod(number, len(syllables))
        word += syllables[part]
    return word.capitalize()


def collection(photos: int, *, seed: int) -> Iterator[Published]:
    """Zipf: the first label is on nearly every second photo, most are on a few."""
    dice = random.Random(seed)
    weights = [1 / (rank + 3) for rank in range(VOCABULARY)]
    names = [label_name(number) for number in range(VOCABULARY)]
    for first in range(0, photos, BATCH):
        drawn = iter(dice.choices(names, weights, k=BATCH * (LABELS_PER_PHOTO + 3)))
        for number in range(first, min(first + BATCH, photos)):
            own: dict[str, float] = {}
            while len(own) < LABELS_PER_PHOTO and (name := next(drawn, None)):
                own.setdefault(name, round(dice.betavariate(6, 1.6), 4))
            yield a_photo(50_000_000_000 + number * 7919, own, dice)


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


def build(path: Path, *, photos: int, seed: int) -> dict[str, float]:
    """Write the collection as a run would; returns seconds, and microseconds a photo of indexing."""
    path.unlink(missing_ok=True)
    db = connect(path)
    migrate(db)
    db.execute("PRAGMA synchronous=OFF")
    began, indexing = time.perf_counter(), 0.0
    made = collection(photos, seed=seed)
    for _ in range(0, photos, BATCH):
        batch = [one for one, _ in zip(made, range(BATCH), strict=False)]
        db.execute("BEGIN")
        listed = [one.photo for one in batch]
        sight(db, listed, run=1, room=None, features=None, unusable=(), now=1.0)
        for one in batch:
            keep(db, one.annotation, size=one.size, purchase="p", now=1.0)
        start = time.perf_counter()
        index_photos(db, batch)
        indexing += time.perf_counter() - start
        db.execute("COMMIT")
    db.close()
    seconds = time.perf_counter() - began
    return {
        "photos": photos,
        "seconds": round(seconds, 1),
        "index_us_per_photo": round(indexing / photos * 1e6, 1),
        "bytes": path.stat().st_size,
    }


async def ask(path: Path, *, seed: int) -> dict[str, dict[str, float]]:
    async with LocalCatalog(path) as catalog:
        popular = [label.name for label in await catalog.popular(limit=400)]
        dice = random.Random(seed)

        async def search(**asked: object) -> Page:
            return await catalog.search(Query(limit=PAGE, **asked))  # type: ignore[arg-type]

        def pair(first: int, last: int) -> tuple[str, ...]:
            return tuple(dice.sample(popular[first:last], 2))

        deep = await search(labels=(popular[0],), cursor=await deep_cursor(catalog, popular[0]))
        common = await search(labels=(popular[0], popular[1]))
        questions: dict[str, Callable[[], Awaitable[object]]] = {
            "first page": lambda: search(labels=(dice.choice(popular),)),
            "first page, least score": lambda: search(
                labels=(dice.choice(popular),), min_score=0.7
            ),
            "and, two of the 10 largest": lambda: search(labels=pair(0, 10)),
            "and, two of the 100 largest": lambda: search(labels=pair(0, 100)),
            "and, two of the 400 largest": lambda: search(labels=pair(0, 400)),
            "and, large with rare": lambda: search(
                labels=(dice.choice(popular[:5]), dice.choice(popular[300:]))
            ),
            "and, three of the 20 largest": lambda: search(
                labels=tuple(dice.sample(popular[:20], 3))
            ),
            "or, two of the 100 largest": lambda: search(any_of=(pair(0, 100),)),
            "not, two of the 100 largest": lambda: search(
                labels=(dice.choice(popular[:100]),), none_of=(dice.choice(popular[:100]),)
            ),
            "page 1,000": lambda: search(labels=(popular[0],), cursor=deep.next),
            "and, page 2": lambda: search(labels=(popular[0], popular[1]), cursor=common.next),
            "and, deep": lambda: search(
                labels=(popular[0], popular[1]), cursor=f"{dice.randint(3, 4)}000000-p5"
            ),
            "suggest one letter": lambda: catalog.suggest(dice.choice("bcdfglmnprstv")),
            "suggest three letters": lambda: catalog.suggest(dice.choice(popular)[:3]),
            "popular": lambda: catalog.popular(limit=24),
        }
        return {name: await timed(question) for name, question in questions.items()}


async def deep_cursor(catalog: LocalCatalog, label: str) -> str | None:
    """Where page 1,000 begins, by following larger pages."""
    cursor = None
    for _ in range(DEEP_PAGE * PAGE // 500):
        cursor = (await catalog.search(Query(labels=(label,), limit=500, cursor=cursor))).next
    return cursor


async def timed(question: Callable[[], Awaitable[object]]) -> dict[str, float]:
    await question()
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await question()
        seconds.append(time.perf_counter() - began)
    cuts = statistics.quantiles(seconds, n=20)
    return {"p50_ms": round(cuts[9] * 1e3, 1), "p95_ms": round(cuts[18] * 1e3, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("build", "ask"))
    parser.add_argument("path", type=Path)
    parser.add_argument("--photos", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if given.what == "build":
        print(json.dumps(build(given.path, photos=given.photos, seed=given.seed)))
        return
    for name, figures in asyncio.run(ask(given.path, seed=given.seed)).items():
        print(f"{name:<32} p50 {figures['p50_ms']:8.1f} ms   p95 {figures['p95_ms']:8.1f} ms")


if __name__ == "__main__":
    main()
