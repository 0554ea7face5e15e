"""
A sheet to draw on: smooth shapes in an animal's own coordinates, lit and laid over each other.

Coordinates are those of the animal: x to the right, y down, some 100 units across. `place` says
where they lie on the picture.
"""

import contextlib
import math
import random
from collections.abc import Iterator, Sequence
from typing import Final

from PIL import Image, ImageChops, ImageDraw, ImageFilter

OVERSAMPLING: Final = 2
"""Shapes are drawn twice as large and halved before they are laid down: smooth edges."""

CURVE_STEPS: Final = 7
"""Pieces between two points of a curve; more are not seen at this size."""

SHADE: Final = 0.45
"""How much of the light a shadow on the ground takes (taste)."""
NEUTRAL: Final = 128
LIGHT_REDUCTION: Final = 4
"""Light is soft, so it is computed with so many pixels in one."""

Point = tuple[float, float]
Points = Sequence[Point]
Colour = tuple[int, int, int]


class Canvas:
    """One picture in the making. Shapes go to the open layer; `flush` lights it and lays it down."""

    def __init__(self, background: Image.Image, *, chance: random.Random) -> None:
        self.size: Final = background.size
        self.chance: Final = chance
        self._picture = background.convert("RGB")
        self._fur = _fur(self.size, chance)
        self._corner = (0, 0)
        self._layer = Image.new("RGBA", (self.size[0] * OVERSAMPLING, self.size[1] * OVERSAMPLING))
        self._pen = ImageDraw.Draw(self._layer)
        self._origin = (0.0, 0.0)
        self._unit = 1.0
        self._flip = 1.0
        self._turn = (1.0, 0.0)

    def place(
        self, x: float, y: float, *, unit: float, flip: bool = False, angle: float = 0.0
    ) -> None:
        """Put the origin at (x, y) of the picture, in shares of its size; `unit` in pixels."""
        self._origin = (x * self.size[0] * OVERSAMPLING, y * self.size[1] * OVERSAMPLING)
        self._unit = unit * OVERSAMPLING
        self._flip = -1.0 if flip else 1.0
        radians = math.radians(angle)
        self._turn = (math.cos(radians), math.sin(radians))

    @contextlib.contextmanager
    def at(self, x: float, y: float, *, scale: float = 1.0, angle: float = 0.0) -> Iterator[None]:
        """Within, the origin lies at (x, y) of the coordinates so far, scaled and turned."""
        before = self._origin, self._unit, self._turn
        radians = math.radians(angle)
        cos, sin = self._turn
        (px, py), (left, top) = self._on_picture([(x, y)])[0], self._corner
        self._origin = (px + left, py + top)
        self._unit *= scale
        self._turn = (
            cos * math.cos(radians) - sin * math.sin(radians),
            sin * math.cos(radians) + cos * math.sin(radians),
        )
        yield
        self._origin, self._unit, self._turn = before

    def blob(self, points: Points, colour: Colour) -> None:
        """A closed smooth shape through the points."""
        self._pen.polygon(self._on_picture(smooth(points)), fill=colour)

    def polygon(self, points: Points, colour: Colour) -> None:
        self._pen.polygon(self._on_picture(points), fill=colour)

    def ellipse(
        self, x: float, y: float, rx: float, ry: float, colour: Colour, *, angle: float = 0.0
    ) -> None:
        self._pen.polygon(self._on_picture(oval(x, y, rx, ry, angle=angle)), fill=colour)

    def limb(self, points: Points, widths: Sequence[float], colour: Colour) -> None:
        """A rounded stroke along a smooth line, its width going from one to the next."""
        line = smooth(points, closed=False)
        sizes = [_between(widths, index / (len(line) - 1)) / 2 for index in range(len(line))]
        left, right = [], []
        for index, (x, y) in enumerate(line):
            (x0, y0), (x1, y1) = line[max(index - 1, 0)], line[min(index + 1, len(line) - 1)]
            length = math.hypot(x1 - x0, y1 - y0) or 1.0
            across = ((y0 - y1) / length * sizes[index], (x1 - x0) / length * sizes[index])
            left.append((x + across[0], y + across[1]))
            right.append((x - across[0], y - across[1]))
        self._pen.polygon(self._on_picture([*left, *reversed(right)]), fill=colour)
        for (x, y), size in ((line[0], sizes[0]), (line[-1], sizes[-1])):
            self.ellipse(x, y, size, size, colour)

    @contextlib.contextmanager
    def inside(self, outline: Points) -> Iterator[None]:
        """Whatever is drawn within appears only inside the outline: stripes, spots, bellies."""
        below, corner = self._layer, self._corner
        points = self._on_picture(outline)
        left, top = (max(0, math.floor(min(values))) for values in zip(*points, strict=True))
        right, bottom = (math.ceil(max(values)) + 1 for values in zip(*points, strict=True))
        size = (min(right, below.width) - left, min(bottom, below.height) - top)
        if min(size) <= 0:
            size = (1, 1)
        self._open(Image.new("RGBA", size), corner=(corner[0] + left, corner[1] + top))
        yield
        pattern, mask = self._layer, Image.new("L", size)
        ImageDraw.Draw(mask).polygon([(x - left, y - top) for x, y in points], fill=255)
        self._open(below, corner=corner)
        below.paste(pattern, (left, top), ImageChops.multiply(mask, pattern.getchannel("A")))

    def flush(self, *, depth: float = 1.0, fur: float = 0.5, blur: float = 0.0) -> None:
        """Light the open layer as if it were round, lay it on the picture and open a new one."""
        box = self._layer.getbbox()
        if box is None:
            return
        left, top = box[0] // OVERSAMPLING, box[1] // OVERSAMPLING
        grid = (left * OVERSAMPLING, top * OVERSAMPLING, box[2], box[3])
        piece = self._layer.reduce(OVERSAMPLING, grid)
        alpha, lit = piece.getchannel("A"), piece.convert("RGB")
        if depth > 0:
            grain = self._fur.crop((left, top, left + piece.width, top + piece.height))
            lit = _lit(lit, alpha, depth=depth, grain=grain, fur=fur)
        if blur > 0:
            alpha = alpha.filter(ImageFilter.GaussianBlur(blur))
        self._picture.paste(lit, (left, top), alpha)
        self._layer.paste((0, 0, 0, 0), grid)

    def shadow(self, x: float, y: float, rx: float, ry: float) -> None:
        """A soft shadow on the ground, at once on the picture."""
        coarse = 2 * OVERSAMPLING
        points = self._on_picture(oval(x, y, rx, ry))
        mask = Image.new("L", (self.size[0] // 2, self.size[1] // 2))
        ImageDraw.Draw(mask).polygon([(px / coarse, py / coarse) for px, py in points], fill=255)
        mask = mask.filter(ImageFilter.GaussianBlur(max(1.0, ry * self._unit / 12)))
        mask = mask.point([round(value * SHADE) for value in range(256)])
        self._picture.paste((16, 18, 24), None, mask.resize(self.size))

    def finished(self) -> Image.Image:
        self.flush()
        return self._picture

    def _open(self, layer: Image.Image, *, corner: tuple[int, int]) -> None:
        self._layer, self._corner = layer, corner
        self._pen = ImageDraw.Draw(layer)

    def _on_picture(self, points: Points) -> list[Point]:
        """Pixels of the open layer."""
        ox, oy = self._origin[0] - self._corner[0], self._origin[1] - self._corner[1]
        unit, (cos, sin) = self._unit, self._turn
        return [
            (
                ox + self._flip * (x * cos - y * sin) * unit,
                oy + (x * sin + y * cos) * unit,
            )
            for x, y in points
        ]


def smooth(points: Points, *, closed: bool = True) -> list[Point]:
    """A Catmull-Rom curve through the points."""
    count = len(points)
    if count < 3:
        return list(points)
    curve: list[Point] = []
    for index in range(count if closed else count - 1):
        if closed:
            p0, p1, p2, p3 = (points[(index + step) % count] for step in (-1, 0, 1, 2))
        else:
            p0, p1 = points[max(index - 1, 0)], points[index]
            p2, p3 = points[index + 1], points[min(index + 2, count - 1)]
        for step in range(CURVE_STEPS):
            curve.append(_on_curve(p0, p1, p2, p3, step / CURVE_STEPS))
    if not closed:
        curve.append(points[-1])
    return curve


def oval(x: float, y: float, rx: float, ry: float, *, angle: float = 0.0) -> list[Point]:
    turn = math.radians(angle)
    cos, sin = math.cos(turn), math.sin(turn)
    steps = 40
    return [
        (
            x + rx * math.cos(t) * cos - ry * math.sin(t) * sin,
            y + rx * math.cos(t) * sin + ry * math.sin(t) * cos,
        )
        for t in (2 * math.pi * step / steps for step in range(steps))
    ]


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """A colour on the way from one to the other."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return (red, green, blue)


def darker(colour: Colour, share: float) -> Colour:
    return mix(colour, (12, 10, 20), share)


def lighter(colour: Colour, share: float) -> Colour:
    return mix(colour, (255, 252, 244), share)


def _on_curve(p0: Point, p1: Point, p2: Point, p3: Point, t: float) -> Point:
    def along(a: float, b: float, c: float, d: float) -> float:
        curve = (2 * a - 5 * b + 4 * c - d) * t + (3 * b - a - 3 * c + d) * t * t + (c - a)
        return b + curve * t / 2

    return along(p0[0], p1[0], p2[0], p3[0]), along(p0[1], p1[1], p2[1], p3[1])


def _between(values: Sequence[float], share: float) -> float:
    place = share * (len(values) - 1)
    index = min(int(place), len(values) - 2)
    return values[index] + (values[index + 1] - values[index]) * (place - index)


def _lit(
    colours: Image.Image, alpha: Image.Image, *, depth: float, grain: Image.Image, fur: float
) -> Image.Image:
    """Brighten towards the top left and darken towards the bottom right, as on a round body."""
    small = alpha.reduce(LIGHT_REDUCTION)
    extent = min(small.size)
    reach = max(1, round(extent * 0.07))
    margin = 3 * reach
    padded = Image.new("L", (small.width + 2 * margin, small.height + 2 * margin))
    padded.paste(small, (margin, margin))
    soft = padded.filter(ImageFilter.GaussianBlur(reach * 1.4))
    towards = ImageChops.offset(soft, -reach, -reach)
    away = ImageChops.offset(soft, reach, round(reach * 1.3))
    relief = ImageChops.subtract(towards, away, scale=2.0 / depth, offset=NEUTRAL)
    box = (margin, margin, margin + small.width, margin + small.height)
    light = relief.crop(box).resize(colours.size, Image.Resampling.BILINEAR)
    if fur > 0:
        strength = [round(NEUTRAL + (value - NEUTRAL) * fur) for value in range(256)]
        light = ImageChops.add(light, grain.point(strength), offset=-NEUTRAL)
    dark = light.point([min(255, 2 * value) for value in range(256)])
    bright = light.point([max(0, value - NEUTRAL) for value in range(256)])
    shaded = ImageChops.multiply(colours, Image.merge("RGB", (dark, dark, dark)))
    return ImageChops.screen(shaded, Image.merge("RGB", (bright, bright, bright)))


def _fur(size: tuple[int, int], chance: random.Random) -> Image.Image:
    """Fine strokes, mostly along the body: noise, stretched."""
    width, height = size[0] // 2, size[1]
    noise = Image.frombytes("L", (width, height), chance.randbytes(width * height))
    soft = noise.resize(size, Image.Resampling.BILINEAR)
    return soft.point([round(NEUTRAL + (value - NEUTRAL) * 0.17) for value in range(256)])
