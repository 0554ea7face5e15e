"""Butterflies, beetles, spiders, frogs, snakes, turtles and fish; the origin is their middle."""

import itertools
import math

from ingestor.sandbox.drawing.canvas import Canvas, Point, darker, lighter, mix, oval, smooth
from ingestor.sandbox.drawing.coats import BLACK
from ingestor.sandbox.drawing.plumage import Plumage

WHITE = (255, 255, 255)
LEAF = (104, 164, 70)


def butterfly(canvas: Canvas, plumage: Plumage) -> None:
    _blossom(canvas, 0, 40)
    edge = mix(plumage.belly, plumage.back, 0.1 if plumage.marks != "white" else 0.86)
    for side in (-1, 1):
        lower = [(3, 4), (22, 2), (38, 16), (34, 38), (18, 42), (6, 24)]
        upper = [(2, -4), (16, -38), (44, -50), (56, -36), (48, -8), (26, 6)]
        for outline in (lower, upper):
            _wing(canvas, [(side * x, y) for x, y in outline], plumage, edge=edge, side=side)
        if plumage.marks == "tails":
            canvas.limb([(side * 24, 38), (side * 28, 52), (side * 25, 58)], [5, 3, 3], edge)
            canvas.ellipse(side * 13, 35, 3.6, 3, (226, 84, 60))
    canvas.flush(fur=0.25)
    canvas.limb([(0, -16), (0, 6), (0, 30)], [5, 6, 3], plumage.belly)
    canvas.ellipse(0, -18, 4, 4, plumage.belly)
    for side in (-1, 1):
        canvas.limb(
            [(side * 1.5, -21), (side * 8, -34), (side * 13, -42)], [0.9, 0.8, 0.8], plumage.belly
        )
        canvas.ellipse(side * 13, -42, 1.8, 1.8, plumage.belly)
    canvas.flush()


def _wing(
    canvas: Canvas, points: list[Point], plumage: Plumage, *, edge: tuple[int, int, int], side: int
) -> None:
    outline = smooth(points)
    canvas.polygon(outline, edge)
    cx = sum(x for x, _ in points) / len(points)
    cy = sum(y for _, y in points) / len(points)
    inner = smooth([(cx + (x - cx) * 0.8 - side * 1.5, cy + (y - cy) * 0.8) for x, y in points])
    canvas.polygon(inner, plumage.back)
    with canvas.inside(inner):
        canvas.ellipse(cx - side * 8, cy, 15, 15, plumage.wing)
        if plumage.marks != "white":
            for x, y in points[1:-1]:
                canvas.limb([(side * 2, 0), (x, y)], [1.8, 0.8], edge)
    with canvas.inside(outline):
        rim = outline[8:36:3]
        for x, y in rim:
            if plumage.marks in ("monarch", ""):
                canvas.ellipse(cx + (x - cx) * 0.92, cy + (y - cy) * 0.92, 1.5, 1.5, WHITE)
    if plumage.marks == "white":
        canvas.ellipse(cx + side * 3, cy, 3.4, 3.4, plumage.belly)


def _blossom(canvas: Canvas, x: float, y: float) -> None:
    canvas.limb([(x, y + 10), (x + 5, y + 60), (x - 4, y + 130)], [4, 4, 5], (92, 146, 66))
    canvas.flush()
    petal = canvas.chance.choice(
        ((236, 104, 152), (176, 112, 216), (250, 246, 248), (246, 150, 70))
    )
    for ring, size in ((0, 1.0), (18, 0.72)):
        for turn in range(10):
            with canvas.at(x, y, angle=ring + turn * 36):
                canvas.ellipse(0, -21 * size, 7.4 * size, 17 * size, mix(petal, WHITE, ring / 60))
        canvas.flush()
    canvas.ellipse(x, y, 11, 9, (250, 200, 70))
    canvas.flush(fur=1.2)


