"""What stands around in the distance: hills, trunks, clouds, corals, drops of light."""

import math
import random
from typing import Final

from PIL import Image, ImageDraw, ImageFilter

from ingestor.sandbox.drawing.canvas import Colour, darker, lighter, mix, smooth

WHITE: Final = (255, 255, 255)

Alpha = int

COARSE: Final = 4
COARSE_FROM: Final = 4.0
"""Blur of so many pixels is computed on a coarser sheet: nobody sees the difference."""


class Sheet:
    """A background in the making; every feature is laid on, more or less out of focus."""

    def __init__(self, image: Image.Image, chance: random.Random) -> None:
        self.image: Final = image
        self.chance: Final = chance
        self.width, self.height = image.size
        self._layer = Image.new("RGBA", image.size)
        self.pen = ImageDraw.Draw(self._layer)

    def lay(self, *, blur: float) -> None:
        """Put down what was drawn since the last time."""
        layer = self._layer
        coarse = COARSE if blur >= COARSE_FROM else 2 if blur >= COARSE_FROM / 2 else 1
        if coarse > 1:
            layer = layer.reduce(coarse)
        # With colours weighed by their alpha, blurred edges do not show the black of the empty.
        soft = layer.convert("RGBa").filter(ImageFilter.GaussianBlur(blur / coarse))
        if coarse > 1:
            soft = soft.resize(self.image.size, Image.Resampling.BILINEAR)
        laid = soft.convert("RGBA")
        self.image.paste(laid, (0, 0), laid)
        self._layer = Image.new("RGBA", self.image.size)
        self.pen = ImageDraw.Draw(self._layer)

    def dot(self, x: float, y: float, radius: float, colour: Colour, alpha: Alpha = 255) -> None:
        self.pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(*colour, alpha))


def gradient(size: tuple[int, int], top: Colour, bottom: Colour) -> Image.Image:
    ramp = Image.linear_gradient("L").resize(size)
    return Image.composite(Image.new("RGB", size, bottom), Image.new("RGB", size, top), ramp)


def ground(sheet: Sheet, far: Colour, near: Colour, *, horizon: float) -> None:
    """Everything below the horizon, with patches."""
    top = round(sheet.height * horizon)
    sheet.image.paste(gradient((sheet.width, sheet.height - top), far, near), (0, top))
    for _ in range(26):
        y = top + (sheet.height - top) * sheet.chance.random() ** 0.8
        depth = (y - top) / (sheet.height - top)
        shade = sheet.chance.choice((darker(far, 0.16), lighter(near, 0.12), mix(far, near, 0.5)))
        x, wide = sheet.chance.uniform(-40, sheet.width), 40 + 120 * depth
        sheet.pen.ellipse((x, y, x + wide, y + 3 + 14 * depth), fill=(*shade, 110))
    sheet.lay(blur=4)


def hills(sheet: Sheet, colour: Colour, *, horizon: float, height: float, blur: float = 2) -> None:
    base = sheet.height * horizon
    for row in range(2):
        tone = lighter(colour, 0.28) if row == 0 else colour
        rise = height * sheet.height * (1 - 0.45 * row)
        points = [(-60.0, base + 8)]
        x = -50.0
        while x < sheet.width + 90:
            points.append((x, base - rise * sheet.chance.uniform(0.15, 1)))
            x += sheet.chance.uniform(50, 120)
        points.append((sheet.width + 120.0, base + 8))
        sheet.pen.polygon(smooth(points), fill=(*tone, 255))
        sheet.lay(blur=blur)


