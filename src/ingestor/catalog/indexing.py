"""
Photos filed under their labels, and taken out again: everything that is kept of who has a label.

Carried out by the journal's writer, in its transactions.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import count, islice
from operator import itemgetter
from typing import Final

import orjson

from ingestor.catalog.bits import HIDDEN, Members, change_bits
from ingestor.catalog.entries import Entry, file_entries, unfile_entries
from ingestor.catalog.query import is_hidden
from ingestor.journal.rows import execute_rows, json_list
from ingestor.models import Annotation, Label, Published
from ingestor.records.keys import key_of, ranks

Worths = Mapping[int, int]
"""The ranks of a photo by the numbers of its labels."""
NOWHERE: Final = -1
"""Stands for the number of a label that can have none."""


def index_photos(db: sqlite3.Connection, published: Sequence[Published]) -> None:
    """
    File photos under their labels, in place of whatever they were filed under before.

    Made for some hundreds at a time. A photo that comes twice counts as its last.
    """
    newest = {one.photo.id: one.annotation for one in published}
    before = _catalogued(db, list(newest))
    (last,) = db.execute("SELECT coalesce(max(number), 0) FROM catalogued").fetchone()
    unused = count(last + 1)
    gone, come = _Refiled(), _Refiled()
    filed: list[tuple[int, str, str]] = []
    for photo, new in zip(newest, _filed_under(db, newest.values()), strict=True):
        number, old = before.get(photo) or (next(unused), {})
        if old:  # few photos were filed before
            gone.add(_less(old, new), photo=photo, number=number)
        come.add(_less(new, old) if old else new, photo=photo, number=number)
        filed.append((number, photo, orjson.dumps(list(new.items())).decode()))
    _refile(db, gone=gone, come=come)
    execute_rows(
        db,
        "INSERT INTO catalogued (number, photo, entries) VALUES {rows} "
        "ON CONFLICT (number) DO UPDATE SET entries = excluded.entries",
        filed,
    )


def remove_photo(db: sqlite3.Connection, photo: str) -> None:
    """Take a photo out of the catalog; its labels stay known, with one photo less."""
    for number, old in _catalogued(db, [photo]).values():
        gone = _Refiled()
        gone.add(old, photo=photo, number=number)
        _refile(db, gone=gone, come=_Refiled())
    db.execute("DELETE FROM catalogued WHERE photo = ?", (photo,))


class _Refiled:
    """What comes, or goes: entries of the index, and with them the labels' members."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.members = Members()

    def add(self, worths: Worths, *, photo: str, number: int) -> None:
        self.entries += [
            (label, worth, photo, number) for label, worth in worths.items() if label != HIDDEN
        ]
        self.members.add(number, worths)


def _less(these: Worths, those: Worths) -> Worths:
    """What the one has and the other has not."""
    return dict(these.items() - those.items())


def _filed_under(db: sqlite3.Connection, annotations: Collection[Annotation]) -> Iterator[Worths]:
    """For each annotation what its photo is filed under; of labels that share a number, the better."""
    labels = [label for annotation in annotations for label in annotation.labels]
    numbers = _numbers(db, {label.name: label for label in labels})
    # All at once: a call for the ten of every photo would show.
    ranked = ranks([label.score for label in labels])
    worths = zip([numbers[label.name] for label in labels], ranked, strict=True)
    for annotation in annotations:
        own = list(islice(worths, len(annotation.labels)))
        best = dict(own)
        if len(best) < len(own):
            # Of the same number the last one stays, and the lowest rank is the best.
            best = dict(sorted(own, key=itemgetter(1), reverse=True))
        if NOWHERE in best:
            del best[NOWHERE]
        yield best | {HIDDEN: 0} if is_hidden(annotation.safe) else best


def _numbers(db: sqlite3.Connection, labels: Mapping[str, Label]) -> dict[str, int]:
    """
    Number of every label by its name; new ones get one, and names that differ only in case share
    it. A label is called what it was called last, and keeps its mid. One without a key is NOWHERE.
    """
    keys = {name: key for name in labels if (key := key_of(name))}
    known = {
        key: (number, name, mid)
        for number, key, name, mid in db.execute(
            "SELECT number, key, name, mid FROM labels WHERE key IN (SELECT value FROM json_each(?))",
            (json_list(list(keys.values())),),
        )
    }
    for name, key in keys.items():
        mid = labels[name].mid
        if key not in known or known[key][1:] != (name, mid or known[key][2]):
            number, mid = db.execute(
                "INSERT INTO labels (key, name, mid) VALUES (?, ?, ?) ON CONFLICT (key) "
                "DO UPDATE SET name = excluded.name, mid = iif(excluded.mid = '', mid, excluded.mid) "
                "RETURNING number, mid",
                (key, name, mid),
            ).fetchone()
            known[key] = (number, name, mid)
    return {name: known[keys[name]][0] if name in keys else NOWHERE for name in labels}


def _catalogued(db: sqlite3.Connection, photos: Sequence[str]) -> dict[str, tuple[int, Worths]]:
    rows = db.execute(
        "SELECT photo, number, entries FROM catalogued "
        "WHERE photo IN (SELECT value FROM json_each(?))",
        (json_list(photos),),
    )
    return {photo: (number, dict(orjson.loads(entries))) for photo, number, entries in rows}


def _refile(db: sqlite3.Connection, *, gone: _Refiled, come: _Refiled) -> None:
    # In the table's own order, so that neighbours are written to the same page.
    unfile_entries(db, sorted(gone.entries))
    file_entries(db, sorted(come.entries))
    more = change_bits(db, come=come.members, gone=gone.members)
    execute_rows(
        db,
        "UPDATE labels SET photos = photos + more.column2 FROM (VALUES {rows}) AS more "
        "WHERE number = more.column1",
        [(label, change) for label, change in more.items() if label != HIDDEN],
    )
