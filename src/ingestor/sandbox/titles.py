"""What members call themselves and their photos, from plain to hostile."""

import functools
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ingestor.sandbox.scenes import Scene

MEMBERS: Final = 160

FIRST_NAMES: Final = (
    *("Ada", "Bram", "Chloé", "Dmitri", "Elif", "Femi", "Greta", "Hiro", "Inês", "Jonas"),
    *("Katarzyna", "Lars", "Mei", "Niamh", "Oskar", "Priya", "Quim", "Rosa", "Søren", "Tove"),
)
LAST_NAMES: Final = (
    *("Almeida", "Berg", "Castillo", "Dubois", "Ek", "Fischer", "Grant", "Haddad", "Ito"),
    *("Jansen", "Kowalski", "Lind", "Moreau", "Novak", "Okafor", "Petrov", "Rossi", "Sato"),
)
MOODS: Final = (
    *("Curious", "Resting", "A shy", "Early", "Old friend:", "My first", "Hello,", "Watchful"),
    *("Sleepy", "The neighbour's", "Wild", "Young", "Evening light on a", "Portrait of a"),
)
WHERE: Final = {
    "meadow": "in the meadow",
    "autumn": "in autumn",
    "snow": "in the snow",
    "beach": "on the beach",
    "sunset": "at sunset",
    "lake": "on the lake",
    "dawn": "at dawn",
    "bough": "on a branch",
    "flowers": "among flowers",
    "leaves": "in the green",
    "room": "at home",
    "night": "by night",
    "forest": "in the woods",
    "jungle": "in the jungle",
    "savanna": "on the savanna",
    "desert": "in the desert",
    "reef": "on the reef",
    "deep": "in the blue",
    "bamboo": "in the bamboo",
    "ice": "on the ice",
    "mountains": "in the mountains",
}
ODD_TITLES: Final = (
    "",
    "🦊🍂 fox!! 🐾",
    "غزال في الغابة",
    'He said "sit", she didn\'t',
    "</script><script>alert(1)</script>",
    "ライオンの昼寝",
    "<b>bold</b> &amp; <i>brave</i>",
    "line one\nline two\ttabbed",
    "\u202egnipeels\u202c",
    "zero\u200bwidth, combining e\u0301, family 👨‍👩‍👧",
    "'; DROP TABLE photos; --",
    "long " * 2048,
    "   ",
    "null",
)
"""Ten kilobytes, other scripts, right-to-left marks, markup: what strangers put into a title."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An account; half of the real ones have no path alias."""

    nsid: str
    name: str
    path_alias: str | None
    real_name: str | None


@functools.cache
def members_of(seed: int) -> tuple[Member, ...]:
    chance = random.Random(f"members:{seed}")
    return tuple(_member(number, chance) for number in range(MEMBERS))


def title_of(scene: Scene, chance: random.Random) -> str:
    """A title as people give it: descriptive, or what the camera called the file."""
    animal = scene.species.replace("vicuna", "vicuña")
    where = WHERE[scene.place]
    match chance.randrange(8):
        case 0:
            return f"IMG_{chance.randrange(1000, 9999)}"
        case 1:
            return animal.capitalize()
        case 2 | 3:
            return f"{chance.choice(MOODS)} {animal}"
        case _:
            return f"{chance.choice(MOODS)} {animal} {where}"


def tags_of(scene: Scene, chance: random.Random) -> str:
    """Tags as Flickr normalises them: lower case, no spaces inside, one space between."""
    words: Sequence[str] = (scene.species, scene.place, "wildlife", "animal", "nature", "nikon")
    return " ".join(sorted(chance.sample(words, k=chance.randint(0, len(words)))))


def _member(number: int, chance: random.Random) -> Member:
    first, last = chance.choice(FIRST_NAMES), chance.choice(LAST_NAMES)
    alias = f"{first}-{last}-{number}".lower() if chance.random() < 0.5 else None
    return Member(
        nsid=f"{chance.randrange(10_000_000, 199_999_999)}@N0{chance.randrange(10)}",
        name=f"{first} {last[0]}." if chance.random() < 0.5 else f"{first} {last}",
        path_alias=alias,
        real_name=f"{first} {last}" if chance.random() < 0.4 else None,
    )
