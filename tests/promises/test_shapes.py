"""What is written for other programs has the keys that the documents name, and no others."""

from __future__ import annotations

import re
from pathlib import Path

from ingestor.records import photo_record
from ingestor.records.leases import Lease, lease_record
from tests.builders import a_label, a_published, an_annotation

ROOT = Path(__file__).parents[2]
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
BELOW = re.compile(r"(/\{[^}]*\})+")
"""What stands below a key of the database: `/{gid}`, or `/{key}/{name, mid}`."""


def stored_at(path: str) -> str:
    """What the page on architecture says of a path of the database."""
    found = re.search(rf"^{re.escape(path)} +(.*(?:\n +.*)*)", ARCHITECTURE, flags=re.MULTILINE)
    assert found, path
    return " ".join(found[1].split())


def keys(written: str) -> set[str]:
    return set(BELOW.sub("", written).split(", "))


def test_a_photo_in_the_database_has_the_keys_of_the_page() -> None:
    annotation = an_annotation("1", a_label(), safe={"adult": "UNLIKELY"})
    record = photo_record(a_published("1", annotation=annotation))
    label = re.search(r"labels/\{key\}/\{([^}]*)\}", stored_at("/photos/p{id}"))

    assert record.keys() == keys(stored_at("/photos/p{id}"))
    assert label
    assert record["labels"]["dog"].keys() == keys(label[1])


def test_a_lease_in_the_database_has_the_keys_of_the_page() -> None:
    record = lease_record(Lease(owner="a", epoch=1, since=0, until=1))

    assert record.keys() == keys(stored_at("/leases/{gid}"))
