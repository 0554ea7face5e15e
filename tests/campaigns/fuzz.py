"""
Whatever a vendor answers, only errors of our own tree come out of its reader, and whatever does come
out as a value can be written down: in the journal, and below the paths of a database.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from ingestor.apis import flickr, images, read_json, rtdb, vision
from ingestor.apis.flickr import ImageOrigin
from ingestor.apis.google import ANYBODY
from ingestor.catalog.query import Query
from ingestor.catalog.rtdb import DatabaseCatalog
from ingestor.errors import IngestorError
from ingestor.journal.listing import RECORD_TEXT, photo_from
from ingestor.journal.results import LABELS_TEXT, read_labels
from ingestor.models import Annotation, FeatureSet, Image, Photo, Published
from ingestor.records import key_of, updates_for
from ingestor.records.keys import LONGEST_KEY, escape, unescape
from ingestor.records.photos import read_photo
from ingestor.transport import Request, Response
from tests.builders import a_published, an_image
from tests.campaigns import mutants
from tests.unit.apis.conftest import read_pool_page

ORIGIN: Final = ImageOrigin("https://live.staticflickr.com")
URL: Final = "https://demo.firebaseio.com"
ADDRESS: Final = rtdb.address_of(URL)
EVERYTHING: Final = FeatureSet(max_labels=50, safe_search=True)
IMAGES: Final = [an_image(str(number)) for number in range(1, 17)]

Reader = Callable[[Response, random.Random], None]


def read_flickr(response: Response, dice: random.Random) -> None:
    with suppress(IngestorError):
        page = read_pool_page(response, group="1@N00", images=ORIGIN)
        for row in page.rows:
            if isinstance(row, Photo):
                must_be_storable(a_published(row.id, photo=row))
    with suppress(IngestorError):
        flickr.read_group(response, group="wild")
    assert isinstance(flickr.error_for(response, group="wild"), IngestorError)


def read_vision(response: Response, dice: random.Random) -> None:
    asked = as_many_as_answered(response, dice)
    with suppress(IngestorError):
        answers = vision.read_annotations(response, asked, EVERYTHING)
        for image, answer in zip(asked, answers, strict=True):
            assert answer.photo_id == image.photo.id
            if isinstance(answer, Annotation):
                must_be_storable(Published(photo=image.photo, size=image.size, annotation=answer))
    assert isinstance(vision.error_for(response), IngestorError)


def as_many_as_answered(response: Response, dice: random.Random) -> list[Image]:
    """Mostly, or every other answer would be refused for its count."""
    body = read_json(response)
    results = body.get("responses") if isinstance(body, dict) else None
    count = len(results) if isinstance(results, list) and dice.random() < 0.9 else 2
    return IMAGES[: max(1, min(count, 16))]


def read_database(response: Response, dice: random.Random) -> None:
    database = rtdb.Database(Always(response), url=URL, access=ANYBODY)
    for call in (
        database.read("a"),
        database.update({"a": 1}),
        database.read_with_etag("a"),
        database.write_if("a", 1, etag=rtdb.NOTHING),
    ):
        with suppress(IngestorError):
            at_once(call)
    assert isinstance(rtdb.error_for(response), IngestorError)


def read_catalog(response: Response, dice: random.Random) -> None:
    """Who searches reads what anybody with a key may have written."""
    value = read_json(response)
    published = read_photo(value, photo_id="1")
    if published is not None:
        must_be_dumpable(published)
    catalog = DatabaseCatalog(AlwaysReads(value))
    labels = dice.choice((("dog",), ("dog", "cat")))
    with suppress(IngestorError):
        asyncio.run(catalog.search(Query(labels=labels, limit=3)))
    with suppress(IngestorError):
        asyncio.run(catalog.suggest("d"))


def read_image(response: Response, dice: random.Random) -> None:
    with suppress(IngestorError):
        images.judge(response)
    with suppress(IngestorError):
        target = images.next_hop(response, f"{ORIGIN.url}/1/2_3.jpg", origin=ORIGIN.url)
        assert target.startswith(ORIGIN.url)


def write_keys(response: Response, dice: random.Random) -> None:
    """Any text is a key, and comes back from it."""
    text = response.body[: dice.randint(0, 900)].decode(errors="replace")
    assert unescape(escape(text)) == text
    key = key_of(text)
    assert not key or len(key.encode()) <= 768
    if key and len(key.encode()) <= LONGEST_KEY:
        assert unescape(key) == text.casefold()
    if key:
        rtdb.update_request({f"labels/{key}/name": text}, address=ADDRESS, headers={})


READERS: Final[Mapping[str, tuple[str, Reader]]] = {
    "flickr": ("flickr", read_flickr),
    "vision": ("vision", read_vision),
    "database": ("rtdb", read_database),
    "catalog": ("rtdb", read_catalog),
    "image server": ("flickr", read_image),
    "keys": ("flickr", write_keys),
}
SHARES: Final = {
    "flickr": 30,
    "vision": 35,
    "database": 15,
    "catalog": 4,
    "image server": 8,
    "keys": 8,
}
"""Of all mutants; what is paid for comes first."""


def must_be_storable(published: Published) -> None:
    """In the journal, and below legal paths."""
    must_be_dumpable(published)
    rtdb.update_request(updates_for(published), address=ADDRESS, headers={})


def must_be_dumpable(published: Published) -> None:
    record = RECORD_TEXT.encode(published.photo).decode()
    assert photo_from(record) == published.photo
    labels = LABELS_TEXT.encode(published.annotation.labels).decode()
    assert read_labels(labels) == published.annotation.labels


@dataclass(frozen=True)
class Always:
    """A transport that knows one answer."""

    response: Response

    async def send(self, request: Request) -> Response:
        return self.response


@dataclass(frozen=True)
class AlwaysReads:
    value: Any

    async def read(self, path: str, *, query: object = None) -> Any:
        return self.value


def at_once(call: Awaitable[Any]) -> None:
    """Carry out what never really waits."""
    with suppress(StopIteration):
        call.__await__().send(None)
        raise AssertionError("it waits")


# Structure first, as Hypothesis shrinks it

NAMES: Final = (
    *(
        "stat",
        "photos",
        "photo",
        "page",
        "pages",
        "total",
        "code",
        "message",
        "group",
        "id",
        "title",
    ),
    *("_content", "url_z", "server", "secret", "responses", "labelAnnotations", "description"),
    *(
        "score",
        "topicality",
        "mid",
        "error",
        "status",
        "details",
        "reason",
        "metadata",
        "retryDelay",
    ),
    *("safeSearchAnnotation", "adult", "correctUrl", "labels", "name", "groups", "dateadded"),
)
LEAVES: Final = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(["ok", "fail", "1", "54483125961", "1@N00", "3s", "RESOURCE_EXHAUSTED"])
)
TREES: Final = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)
    ),
    max_leaves=12,
)


def grown(count: int, *, first_seed: int) -> None:
    """Trees that no vendor ever sent, made of the vendors' words."""

    @seed(first_seed)
    @settings(max_examples=count, database=None, deadline=None)
    @given(tree=TREES, status=st.sampled_from(mutants.STATUSES), number=st.integers(0, 99))
    def every_reader_keeps_to_our_errors(tree: object, status: int, number: int) -> None:
        response = Response(status=status, headers={}, body=orjson.dumps(tree))
        for _vendor, reader in READERS.values():
            if reader is not read_catalog or number == 0:
                reader(response, random.Random(number))

    every_reader_keeps_to_our_errors()


