"""
What one asks of a catalog, and what it answers: values, the same for every catalog.

Order is by the weakest of what was asked for, best first, then by photo id as text; of labels that
may stand for each other the best counts. A place in that order is written `{rank}-p{id}`, which is
also an entry of the database's index, so a cursor stays true when photos with equal scores, or new
ones, stand beside it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from typing import NamedTuple, TypeVar

from ingestor.errors import SettingsError
from ingestor.models import Label, Published
from ingestor.records.keys import RANK_DIGITS, RANK_STEPS, key_of, keyed, rank, unescape

T = TypeVar("T")

MOST_HITS = 500
"""On one page. Taste: a page of pictures is a few dozen; programs follow the cursor."""
MOST_LABELS_OF_A_QUERY = 8
"""Taste: each one is a list to read, and a photo has some ten labels."""
MOST_CANDIDATES = 1000
"""Labels with the same first letter that a misspelt one is compared with; bounds the work."""
MOST_LABELS = 5000
"""In which a word is looked for; more than Vision's usual vocabulary, and some 300 kB of a database."""
MOST_NEAR = 3
NEARNESS = 0.7
"""difflib's ratio; at 0.7 "buterfly" finds butterfly, and "cat" does not find "car"."""
LONGEST_TO_COMPARE = 100
"""Characters: comparing takes the square of it, and no label of Vision comes near."""
PLURALS = (("ies", "y"), ("ves", "f"), ("ves", "fe"), ("es", ""), ("s", ""))
"""How words for many end in English, and the word for one; what makes no label is passed by."""
WORD = re.compile(r"[^\s,]+")
PHOTO_ID = re.compile(r"[^.$#\[\]/\s\x00-\x1f\x7f-\U0010ffff]{1,200}")
"""Ids are ASCII, and what a database's key can hold."""
PLACE = re.compile(rf"([0-9]{{{RANK_DIGITS}}})-p({PHOTO_ID.pattern})")
HIDDEN_FROM = frozenset({"LIKELY", "VERY_LIKELY"})
HIDDEN_KINDS = ("adult", "violence", "racy")
"""Of SafeSearch's likelihoods; the others, medical and spoof, hide nothing (taste)."""


class Place(NamedTuple):
    """Where a photo stands in the order of an answer; compares as the order does."""

    rank: int
    """(1 - score) in ten-millionths: smaller is better."""
    photo: str

    @classmethod
    def read(cls, text: str) -> Place | None:
        """One as it is written; None for any other text."""
        match = PLACE.fullmatch(text)
        return cls(int(match[1]), match[2]) if match else None

    @property
    def score(self) -> float:
        return 1 - self.rank / RANK_STEPS

    def __str__(self) -> str:
        return f"{self.rank:0{RANK_DIGITS}}-p{self.photo}"