def ladybird(canvas: Canvas, plumage: Plumage) -> None:
    _big_leaf(canvas)
    for side in (-1, 1):
        for start, bend, end in (
            ((18, -16), (38, -24), (42, -34)),
            ((26, 0), (44, 0), (52, 6)),
            ((20, 16), (38, 26), (42, 38)),
        ):
            leg = [(side * start[0], start[1]), (side * bend[0], bend[1]), (side * end[0], end[1])]
            canvas.limb(leg, [4, 3, 2.2], BLACK)
        canvas.limb([(side * 5, -40), (side * 12, -54), (side * 20, -57)], [1.6, 1.4, 1.4], BLACK)
        canvas.ellipse(side * 20, -57, 2.4, 2.4, BLACK)
    canvas.flush()
    canvas.ellipse(0, -32, 17, 14, BLACK)
    for side in (-1, 1):
        canvas.ellipse(side * 10, -34, 5, 5.6, (250, 248, 244))
    canvas.flush()
    shell = oval(0, 4, 34, 36)
    canvas.polygon(shell, plumage.back)
    with canvas.inside(shell):
        canvas.limb([(0, -34), (0, 42)], [2, 2], BLACK)
        canvas.blob([(-16, -34), (0, -22), (16, -34), (0, -40)], BLACK)
        for side in (-1, 1):
            for x, y, size in ((11, -14, 5.4), (23, 2, 5.6), (11, 16, 5.6), (20, 28, 4.4)):
                canvas.ellipse(side * x, y, size, size, BLACK)
    canvas.flush(depth=1.6, fur=0.1)
    canvas.ellipse(-13, -12, 8, 4.6, lighter(plumage.wing, 0.55), angle=-38)
    canvas.flush(depth=0, blur=2)


def spider(canvas: Canvas, plumage: Plumage) -> None:
    _web(canvas)
    for side in (-1, 1):
        for y, bend, end in (
            (-13, (34, -44), (46, -66)),
            (-9, (42, -22), (66, -34)),
            (-4, (42, 8), (66, 22)),
            (0, (32, 34), (44, 62)),
        ):
            leg = [(side * 8, y), (side * bend[0], bend[1]), (side * end[0], end[1])]
            canvas.limb(leg, [5, 4, 2], plumage.wing)
            canvas.ellipse(side * bend[0], bend[1], 3, 3, plumage.belly)
    canvas.flush(fur=0.9)
    abdomen = oval(0, 22, 23, 27)
    canvas.polygon(abdomen, plumage.back)
    with canvas.inside(abdomen):
        canvas.limb([(0, 0), (0, 44)], [6, 2], plumage.belly)
        for y in (8, 18, 28, 37):
            canvas.limb([(-13, y + 3), (0, y), (13, y + 3)], [1.8, 3, 1.8], plumage.belly)
    canvas.flush(fur=1)
    canvas.ellipse(0, -10, 14, 14, plumage.back)
    canvas.flush(fur=1)
    for x, y, size in ((-4.6, -17, 3), (4.6, -17, 3), (-9.5, -13, 1.8), (9.5, -13, 1.8)):
        canvas.ellipse(x, y, size, size, BLACK)
        canvas.ellipse(x - size * 0.3, y - size * 0.4, size * 0.35, size * 0.35, WHITE)
    canvas.flush(depth=0)


def _web(canvas: Canvas) -> None:
    silk = (236, 242, 244)
    for turn in range(14):
        angle = math.tau * turn / 14
        canvas.limb([(0, 0), (150 * math.cos(angle), 150 * math.sin(angle))], [0.5, 0.7], silk)
    for ring in range(1, 12):
        corners = [math.tau * turn / 14 for turn in range(15)]
        for start, end in itertools.pairwise(corners):
            middle, radius = (start + end) / 2, ring * 12
            thread = [
                (radius * math.cos(start), radius * math.sin(start)),
                (radius * 0.93 * math.cos(middle), radius * 0.93 * math.sin(middle)),
                (radius * math.cos(end), radius * math.sin(end)),
            ]
            canvas.limb(thread, [0.55, 0.45, 0.55], silk)
    canvas.flush(depth=0)


def frog(canvas: Canvas, plumage: Plumage) -> None:
    _big_leaf(canvas, y=44)
    side_colour = plumage.wing if plumage.marks == "red" else plumage.back
    for side in (-1, 1):
        thigh = [(side * 22, 16), (side * 44, 6), (side * 50, 26), (side * 34, 40), (side * 20, 36)]
        canvas.blob(thigh, side_colour)
    canvas.flush(fur=0.2)
    body = smooth(
        [(0, -22), (26, -14), (34, 12), (26, 38), (0, 44), (-26, 38), (-34, 12), (-26, -14)]
    )
    canvas.polygon(body, plumage.back)
    with canvas.inside(body):
        canvas.ellipse(0, 32, 20, 22, plumage.belly)
        if plumage.marks == "dart":
            for _ in range(16):
                size = canvas.chance.uniform(1.6, 4)
                x, y = canvas.chance.uniform(-32, 32), canvas.chance.uniform(-20, 36)
                canvas.ellipse(x, y, size, size, plumage.wing)
    canvas.flush(fur=0.3)
    for side in (-1, 1):
        canvas.limb([(side * 18, 18), (side * 20, 34), (side * 15, 44)], [11, 9, 7], plumage.back)
        for toe in (-6, 0, 6):
            foot = (240, 130, 60) if plumage.marks == "red" else plumage.belly
            canvas.limb([(side * 15, 43), (side * 15 + toe, 48)], [3, 3.6], foot)
    canvas.flush(fur=0.2)
    for side in (-1, 1):
        canvas.ellipse(side * 17, -25, 13, 13, plumage.back)
    canvas.ellipse(0, -8, 35, 21, plumage.back)
    canvas.flush(fur=0.3)
    iris = (222, 44, 40) if plumage.marks == "red" else (250, 206, 72)
    for side in (-1, 1):
        canvas.ellipse(side * 17, -27, 9.5, 9.5, BLACK)
        canvas.ellipse(side * 17, -27, 8.6, 8.6, iris)
        canvas.ellipse(side * 17, -27, 6, 3.4, BLACK)
        canvas.ellipse(side * 17 - 3, -30, 2, 2, WHITE)
        canvas.ellipse(side * 3.4, -10, 1, 1, darker(plumage.back, 0.5))
    canvas.limb(
        [(-27, -4), (-12, 4), (0, 5.5), (12, 4), (27, -4)],
        [1, 1.7, 1.8, 1.7, 1],
        darker(plumage.back, 0.55),
    )
    canvas.flush(depth=0)


