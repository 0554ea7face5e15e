"""The colours of each animal, in the order of its varieties in the vocabulary."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ingestor.sandbox.drawing.canvas import Colour
from ingestor.sandbox.scenes import Scene

PINK: Final = (232, 158, 150)
BLACK: Final = (34, 30, 34)
AMBER: Final = (214, 150, 44)
BROWN: Final = (86, 54, 32)
BLUE: Final = (92, 156, 214)
GREEN: Final = (138, 170, 62)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coat:
    """The main colour, the pale of muzzle and belly, the dark of points, and the eyes."""

    main: Colour
    pale: Colour
    dark: Colour
    eyes: Colour = BROWN
    marks: str = ""
    """How it is marked: stripes, spots, mask; each animal knows its own words."""


COATS: Final[Mapping[str, tuple[Coat, ...]]] = {
    "dog": (
        Coat(main=(226, 178, 112), pale=(246, 222, 178), dark=(190, 134, 74), marks="floppy"),
        Coat(main=(186, 132, 78), pale=(206, 160, 106), dark=(50, 42, 40), marks="mask"),
        Coat(main=(244, 242, 238), pale=(252, 250, 248), dark=(40, 38, 42), marks="spots"),
        Coat(main=(176, 108, 58), pale=(250, 244, 236), dark=(122, 68, 36), marks="blaze"),
        Coat(
            main=(104, 114, 130), pale=(246, 246, 248), dark=(66, 72, 86), eyes=BLUE, marks="husky"
        ),
    ),
    "cat": (
        Coat(main=(160, 148, 134), pale=(214, 206, 196), dark=(92, 82, 74), eyes=GREEN, marks="t"),
        Coat(main=(52, 50, 58), pale=(74, 72, 82), dark=(34, 32, 38), eyes=AMBER),
        Coat(main=(232, 150, 70), pale=(250, 226, 190), dark=(186, 102, 40), eyes=GREEN, marks="t"),
        Coat(main=(134, 146, 164), pale=(166, 176, 192), dark=(104, 114, 132), eyes=AMBER),
        Coat(main=(238, 222, 196), pale=(246, 234, 214), dark=(92, 70, 58), eyes=BLUE, marks="s"),
    ),
    "lion": (Coat(main=(222, 172, 98), pale=(244, 216, 164), dark=(146, 84, 36), eyes=AMBER),),
    "tiger": (Coat(main=(234, 140, 46), pale=(252, 244, 232), dark=(44, 32, 30), eyes=AMBER),),
    "fox": (Coat(main=(222, 110, 44), pale=(252, 246, 238), dark=(62, 42, 38), eyes=AMBER),),
    "bear": (
        Coat(main=(134, 90, 56), pale=(186, 142, 98), dark=(94, 60, 38)),
        Coat(main=(58, 52, 54), pale=(156, 122, 92), dark=(40, 36, 40)),
    ),
    "panda": (Coat(main=(246, 244, 240), pale=(252, 250, 248), dark=(42, 40, 46)),),
    "monkey": (Coat(main=(142, 98, 62), pale=(238, 200, 160), dark=(104, 68, 42)),),
    "rabbit": (
        Coat(main=(164, 132, 98), pale=(232, 214, 190), dark=(124, 96, 70)),
        Coat(main=(246, 244, 242), pale=(255, 252, 250), dark=(216, 206, 202), eyes=(150, 62, 66)),
        Coat(main=(146, 140, 136), pale=(218, 212, 208), dark=(106, 100, 98)),
    ),
    "elephant": (Coat(main=(138, 138, 148), pale=(178, 172, 176), dark=(104, 104, 116)),),
    "giraffe": (Coat(main=(242, 212, 150), pale=(250, 236, 200), dark=(168, 98, 46)),),
    "zebra": (Coat(main=(248, 246, 242), pale=(252, 252, 250), dark=(38, 36, 42)),),
    "horse": (
        Coat(main=(158, 88, 48), pale=(190, 124, 82), dark=(98, 50, 28)),
        Coat(main=(66, 54, 52), pale=(98, 82, 78), dark=(36, 30, 32)),
        Coat(main=(238, 234, 228), pale=(246, 242, 238), dark=(206, 198, 190)),
        Coat(main=(214, 166, 98), pale=(238, 208, 154), dark=(246, 234, 206)),
    ),
    "deer": (Coat(main=(178, 118, 68), pale=(240, 220, 190), dark=(118, 76, 46)),),
    "vicuna": (Coat(main=(206, 150, 92), pale=(250, 238, 218), dark=(166, 112, 66)),),
}


def coat_of(scene: Scene) -> Coat:
    coats = COATS[scene.species]
    return coats[scene.number % len(coats)]
