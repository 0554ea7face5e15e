"""Birds on water, branches, ice and one leg; the origin is where they stand or swim."""

from ingestor.sandbox.drawing.canvas import (
    Canvas,
    Point,
    Points,
    darker,
    lighter,
    mix,
    smooth,
)
from ingestor.sandbox.drawing.coats import BLACK
from ingestor.sandbox.drawing.plumage import BEAK, Plumage

WHITE = (255, 255, 255)
BARK = (112, 82, 58)


def duck(canvas: Canvas, plumage: Plumage) -> None:
    for row in range(3):
        wide = 52 - row * 9
        canvas.limb(
            [(-wide, 2 + row * 4), (0, 4 + row * 4.5), (wide, 2 + row * 4)], [0.5, 1.6, 0.5], WHITE
        )
    canvas.flush(depth=0, blur=1)
    body = smooth(
        [
            (-44, -30),
            (-34, -22),
            (-14, -29),
            (8, -30),
            (26, -24),
            (31, -10),
            (20, 2),
            (-18, 3),
            (-36, -8),
        ]
    )
    canvas.limb([(18, -16), (25, -34), (23, -50)], [26, 15, 15], plumage.head)
    canvas.polygon(body, plumage.back)
    with canvas.inside(body):
        canvas.ellipse(24, -12, 17, 20, plumage.breast)
        canvas.ellipse(-8, 2, 34, 9, plumage.belly)
        canvas.polygon([(-46, -34), (-30, -24), (-36, -10), (-48, -16)], darker(plumage.back, 0.5))
    canvas.flush()
    canvas.blob([(-32, -17), (-12, -25), (10, -20), (8, -9), (-10, -5), (-26, -9)], plumage.wing)
    for x in (-20, -12, -4):
        canvas.limb([(x - 8, -12), (x + 2, -8)], [1.4, 1], darker(plumage.wing, 0.35))
    canvas.flush()
    if plumage.marks == "ring":
        canvas.limb([(16, -36), (24, -33), (33, -36)], [3, 3.4, 3], WHITE)
        canvas.polygon([(-16, -9), (-4, -7), (-6, -3), (-17, -5)], (66, 92, 186))
    canvas.flush()
    canvas.ellipse(25, -54, 13.5, 12.5, plumage.head)
    if plumage.marks == "stripe":
        canvas.blob([(18, -58), (27, -60), (34, -55), (24, -48), (14, -48)], (36, 128, 88))
    canvas.flush()
    canvas.blob([(35, -57), (44, -54), (55, -51), (54, -47), (42, -47), (35, -49)], plumage.bill)
    canvas.limb([(37, -50), (53, -49)], [0.7, 0.5], darker(plumage.bill, 0.5))
    canvas.flush()
    _eye(canvas, 29, -57, size=2.7)


def songbird(canvas: Canvas, plumage: Plumage) -> None:
    _branch(canvas)
    for x in (-3, 8):
        canvas.limb([(x, -12), (x + 1, -2)], [2, 1.8], (96, 70, 54))
    canvas.flush()
    canvas.blob([(-22, -24), (-54, -6), (-58, -12), (-30, -34)], plumage.wing)
    canvas.flush()
    body = smooth(
        [(-24, -34), (-8, -52), (14, -58), (30, -42), (31, -24), (18, -9), (-6, -9), (-22, -20)]
    )
    canvas.polygon(body, plumage.back)
    with canvas.inside(body):
        canvas.ellipse(14, -10, 28, 16, plumage.belly)
        canvas.ellipse(26, -32, 20, 20, plumage.breast)
    canvas.flush()
    if plumage.marks == "cardinal":
        canvas.blob([(6, -70), (4, -92), (16, -80), (26, -74)], plumage.head)
    canvas.ellipse(18, -62, 18.5, 17.5, plumage.head)
    head = smooth([(-1, -62), (18, -80), (37, -62), (18, -44)])
    with canvas.inside(head):
        _songbird_marks(canvas, plumage)
    canvas.flush()
    canvas.blob([(-28, -26), (-12, -43), (6, -36), (4, -24), (-12, -18)], plumage.wing)
    for y in (-33, -28, -23):
        canvas.limb([(-24, y + 5), (-4, y)], [1.2, 0.8], lighter(plumage.wing, 0.35))
    canvas.flush()
    canvas.polygon([(35, -65), (48, -59), (35, -56)], plumage.bill)
    canvas.flush()
    _eye(canvas, 24, -65, size=3.3)


def _songbird_marks(canvas: Canvas, plumage: Plumage) -> None:
    match plumage.marks:
        case "robin":
            canvas.ellipse(32, -56, 17, 17, plumage.breast)
        case "tit":
            canvas.ellipse(18, -80, 17, 9, (66, 128, 206))
            canvas.limb([(2, -63), (20, -66), (38, -63)], [2.6, 3.4, 2.6], (34, 42, 66))
            canvas.ellipse(31, -47, 9, 5, (34, 42, 66))
        case "sparrow":
            canvas.ellipse(16, -79, 16, 8, (120, 112, 106))
            canvas.ellipse(31, -48, 8, 8, (52, 44, 42))
            canvas.ellipse(24, -57, 9, 5, (232, 224, 212))
        case _:
            canvas.ellipse(33, -58, 10, 11, (44, 32, 34))


