"""Parts of a face seen from the front, around an origin between the eyes; the head is 30 wide."""

from ingestor.sandbox.drawing.canvas import Canvas, Colour, darker, lighter
from ingestor.sandbox.drawing.coats import BLACK

WHITE = (255, 255, 255)


def eyes(
    canvas: Canvas, *, apart: float, y: float, size: float, iris: Colour, slit: bool = False
) -> None:
    """A pair of eyes with a light in them; laid down at once, without shading."""
    for side in (-1, 1):
        x = side * apart
        canvas.ellipse(x, y, size * 1.12, size * 1.06, BLACK)
        canvas.ellipse(x, y, size * 0.92, size * 0.9, iris)
        canvas.ellipse(x, y, size * (0.34 if slit else 0.58), size * (0.74 if slit else 0.6), BLACK)
        canvas.ellipse(x - size * 0.3, y - size * 0.36, size * 0.26, size * 0.26, WHITE)
    canvas.flush(depth=0)


def bead_eyes(canvas: Canvas, *, apart: float, y: float, size: float) -> None:
    """Small dark eyes, all pupil."""
    for side in (-1, 1):
        x = side * apart
        canvas.ellipse(x, y, size, size, BLACK)
        canvas.ellipse(x - size * 0.3, y - size * 0.34, size * 0.32, size * 0.32, WHITE)
    canvas.flush(depth=0)


def nose(canvas: Canvas, *, y: float, width: float, colour: Colour = BLACK) -> None:
    """A nose with the line below it and a smile."""
    tall = width * 0.72
    outline = [
        (-width, y - tall * 0.5),
        (0, y - tall * 0.8),
        (width, y - tall * 0.5),
        (0, y + tall),
    ]
    canvas.blob(outline, colour)
    canvas.ellipse(-width * 0.35, y - tall * 0.35, width * 0.26, tall * 0.16, lighter(colour, 0.4))
    line = darker(colour, 0.5)
    canvas.limb([(0, y + tall * 0.7), (0, y + tall * 1.7)], [0.8, 0.8], line)
    for side in (-1, 1):
        smile = [
            (0, y + tall * 1.7),
            (side * width * 0.8, y + tall * 2.1),
            (side * width * 1.6, y + tall * 1.6),
        ]
        canvas.limb(smile, [0.9, 0.7], line)
    canvas.flush(depth=0)


def whiskers(canvas: Canvas, *, y: float, x: float) -> None:
    for side in (-1, 1):
        for row in (-1, 0, 1):
            start = (side * x, y + row * 2)
            end = (side * (x + 22), y + row * 6 - 2)
            bend = (side * (x + 11), y + row * 3 - 2)
            canvas.limb([start, bend, end], [0.5, 0.25], WHITE)
    canvas.flush(depth=0)


def pointed_ears(
    canvas: Canvas, *, x: float, y: float, size: float, colour: Colour, inner: Colour
) -> None:
    for side in (-1, 1):
        ear = [(side * (x - size * 0.62), y), (side * x * 1.18, y - size * 1.5)]
        ear += [(side * (x + size * 0.66), y + size * 0.4)]
        canvas.polygon(_rounded(ear), colour)
        hollow = [(side * (x - size * 0.3), y - size * 0.1), (side * x * 1.16, y - size * 1.1)]
        hollow += [(side * (x + size * 0.42), y + size * 0.2)]
        canvas.polygon(_rounded(hollow), inner)


def round_ears(
    canvas: Canvas, *, x: float, y: float, size: float, colour: Colour, inner: Colour
) -> None:
    for side in (-1, 1):
        canvas.ellipse(side * x, y, size, size, colour)
        canvas.ellipse(side * x, y + size * 0.12, size * 0.6, size * 0.6, inner)


def floppy_ears(canvas: Canvas, *, x: float, y: float, long: float, colour: Colour) -> None:
    for side in (-1, 1):
        ear = [
            (side * (x - 9), y - 3),
            (side * (x + 3), y - 5),
            (side * (x + 11), y + long * 0.5),
            (side * (x + 7), y + long),
            (side * (x - 3), y + long * 0.9),
            (side * (x - 5), y + long * 0.4),
        ]
        canvas.blob(ear, colour)


def leaf_ears(
    canvas: Canvas, *, x: float, y: float, long: float, colour: Colour, inner: Colour, tilt: float
) -> None:
    """Long ears to the sides, as deer and horses carry them; `tilt` in degrees from upright."""
    for side in (-1, 1):
        with canvas.at(side * x, y, angle=side * tilt):
            canvas.blob(
                [(-5, 0), (-6, -long * 0.55), (0, -long), (6, -long * 0.55), (5, 0)], colour
            )
            canvas.blob(
                [(-2.6, -3), (-3.2, -long * 0.5), (0, -long * 0.82), (3.2, -long * 0.5)], inner
            )


def cheeks(canvas: Canvas, *, y: float, apart: float, size: float, colour: Colour) -> None:
    """The two cushions of a muzzle."""
    for side in (-1, 1):
        canvas.ellipse(side * apart, y, size, size * 0.82, colour)


def _rounded(corners: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """A triangle whose sides bulge a little."""
    points = []
    for index, (x, y) in enumerate(corners):
        nx, ny = corners[(index + 1) % len(corners)]
        cx = sum(corner[0] for corner in corners) / 3
        cy = sum(corner[1] for corner in corners) / 3
        mx, my = (x + nx) / 2, (y + ny) / 2
        points += [(x, y), (mx + (mx - cx) * 0.18, my + (my - cy) * 0.18)]
    return points
