"""Bodies on four legs, from the side, and sitting ones from the front; feet stand at y = 0."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ingestor.sandbox.drawing.canvas import Canvas, Colour, Point, Points, darker, smooth

Pattern = Callable[[Canvas], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """How an animal is built; lengths in units of the canvas, the back at `height`."""

    length: float
    height: float
    girth: float
    leg: float
    sag: float = 0.0
    """How much lower the belly hangs than the chest."""


def quadruped(
    canvas: Canvas,
    build: Build,
    *,
    colour: Colour,
    feet: Colour,
    belly: Colour | None = None,
    pattern: Pattern | None = None,
    leg_pattern: Pattern | None = None,
    neck: Points = (),
    neck_widths: Sequence[float] = (),
) -> None:
    """The body looking right; head and tail are the animal's own."""
    half = build.length / 2
    stride = canvas.chance.uniform(-5, 5)
    for x, swing in ((-half * 0.58, -stride - 3), (half * 0.82, stride + 2)):
        leg(canvas, x, build=build, colour=darker(colour, 0.3), foot=darker(feet, 0.3), swing=swing)
    canvas.flush()
    outline = torso(build)
    canvas.polygon(outline, colour)
    if len(neck) > 1:
        canvas.limb(neck, neck_widths, colour)
    with canvas.inside(outline):
        if belly is not None:
            canvas.ellipse(2, -build.height + build.girth, half * 1.1, build.girth * 0.34, belly)
    if pattern is not None:
        pattern(canvas)
    canvas.flush()
    for x, swing in ((-half * 0.78, stride), (half * 0.64, -stride)):
        leg(canvas, x, build=build, colour=colour, foot=feet, swing=swing)
        if leg_pattern is not None:
            with canvas.at(x, 0):
                leg_pattern(canvas)
    canvas.flush()


def torso(build: Build) -> list[Point]:
    half, top, girth = build.length / 2, -build.height, build.girth
    return smooth(
        [
            (-half, top + girth * 0.2),
            (-half * 0.6, top),
            (0, top + girth * 0.08),
            (half * 0.66, top - girth * 0.04),
            (half * 1.04, top + girth * 0.3),
            (half * 0.94, top + girth * 0.84),
            (half * 0.3, top + girth * (1.04 + build.sag)),
            (-half * 0.35, top + girth * (0.92 + build.sag)),
            (-half * 0.86, top + girth * 0.9),
            (-half * 1.06, top + girth * 0.55),
        ]
    )


def leg(
    canvas: Canvas, x: float, *, build: Build, colour: Colour, foot: Colour, swing: float
) -> None:
    hip = -build.height + build.girth * 0.62
    knee = (x + swing * 0.5 + (2 if x < 0 else -1), hip * 0.5)
    end = (x + swing, -build.leg * 0.4)
    canvas.limb(
        [(x, hip), knee, end], [build.leg * 1.7, build.leg * 1.05, build.leg * 0.85], colour
    )
    canvas.ellipse(end[0] + build.leg * 0.18, end[1], build.leg * 0.68, build.leg * 0.42, foot)


def tail(canvas: Canvas, points: Points, widths: Sequence[float], *, colour: Colour) -> None:
    canvas.limb(points, widths, colour)
    canvas.flush()


def sitting(canvas: Canvas, *, colour: Colour, belly: Colour, feet: Colour, wide: float) -> None:
    """A body that faces us, sitting: head room is from y = -62 up."""
    for side in (-1, 1):
        canvas.ellipse(side * wide * 0.86, -13, wide * 0.52, 13, colour)
    canvas.flush()
    outline = smooth(
        [
            (0, -70),
            (wide * 0.66, -58),
            (wide * 0.98, -24),
            (wide * 0.8, -3),
            (0, 0),
            (-wide * 0.8, -3),
            (-wide * 0.98, -24),
            (-wide * 0.66, -58),
        ]
    )
    canvas.polygon(outline, colour)
    with canvas.inside(outline):
        canvas.ellipse(0, -24, wide * 0.58, 24, belly)
    canvas.flush()
    for side in (-1, 1):
        canvas.ellipse(side * wide * 0.98, -5, wide * 0.42, 6, feet)
    canvas.flush()
    for side in (-1, 1):
        arm = [(side * wide * 0.62, -50), (side * wide * 0.6, -26), (side * wide * 0.36, -6)]
        canvas.limb(arm, [13, 11, 9], colour)
        canvas.ellipse(side * wide * 0.34, -4.5, 6.5, 5, feet)
    canvas.flush()


def bust(canvas: Canvas, *, colour: Colour, chest: Colour, wide: float) -> None:
    """Neck and shoulders below a portrait's head, out of the lower edge."""
    shoulders = [
        (-wide * 0.55, 6),
        (wide * 0.55, 6),
        (wide * 0.8, 34),
        (wide * 1.4, 70),
        (wide * 1.5, 120),
        (-wide * 1.5, 120),
        (-wide * 1.4, 70),
        (-wide * 0.8, 34),
    ]
    canvas.blob(shoulders, colour)
    with canvas.inside(smooth(shoulders)):
        canvas.blob(
            [(-wide * 0.34, 20), (wide * 0.34, 20), (wide * 0.5, 60), (0, 96), (-wide * 0.5, 60)],
            chest,
        )
    canvas.flush()
