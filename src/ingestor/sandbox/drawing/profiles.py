"""Long heads from the side, looking right; the origin is where the neck meets the skull."""

from collections.abc import Callable, Mapping
from typing import Final

from ingestor.sandbox.drawing.canvas import Canvas, darker, mix, smooth
from ingestor.sandbox.drawing.coats import BLACK, PINK, Coat


def profile(canvas: Canvas, coat: Coat, *, kind: str) -> None:
    """The head of a horse, a zebra or a giraffe."""
    ear = [(-5, -5), (-6, -14), (-2, -20), (1, -12), (1, -5)]
    canvas.blob(ear, darker(coat.main, 0.2))
    BEHIND[kind](canvas, coat)
    canvas.flush()
    outline = smooth([(-7, -4), (0, -9), (9, -6), (21, 5), (26, 12), (23, 17), (14, 15), (2, 10)])
    canvas.polygon(outline, coat.main)
    with canvas.inside(outline):
        MARKS[kind](canvas, coat)
    canvas.flush()
    canvas.blob([(-3, -6), (-4, -14), (0, -20), (3, -13), (3, -6)], coat.main)
    canvas.blob([(-1.4, -8), (-2, -13), (0, -17), (1.4, -13)], mix(PINK, coat.main, 0.3))
    canvas.flush()
    canvas.ellipse(6, -2.4, 2.3, 2.2, BLACK)
    canvas.ellipse(6.5, -3.2, 0.7, 0.7, (255, 255, 255))
    canvas.ellipse(23.4, 10.4, 1.1, 0.8, BLACK, angle=40)
    canvas.limb([(24, 15), (19, 13.6)], [0.5, 0.8], BLACK)
    canvas.flush(depth=0)


def _ossicones(canvas: Canvas, coat: Coat) -> None:
    for x in (1, 6):
        canvas.limb([(x, -6), (x - 1, -17)], [3, 2.6], coat.main)
        canvas.ellipse(x - 1, -18, 2.5, 2.5, darker(coat.dark, 0.45))


def _crest(canvas: Canvas, coat: Coat) -> None:
    canvas.blob([(-11, 14), (-14, 0), (-8, -13), (-2, -14), (-5, 0)], coat.dark)


def _forelock(canvas: Canvas, coat: Coat) -> None:
    canvas.blob([(-8, 6), (-10, -6), (-4, -14), (2, -12), (-2, -2)], coat.dark)


def _pale_muzzle(canvas: Canvas, coat: Coat) -> None:
    canvas.ellipse(23, 12, 8, 6.5, coat.pale, angle=40)
    for x, y in ((0, -4), (7, 3), (2, 4), (13, 3)):
        canvas.ellipse(x, y, 2, 1.7, coat.dark)


def _stripes(canvas: Canvas, coat: Coat) -> None:
    for x in (-5, -1, 3, 10, 14, 18):
        canvas.limb([(x, -10), (x + 2, 2), (x - 2, 16)], [1.9, 1.7, 1.2], coat.dark)
    canvas.ellipse(25, 13, 7, 7, mix(coat.dark, (90, 84, 88), 0.4))


def _dark_muzzle(canvas: Canvas, coat: Coat) -> None:
    canvas.ellipse(25, 13.5, 7, 6, mix(coat.main, (60, 48, 46), 0.55), angle=40)
    canvas.limb([(7, -8), (22, 4)], [2, 3], (246, 240, 230))


BEHIND: Final[Mapping[str, Callable[[Canvas, Coat], None]]] = {
    "giraffe": _ossicones,
    "zebra": _crest,
    "horse": _forelock,
}
MARKS: Final[Mapping[str, Callable[[Canvas, Coat], None]]] = {
    "giraffe": _pale_muzzle,
    "zebra": _stripes,
    "horse": _dark_muzzle,
}
