"""Where the animals are: a background for each place, out of focus, and what lies before them."""

import random
from collections.abc import Callable, Mapping
from typing import Final

from PIL import Image, ImageChops

from ingestor.sandbox.drawing import features
from ingestor.sandbox.drawing.canvas import Colour
from ingestor.sandbox.drawing.features import Sheet, gradient

Paint = Callable[[Sheet], None]

HORIZON: Final = 0.56

SKIES: Final[Mapping[str, tuple[Colour, Colour]]] = {
    "meadow": ((122, 184, 232), (222, 240, 246)),
    "autumn": ((196, 176, 150), (244, 222, 178)),
    "snow": ((168, 194, 222), (236, 241, 248)),
    "beach": ((94, 178, 226), (214, 240, 246)),
    "sunset": ((86, 62, 120), (255, 150, 78)),
    "lake": ((150, 200, 226), (226, 240, 240)),
    "dawn": ((170, 164, 204), (254, 214, 186)),
    "bough": ((166, 204, 182), (226, 238, 206)),
    "flowers": ((176, 216, 190), (150, 196, 130)),
    "leaves": ((120, 166, 96), (62, 112, 58)),
    "room": ((204, 184, 164), (182, 158, 138)),
    "night": ((10, 18, 52), (44, 62, 112)),
    "forest": ((150, 184, 150), (206, 222, 182)),
    "jungle": ((96, 146, 92), (42, 92, 58)),
    "savanna": ((118, 186, 226), (250, 230, 186)),
    "desert": ((118, 182, 226), (250, 226, 190)),
    "reef": ((38, 150, 206), (12, 84, 150)),
    "deep": ((52, 152, 206), (8, 54, 116)),
    "bamboo": ((206, 226, 170), (136, 182, 116)),
    "ice": ((122, 178, 224), (226, 240, 250)),
    "mountains": ((96, 160, 222), (216, 234, 246)),
}

TINTS: Final[Mapping[str, tuple[Colour, float]]] = {
    "sunset": ((255, 120, 50), 0.16),
    "night": ((24, 44, 120), 0.22),
    "dawn": ((255, 190, 150), 0.1),
    "autumn": ((236, 150, 60), 0.06),
    "reef": ((20, 130, 190), 0.1),
    "deep": ((20, 120, 190), 0.18),
    "jungle": ((60, 120, 60), 0.06),
}
"""The light of a place, laid over the finished picture."""


def background(place: str, *, size: tuple[int, int], chance: random.Random) -> Image.Image:
    """The place alone, at the size of the picture."""
    top, low = SKIES[place]
    sheet = Sheet(gradient(size, top, low), chance)
    PLACES[place](sheet)
    return sheet.image


def tinted(picture: Image.Image, place: str) -> Image.Image:
    if place not in TINTS:
        return picture
    colour, share = TINTS[place]
    tint = Image.new("RGB", picture.size, colour)
    return Image.blend(picture, ImageChops.soft_light(picture, tint), min(1.0, share * 4))


def _meadow(sheet: Sheet) -> None:
    features.clouds(sheet, horizon=HORIZON)
    features.hills(sheet, (112, 162, 108), horizon=HORIZON, height=0.16)
    features.trees(sheet, (74, 128, 70), horizon=HORIZON)
    features.ground(sheet, (142, 190, 92), (86, 146, 58), horizon=HORIZON)
    features.flowers(sheet, ((250, 244, 240), (246, 208, 84), (226, 130, 160)), top=0.66, blur=3)


def _autumn(sheet: Sheet) -> None:
    features.trees(sheet, (206, 122, 44), horizon=HORIZON, count=9)
    features.bokeh(sheet, ((236, 170, 70), (206, 92, 40), (244, 214, 130)), bottom=0.6)
    features.ground(sheet, (190, 140, 74), (146, 92, 46), horizon=HORIZON)
    features.flowers(sheet, ((206, 100, 36), (228, 160, 60), (170, 66, 34)), top=0.62, blur=2)


def _snow(sheet: Sheet) -> None:
    features.hills(sheet, (190, 206, 226), horizon=HORIZON, height=0.2)
    features.trees(sheet, (126, 152, 164), horizon=HORIZON, count=9)
    features.ground(sheet, (222, 230, 242), (246, 249, 253), horizon=HORIZON)
    features.flakes(sheet)


def _beach(sheet: Sheet) -> None:
    features.clouds(sheet, horizon=HORIZON)
    features.ground(sheet, (54, 146, 180), (120, 200, 210), horizon=0.48)
    features.ripples(sheet, (240, 252, 252), horizon=0.5)
    features.ground(sheet, (240, 222, 180), (222, 192, 142), horizon=0.64)


def _sunset(sheet: Sheet) -> None:
    features.sun(sheet, x=sheet.chance.uniform(0.2, 0.8), y=0.42, radius=44, colour=(255, 196, 96))
    features.clouds(sheet, horizon=HORIZON, colour=(255, 176, 130), count=4)
    features.hills(sheet, (112, 60, 88), horizon=HORIZON, height=0.1)
    features.acacias(sheet, (70, 42, 58), horizon=HORIZON, count=2)
    features.ground(sheet, (176, 96, 62), (104, 62, 52), horizon=HORIZON)


