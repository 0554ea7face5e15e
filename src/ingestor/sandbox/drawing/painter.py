"""From a scene to its JPEG: place, animal, light, grain."""

import io
import math
import random
from typing import Final

from PIL import Image, ImageChops

from ingestor.sandbox.drawing.animals import draw_animal
from ingestor.sandbox.drawing.canvas import Canvas
from ingestor.sandbox.drawing.places import background, tinted
from ingestor.sandbox.scenes import Scene

QUALITY: Final = 90
GRAIN: Final = 0.075
"""Film grain, as a share of full scale; with this quality 640 px come to 100-150 kB."""

NEUTRAL: Final = 128

END: Final = b"\xff\xd9"

STAMP: Final = (64, 48)
"""Pixels of a picture that weighs less than a kilobyte."""


def draw(scene: Scene) -> bytes:
    """The drawing of a scene as a JPEG; always the same bytes for the same scene."""
    chance = random.Random(f"{scene.species}:{scene.place}:{scene.pose}:{scene.number}")
    canvas = Canvas(background(scene.place, size=scene.size, chance=chance), chance=chance)
    draw_animal(canvas, scene)
    picture = _grained(tinted(canvas.finished(), scene.place), chance)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def sketch(scene: Scene) -> bytes:
    """A sheet of one colour in the scene's size; nobody would pay to have it labelled."""
    return _plain(scene.size)


def sheet(scene: Scene, *, least: int, most: int) -> bytes:
    """
    A sketch that weighs something: small and large ones equally often, where they may differ.
    What weighs less than a sketch is a stamp.

    What is added lies behind the picture's own data, where decoders expect no more of it.
    """
    weight = random.Random(f"weight:{scene}").uniform(math.log(least), math.log(most))
    wanted, plain = round(math.exp(weight)), sketch(scene)
    if len(plain) > wanted:
        plain = _plain(STAMP)
    more = max(0, wanted - len(plain))
    return plain[: -len(END)] + bytes(more) + END


def _plain(size: tuple[int, int]) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "#8fb98b").save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def _grained(picture: Image.Image, chance: random.Random) -> Image.Image:
    width, height = picture.size
    noise = Image.frombytes("L", picture.size, chance.randbytes(width * height))
    grain = noise.point([round(NEUTRAL + (value - NEUTRAL) * GRAIN * 2) for value in range(256)])
    return ImageChops.add(picture, Image.merge("RGB", (grain, grain, grain)), offset=-NEUTRAL)
