"""What a picture shows: the animal, how it stands, where, and in which colours."""

import functools
import random
from dataclasses import dataclass
from typing import Final

PORTRAIT: Final = "portrait"
STANDING: Final = "standing"

WEIGHTS: Final = {
    "dog": 15,
    "duck": 10,
    "songbird": 10,
    "butterfly": 9,
    "cat": 8,
    "owl": 7,
    "parrot": 7,
    "flamingo": 5,
    "deer": 5,
    "horse": 5,
    "lion": 5,
    "tiger": 5,
    "elephant": 4,
    "giraffe": 4,
    "spider": 4,
    "ladybird": 4,
    "bear": 3,
    "fox": 3,
    "frog": 3,
    "fish": 3,
    "monkey": 3,
    "panda": 3,
    "penguin": 3,
    "snake": 3,
    "turtle": 3,
    "zebra": 3,
    "rabbit": 2,
    "vicuna": 2,
}
"""
How often each animal comes, in the proportions of a real wildlife pool: birds first, then dogs,
insects and cats. Rarer ones are a little commoner here than there, so that a small run meets them.
"""

PLACES: Final = {
    "dog": ("meadow", "snow", "autumn", "beach", "sunset"),
    "duck": ("lake", "dawn", "ice"),
    "songbird": ("bough", "autumn", "snow", "dawn"),
    "butterfly": ("flowers", "leaves", "meadow"),
    "cat": ("meadow", "room", "snow", "room"),
    "owl": ("night", "forest", "snow", "bough"),
    "parrot": ("jungle", "bough", "beach"),
    "flamingo": ("lake", "dawn"),
    "deer": ("forest", "meadow", "autumn", "snow"),
    "horse": ("meadow", "beach", "sunset"),
    "lion": ("savanna", "sunset", "savanna"),
    "tiger": ("jungle", "forest"),
    "elephant": ("savanna", "sunset"),
    "giraffe": ("savanna", "sunset"),
    "spider": ("leaves", "dawn"),
    "ladybird": ("leaves", "flowers"),
    "bear": ("forest", "lake", "autumn"),
    "fox": ("forest", "snow", "autumn"),
    "frog": ("leaves", "jungle", "lake"),
    "fish": ("reef", "deep"),
    "monkey": ("jungle", "jungle"),
    "panda": ("bamboo", "bamboo", "snow"),
    "penguin": ("ice", "ice"),
    "snake": ("desert", "jungle", "leaves"),
    "turtle": ("beach", "deep", "meadow"),
    "zebra": ("savanna", "sunset"),
    "rabbit": ("meadow", "flowers", "snow"),
    "vicuna": ("mountains", "mountains", "desert"),
}

SHAPES: Final = ((640, 427), (640, 480), (640, 427), (640, 480), (480, 640), (640, 640))
"""What cameras and croppers make; the longest edge of Flickr's `z` size is 640."""

BASE_SCENES: Final = 224
"""Distinct drawings per seed: enough variety for the eye, 30 MB when all are in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One drawing: the same scene and number always give the same pixels."""

    species: str
    place: str
    pose: str
    number: int
    """Seeds palette, size, tilt and details."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels of the 640 px picture."""
        return SHAPES[self.number // 7 % len(SHAPES)]


@functools.cache
def scenes_of(seed: int) -> tuple[Scene, ...]:
    """All drawings of a world, each species as often as its weight asks, at least three times."""
    chance = random.Random(f"scenes:{seed}")
    total = sum(WEIGHTS.values())
    scenes = []
    for species, weight in WEIGHTS.items():
        count = max(3, round(BASE_SCENES * weight / total))
        places = PLACES[species]
        for index in range(count):
            scenes.append(
                Scene(
                    species=species,
                    place=places[(index + index // 2) % len(places)],
                    pose=PORTRAIT if index % 2 else STANDING,
                    number=chance.randrange(2**31),
                )
            )
    return tuple(scenes)
