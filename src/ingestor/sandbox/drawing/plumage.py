"""The colours of birds and of small animals, in the order of their varieties."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ingestor.sandbox.drawing.canvas import Colour
from ingestor.sandbox.scenes import Scene

BEAK: Final = (240, 168, 50)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plumage:
    """Back, breast, belly, head, wing and bill; what is not a bird reads them in its own way."""

    back: Colour
    breast: Colour
    belly: Colour
    head: Colour
    wing: Colour
    bill: Colour = BEAK
    marks: str = ""


def _plain(colour: Colour, *, belly: Colour, wing: Colour, marks: str = "") -> Plumage:
    return Plumage(back=colour, breast=colour, belly=belly, head=colour, wing=wing, marks=marks)


PLUMAGES: Final[Mapping[str, tuple[Plumage, ...]]] = {
    "duck": (
        Plumage(
            back=(150, 138, 124),
            breast=(122, 70, 44),
            belly=(206, 200, 190),
            head=(28, 112, 74),
            wing=(118, 104, 92),
            marks="ring",
        ),
        _plain((250, 246, 236), belly=(255, 252, 246), wing=(236, 230, 216)),
        Plumage(
            back=(142, 130, 118),
            breast=(206, 180, 142),
            belly=(214, 206, 192),
            head=(146, 78, 44),
            wing=(106, 112, 116),
            bill=(72, 74, 82),
            marks="stripe",
        ),
    ),
    "songbird": (
        Plumage(
            back=(134, 104, 74),
            breast=(232, 108, 40),
            belly=(246, 240, 230),
            head=(134, 104, 74),
            wing=(108, 82, 58),
            bill=(58, 48, 42),
            marks="robin",
        ),
        Plumage(
            back=(108, 150, 120),
            breast=(250, 212, 66),
            belly=(250, 224, 110),
            head=(250, 250, 248),
            wing=(66, 122, 196),
            bill=(48, 48, 54),
            marks="tit",
        ),
        Plumage(
            back=(158, 108, 66),
            breast=(206, 192, 172),
            belly=(226, 216, 200),
            head=(150, 104, 70),
            wing=(120, 76, 46),
            bill=(66, 56, 50),
            marks="sparrow",
        ),
        Plumage(
            back=(206, 42, 40),
            breast=(226, 54, 46),
            belly=(232, 74, 60),
            head=(220, 46, 42),
            wing=(168, 34, 36),
            bill=(240, 130, 48),
            marks="cardinal",
        ),
    ),
    "owl": (
        _plain((150, 108, 70), belly=(226, 198, 158), wing=(118, 82, 52)),
        _plain((240, 240, 242), belly=(252, 252, 252), wing=(220, 222, 228), marks="snowy"),
        _plain((136, 104, 76), belly=(214, 178, 130), wing=(96, 70, 50), marks="horned"),
    ),
    "parrot": (
        Plumage(
            back=(214, 40, 40),
            breast=(222, 46, 44),
            belly=(222, 46, 44),
            head=(218, 42, 42),
            wing=(250, 196, 46),
            bill=(240, 232, 214),
            marks="macaw",
        ),
        Plumage(
            back=(36, 116, 204),
            breast=(252, 196, 52),
            belly=(250, 186, 40),
            head=(48, 130, 212),
            wing=(26, 92, 176),
            bill=(44, 42, 48),
            marks="macaw",
        ),
        Plumage(
            back=(92, 190, 74),
            breast=(126, 210, 84),
            belly=(150, 220, 96),
            head=(246, 222, 84),
            wing=(62, 148, 62),
            bill=(236, 188, 96),
            marks="parakeet",
        ),
    ),
    "flamingo": (_plain((250, 142, 150), belly=(254, 180, 182), wing=(242, 110, 126)),),
    "penguin": (_plain((42, 46, 58), belly=(252, 250, 244), wing=(34, 38, 50)),),
    "butterfly": (
        _plain((242, 134, 34), belly=(30, 26, 28), wing=(250, 170, 62), marks="monarch"),
        _plain((44, 122, 222), belly=(22, 30, 52), wing=(104, 178, 246)),
        _plain((252, 216, 84), belly=(38, 34, 36), wing=(254, 232, 140), marks="tails"),
        _plain((250, 250, 240), belly=(96, 94, 88), wing=(238, 240, 214), marks="white"),
    ),
    "frog": (
        _plain((104, 178, 62), belly=(214, 230, 158), wing=(76, 140, 48)),
        _plain((82, 186, 88), belly=(250, 214, 120), wing=(48, 120, 196), marks="red"),
        _plain((36, 116, 214), belly=(86, 170, 236), wing=(22, 30, 48), marks="dart"),
    ),
    "fish": (
        _plain((246, 126, 38), belly=(255, 170, 84), wing=(250, 146, 52), marks="clown"),
        _plain((40, 94, 216), belly=(90, 150, 240), wing=(252, 214, 70), marks="tang"),
        _plain((250, 152, 44), belly=(255, 206, 120), wing=(255, 178, 84), marks="veil"),
        _plain((254, 220, 66), belly=(255, 238, 150), wing=(250, 200, 40), marks="bands"),
    ),
    "snake": (
        _plain((110, 182, 70), belly=(206, 224, 130), wing=(62, 124, 48)),
        _plain((176, 140, 96), belly=(224, 204, 166), wing=(92, 64, 44)),
        _plain((206, 176, 112), belly=(240, 224, 180), wing=(116, 82, 48)),
    ),
    "turtle": (_plain((124, 160, 84), belly=(226, 206, 140), wing=(106, 88, 54)),),
    "ladybird": (_plain((222, 42, 36), belly=(36, 32, 36), wing=(248, 96, 80)),),
    "spider": (_plain((92, 70, 56), belly=(206, 172, 122), wing=(58, 44, 40)),),
}


def plumage_of(scene: Scene) -> Plumage:
    plumages = PLUMAGES[scene.species]
    return plumages[scene.number % len(plumages)]
