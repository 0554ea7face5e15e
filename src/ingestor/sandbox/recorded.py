"""Photos and labels of a recording, in the sandbox's own terms."""

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ingestor.sandbox.photos import LONGEST_EDGES, SQUARES, ScenePhoto
from ingestor.sandbox.scenes import Scene
from ingestor.sandbox.titles import Member
from ingestor.sandbox.vocabulary import KINDS, Label, mid_of

SPECIES_WORDS: Mapping[str, str] = {
    "bird": "songbird",
    "giant panda": "panda",
    "vicuña": "vicuna",
    "macaque": "monkey",
    "moth": "butterfly",
    "reptile": "turtle",
    "beetle": "ladybird",
}


def photo_from_row(
    row: Mapping[str, Any], *, labels: Mapping[str, float], scenes: Sequence[Scene]
) -> ScenePhoto:
    """A recorded row as a photo, with a drawing that comes near its best label."""
    chance = random.Random(f"recorded:{row['id']}")
    scene = chance.choice(_fitting(labels, scenes))
    added = int(row["dateadded"])
    width, height = scene.size
    return ScenePhoto(
        id=row["id"],
        secret=row["secret"],
        server=row["server"],
        farm=row["farm"],
        owner=Member(nsid=row["owner"], name=row["ownername"], path_alias=None, real_name=None),
        title=row["title"],
        tags="",
        license="0",
        added=added,
        uploaded=added,
        taken=f"{datetime.fromtimestamp(added, UTC):%Y-%m-%d %H:%M:%S}",
        views=0,
        width=round(width * 1.6),
        height=round(height * 1.6),
        scene=scene,
        bytes_of=row["id"],
        sizes=frozenset(SQUARES) | {name for name, edge in LONGEST_EDGES.items() if edge <= 1024},
    )


def sight_from_scores(scores: Mapping[str, float]) -> tuple[Label, ...]:
    """Recorded labels, best first, worded as recorded."""
    ordered = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return tuple(
        Label(description=word, mid=mid_of(word), score=score, topicality=score)
        for word, score in ordered
    )


def _fitting(labels: Mapping[str, float], scenes: Sequence[Scene]) -> Sequence[Scene]:
    for word in sorted(labels, key=lambda word: -labels[word]):
        species = SPECIES_WORDS.get(word, word)
        if species in KINDS:
            return [scene for scene in scenes if scene.species == species]
    return scenes