def mountains(sheet: Sheet, colour: Colour, *, horizon: float) -> None:
    base = sheet.height * horizon
    for row in range(2):
        for _ in range(4):
            x = sheet.chance.uniform(0, sheet.width)
            tall = sheet.height * sheet.chance.uniform(0.2, 0.38) * (1 - 0.4 * row)
            wide = tall * sheet.chance.uniform(0.9, 1.3)
            tone = mix(colour, (205, 220, 238), 0.45 - 0.35 * row)
            peak = (x, base - tall)
            sheet.pen.polygon([(x - wide, base + 4), peak, (x + wide, base + 4)], fill=(*tone, 255))
            cap = [
                peak,
                (x - wide * 0.28, base - tall * 0.72),
                (x - wide * 0.1, base - tall * 0.78),
                (x + wide * 0.04, base - tall * 0.68),
                (x + wide * 0.26, base - tall * 0.74),
            ]
            sheet.pen.polygon(cap, fill=(246, 249, 255, 255))
        sheet.lay(blur=2.5)


def clouds(sheet: Sheet, *, horizon: float, colour: Colour = WHITE, count: int = 5) -> None:
    for _ in range(count):
        x = sheet.chance.uniform(0, sheet.width)
        y = sheet.chance.uniform(0.06, horizon * 0.7) * sheet.height
        for _puff in range(6):
            sheet.dot(
                x + sheet.chance.uniform(-46, 46),
                y + sheet.chance.uniform(-7, 7),
                sheet.chance.uniform(9, 24),
                colour,
                165,
            )
    sheet.lay(blur=8)


def sun(sheet: Sheet, *, x: float, y: float, radius: float, colour: Colour) -> None:
    cx, cy = x * sheet.width, y * sheet.height
    for glow in range(7, 0, -1):
        sheet.dot(cx, cy, radius * (1 + glow * 0.55), colour, round(150 / glow))
    sheet.lay(blur=14)
    sheet.dot(cx, cy, radius, lighter(colour, 0.7))
    sheet.lay(blur=2)


def bokeh(sheet: Sheet, colours: tuple[Colour, ...], *, bottom: float) -> None:
    """Drops of light: what leaves and sky become out of focus."""
    for _ in range(46):
        sheet.dot(
            sheet.chance.uniform(0, sheet.width),
            sheet.chance.uniform(0, bottom) * sheet.height,
            sheet.chance.uniform(10, 42),
            sheet.chance.choice(colours),
            sheet.chance.randrange(40, 120),
        )
    sheet.lay(blur=5)


def trees(sheet: Sheet, colour: Colour, *, horizon: float, count: int = 11) -> None:
    """Round crowns along the horizon."""
    base = sheet.height * horizon + 6
    for index in range(count):
        x = (index + sheet.chance.uniform(-0.3, 0.8)) * sheet.width / count
        tall = sheet.height * sheet.chance.uniform(0.14, 0.34)
        sheet.pen.rectangle(
            (x - 3, base - tall * 0.6, x + 3, base), fill=(*darker(colour, 0.5), 255)
        )
        for _leaf in range(9):
            tone = sheet.chance.choice((colour, lighter(colour, 0.18), darker(colour, 0.22)))
            sheet.dot(
                x + sheet.chance.uniform(-0.3, 0.3) * tall,
                base - tall * sheet.chance.uniform(0.45, 1),
                tall * sheet.chance.uniform(0.14, 0.24),
                tone,
            )
    sheet.lay(blur=3.5)


def trunks(sheet: Sheet, colour: Colour, *, horizon: float) -> None:
    """Stems that leave the picture at the top."""
    base = sheet.height * horizon
    for row in range(3):
        for _ in range(5):
            x = sheet.chance.uniform(-10, sheet.width + 10)
            wide = sheet.chance.uniform(5, 9) * (1 + row * 0.8)
            foot = base + row * 16
            tone = mix(colour, (190, 205, 190), 0.5 - 0.22 * row)
            lean = sheet.chance.uniform(-14, 14)
            stem = [
                (x + lean, -5),
                (x + lean + wide, -5),
                (x + wide * 1.5, foot),
                (x - wide / 2, foot),
            ]
            sheet.pen.polygon(stem, fill=(*tone, 255))
        sheet.lay(blur=5 - row)