def snake(canvas: Canvas, plumage: Plumage) -> None:
    line = smooth(
        [
            (-58, 34),
            (-30, 44),
            (-4, 30),
            (24, 22),
            (46, 34),
            (34, 50),
            (0, 50),
            (-34, 40),
            (-40, 14),
            (-14, 2),
            (14, 6),
            (30, -10),
            (22, -34),
            (28, -52),
        ],
        closed=False,
    )
    for start in range(0, len(line) - 1, 13):
        part = line[start : start + 15]
        thick = 6 + 12 * min(1.0, start / 30)
        canvas.limb(part, [thick, min(18.0, thick + 2)], plumage.back)
        for x, y in part[3::5]:
            canvas.ellipse(x, y - 1, thick * 0.3, thick * 0.22, plumage.wing)
            canvas.ellipse(x, y - 1, thick * 0.14, thick * 0.1, plumage.belly)
        canvas.flush(fur=0.4)
    canvas.limb([(38, -62), (52, -60), (58, -64)], [1.6, 1.4, 0.8], (206, 40, 54))
    canvas.limb([(52, -60), (59, -57)], [1.3, 0.8], (206, 40, 54))
    canvas.flush()
    canvas.blob([(16, -58), (24, -72), (38, -72), (47, -62), (40, -52), (24, -48)], plumage.back)
    canvas.flush(fur=0.3)
    for x, y in ((28, -66), (39, -66)):
        canvas.ellipse(x, y, 3.6, 3.6, (250, 206, 66))
        canvas.ellipse(x, y, 1.2, 3, BLACK)
        canvas.ellipse(x - 1, y - 1.6, 0.8, 0.8, WHITE)
    canvas.flush(depth=0)


def turtle(canvas: Canvas, plumage: Plumage, *, swims: bool) -> None:
    skin = plumage.back
    canvas.limb([(34, 18), (48, 8), (56, 0)], [17, 14, 14], skin)
    canvas.polygon([(-44, 22), (-60, 26), (-42, 30)], skin)
    canvas.flush()
    for x, far in ((-26, 0.3), (24, 0.3)):
        _flipper(canvas, x + 6, colour=darker(skin, far), swims=swims)
    canvas.flush()
    shell = smooth([(-48, 24), (-44, 2), (-22, -20), (4, -25), (28, -16), (43, 4), (46, 24)])
    canvas.blob([(-52, 22), (0, 16), (50, 22), (44, 31), (0, 35), (-46, 31)], plumage.belly)
    canvas.flush()
    canvas.polygon(shell, plumage.wing)
    with canvas.inside(shell):
        light = lighter(plumage.wing, 0.26)
        for x, y in ((-20, -8), (4, -12), (27, -4), (-33, 12), (-9, 11), (15, 10), (37, 16)):
            hexagon = [
                (x + 10.5 * math.cos(math.tau * turn / 6), y + 9.5 * math.sin(math.tau * turn / 6))
                for turn in range(6)
            ]
            canvas.polygon(hexagon, light)
            canvas.ellipse(x, y, 4.4, 3.8, lighter(plumage.wing, 0.12))
    canvas.flush(depth=1.4, fur=0.4)
    for x in (-28, 24):
        _flipper(canvas, x, colour=skin, swims=swims)
    canvas.flush()
    canvas.ellipse(59, -4, 12.5, 11, skin)
    canvas.flush()
    canvas.ellipse(63, -7, 3, 3.2, BLACK)
    canvas.ellipse(62, -8.4, 1, 1, WHITE)
    canvas.limb([(71, 0), (64, 2.6)], [0.6, 1], darker(skin, 0.55))
    canvas.flush(depth=0)


