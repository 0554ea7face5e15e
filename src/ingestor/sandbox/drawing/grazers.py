"""Long faces from the front: elephant, giraffe, zebra, horse, deer, vicuña."""

from ingestor.sandbox.drawing import faces
from ingestor.sandbox.drawing.canvas import Canvas, Colour, Point, darker, lighter, mix, smooth
from ingestor.sandbox.drawing.coats import BLACK, PINK, Coat

IVORY = (248, 240, 220)


def elephant(canvas: Canvas, coat: Coat) -> None:
    for side in (-1, 1):
        ear = [(14, -24), (36, -34), (56, -20), (58, 6), (46, 30), (28, 24), (17, 8)]
        canvas.blob([(side * x, y) for x, y in ear], coat.main)
        hollow = [(20, -18), (37, -26), (50, -14), (50, 6), (40, 20), (26, 14)]
        canvas.blob([(side * x, y) for x, y in hollow], mix(coat.main, PINK, 0.35))
    canvas.flush(fur=0.8)
    skull = [(0, -34), (16, -32), (25, -14), (24, 8), (14, 20), (-14, 20), (-24, 8), (-25, -14)]
    canvas.blob([*skull, (-16, -32)], coat.main)
    canvas.flush(fur=0.8)
    for side in (-1, 1):
        tusk = [(side * 12, 16), (side * 19, 30), (side * 26, 38)]
        canvas.limb(tusk, [7, 5, 1.5], IVORY)
    canvas.flush(fur=0.1)
    trunk = [(0, -6), (0, 18), (1, 40), (-3, 58), (-15, 64), (-23, 56)]
    canvas.limb(trunk, [25, 23, 18, 14, 11, 8], coat.main)
    for y in range(4, 52, 7):
        canvas.limb([(-7, y), (0, y + 2), (7, y)], [1, 1.3, 1], coat.dark)
    canvas.flush(fur=0.8)
    faces.eyes(canvas, apart=17, y=-9, size=3.8, iris=coat.eyes)


def giraffe(canvas: Canvas, coat: Coat) -> None:
    faces.leaf_ears(
        canvas, x=20, y=-22, long=26, colour=coat.main, inner=mix(coat.pale, PINK, 0.4), tilt=76
    )
    canvas.flush()
    for side in (-1, 1):
        canvas.limb([(side * 7, -26), (side * 9, -47)], [6, 5], coat.main)
        canvas.ellipse(side * 9, -49, 5, 5, darker(coat.dark, 0.45))
    canvas.flush()
    outline = _long_face(canvas, coat.main)
    with canvas.inside(outline):
        for x, y, size in ((-14, -20, 6), (13, -22, 6), (0, -27, 5), (-17, -4, 5), (17, -6, 5)):
            patch(canvas, x, y, size=size, colour=coat.dark)
        for x, y in ((-9, 8), (9, 9), (0, -8), (-4, 18), (6, 20)):
            patch(canvas, x, y, size=3.4, colour=mix(coat.dark, coat.main, 0.3))
    canvas.flush()
    canvas.ellipse(0, 32, 18, 13, coat.pale)
    canvas.flush()
    _nostrils(canvas, y=28, apart=7, colour=darker(coat.dark, 0.4))
    _smile(canvas, y=38, wide=10, colour=darker(coat.dark, 0.4))
    faces.eyes(canvas, apart=18, y=-8, size=5.4, iris=coat.eyes)


def zebra(canvas: Canvas, coat: Coat) -> None:
    canvas.blob([(-8, -24), (-9, -44), (0, -52), (9, -44), (8, -24)], coat.dark)
    for x in (-4, 3):
        canvas.limb([(x, -28), (x, -47)], [2.4, 1.6], coat.main)
    canvas.flush()
    faces.leaf_ears(canvas, x=15, y=-24, long=23, colour=coat.main, inner=coat.dark, tilt=26)
    canvas.flush()
    outline = _long_face(canvas, coat.main)
    with canvas.inside(outline):
        for side in (-1, 1):
            for y in (-24, -16, -8, 0, 8, 16):
                stripe = [(side * 25, y - 3), (side * 14, y + 1), (side * 5, y + 7)]
                canvas.limb(stripe, [4.4, 3.2, 0.8], coat.dark)
        canvas.limb([(0, -34), (0, 14)], [3.6, 0.8], coat.dark)
        for side in (-1, 1):
            canvas.limb([(side * 5, -34), (side * 4, 8)], [2.6, 0.7], coat.dark)
    canvas.flush(fur=0.3)
    canvas.ellipse(0, 33, 15.5, 12, mix(coat.dark, (90, 84, 88), 0.4))
    canvas.flush()
    _nostrils(canvas, y=30, apart=6.5, colour=BLACK)
    faces.eyes(canvas, apart=17.5, y=-7, size=5, iris=coat.eyes)


