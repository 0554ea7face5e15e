"""
Keys: what may stand in a path, reversibly, and in an order that means something.

(https://firebase.google.com/docs/database/rest/structure-data)
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import lru_cache

from ingestor.models import Label

FORBIDDEN = re.compile(r"[.$#\[\]/%\x00-\x1f\x7f]")
"""What the database's keys must not hold, and our own escape sign."""
ESCAPED = re.compile(r"%([0-9A-F]{2})")
LONGEST_KEY = 700
"""Bytes of a key without a hash; the database takes 768, and the hash needs 65."""
RANK_STEPS = 10_000_000
"""Seven digits: scores are 32-bit floats, which tell no more apart."""
LAST_RANK = RANK_STEPS - 1
RANK_DIGITS = len(str(LAST_RANK))
LEAST = 1 / RANK_STEPS
"""A score above it ranks before the last."""
REMEMBERED_KEYS = 4096
"""Labels whose key is kept at hand: a few thousand name everything that Vision sees, and every photo
asks for ten of them several times."""


@lru_cache(maxsize=REMEMBERED_KEYS)
def key_of(label: str) -> str:
    """
    The key of a label: casefolded and escaped; "" for a label that can have none.

    Up to 700 bytes `unescape` gives the casefolded label back. A longer key is cut and ends with a
    hash of the whole: it is longer than any other, so the two kinds never meet.
    """
    key = escape(label.casefold())
    # Half a surrogate pair can come from a command line; it finds nothing, and harms nothing.
    raw = key.encode(errors="surrogatepass")
    if len(raw) <= LONGEST_KEY:
        return key
    return f"{raw[:LONGEST_KEY].decode(errors='ignore')}~{hashlib.sha256(raw).hexdigest()}"


def escape(text: str) -> str:
    """Write what a key must not hold as %XX."""
    return FORBIDDEN.sub(lambda found: f"%{ord(found[0]):02X}", text)


def unescape(key: str) -> str:
    return ESCAPED.sub(lambda found: chr(int(found[1], 16)), key)


def rank(score: float) -> str:
    """1 - score in seven digits: sorted as text, the best come first."""
    return f"{ranks([score])[0]:0{RANK_DIGITS}d}"


def ranks(scores: Iterable[float]) -> list[int]:
    """The rank of each as a number: a photo has ten, and a call for every one of them would show."""
    steps = [
        (1.0 - score) * RANK_STEPS
        if type(score) is float and LEAST < score <= 1.0
        else _odd_steps(score)
        for score in scores
    ]
    return list(map(round, steps))


def _odd_steps(score: object) -> float:
    """Of what may be no share at all, or less than a rank can tell."""
    return min((1.0 - share(score)) * RANK_STEPS, LAST_RANK)


def keyed(labels: Iterable[Label]) -> dict[str, Label]:
    """By key, without those that can have none; of two under one key, the better."""
    best: dict[str, Label] = {}
    for label in labels:
        key = key_of(label.name)
        if key and (key not in best or label.score > best[key].score):
            best[key] = label
    return best


def share(value: object) -> float:
    """In 0..1; what is no number, NaN included, is 0: the database has no word for it."""
    if isinstance(value, bool) or not isinstance(value, float | int) or not value > 0:
        return 0.0
    return min(float(value), 1.0)