def _flipper(canvas: Canvas, x: float, *, colour: tuple[int, int, int], swims: bool) -> None:
    if swims:
        canvas.limb([(x, 22), (x - 8, 38), (x - 26, 50)], [14, 12, 5], colour)
    else:
        canvas.limb([(x, 22), (x + 1, 36), (x + 3, 44)], [14, 13, 14], colour)


def fish(canvas: Canvas, plumage: Plumage) -> None:
    for _ in range(6):
        x, y, size = (
            canvas.chance.uniform(50, 84),
            canvas.chance.uniform(-70, -8),
            canvas.chance.uniform(1.6, 4.6),
        )
        canvas.ellipse(x, y, size, size, (216, 244, 252))
        canvas.ellipse(x + size * 0.1, y + size * 0.1, size * 0.76, size * 0.76, (120, 196, 232))
    canvas.flush(depth=0.4)
    fin = plumage.wing
    tail = [(-36, 0), (-60, -26), (-66, -16), (-56, 0), (-66, 18), (-60, 27)]
    if plumage.marks == "veil":
        tail = [(-34, 0), (-62, -36), (-78, -30), (-60, -2), (-80, 30), (-60, 38)]
    canvas.blob(tail, fin)
    tall = 1.3 if plumage.marks == "bands" else 1.0
    canvas.blob([(-24, -18 * tall), (-8, -42 * tall), (18, -34 * tall), (20, -18)], fin)
    canvas.blob([(-20, 18 * tall), (-10, 38 * tall), (8, 30 * tall), (8, 18)], fin)
    canvas.flush(fur=0.4)
    body = smooth(
        [
            (-42, 0),
            (-24, -19 * tall),
            (8, -27 * tall),
            (36, -16),
            (48, 1),
            (36, 17),
            (8, 26 * tall),
            (-24, 18 * tall),
        ]
    )
    canvas.polygon(body, plumage.back)
    with canvas.inside(body):
        canvas.ellipse(6, 24 * tall, 40, 14, plumage.belly)
        _fish_marks(canvas, plumage)
    canvas.flush(fur=0.25)
    canvas.blob([(8, 4), (-8, 0), (-14, 12), (-2, 16)], mix(fin, WHITE, 0.15))
    canvas.flush()
    canvas.ellipse(32, -6, 6.4, 6.4, WHITE)
    canvas.ellipse(33, -6, 4.3, 4.3, BLACK)
    canvas.ellipse(31.4, -7.8, 1.5, 1.5, WHITE)
    canvas.limb([(46, 5), (41, 8), (36, 7.5)], [0.7, 1.1, 0.7], darker(plumage.back, 0.55))
    canvas.flush(depth=0)


def _fish_marks(canvas: Canvas, plumage: Plumage) -> None:
    match plumage.marks:
        case "clown":
            for x, wide in ((19, 9), (-10, 11), (-34, 6)):
                band = [(x, -32), (x + 3, 0), (x, 32)]
                canvas.limb(band, [wide + 3.4, wide + 5, wide + 3.4], BLACK)
                canvas.limb(band, [wide, wide + 1.6, wide], WHITE)
        case "tang":
            canvas.blob(
                [(-44, -6), (-10, -22), (26, -20), (6, -8), (-2, 8), (-26, 2)], (20, 26, 62)
            )
            canvas.ellipse(-8, -8, 8, 5, plumage.back)
        case "bands":
            for x in (28, 6, -16):
                canvas.limb([(x, -40), (x - 4, 0), (x, 40)], [4, 5.4, 4], (52, 44, 46))
        case _:
            for _ in range(26):
                scale_x = canvas.chance.uniform(-36, 20)
                scale_y = canvas.chance.uniform(-20, 18)
                canvas.ellipse(scale_x, scale_y, 3.4, 2.4, lighter(plumage.back, 0.25))


def _big_leaf(canvas: Canvas, *, y: float = 34) -> None:
    outline = smooth(
        [
            (-96, y + 6),
            (-50, y - 32),
            (10, y - 38),
            (78, y - 18),
            (110, y + 8),
            (60, y + 34),
            (-20, y + 38),
            (-70, y + 26),
        ]
    )
    canvas.polygon(outline, LEAF)
    with canvas.inside(outline):
        rib = lighter(LEAF, 0.3)
        canvas.limb([(-96, y + 8), (0, y), (110, y + 8)], [2.6, 2.2, 1], rib)
        for x in range(-70, 90, 22):
            canvas.limb([(x, y + 3), (x + 22, y - 34)], [1.3, 0.6], rib)
            canvas.limb([(x, y + 3), (x + 22, y + 36)], [1.3, 0.6], rib)
    canvas.flush(fur=0.4)
