"""
A journal as an earlier version would have left it: the next process has to bring it to this one.

Each script undoes one migration of `journal.schema`. What only newer versions know is gone with it.
"""

from __future__ import annotations

import sqlite3
from typing import Final

BACK: Final = {
    12: "CREATE INDEX memberships_by_group ON memberships (gid, photo);",
    11: """
        INSERT INTO purchases
            (id, run, at, features, attempt, images, units, state, certain, possible)
            SELECT 'of ' || day, run, day, '', 1, 0, 0, 'settled', certain, possible FROM spent;
        DROP TABLE spent;
    """,
    10: "ALTER TABLE claims DROP COLUMN until;",
    9: "ALTER TABLE claims DROP COLUMN place;",
    8: "ALTER TABLE dead DROP COLUMN run;",
    7: """
        INSERT INTO label_index (label, rank, photo, number)
            SELECT label, rank, photo, number FROM label_recent;
        DROP TABLE label_recent;
    """,
    6: "DROP TABLE elsewhere;",
    5: """
        CREATE TABLE photos_before (
            id TEXT PRIMARY KEY, record TEXT NOT NULL, date_added INTEGER NOT NULL,
            state TEXT NOT NULL, reason TEXT, run INTEGER NOT NULL, known INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        INSERT INTO photos_before SELECT id, text, date_added, state, reason, run, known
            FROM photos JOIN records ON number = record;
        DROP TABLE photos;
        DROP TABLE records;
        ALTER TABLE photos_before RENAME TO photos;
        CREATE INDEX photos_by_run ON photos (run, known, state, reason);
        CREATE INDEX photos_unfinished ON photos (state, date_added DESC)
            WHERE state IN ('listed', 'annotated');

        CREATE TABLE annotations_before (
            photo TEXT NOT NULL, features TEXT NOT NULL, sha256 BLOB NOT NULL, model TEXT NOT NULL,
            image TEXT NOT NULL, labels TEXT NOT NULL, safe TEXT, partial INTEGER NOT NULL,
            purchase TEXT NOT NULL, at REAL NOT NULL,
            PRIMARY KEY (photo, features)
        ) STRICT, WITHOUT ROWID;
        INSERT INTO annotations_before SELECT photo, features, sha256, model, image, labels, safe,
            partial, purchase, at FROM annotations;
        DROP TABLE annotations;
        ALTER TABLE annotations_before RENAME TO annotations;
        CREATE INDEX annotations_by_content ON annotations (sha256, features);

        CREATE INDEX purchases_by_run ON purchases (run, state);
        CREATE INDEX purchases_open ON purchases (state) WHERE state = 'open';
        CREATE INDEX purchased_images_by_photo ON purchased_images (photo);
    """,
    4: "DROP INDEX hidden_bits;",
}
OLDEST: Final = min(BACK) - 1


def age(journal: sqlite3.Connection, *, version: int) -> None:
    """Bring it back to that version, from whichever it is of."""
    ((now,),) = journal.execute("PRAGMA user_version").fetchall()
    for number in range(now, version, -1):
        script = f"BEGIN;{BACK[number]}PRAGMA user_version={number - 1};COMMIT;"
        sqlite3.Connection.executescript(journal, script)