def horse(canvas: Canvas, coat: Coat) -> None:
    faces.leaf_ears(canvas, x=12, y=-26, long=22, colour=coat.main, inner=PINK, tilt=12)
    canvas.flush()
    for side in (-1, 1):
        mane = [
            (side * 12, -30),
            (side * 21, -16),
            (side * 22, 2),
            (side * 18, 12),
            (side * 13, -6),
        ]
        canvas.blob(mane, coat.dark)
    canvas.flush()
    outline = _long_face(canvas, coat.main)
    with canvas.inside(outline):
        canvas.blob([(0, -30), (5, -16), (4, 10), (8, 28), (-8, 28), (-4, 10), (-5, -16)], IVORY)
    canvas.flush()
    canvas.ellipse(0, 34, 15.5, 12, mix(coat.main, (70, 56, 54), 0.5))
    canvas.flush()
    lock = [(-10, -34), (2, -38), (10, -32), (7, -14), (2, 2), (-2, -12), (-7, -20)]
    canvas.blob(lock, coat.dark)
    canvas.flush()
    _nostrils(canvas, y=31, apart=7, colour=BLACK)
    _smile(canvas, y=41, wide=7, colour=BLACK)
    faces.eyes(canvas, apart=17.5, y=-7, size=4.9, iris=coat.eyes)


def deer(canvas: Canvas, coat: Coat) -> None:
    for side in (-1, 1):
        antlers(canvas, side=side, base=(side * 8, -26))
    canvas.flush(fur=0.3)
    faces.leaf_ears(
        canvas, x=17, y=-21, long=27, colour=coat.main, inner=mix(coat.pale, PINK, 0.5), tilt=62
    )
    canvas.flush()
    skull = [(0, -30), (15, -26), (21, -10), (16, 8), (11, 26), (0, 33), (-11, 26), (-16, 8)]
    canvas.blob([*skull, (-21, -10), (-15, -26)], coat.main)
    canvas.flush()
    canvas.blob([(0, 10), (9, 17), (11, 26), (0, 33), (-11, 26), (-9, 17)], coat.pale)
    canvas.flush()
    for side in (-1, 1):
        canvas.ellipse(side * 12.5, -7, 7.4, 7, mix(coat.main, coat.pale, 0.6))
    canvas.flush(depth=0.3)
    faces.eyes(canvas, apart=12.5, y=-7, size=5.4, iris=coat.eyes)
    faces.nose(canvas, y=19, width=6.4)


def antlers(canvas: Canvas, *, side: float, base: Point) -> None:
    x, y = base
    colour = (150, 112, 76)
    beam = [(x, y), (x + side * 9, y - 14), (x + side * 15, y - 30), (x + side * 10, y - 46)]
    canvas.limb(beam, [4.4, 3.6, 2.8, 1.4], colour)
    for share, long in ((1, 13), (2, 15)):
        sx, sy = beam[share]
        tine = [(sx, sy), (sx + side * long * 0.8, sy - 5), (sx + side * long, sy - long)]
        canvas.limb(tine, [3, 2.4, 1.2], colour)


def vicuna(canvas: Canvas, coat: Coat) -> None:
    faces.leaf_ears(canvas, x=11, y=-24, long=28, colour=coat.main, inner=PINK, tilt=12)
    canvas.flush()
    canvas.ellipse(0, -8, 23, 23, coat.main)
    for turn in range(11):
        with canvas.at(0, -10, angle=-75 + turn * 15):
            canvas.ellipse(0, -21, 6, 6, lighter(coat.main, 0.1))
    canvas.flush(fur=1)
    face = [(0, -14), (11, -8), (12, 10), (8, 24), (0, 28), (-8, 24), (-12, 10), (-11, -8)]
    canvas.blob(face, mix(coat.main, coat.pale, 0.45))
    canvas.ellipse(0, 20, 9.5, 8, coat.pale)
    canvas.flush()
    faces.eyes(canvas, apart=13, y=-5, size=5.2, iris=coat.eyes)
    faces.nose(canvas, y=16, width=4.4, colour=(74, 54, 48))


def _long_face(canvas: Canvas, colour: Colour) -> list[Point]:
    """Wide at the eyes, narrow above the muzzle."""
    outline = smooth(
        [
            (0, -33),
            (14, -30),
            (22, -12),
            (17, 6),
            (13, 26),
            (0, 40),
            (-13, 26),
            (-17, 6),
            (-22, -12),
            (-14, -30),
        ]
    )
    canvas.polygon(outline, colour)
    return outline


def patch(canvas: Canvas, x: float, y: float, *, size: float, colour: Colour) -> None:
    """A rounded polygon, as on giraffes."""
    corners = [(0, -1), (0.9, -0.5), (0.8, 0.6), (-0.1, 1), (-0.9, 0.5), (-0.8, -0.6)]
    points = [
        (
            x + dx * size * canvas.chance.uniform(0.85, 1.15),
            y + dy * size * canvas.chance.uniform(0.85, 1.15),
        )
        for dx, dy in corners
    ]
    canvas.polygon(points, colour)


def _nostrils(canvas: Canvas, *, y: float, apart: float, colour: Colour) -> None:
    for side in (-1, 1):
        canvas.ellipse(side * apart, y, 2.3, 1.5, colour, angle=side * 40)
    canvas.flush(depth=0)


def _smile(canvas: Canvas, *, y: float, wide: float, colour: Colour) -> None:
    canvas.limb([(-wide, y - 2), (0, y + 1), (wide, y - 2)], [0.6, 1.1, 0.6], colour)
    canvas.flush(depth=0)