BEFORE_ALL = Place(-1, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """
    Photos that have every one of `labels`, at least one of each tuple in `any_of`, and none of
    `none_of`; case and surrounding blanks do not matter.

    Raises SettingsError, with a sentence for whoever asked, if it cannot be answered.
    """

    labels: tuple[str, ...] = ()
    any_of: tuple[tuple[str, ...], ...] = ()
    none_of: tuple[str, ...] = ()
    everything: bool = False
    """Those as well that SafeSearch holds for adult, violent or racy; they are left out otherwise."""
    min_score: float = 0.0
    limit: int = 24
    cursor: str | None = None
    """Where the page before ended, as its `Page.next` said."""

    def __post_init__(self) -> None:
        asked = [*self.labels, *self.none_of, *(label for group in self.any_of for label in group)]
        if len(asked) > MOST_LABELS_OF_A_QUERY or not all(map(asked_key, asked)):
            raise SettingsError(f"Search for one to {MOST_LABELS_OF_A_QUERY} labels, none empty.")
        if not self.groups or not all(self.any_of):
            raise SettingsError("Search for one label at least that pictures should have.")
        if not 0 <= self.min_score <= 1:
            raise SettingsError("The least score lies between 0 and 1.")
        if not 1 <= self.limit <= MOST_HITS:
            raise SettingsError(
                f"One page has 1 to {MOST_HITS} photos; follow its cursor for more."
            )
        if self.cursor is not None and Place.read(self.cursor) is None:
            raise SettingsError("That cursor was not given out by a search; begin without one.")

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """Keys: a photo needs one of each group. Every group once, and in it every key once."""
        groups = (*((label,) for label in self.labels), *self.any_of)
        return tuple(dict.fromkeys(tuple(dict.fromkeys(map(asked_key, group))) for group in groups))

    @property
    def keys(self) -> tuple[str, ...]:
        """What the labels that a photo may have are filed under, each once."""
        return tuple(dict.fromkeys(key for group in self.groups for key in group))

    @property
    def unwanted(self) -> tuple[str, ...]:
        """What the labels that a photo must not have are filed under, each once."""
        return tuple(dict.fromkeys(map(asked_key, self.none_of)))

    @property
    def after(self) -> Place:
        """The place that the answer begins behind."""
        return Place.read(self.cursor or "") or BEFORE_ALL

    @property
    def worst_rank(self) -> int:
        return int(rank(self.min_score))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One photo of an answer, with what a page needs to show and credit it."""

    photo: str
    score: float
    """The lowest score among the labels that were asked for."""
    title: str
    owner_name: str
    page: str
    image: str
    thumb: str
    width: int
    height: int
    license: str
    labels: tuple[Label, ...]
    """All that the photo has, best first, equal ones by key."""
    hidden: bool = False
    """Whether SafeSearch holds it for adult, violent or racy."""


class Near(NamedTuple):
    """A label that something is filed under, nearly like one that was asked for."""

    key: str
    """Of the one that was asked for."""
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of an answer; `next` is the cursor of the page behind it, None at the end."""

    hits: tuple[Hit, ...] = ()
    next: str | None = None
    near: tuple[Near, ...] = ()
    """For labels that were asked for and that nothing is filed under."""
    total: int | None = None
    """Photos on all pages; None where they were not counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelCount:
    """A label and how many photos have it; None where the catalog does not count."""

    name: str
    photos: int | None
    thumb: str = ""
    """Its best picture, small; "" where nobody looked for one."""


def asked_key(text: str) -> str:
    """
    The key of a label as a person typed it. Keyboards disagree on whether ñ is one character or
    two; Vision writes one. What is no character at all, as in half of a pair, finds nothing.
    """
    whole = text.encode(errors="replace").decode()
    return key_of(unicodedata.normalize("NFC", whole.strip()))


def weakest(groups: Iterable[Sequence[T]], ranks: Mapping[T, int]) -> int | None:
    """The rank of a photo filed under `ranks`: the worst of its best in every group, or None."""
    worst = -1
    for group in groups:
        best = min((ranks[label] for label in group if label in ranks), default=None)
        if best is None:
            return None
        worst = max(worst, best)
    return worst


def is_hidden(safe: Mapping[str, str] | None) -> bool:
    return safe is not None and any(safe.get(kind) in HIDDEN_FROM for kind in HIDDEN_KINDS)


def hit_of(query: Query | None, place: Place, *, published: Published) -> Hit:
    """`place` is where the photo stood when it was found; without a query its best label counts."""
    photo, size = published.photo, published.size
    own = keyed(published.annotation.labels)
    groups = query.groups if query else ()
    # A photo that was annotated again since its place was read may have lost the label.
    scores = [max(own[key].score for key in g if key in own) for g in groups if own.keys() & {*g}]
    return Hit(
        photo=photo.id,
        score=min(scores, default=place.score),
        title=photo.title,
        owner_name=photo.owner_name,
        page=photo.page,
        image=size.url,
        thumb=photo.thumb,
        width=size.width,
        height=size.height,
        license=photo.license,
        labels=tuple(own[key] for key in sorted(own, key=lambda key: (-own[key].score, key))),
        hidden=is_hidden(published.annotation.safe),
    )


def lone_hit(published: Published) -> Hit:
    """A photo that nobody searched for."""
    best = max((label.score for label in published.annotation.labels), default=0.0)
    return hit_of(None, Place(int(rank(best)), published.photo.id), published=published)


def page_of(
    query: Query, places: Sequence[Place], hits: Sequence[Hit], *, total: int | None = None
) -> Page:
    """A page from its places, and one place more where the answer goes on."""
    more = len(places) > query.limit
    return Page(
        hits=tuple(hits[: query.limit]),
        next=str(places[query.limit - 1]) if more else None,
        total=total,
    )


def near_spellings(key: str, candidates: Mapping[str, LabelCount]) -> tuple[Near, ...]:
    """The labels that look most like the one with this key, the nearest first."""
    # As it is read: in a key a full stop, which telephones add by themselves, is three characters.
    typed = unescape(key)[:LONGEST_TO_COMPARE]
    names = {unescape(other): label.name for other, label in candidates.items()}
    near = get_close_matches(typed, names, n=MOST_NEAR, cutoff=NEARNESS)
    # difflib finds few letters in another order too unlike: "dgo".
    letters = sorted(typed)
    swapped = [other for other in names if sorted(other[:LONGEST_TO_COMPARE]) == letters]
    found = (
        Near(key, names[other])
        for other in dict.fromkeys((*_singulars(typed), *swapped, *near))
        if other in names
    )
    return tuple(islice(found, MOST_NEAR))


def _singulars(typed: str) -> list[str]:
    return [typed.removesuffix(end) + ending for end, ending in PLURALS if typed.endswith(end)]


def near_words(key: str, labels: Mapping[str, LabelCount]) -> tuple[Near, ...]:
    """The labels of several words of which this is one, or nearly one; the shortest first."""
    having: dict[str, list[str]] = {}
    for other in labels:
        for word in WORD.findall(other):
            if word[0] == key[0]:
                having.setdefault(word, []).append(other)
    close = get_close_matches(key[:LONGEST_TO_COMPARE], having, n=1, cutoff=NEARNESS)
    found = having.get(key) or [other for word in close for other in having[word]]
    shortest = sorted(dict.fromkeys(found), key=lambda other: (len(other), other))
    return tuple(Near(key, labels[other].name) for other in shortest[:MOST_NEAR])
