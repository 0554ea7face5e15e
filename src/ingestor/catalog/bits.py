"""
Who has a label, as bits: sets of photo numbers that are cut, joined and counted as whole numbers.

A label's bits are kept in chunks of 4,096 photos, so that filing some hundreds of photos, which get
neighbouring numbers, rewrites one short row a label. A million photos are 125 kB of a label's bits.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from ingestor.journal.rows import execute_rows, json_list

CHUNK: Final = 4096
CHUNK_BYTES: Final = CHUNK // 8

HIDDEN: Final = 0
"""Stands among the numbers of labels for photos that SafeSearch holds for adult, violent or racy."""

BITS_OF_LABEL = """
    SELECT chunk, bits FROM label_bits
    WHERE label = ? AND chunk IN (SELECT value FROM json_each(?)) ORDER BY chunk
"""
ANYTHING_HIDDEN = "SELECT 1 FROM label_bits WHERE label = 0 LIMIT 1"
"""HIDDEN is written out, or SQLite would not see that an index has just these rows."""


def read_bits(db: sqlite3.Connection, labels: Iterable[int]) -> dict[int, int]:
    """For each label the set of photos that have it: bit n is photo n."""
    chunks = _chunks(db)
    sets = {}
    for label in labels:
        whole = bytearray()
        for chunk, bits in db.execute(BITS_OF_LABEL, (label, chunks)):
            whole += bytes(chunk * CHUNK_BYTES - len(whole)) + bits
        sets[label] = int.from_bytes(whole, "little")
    return sets


def anything_hidden(db: sqlite3.Connection) -> bool:
    return db.execute(ANYTHING_HIDDEN).fetchone() is not None


def numbers_in(photos: int) -> Iterator[int]:
    """The members of a set, in order."""
    written = bin(photos)[:1:-1]
    number = written.find("1")
    while number >= 0:
        yield number
        number = written.find("1", number + 1)


class Members:
    """Photos to be put into the sets of their labels, or to be taken out of them."""

    def __init__(self) -> None:
        self._chunks = defaultdict[int, defaultdict[int, bytearray]](_no_bits)

    def add(self, photo: int, labels: Iterable[int]) -> None:
        bits, place = self._chunks[photo // CHUNK], photo % CHUNK
        byte, bit = place // 8, 1 << place % 8
        # Bit by bit in bytes: a whole number of 4,096 bits is new for each change.
        for label in labels:
            bits[label][byte] |= bit

    def masks(self) -> dict[tuple[int, int], int]:
        """By chunk and label."""
        return {
            (chunk, label): int.from_bytes(bits, "little")
            for chunk, labels in self._chunks.items()
            for label, bits in labels.items()
        }


def _no_bits() -> defaultdict[int, bytearray]:
    return defaultdict(lambda: bytearray(CHUNK_BYTES))


def change_bits(db: sqlite3.Connection, *, come: Members, gone: Members) -> dict[int, int]:
    """
    Take photos out of the sets of labels, then put photos in. Tells how many more each label has, where
    those that go were there before, and those that come were not.
    """
    coming, going = come.masks(), gone.masks()
    changed = sorted(coming.keys() | going.keys())
    before = {
        (chunk, label): int.from_bytes(bits, "little")
        for chunk, label, bits in execute_rows(
            db,
            "SELECT chunk, label, bits FROM (VALUES {rows}) "
            "JOIN label_bits ON chunk = column1 AND label = column2",
            changed,
        )
    }
    rows, more = [], Counter[int]()
    for place in changed:
        less, new = going.get(place, 0), coming.get(place, 0)
        now = before.get(place, 0) & ~less | new
        rows.append((*place, now.to_bytes((now.bit_length() + 7) // 8, "little")))
        more[place[1]] += new.bit_count() - less.bit_count()
    execute_rows(db, "INSERT OR REPLACE INTO label_bits (chunk, label, bits) VALUES {rows}", rows)
    return more


def _chunks(db: sqlite3.Connection) -> str:
    """All there are, as JSON: named one by one, each is one look into the table."""
    (last,) = db.execute("SELECT coalesce(max(number), 0) FROM catalogued").fetchone()
    return json_list(list(range(last // CHUNK + 1)))
