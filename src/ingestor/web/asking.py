"""What somebody asks for, as an address: read from a search box, written back in one form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import quote, urlencode

from ingestor.catalog.query import Query, asked_key
from ingestor.catalog.words import Group, quoted, read_text
from ingestor.errors import SettingsError

MOST_HITS: Final = 30
"""Photos on one page, by the terms of Flickr's API."""
LONGEST_TEXT: Final = 1000
"""Characters in the search box; eight labels of the longest names fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A view of the results: what is asked for, and from where on."""

    groups: tuple[Group, ...] = ()
    """Of each at least one label."""
    unwanted: Group = ()
    min_score: float = 0.0
    everything: bool = False
    after: str | None = None
    whole: str = field(default="", compare=False)
    """What was typed, where it may be meant as one label; "" where it may not."""

    @property
    def text(self) -> str:
        """What stands in the search box."""
        wanted = [" or ".join(map(quoted, group)) for group in self.groups]
        return ", ".join([*wanted, *(f"not {quoted(label)}" for label in self.unwanted)])

    @property
    def labels(self) -> Group:
        return tuple(label for group in self.groups for label in group)

    def query(self, *, limit: int = MOST_HITS) -> Query:
        """Raises SettingsError where it cannot be answered."""
        return Query(
            labels=tuple(group[0] for group in self.groups if len(group) == 1),
            any_of=tuple(group for group in self.groups if len(group) > 1),
            none_of=self.unwanted,
            everything=self.everything,
            min_score=self.min_score,
            limit=limit,
            cursor=self.after,
        )

    def address(self, path: str = "/", *, after: str | None = None) -> str:
        """The permalink of this view, or of the page behind a cursor."""
        given = {
            "q": self.text,
            "min": f"{self.min_score:g}" if self.min_score else "",
            "all": "1" if self.everything else "",
            "after": after or "",
        }
        query = urlencode({name: value for name, value in given.items() if value}, quote_via=quote)
        return f"{path}?{query}" if query else path

    def uncovered(self) -> Asking:
        """With what is hidden otherwise."""
        return replace(self, everything=True)

    def refined(self, label: str) -> Asking:
        return replace(self, groups=(*self.groups, (label,)), after=None)

    def corrected(self, key: str, *, label: str) -> Asking:
        """With a label in place of the one that has this key."""
        groups = tuple(
            tuple(label if asked_key(other) == key else other for other in group)
            for group in self.groups
        )
        return replace(self, groups=groups, after=None)

    def dropped(self, label: str, *, unwanted: bool = False) -> Asking:
        if unwanted:
            kept = tuple(other for other in self.unwanted if other != label)
            return replace(self, unwanted=kept, after=None)
        groups = (tuple(other for other in group if other != label) for group in self.groups)
        return replace(self, groups=tuple(filter(None, groups)), after=None)


def alone(label: str) -> Asking:
    """This label, and nothing else."""
    return Asking(groups=((label,),))


def read_asking(parameters: Mapping[str, str]) -> Asking:
    """Raises SettingsError, with a sentence for whoever asked, where a parameter is no good."""
    text = parameters.get("q", "").strip()
    if len(text) > LONGEST_TEXT:
        raise SettingsError(f"That is a long question; {LONGEST_TEXT} characters are read.")
    groups, unwanted = read_text(text)
    try:
        min_score = float(parameters.get("min") or 0)
    except ValueError:
        raise SettingsError("The least score is a number between 0 and 1.") from None
    asking = Asking(
        groups=groups,
        unwanted=unwanted,
        min_score=min_score,
        everything=parameters.get("all") == "1",
        after=parameters.get("after") or None,
        whole="" if '"' in text else " ".join(text.split()),
    )
    if text and not groups and unwanted:
        raise SettingsError("Name something to see as well: dog, not snow.")
    return asking
