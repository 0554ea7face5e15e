"""
The tables of the journal, as a list of forward migrations; `user_version` counts those applied.

A released migration is never edited: what changes comes as the next one. Times are unix seconds,
hashes are 32 raw bytes, `record` and `labels` are JSON.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from ingestor.errors import JournalError, SettingsError

OLDEST_SQLITE: Final = (3, 37)
"""The first with STRICT tables, the newest of what is used here. RHEL 9 gives its Pythons 3.34."""

MIGRATIONS: Final[tuple[str, ...]] = (
    """
    CREATE TABLE facts (
        name TEXT PRIMARY KEY, value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE runs (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
        started REAL NOT NULL, ended REAL, reason TEXT, report TEXT
    ) STRICT;

    CREATE TABLE groups (
        gid TEXT PRIMARY KEY, name TEXT NOT NULL, total INTEGER NOT NULL DEFAULT 0,
        listed_at REAL
    ) STRICT, WITHOUT ROWID;

    -- state: listed, skipped, dead, annotated (its result is durable), stored (published as well)
    -- run: the last run that met the photo; known: 1 if it needed no work when that run met it
    CREATE TABLE photos (
        id TEXT PRIMARY KEY, record TEXT NOT NULL, date_added INTEGER NOT NULL,
        state TEXT NOT NULL, reason TEXT,
        run INTEGER NOT NULL, known INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX photos_by_run ON photos (run, known, state, reason);
    CREATE INDEX photos_unfinished ON photos (state, date_added DESC)
        WHERE state IN ('listed', 'annotated');

    CREATE TABLE memberships (
        photo TEXT NOT NULL, gid TEXT NOT NULL, date_added INTEGER NOT NULL,
        PRIMARY KEY (photo, gid)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX memberships_by_group ON memberships (gid, photo);

    -- state: open, settled, not-sent, refused, in-doubt
    -- units: reserved by the intent; certain and possible: what the answer made of them
    CREATE TABLE purchases (
        id TEXT PRIMARY KEY, run INTEGER NOT NULL, at REAL NOT NULL, closed_at REAL,
        features TEXT NOT NULL, attempt INTEGER NOT NULL, images INTEGER NOT NULL,
        units INTEGER NOT NULL, state TEXT NOT NULL,
        certain INTEGER NOT NULL DEFAULT 0, possible INTEGER NOT NULL DEFAULT 0, reason TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX purchases_by_time ON purchases (at);
    CREATE INDEX purchases_by_run ON purchases (run, state);
    CREATE INDEX purchases_open ON purchases (state) WHERE state = 'open';

    CREATE TABLE purchased_images (
        purchase TEXT NOT NULL, photo TEXT NOT NULL, sha256 BLOB NOT NULL,
        PRIMARY KEY (purchase, photo)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX purchased_images_by_photo ON purchased_images (photo);

    -- image: the rendition that was judged, as JSON [url, width, height]
    -- labels: JSON [[name, score, topicality, mid], ...], best first
    CREATE TABLE annotations (
        photo TEXT NOT NULL, features TEXT NOT NULL, sha256 BLOB NOT NULL, model TEXT NOT NULL,
        image TEXT NOT NULL, labels TEXT NOT NULL, safe TEXT, partial INTEGER NOT NULL,
        purchase TEXT NOT NULL, at REAL NOT NULL,
        PRIMARY KEY (photo, features)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX annotations_by_content ON annotations (sha256, features);

    CREATE TABLE dead (
        photo TEXT PRIMARY KEY, stage TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL,
        attempts INTEGER NOT NULL, paid TEXT NOT NULL, first REAL NOT NULL, last REAL NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- The embedded catalog. rank = (1 - score) in ten-millionths, as in the database's index keys.
    CREATE TABLE labels (
        number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
        mid TEXT NOT NULL, photos INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    -- number: of the photo, counted in the order in which photos were catalogued
    CREATE TABLE label_index (
        label INTEGER NOT NULL, rank INTEGER NOT NULL, photo TEXT NOT NULL,
        number INTEGER NOT NULL,
        PRIMARY KEY (label, rank, photo)
    ) STRICT, WITHOUT ROWID;
    -- entries: JSON [[label number, rank], ...]; label 0 marks what SafeSearch has hidden
    CREATE TABLE catalogued (
        number INTEGER PRIMARY KEY, photo TEXT NOT NULL UNIQUE, entries TEXT NOT NULL
    ) STRICT;
    -- Who has a label, as little-endian bits: photo n is bit n % 4096 of chunk n / 4096
    CREATE TABLE label_bits (
        chunk INTEGER NOT NULL, label INTEGER NOT NULL, bits BLOB NOT NULL,
        PRIMARY KEY (chunk, label)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    -- The names under which runs of this journal held leases in the database
    CREATE TABLE claims (
        gid TEXT NOT NULL, owner TEXT NOT NULL, PRIMARY KEY (gid, owner)
    ) STRICT, WITHOUT ROWID;
    -- epoch: of the lease under which it was bought; 0 without a database
    ALTER TABLE purchases ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE runs ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
    """,
    """
    -- From here on photos have one more state, withdrawn: annotated, and in no pool any more

    -- Date-added intervals of which every photo was listed, both ends inside
    CREATE TABLE covered (
        gid TEXT NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL, PRIMARY KEY (gid, low)
    ) STRICT, WITHOUT ROWID;
    -- Photos that a page did not show where it should have, and when that was seen first
    CREATE TABLE missing (
        photo TEXT NOT NULL, gid TEXT NOT NULL, since REAL NOT NULL, PRIMARY KEY (gid, photo)
    ) STRICT, WITHOUT ROWID;
    -- cursor: the date added down to which the pool was read again, NULL between two rounds of that
    -- at: until when the pages that were due have been read; ended: the last time it was done
    CREATE TABLE rechecks (
        gid TEXT PRIMARY KEY, cursor INTEGER, at REAL NOT NULL, ended REAL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX memberships_by_date ON memberships (gid, date_added);
    """,
    """
    -- Whether SafeSearch has hidden anything is asked with every search, and mostly it has not
    CREATE INDEX hidden_bits ON label_bits (chunk) WHERE label = 0;
    """,
    """
    -- What is long and written once stands one row behind the other: a photo's state changes three
    -- times, an annotation's keys lie all over, and neither may drag whole pages of text along.

    -- text: what the listing said of a photo, as JSON; photos.record is its number
    CREATE TABLE records (number INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
    ALTER TABLE photos RENAME TO photos_before;
    CREATE TABLE photos (
        id TEXT PRIMARY KEY, record INTEGER NOT NULL, date_added INTEGER NOT NULL,
        state TEXT NOT NULL, reason TEXT,
        run INTEGER NOT NULL, known INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT INTO records (number, text)
        SELECT row_number() OVER (ORDER BY id), record FROM photos_before;
    INSERT INTO photos (id, record, date_added, state, reason, run, known)
        SELECT id, row_number() OVER (ORDER BY id), date_added, state, reason, run, known
        FROM photos_before;
    DROP TABLE photos_before;
    CREATE INDEX photos_by_run ON photos (run);
    CREATE INDEX photos_unfinished ON photos (state, date_added DESC)
        WHERE state IN ('listed', 'annotated');

    ALTER TABLE annotations RENAME TO annotations_before;
    CREATE TABLE annotations (
        number INTEGER PRIMARY KEY,
        photo TEXT NOT NULL, features TEXT NOT NULL, sha256 BLOB NOT NULL, model TEXT NOT NULL,
        image TEXT NOT NULL, labels TEXT NOT NULL, safe TEXT, partial INTEGER NOT NULL,
        purchase TEXT NOT NULL, at REAL NOT NULL,
        UNIQUE (photo, features)
    ) STRICT;
    INSERT INTO annotations
        (photo, features, sha256, model, image, labels, safe, partial, purchase, at)
        SELECT photo, features, sha256, model, image, labels, safe, partial, purchase, at
        FROM annotations_before ORDER BY at;
    DROP TABLE annotations_before;
    -- Hashes come in no order, so every row is another page: eight bytes make them few
    CREATE INDEX annotations_by_content ON annotations (substr(sha256, 1, 8));

    -- The sixty thousand purchases of a million photos are looked through in 20 ms, which a run does
    -- when it begins and ends; for these indexes every purchase wrote three pages more
    DROP INDEX purchases_by_run;
    DROP INDEX purchases_open;
    DROP INDEX purchased_images_by_photo;
    """,
    """
    -- Photos of the database that no listing had shown when the journal was made to agree with it
    CREATE TABLE elsewhere (photo TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
    """,
    """
    -- What label_index has not got yet; see catalog/entries.py
    CREATE TABLE label_recent (
        label INTEGER NOT NULL, rank INTEGER NOT NULL, photo TEXT NOT NULL,
        number INTEGER NOT NULL,
        PRIMARY KEY (label, rank, photo)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    -- The run in which a letter was written last, or after which: clocks may be set, runs are counted
    ALTER TABLE dead ADD COLUMN run INTEGER NOT NULL DEFAULT 0;
    UPDATE dead SET run = coalesce((SELECT max(number) FROM runs WHERE started <= last), 0);
    """,
    """
    -- The state directory in which a name was given; '' where an older version did not say
    ALTER TABLE claims ADD COLUMN place TEXT NOT NULL DEFAULT '';
    """,
    """
    -- Until when a lease was taken or renewed last under that name; NULL where no version has said
    ALTER TABLE claims ADD COLUMN until REAL;
    """,
    """
    -- Units of purchases that are gone, see past.py; day: when it began, UTC; run: the last that bought
    -- later_began: the earliest start of later runs that are gone, if it was before that day
    CREATE TABLE spent (
        day INTEGER PRIMARY KEY, run INTEGER NOT NULL, certain INTEGER NOT NULL,
        possible INTEGER NOT NULL, later_began REAL
    ) STRICT;
    """,
    """
    -- Of a group memberships_by_date is asked, of a photo the table itself
    DROP INDEX memberships_by_group;
    """,
)

VERSION: Final = len(MIGRATIONS)


def require_sqlite() -> None:
    """
    Raises SettingsError where this Python's is too old. Such a one takes every journal for a damaged one,
    and whoever then moved it away would pay again for what it knows.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        oldest = ".".join(map(str, OLDEST_SQLITE))
        raise SettingsError(
            f"This Python has SQLite {sqlite3.sqlite_version}, and the journal takes {oldest} or later. Use "
            "another Python; one that uv, Homebrew or python.org installs has an SQLite of its own."
        )


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to this version, one transaction a step. Raises JournalError if it is newer."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise JournalError(
            f"The journal was written by a newer ingestor (its version is {version}, this one "
            f"knows {VERSION}). Upgrade ingestor; another directory knows nothing of what was paid for."
        )
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(f"BEGIN IMMEDIATE;{script}PRAGMA user_version={number};COMMIT;")
