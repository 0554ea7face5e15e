"""
What people type to ask for labels, in the search box or in a terminal: read, and written back.

    dog, beak             both                    dog or cat        either
    dog, not snow         the one, not the other  "black and white" a label with a word of ours in it
    dog, not snow or ice  neither of the others

Words beside each other are one label. Whatever is typed can be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ingestor.catalog import Catalog
from ingestor.catalog.query import asked_key

TOKEN: Final = re.compile(r'"([^"]*)"?|(,)|([^\s,"]+)')
JOINTS: Final = {",": "and", "and": "and", "&": "and", "+": "and", "or": "or", "|": "or"}
NOT: Final = frozenset({"not", "without", "-"})

MOST_WORDS: Final = 6
"""Among which labels are looked for: that takes up to 21 looks (taste)."""

Group = tuple[str, ...]


def read_text(text: str) -> tuple[tuple[Group, ...], Group]:
    """The groups of labels that are wanted, and the labels that are not."""
    groups: list[list[str]] = []
    unwanted: list[str] = []
    group: list[str] | None = None
    for joint, label in _terms(text):
        if joint == "not":
            group = unwanted
        elif joint != "or" or group is None:
            group = []
            groups.append(group)
        group.append(label)
    return (
        tuple(dict.fromkeys(tuple(dict.fromkeys(group)) for group in groups)),
        tuple(dict.fromkeys(unwanted)),
    )


def joined(arguments: Iterable[str]) -> str:
    """The words of a command line as one text: each is a label, or a word or sign of ours."""
    text, separator = "", ""
    for argument in arguments:
        text += separator + argument
        separator = " " if argument.casefold() in JOINTS.keys() | NOT else ", "
    return text


def is_plain(text: str) -> bool:
    """Whether it is read as one label, word for word."""
    return list(_terms(text)) == [("and", text)]


def quoted(label: str) -> str:
    """A label as it is typed: in quotes where it would be read as something else."""
    plain = label.replace('"', " ").strip()
    return plain if is_plain(plain) else f'"{plain}"'


def _terms(text: str) -> Iterator[tuple[str, str]]:
    """Each label with the word before it."""
    joint, words = "and", list[str]()
    for match in TOKEN.finditer(text):
        exact, comma, word = match.groups()
        mark = comma or (word or "").casefold()
        if exact is None and mark not in JOINTS and mark not in NOT and not mark.startswith("-"):
            words.append(word)
            continue
        if words:
            yield joint, " ".join(words)
            joint, words = "and", []
        if exact is not None:
            if exact.strip():
                yield joint, " ".join(exact.split())
            joint = "and"
        elif mark in JOINTS:
            joint = JOINTS[mark]
        else:
            joint = "not"
            if rest := word.lstrip("-") if mark not in NOT else "":
                words.append(rest)
    if words:
        yield joint, " ".join(words)


async def label_called(catalog: Catalog, text: str) -> str | None:
    """
    How the label of this very name is written, where there is one: who types "black and white", or
    "ducks, geese and swans", means it.
    """
    # That very label comes before those that only begin like it.
    suggested = await catalog.suggest(text, limit=1)
    return next((one.name for one in suggested if asked_key(one.name) == asked_key(text)), None)


async def labels_among(catalog: Catalog, words: Sequence[str]) -> tuple[str, ...]:
    """As many words as make a label, from the left."""
    for end in range(len(words), 0, -1):
        name = await label_called(catalog, " ".join(words[:end]))
        if name is not None:
            others = await labels_among(catalog, words[end:])
            return (name, *(other for other in others if other != name))
    return await labels_among(catalog, words[1:]) if words else ()