@dataclass(kw_only=True)
class Tally:
    read: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)


def campaign(*, mutants_wanted: int, first_seed: int) -> Tally:
    """Vendors' own answers, mutated; the readers in turn, each as often as it matters."""
    tally = Tally()
    seeds = {
        vendor: [(answer, mutants.tree_of(answer)) for answer in mutants.corpus(vendor)]
        for vendor in {vendor for vendor, _ in READERS.values()}
    }
    total = sum(SHARES.values())
    for name, (vendor, reader) in READERS.items():
        for number in range(mutants_wanted * SHARES[name] // total):
            dice = random.Random(f"{first_seed}:{name}:{number}")
            response = mutants.mutant(seeds[vendor], dice)
            try:
                reader(response, dice)
            except Exception:  # noqa: BLE001 - that there is any is what this looks for
                where = f"{name}, number {number} of seed {first_seed}: {response!r}"
                trace = traceback.format_exc(limit=-4)
                tally.failed.append(f"{where}\n{response.body[:500]!r}\n{trace}")
            tally.read[name] += 1
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/campaign fuzz", description=__doc__)
    parser.add_argument("--mutants", type=int, default=1_000_000)
    parser.add_argument("--grown", type=int, default=20_000, help="trees made by Hypothesis")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    started = time.monotonic()
    tally = campaign(mutants_wanted=given.mutants, first_seed=given.seed)
    for failure in tally.failed[:10]:
        sys.stderr.write(f"{failure}\n")
    for name, count in tally.read.items():
        sys.stdout.write(f"{f'mutants read: {name}':<50}{count:>8}\n")
    grown(given.grown, first_seed=given.seed)
    sys.stdout.write(f"{'trees of vendors words, read by all readers':<50}{given.grown:>8}\n")
    sys.stdout.write(f"{'unexpected exceptions':<50}{len(tally.failed):>8}\n")
    sys.stdout.write(f"{'seconds':<50}{time.monotonic() - started:>8.0f}\n")
    return bool(tally.failed)


if __name__ == "__main__":
    sys.exit(main())
