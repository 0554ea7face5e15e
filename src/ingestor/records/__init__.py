"""
Data at rest: a published photo as paths and values of the database, and back.

    /photos/p{id}                  what is shown, with its groups and labels
    /index/{key}/{rank}-p{id}      the score; key order is best first
    /labels/{key}                  how the label is written

`keys` says what may stand in a path, `photos` and `leases` what stands there, `updates` what is written
together.

Writers and readers agree on this room and on nothing else. It reads no socket and no clock.
"""

from ingestor.records.keys import escape, key_of, rank, unescape
from ingestor.records.photos import (
    BEFORE_PHOTOS,
    BEHIND_PHOTOS,
    SERVER_TIME,
    children_of,
    photo_record,
    read_groups,
    read_photo,
)
from ingestor.records.updates import (
    MOST_BYTES,
    MOST_PHOTOS,
    add_updates,
    halves,
    letters_taken_back,
    memberships,
    merged,
    plan_updates,
    updates_for,
    weigh_record,
    withdrawal,
)

__all__ = [
    "BEFORE_PHOTOS",
    "BEHIND_PHOTOS",
    "MOST_BYTES",
    "MOST_PHOTOS",
    "SERVER_TIME",
    "add_updates",
    "children_of",
    "escape",
    "halves",
    "key_of",
    "letters_taken_back",
    "memberships",
    "merged",
    "photo_record",
    "plan_updates",
    "rank",
    "read_groups",
    "read_photo",
    "unescape",
    "updates_for",
    "weigh_record",
    "withdrawal",
]
