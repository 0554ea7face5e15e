"""Which hand draws which animal, how large, and where in the picture."""

from collections.abc import Callable, Mapping
from typing import Final

from ingestor.sandbox.drawing import birds, grazers, hunters, small, standing
from ingestor.sandbox.drawing.bodies import bust
from ingestor.sandbox.drawing.canvas import Canvas, mix
from ingestor.sandbox.drawing.coats import COATS, Coat, coat_of
from ingestor.sandbox.drawing.plumage import Plumage, plumage_of
from ingestor.sandbox.scenes import PORTRAIT, Scene

Mammal = Callable[[Canvas, Coat], None]
Other = Callable[[Canvas, Plumage], None]

HEADS: Final[Mapping[str, Mammal]] = {
    "dog": hunters.dog,
    "cat": hunters.cat,
    "lion": hunters.lion,
    "tiger": hunters.tiger,
    "fox": hunters.fox,
    "bear": hunters.bear,
    "panda": hunters.panda,
    "monkey": hunters.monkey,
    "rabbit": hunters.rabbit,
    "elephant": grazers.elephant,
    "giraffe": grazers.giraffe,
    "zebra": grazers.zebra,
    "horse": grazers.horse,
    "deer": grazers.deer,
    "vicuna": grazers.vicuna,
}
BODIES: Final[Mapping[str, Mammal]] = {
    "dog": standing.dog,
    "cat": standing.cat,
    "lion": standing.lion,
    "tiger": standing.tiger,
    "fox": standing.fox,
    "bear": standing.bear,
    "panda": standing.panda,
    "monkey": standing.monkey,
    "rabbit": standing.rabbit,
    "elephant": standing.elephant,
    "giraffe": standing.giraffe,
    "zebra": standing.zebra,
    "horse": standing.horse,
    "deer": standing.deer,
    "vicuna": standing.vicuna,
}
OTHERS: Final[Mapping[str, Other]] = {
    "duck": birds.duck,
    "songbird": birds.songbird,
    "owl": birds.owl,
    "parrot": birds.parrot,
    "flamingo": birds.flamingo,
    "penguin": birds.penguin,
    "butterfly": small.butterfly,
    "ladybird": small.ladybird,
    "spider": small.spider,
    "frog": small.frog,
    "fish": small.fish,
    "snake": small.snake,
}

BODY_HEIGHT: Final = {
    "giraffe": 136,
    "deer": 128,
    "horse": 116,
    "vicuna": 112,
    "zebra": 106,
    "elephant": 104,
    "lion": 100,
    "dog": 94,
    "bear": 106,
    "tiger": 86,
    "fox": 84,
    "cat": 108,
    "panda": 112,
    "monkey": 118,
    "rabbit": 116,
}
"""From the feet to the highest tip, in units of the canvas."""

BODY_WIDTH: Final = {"elephant": 124, "lion": 120, "tiger": 124, "fox": 130, "giraffe": 84}
USUAL_WIDTH: Final = 104

PERCH: Final = {
    "duck": 74,
    "songbird": 98,
    "owl": 112,
    "parrot": 150,
    "flamingo": 128,
    "penguin": 118,
}
"""Height of those that stand, perch or swim; the others are drawn around their middle."""

WIDE_HEADS: Final = frozenset({"lion", "elephant"})
TALL_HEADS: Final = frozenset({"deer", "rabbit", "giraffe", "zebra", "horse", "vicuna"})
"""Portraits of these need more room, beside or above."""

MIDDLE: Final = {"butterfly": 0.44, "snake": 0.6}

GROUND: Final = 0.9
WATERLINE: Final = {"duck": 0.78, "flamingo": 0.9, "parrot": 0.74, "owl": 0.86, "songbird": 0.8}


def draw_animal(canvas: Canvas, scene: Scene) -> None:
    """Draw the animal of a scene on its background."""
    if scene.species not in COATS:
        _other(canvas, scene)
    elif scene.pose == PORTRAIT:
        _portrait(canvas, scene)
    else:
        _standing(canvas, scene)


def _portrait(canvas: Canvas, scene: Scene) -> None:
    coat, chance = coat_of(scene), canvas.chance
    width, height = canvas.size
    room = 128 if scene.species in WIDE_HEADS | TALL_HEADS else 104
    unit = min(width, height) / room * chance.uniform(0.94, 1.1)
    middle = 0.54 if scene.species in TALL_HEADS else 0.46
    x = 0.5 + chance.uniform(-0.09, 0.09) * (width > height)
    flip = chance.random() < 0.5
    canvas.place(x, middle, unit=unit, flip=flip)
    dark_bust = scene.species == "panda"
    wide = {"elephant": 38, "bear": 36, "lion": 36}.get(scene.species, 27)
    bust(
        canvas,
        colour=coat.dark if dark_bust else coat.main,
        chest=coat.dark if dark_bust else mix(coat.main, coat.pale, 0.7),
        wide=wide,
    )
    canvas.place(x, middle, unit=unit, flip=flip, angle=chance.uniform(-7, 7))
    HEADS[scene.species](canvas, coat)


def _standing(canvas: Canvas, scene: Scene) -> None:
    chance = canvas.chance
    width, height = canvas.size
    fit = min(
        height * 0.82 / BODY_HEIGHT[scene.species],
        width * 0.92 / BODY_WIDTH.get(scene.species, USUAL_WIDTH),
    )
    unit = fit * chance.uniform(0.86, 1.0)
    flip = chance.random() < 0.5
    x = 0.5 + (0.05 if flip else -0.05) + chance.uniform(-0.04, 0.04)
    y = GROUND + chance.uniform(-0.03, 0.03)
    canvas.place(x, y, unit=unit, flip=flip)
    canvas.shadow(2, 0, 44, 6)
    BODIES[scene.species](canvas, coat_of(scene))


def _other(canvas: Canvas, scene: Scene) -> None:
    chance, species = canvas.chance, scene.species
    width, height = canvas.size
    closer = 1.08 if scene.pose == PORTRAIT else 1.0
    flip = chance.random() < 0.5
    x = 0.5 + chance.uniform(-0.06, 0.06)
    if species in PERCH:
        unit = min(height * 0.72 / PERCH[species], width / 118) * chance.uniform(0.9, 1.0) * closer
        canvas.place(x, WATERLINE.get(species, GROUND), unit=unit, flip=flip)
        if species == "penguin":
            canvas.shadow(0, 0, 34, 5)
    else:
        unit = (
            min(height, width)
            / (150 if species == "snake" else 136)
            * chance.uniform(0.92, 1.06)
            * closer
        )
        tilt = {"butterfly": 24.0, "ladybird": 40.0, "fish": 8.0}.get(species, 5.0)
        canvas.place(
            x, MIDDLE.get(species, 0.52), unit=unit, flip=flip, angle=chance.uniform(-tilt, tilt)
        )
    if species == "turtle":
        swims = scene.place == "deep"
        if not swims:
            canvas.shadow(4, 50, 56, 6)
        small.turtle(canvas, plumage_of(scene), swims=swims)
        return
    if species == "snake":
        canvas.shadow(0, 56, 56, 7)
    OTHERS[species](canvas, plumage_of(scene))