def stems(sheet: Sheet, colour: Colour) -> None:
    """Bamboo: jointed stems and pointed leaves."""
    for row in range(3):
        for _ in range(7):
            x = sheet.chance.uniform(0, sheet.width)
            wide = sheet.chance.uniform(6, 11) * (0.7 + row * 0.35)
            tone = mix(colour, (222, 240, 200), 0.5 - 0.22 * row)
            sheet.pen.rectangle((x, 0, x + wide, sheet.height), fill=(*tone, 255))
            y = sheet.chance.uniform(0, 60)
            while y < sheet.height:
                sheet.pen.rectangle((x - 1, y, x + wide + 1, y + 4), fill=(*darker(tone, 0.3), 255))
                leaf = (x + sheet.chance.choice((-46, 46)), y + sheet.chance.uniform(4, 26))
                sheet.pen.polygon([(x, y), (x + 4, y + 9), leaf], fill=(*darker(tone, 0.12), 255))
                y += sheet.chance.uniform(50, 85)
        sheet.lay(blur=4 - row)


def acacias(sheet: Sheet, colour: Colour, *, horizon: float, count: int = 3) -> None:
    base = sheet.height * horizon + 4
    for _ in range(count):
        x = sheet.chance.uniform(0.05, 0.95) * sheet.width
        tall = sheet.height * sheet.chance.uniform(0.14, 0.26)
        sheet.pen.line(
            [(x, base), (x + 4, base - tall * 0.9)], fill=(*darker(colour, 0.4), 255), width=5
        )
        for _crown in range(7):
            cx = x + sheet.chance.uniform(-0.55, 0.55) * tall
            cy = base - tall * sheet.chance.uniform(0.86, 1.05)
            sheet.pen.ellipse(
                (cx - tall * 0.34, cy - tall * 0.1, cx + tall * 0.34, cy + tall * 0.1),
                fill=(*colour, 255),
            )
    sheet.lay(blur=2)


def ripples(sheet: Sheet, colour: Colour, *, horizon: float) -> None:
    top = sheet.height * horizon
    for _ in range(70):
        depth = sheet.chance.random() ** 1.4
        y = top + (sheet.height - top) * depth
        x, wide = sheet.chance.uniform(-40, sheet.width), 20 + 120 * depth
        sheet.pen.ellipse(
            (x, y, x + wide, y + 1.5 + 4 * depth), fill=(*colour, sheet.chance.randrange(40, 120))
        )
    sheet.lay(blur=1.6)


def flowers(sheet: Sheet, colours: tuple[Colour, ...], *, top: float, blur: float) -> None:
    """A bed of blossoms, larger towards the viewer."""
    for _ in range(60):
        depth = sheet.chance.random()
        x = sheet.chance.uniform(0, sheet.width)
        y = (top + (1 - top) * depth) * sheet.height
        petal, colour = 3 + 9 * depth, sheet.chance.choice(colours)
        for turn in range(5):
            angle = turn * math.tau / 5
            sheet.dot(x + petal * math.cos(angle), y + petal * math.sin(angle), petal * 0.8, colour)
        sheet.dot(x, y, petal * 0.6, (250, 214, 90))
    sheet.lay(blur=blur)


def leaves(sheet: Sheet, colours: tuple[Colour, ...], *, count: int = 60, blur: float = 5) -> None:
    """Large leaves in all directions: the inside of a bush."""
    for _ in range(count):
        x, y = sheet.chance.uniform(0, sheet.width), sheet.chance.uniform(0, sheet.height)
        long, angle = sheet.chance.uniform(40, 110), sheet.chance.uniform(0, math.tau)
        tip = (x + long * math.cos(angle), y + long * math.sin(angle))
        side = (0.25 * (tip[1] - y), -0.25 * (tip[0] - x))
        middle = ((x + tip[0]) / 2, (y + tip[1]) / 2)
        outline = [
            (x, y),
            (middle[0] + side[0], middle[1] + side[1]),
            tip,
            (middle[0] - side[0], middle[1] - side[1]),
        ]
        sheet.pen.polygon(smooth(outline), fill=(*sheet.chance.choice(colours), 255))
    sheet.lay(blur=blur)