def owl(canvas: Canvas, plumage: Plumage) -> None:
    _branch(canvas)
    if plumage.marks == "horned":
        for side in (-1, 1):
            canvas.polygon([(side * 12, -86), (side * 27, -108), (side * 28, -80)], plumage.back)
        canvas.flush()
    half = [(0, -96), (24, -90), (31, -66), (29, -26), (14, -2)]
    body = smooth([*half, *_mirrored(half[1:])])
    canvas.polygon(body, plumage.back)
    with canvas.inside(body):
        canvas.ellipse(0, -26, 20, 32, plumage.belly)
        _owl_marks(canvas, plumage)
    canvas.flush(fur=0.8)
    for side in (-1, 1):
        wing = [(22, -62), (34, -46), (32, -16), (20, -2), (23, -30)]
        canvas.blob([(side * x, y) for x, y in wing], plumage.wing)
    canvas.flush()
    _owl_face(canvas, plumage)
    for x in (-15, -11, -7, 7, 11, 15):
        canvas.ellipse(x, 0, 2.3, 4.4, BEAK)
    canvas.flush()


def _owl_marks(canvas: Canvas, plumage: Plumage) -> None:
    """Feathers in rows on the breast; specks all over a snowy owl."""
    tone = mix(plumage.back, plumage.wing, 0.6)
    for row in range(5):
        for column in range(-2, 3):
            x, y = column * 7.5 + (row % 2) * 3.5, -46.0 + row * 9
            canvas.polygon([(x - 2, y), (x + 2, y), (x, y + 4.5)], tone)
    if plumage.marks == "snowy":
        for _ in range(40):
            x, y = canvas.chance.uniform(-30, 30), canvas.chance.uniform(-94, -4)
            canvas.ellipse(x, y, 1.6, 0.9, (128, 128, 138))


def _owl_face(canvas: Canvas, plumage: Plumage) -> None:
    for side in (-1, 1):
        canvas.ellipse(side * 12, -70, 15.5, 16, lighter(plumage.belly, 0.25))
    canvas.flush()
    for side in (-1, 1):
        canvas.ellipse(side * 11.5, -70, 10, 10, BLACK)
        canvas.ellipse(side * 11.5, -70, 9, 9, (250, 186, 44))
        canvas.ellipse(side * 11.5, -70, 5.4, 5.4, BLACK)
        canvas.ellipse(side * 11.5 - 2, -73, 2, 2, WHITE)
    canvas.flush(depth=0)
    canvas.blob([(-4, -63), (4, -63), (3, -55), (0, -50), (-3, -55)], (86, 76, 66))
    canvas.flush()


def _mirrored(points: Points) -> list[Point]:
    """The other half of an outline, in the order that closes it."""
    return [(-x, y) for x, y in reversed(points)]


def parrot(canvas: Canvas, plumage: Plumage) -> None:
    tail = [(-10, -24), (-20, 8), (-27, 44)]
    canvas.limb(tail, [15, 11, 4], mix(plumage.back, plumage.wing, 0.25))
    canvas.limb([(-5, -20), (-13, 10), (-19, 38)], [10, 8, 3], plumage.back)
    canvas.flush()
    _branch(canvas)
    body = smooth(
        [(-18, -40), (-12, -70), (4, -86), (18, -76), (23, -50), (16, -22), (0, -8), (-14, -18)]
    )
    canvas.polygon(body, plumage.breast)
    canvas.flush()
    canvas.ellipse(9, -85, 18, 17.5, plumage.head)
    canvas.flush()
    wing = smooth([(-16, -66), (2, -66), (6, -44), (-6, -18), (-22, 4), (-24, -26)])
    canvas.polygon(wing, plumage.back)
    with canvas.inside(wing):
        canvas.polygon([(-30, -46), (10, -50), (10, -32), (-30, -26)], plumage.wing)
        last = (46, 96, 190) if plumage.marks == "macaw" else darker(plumage.wing, 0.3)
        canvas.polygon([(-34, -28), (10, -33), (10, 8), (-34, 8)], last)
    canvas.flush()
    if plumage.marks == "macaw":
        canvas.ellipse(16, -84, 10.5, 10.5, (250, 244, 236))
        for row in (-2, 1, 4):
            canvas.limb([(10, -82 + row), (22, -80 + row)], [0.7, 0.4], plumage.back)
        canvas.flush()
    canvas.blob([(21, -97), (33, -94), (38, -82), (34, -70), (28, -76), (22, -79)], plumage.bill)
    canvas.flush()
    canvas.blob([(21, -78), (28, -75), (27, -69), (20, -72)], (52, 48, 52))
    canvas.flush()
    _eye(canvas, 15, -88, size=2.9)
    _claws(canvas)