def _lake(sheet: Sheet) -> None:
    features.hills(sheet, (110, 152, 122), horizon=0.42, height=0.2)
    features.trees(sheet, (80, 130, 84), horizon=0.42, count=12)
    features.ground(sheet, (126, 176, 178), (66, 124, 148), horizon=0.42)
    features.ripples(sheet, (206, 232, 232), horizon=0.44)


def _dawn(sheet: Sheet) -> None:
    features.sun(sheet, x=sheet.chance.uniform(0.2, 0.8), y=0.3, radius=26, colour=(255, 226, 176))
    features.hills(sheet, (150, 140, 172), horizon=0.42, height=0.14, blur=4)
    features.ground(sheet, (232, 190, 176), (132, 128, 168), horizon=0.42)
    features.ripples(sheet, (255, 230, 210), horizon=0.44)


def _bough(sheet: Sheet) -> None:
    greens = ((120, 168, 92), (186, 214, 130), (236, 244, 196), (84, 132, 84))
    features.bokeh(sheet, greens, bottom=1)
    features.leaves(sheet, ((128, 172, 96), (160, 198, 112)), count=10, blur=9)
    features.bokeh(sheet, greens, bottom=1)


def _flowers(sheet: Sheet) -> None:
    features.bokeh(sheet, ((196, 226, 150), (120, 170, 90), (240, 220, 236)), bottom=1)
    bed = ((238, 120, 160), (250, 246, 246), (180, 120, 214), (250, 190, 80))
    features.flowers(sheet, bed, top=0.3, blur=6)


def _leaves(sheet: Sheet) -> None:
    greens = ((74, 132, 60), (104, 164, 74), (50, 102, 52), (140, 190, 90))
    features.leaves(sheet, greens)
    features.bokeh(sheet, ((190, 224, 130), (104, 164, 74)), bottom=0.7)


def _room(sheet: Sheet) -> None:
    features.window(sheet, (196, 174, 152))
    features.ground(sheet, (164, 116, 86), (126, 82, 62), horizon=0.66)


def _night(sheet: Sheet) -> None:
    features.stars(sheet)
    features.hills(sheet, (18, 28, 58), horizon=0.95, height=0.2)
    features.trees(sheet, (14, 24, 44), horizon=0.95, count=8)


def _forest(sheet: Sheet) -> None:
    features.bokeh(sheet, ((190, 212, 150), (120, 160, 110), (230, 236, 190)), bottom=0.6)
    features.trunks(sheet, (92, 78, 62), horizon=HORIZON)
    features.ground(sheet, (126, 142, 82), (88, 98, 54), horizon=HORIZON)


def _jungle(sheet: Sheet) -> None:
    greens = ((54, 112, 62), (84, 148, 74), (34, 82, 56), (126, 176, 88))
    features.leaves(sheet, greens, count=70, blur=6)
    features.bokeh(sheet, ((176, 212, 120), (70, 130, 70)), bottom=0.5)
    features.ground(sheet, (62, 104, 54), (46, 78, 44), horizon=0.74)


def _savanna(sheet: Sheet) -> None:
    features.clouds(sheet, horizon=HORIZON, count=3)
    features.hills(sheet, (162, 150, 140), horizon=HORIZON, height=0.08)
    features.acacias(sheet, (106, 124, 66), horizon=HORIZON)
    features.ground(sheet, (222, 190, 112), (190, 148, 76), horizon=HORIZON)


def _desert(sheet: Sheet) -> None:
    features.hills(sheet, (216, 172, 118), horizon=HORIZON, height=0.14)
    features.ground(sheet, (234, 200, 146), (208, 160, 104), horizon=HORIZON)


def _reef(sheet: Sheet) -> None:
    features.rays(sheet)
    features.corals(
        sheet, ((226, 94, 110), (240, 160, 90), (176, 98, 190), (240, 204, 110), (70, 160, 150))
    )


def _deep(sheet: Sheet) -> None:
    features.rays(sheet)
    features.rays(sheet)


def _bamboo(sheet: Sheet) -> None:
    features.bokeh(sheet, ((226, 240, 190), (160, 200, 120)), bottom=0.8)
    features.stems(sheet, (112, 162, 78))
    features.ground(sheet, (132, 168, 88), (92, 128, 60), horizon=0.72)


def _ice(sheet: Sheet) -> None:
    features.floes(sheet, horizon=0.5)
    features.ground(sheet, (70, 132, 176), (110, 170, 204), horizon=0.5)
    features.ripples(sheet, (220, 240, 250), horizon=0.51)
    features.ground(sheet, (226, 236, 246), (246, 250, 254), horizon=0.64)


def _mountains(sheet: Sheet) -> None:
    features.clouds(sheet, horizon=HORIZON, count=3)
    features.mountains(sheet, (112, 124, 148), horizon=HORIZON)
    features.ground(sheet, (186, 178, 112), (150, 140, 78), horizon=HORIZON)


PLACES: Final[Mapping[str, Paint]] = {
    "meadow": _meadow,
    "autumn": _autumn,
    "snow": _snow,
    "beach": _beach,
    "sunset": _sunset,
    "lake": _lake,
    "dawn": _dawn,
    "bough": _bough,
    "flowers": _flowers,
    "leaves": _leaves,
    "room": _room,
    "night": _night,
    "forest": _forest,
    "jungle": _jungle,
    "savanna": _savanna,
    "desert": _desert,
    "reef": _reef,
    "deep": _deep,
    "bamboo": _bamboo,
    "ice": _ice,
    "mountains": _mountains,
}