def flakes(sheet: Sheet) -> None:
    for _ in range(130):
        sheet.dot(
            sheet.chance.uniform(0, sheet.width),
            sheet.chance.uniform(0, sheet.height),
            sheet.chance.uniform(1, 4),
            WHITE,
            210,
        )
    sheet.lay(blur=1.2)


def stars(sheet: Sheet) -> None:
    for _ in range(120):
        x, y = sheet.chance.uniform(0, sheet.width), sheet.chance.uniform(0, sheet.height * 0.8)
        sheet.dot(x, y, sheet.chance.uniform(0.6, 1.8), (235, 238, 255), 220)
    sheet.lay(blur=0.6)
    sun(sheet, x=sheet.chance.uniform(0.12, 0.88), y=0.2, radius=34, colour=(238, 232, 200))


def floes(sheet: Sheet, *, horizon: float) -> None:
    """Icebergs behind, cold and blue."""
    base = sheet.height * horizon + 3
    for _ in range(5):
        x = sheet.chance.uniform(0, sheet.width)
        wide, tall = sheet.chance.uniform(60, 140), sheet.chance.uniform(24, 90)
        top = [(x - wide / 2, base), (x - wide * 0.3, base - tall * 0.8), (x, base - tall)]
        shape = [*top, (x + wide * 0.35, base - tall * 0.6), (x + wide / 2, base)]
        sheet.pen.polygon(shape, fill=(214, 232, 246, 255))
        shade = [
            (x, base - tall),
            (x + wide * 0.35, base - tall * 0.6),
            (x + wide / 2, base),
            (x + 6, base),
        ]
        sheet.pen.polygon(shade, fill=(168, 200, 226, 255))
    sheet.lay(blur=2.5)


def corals(sheet: Sheet, colours: tuple[Colour, ...]) -> None:
    for _ in range(16):
        x, colour = sheet.chance.uniform(0, sheet.width), sheet.chance.choice(colours)
        for _branch in range(7):
            angle = sheet.chance.uniform(-0.9, 0.9)
            long = sheet.height * sheet.chance.uniform(0.08, 0.26)
            tip = (x + long * math.sin(angle), sheet.height - long * math.cos(angle))
            sheet.pen.line([(x, sheet.height + 5), tip], fill=(*colour, 255), width=12)
            sheet.dot(*tip, 9, lighter(colour, 0.2))
    sheet.lay(blur=3)


def rays(sheet: Sheet) -> None:
    """Light falling into water."""
    for _ in range(7):
        x, wide = sheet.chance.uniform(-60, sheet.width), sheet.chance.uniform(16, 54)
        lean = sheet.chance.uniform(30, 120)
        beam = [
            (x, -5),
            (x + wide, -5),
            (x + wide * 2 + lean, sheet.height),
            (x + lean, sheet.height),
        ]
        sheet.pen.polygon(beam, fill=(225, 250, 255, 30))
    sheet.lay(blur=8)
    for _ in range(26):
        x, y = sheet.chance.uniform(0, sheet.width), sheet.chance.uniform(0, sheet.height)
        sheet.dot(x, y, sheet.chance.uniform(1.5, 5), (230, 250, 255), 110)
    sheet.lay(blur=1)


def window(sheet: Sheet, wall: Colour) -> None:
    """A room: a bright window, a wall, something soft below."""
    x, y = sheet.chance.uniform(0.05, 0.6) * sheet.width, 0.06 * sheet.height
    wide, tall = sheet.width * 0.34, sheet.height * 0.48
    sheet.pen.rectangle((x - 8, y - 8, x + wide + 8, y + tall + 8), fill=(*lighter(wall, 0.6), 255))
    sheet.pen.rectangle((x, y, x + wide, y + tall), fill=(226, 240, 250, 255))
    sheet.pen.rectangle((x, y + tall * 0.6, x + wide, y + tall), fill=(178, 206, 160, 255))
    sheet.pen.rectangle(
        (x + wide / 2 - 4, y, x + wide / 2 + 4, y + tall), fill=(*lighter(wall, 0.6), 255)
    )
    sheet.lay(blur=5)