def flamingo(canvas: Canvas, plumage: Plumage) -> None:
    leg = (232, 110, 124)
    for row in range(2):
        canvas.limb(
            [(-30 + row * 8, 2 + row * 3), (0, 3.5 + row * 3.5), (30 - row * 8, 2 + row * 3)],
            [0.4, 1.4, 0.4],
            WHITE,
        )
    canvas.flush(depth=0, blur=1)
    canvas.limb([(2, -44), (1, -24), (2, 2)], [3, 3.4, 2.4], leg)
    canvas.limb([(-4, -44), (-14, -30), (0, -24)], [3, 3, 2.4], leg)
    canvas.flush()
    canvas.blob([(-30, -56), (-44, -46), (-34, -44), (-18, -46)], plumage.wing)
    body = [(-30, -56), (-12, -70), (12, -68), (22, -54), (12, -42), (-10, -40)]
    canvas.blob(body, plumage.back)
    canvas.flush(fur=0.8)
    neck = [(16, -54), (30, -66), (24, -84), (12, -98), (18, -116), (30, -116)]
    canvas.limb(neck, [13, 9, 7.5, 7, 7.5, 9], plumage.back)
    canvas.flush()
    canvas.blob([(-26, -56), (-6, -66), (10, -58), (0, -48), (-18, -46)], plumage.wing)
    for y in (-58, -54, -50):
        canvas.limb([(-20, y + 4), (2, y)], [1.2, 0.8], lighter(plumage.wing, 0.4))
    canvas.flush()
    canvas.ellipse(31, -117, 8.6, 7.6, plumage.belly)
    canvas.flush()
    canvas.limb([(37, -116), (45, -112), (46, -104)], [8, 7, 4], (252, 232, 222))
    canvas.limb([(45.5, -108), (45, -101)], [6, 2.4], (44, 38, 42))
    canvas.flush()
    _eye(canvas, 33, -119, size=1.7)


def penguin(canvas: Canvas, plumage: Plumage) -> None:
    for side in (-1, 1):
        for toe in (-5, 0, 5):
            canvas.ellipse(side * 11 + toe, -2, 4, 3.4, (240, 150, 60))
    canvas.flush()
    for side in (-1, 1):
        lift = canvas.chance.uniform(0, 8)
        flipper = [
            (side * 22, -62),
            (side * (36 + lift), -36),
            (side * (34 + lift), -22),
            (side * 24, -34),
        ]
        canvas.blob(flipper, plumage.wing)
    canvas.flush()
    body = smooth(
        [
            (0, -112),
            (17, -106),
            (21, -88),
            (29, -56),
            (26, -18),
            (12, -3),
            (-12, -3),
            (-26, -18),
            (-29, -56),
            (-21, -88),
            (-17, -106),
        ]
    )
    canvas.polygon(body, plumage.back)
    with canvas.inside(body):
        canvas.ellipse(0, -38, 22, 40, plumage.belly)
        canvas.ellipse(0, -70, 15, 9, (252, 214, 106))
        for side in (-1, 1):
            canvas.ellipse(side * 17, -88, 6, 10, (250, 186, 60), angle=side * -14)
    canvas.flush(fur=0.7)
    canvas.blob([(-5, -95), (5, -95), (3.4, -88), (0, -83), (-3.4, -88)], (246, 150, 54))
    canvas.flush()
    for side in (-1, 1):
        _eye(canvas, side * 8.5, -98, size=2.9)


def _branch(canvas: Canvas) -> None:
    """A branch through the origin, with leaves."""
    lean = canvas.chance.uniform(-7, 7)
    canvas.limb([(-150, 8 + lean), (-50, 3), (40, 4), (160, -4 - lean)], [9, 8, 7, 5], BARK)
    canvas.limb([(46, 3), (70, -14), (96, -20)], [4, 3, 1.6], BARK)
    canvas.flush()
    for x, y in ((92, -20), (74, -18), (-92, 2), (-70, 9), (112, 6), (60, 8)):
        long = canvas.chance.uniform(14, 22)
        with canvas.at(x, y, angle=canvas.chance.uniform(-70, 70)):
            green = mix((96, 156, 66), (150, 190, 80), canvas.chance.random())
            canvas.blob(
                [(0, 0), (long * 0.5, -long * 0.26), (long, 0), (long * 0.5, long * 0.26)], green
            )
    canvas.flush()


def _claws(canvas: Canvas) -> None:
    for x in (-1, 10):
        for toe in (-3, 0, 3):
            canvas.ellipse(x + toe, 1, 1.7, 4.6, (74, 68, 70))
    canvas.flush()


def _eye(canvas: Canvas, x: float, y: float, *, size: float) -> None:
    canvas.ellipse(x, y, size * 1.25, size * 1.25, (238, 232, 222))
    canvas.ellipse(x, y, size, size, BLACK)
    canvas.ellipse(x - size * 0.3, y - size * 0.35, size * 0.32, size * 0.32, WHITE)
    canvas.flush(depth=0)
