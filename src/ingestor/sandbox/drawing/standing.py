"""Mammals in full: on four legs with the face towards us, or sitting."""

from ingestor.sandbox.drawing import grazers, hunters
from ingestor.sandbox.drawing.bodies import Build, Pattern, quadruped, sitting, tail, torso
from ingestor.sandbox.drawing.canvas import Canvas, Points, darker, lighter, mix
from ingestor.sandbox.drawing.coats import Coat
from ingestor.sandbox.drawing.profiles import profile


def dog(canvas: Canvas, coat: Coat) -> None:
    build = Build(length=58, height=50, girth=24, leg=7.5)
    curl = [(-27, -46), (-40, -54), (-44, -66), (-36, -72)]
    straight = [(-27, -46), (-40, -50), (-50, -60)]
    curled = coat.marks in ("husky", "blaze")
    tail(canvas, curl if curled else straight, [8, 6, 3], colour=coat.main)
    feet = coat.pale if coat.marks in ("husky", "blaze") else coat.main
    pattern = None
    if coat.marks == "spots":
        pattern = _scattered(build, coat, count=26, small=1.4, large=4.2)
    if coat.marks in ("mask", "blaze"):
        pattern = _saddle(build, coat)
    neck = [(22, -42), (30, -58)]
    quadruped(
        canvas,
        build,
        colour=coat.main,
        feet=feet,
        belly=coat.pale,
        pattern=pattern,
        neck=neck,
        neck_widths=[24, 18],
    )
    with canvas.at(33, -66, scale=0.72):
        hunters.dog(canvas, coat)


def cat(canvas: Canvas, coat: Coat) -> None:
    dark = coat.dark if coat.marks == "s" else coat.main
    if canvas.chance.random() < 0.5:
        tail(canvas, [(18, -6), (38, -8), (42, -24), (34, -34)], [7, 6, 5], colour=dark)
        sitting(canvas, colour=coat.main, belly=coat.pale, feet=mix(dark, coat.pale, 0.4), wide=21)
        with canvas.at(0, -76, scale=0.85):
            hunters.cat(canvas, coat)
        return
    build = Build(length=58, height=40, girth=20, leg=6)
    tail(canvas, [(-27, -36), (-42, -44), (-46, -62), (-38, -74)], [6, 5.5, 4.5], colour=dark)
    pattern = _bands(build, coat, count=9) if coat.marks == "t" else None
    quadruped(
        canvas,
        build,
        colour=coat.main,
        feet=coat.pale if coat.marks == "t" else dark,
        belly=coat.pale,
        pattern=pattern,
    )
    with canvas.at(32, -50, scale=0.66):
        hunters.cat(canvas, coat)


def lion(canvas: Canvas, coat: Coat) -> None:
    build = Build(length=70, height=50, girth=26, leg=9)
    tail(canvas, [(-34, -44), (-48, -36), (-54, -20), (-60, -22)], [5, 4, 3.5], colour=coat.main)
    canvas.ellipse(-61, -22, 6, 4.5, coat.dark, angle=-20)
    canvas.flush()
    quadruped(canvas, build, colour=coat.main, feet=coat.main, belly=coat.pale)
    with canvas.at(36, -56, scale=0.8):
        hunters.lion(canvas, coat)


def tiger(canvas: Canvas, coat: Coat) -> None:
    build = Build(length=72, height=48, girth=26, leg=9)
    curve = [(-35, -42), (-50, -40), (-58, -50), (-56, -62)]
    canvas.limb(curve, [6, 5.5, 5], coat.main)
    for x, y in ((-44, -41), (-52, -43), (-57, -51), (-56.5, -59)):
        canvas.ellipse(x, y, 1.6, 3.6, coat.dark, angle=40)
    canvas.flush()

    def leg_stripes(canvas: Canvas) -> None:
        for y in (-24, -18, -12):
            canvas.limb([(-4.4, y - 1), (1.5, y + 1)], [2.4, 0.6], coat.dark)

    quadruped(
        canvas,
        build,
        colour=coat.main,
        feet=coat.pale,
        belly=coat.pale,
        pattern=_bands(build, coat, count=11),
        leg_pattern=leg_stripes,
    )
    with canvas.at(38, -52, scale=0.78):
        hunters.tiger(canvas, coat)


def fox(canvas: Canvas, coat: Coat) -> None:
    build = Build(length=58, height=42, girth=20, leg=6)
    brush = [(-27, -36), (-40, -30), (-54, -32), (-66, -44)]
    canvas.limb(brush, [8, 16, 19, 8], coat.main)
    canvas.limb([(-58, -35), (-68, -46)], [13, 3], coat.pale)
    canvas.flush()
    quadruped(
        canvas,
        build,
        colour=coat.main,
        feet=coat.dark,
        belly=coat.pale,
        leg_pattern=_stockings(coat, build),
    )
    with canvas.at(32, -52, scale=0.68):
        hunters.fox(canvas, coat)


def bear(canvas: Canvas, coat: Coat) -> None:
    if canvas.chance.random() < 0.35:
        sitting(canvas, colour=coat.main, belly=lighter(coat.main, 0.16), feet=coat.dark, wide=30)
        with canvas.at(0, -78, scale=0.9):
            hunters.bear(canvas, coat)
        return
    build = Build(length=76, height=56, girth=36, leg=13)
    canvas.ellipse(-39, -44, 6, 6, coat.main)
    hump = [(24, -50), (32, -60)]
    quadruped(
        canvas,
        build,
        colour=coat.main,
        feet=coat.dark,
        neck=hump,
        neck_widths=[34, 26],
    )
    with canvas.at(42, -56, scale=0.82):
        hunters.bear(canvas, coat)


def panda(canvas: Canvas, coat: Coat) -> None:
    sitting(canvas, colour=coat.dark, belly=coat.main, feet=darker(coat.dark, 0.2), wide=31)
    canvas.ellipse(0, -30, 25, 28, coat.main)
    canvas.flush(fur=0.8)
    for side in (-1, 1):
        canvas.limb([(side * 24, -56), (side * 27, -40), (side * 9, -33)], [15, 13, 11], coat.dark)
    canvas.flush()
    canvas.limb([(-26, -16), (0, -36), (30, -58)], [3.2, 3, 2.6], (126, 168, 74))
    for x, y in ((20, -52), (27, -57), (33, -60)):
        canvas.blob([(x, y), (x + 8, y - 9), (x + 15, y - 7), (x + 7, y - 1)], (104, 156, 64))
    canvas.flush()
    with canvas.at(0, -78, scale=0.95):
        hunters.panda(canvas, coat)


def monkey(canvas: Canvas, coat: Coat) -> None:
    curve = [(18, -8), (42, -10), (52, -32), (42, -48), (34, -40)]
    tail(canvas, curve, [6, 5.5, 5, 4], colour=coat.main)
    sitting(canvas, colour=coat.main, belly=coat.pale, feet=coat.pale, wide=21)
    with canvas.at(0, -78, scale=0.9):
        hunters.monkey(canvas, coat)


def rabbit(canvas: Canvas, coat: Coat) -> None:
    canvas.ellipse(27, -9, 8.5, 8, coat.pale)
    canvas.flush(fur=1)
    sitting(canvas, colour=coat.main, belly=coat.pale, feet=coat.pale, wide=24)
    with canvas.at(0, -68, scale=0.84):
        hunters.rabbit(canvas, coat)


def elephant(canvas: Canvas, coat: Coat) -> None:
    build = Build(length=74, height=72, girth=44, leg=15, sag=0.04)
    tail(canvas, [(-37, -58), (-44, -46), (-44, -32)], [4, 3, 2.4], colour=coat.dark)

    def nails(canvas: Canvas) -> None:
        for x in (-3, 3, 8):
            canvas.ellipse(x, -2, 2.2, 2, coat.pale)

    quadruped(canvas, build, colour=coat.main, feet=coat.main, leg_pattern=nails)
    with canvas.at(44, -64, scale=0.8):
        grazers.elephant(canvas, coat)


def giraffe(canvas: Canvas, coat: Coat) -> None:
    build = Build(length=44, height=62, girth=22, leg=6)
    neck = [(16, -54), (26, -80), (33, -108)]
    tail(canvas, [(-22, -56), (-29, -46), (-28, -30)], [3, 2.4, 4], colour=coat.dark)

    def patches(canvas: Canvas) -> None:
        with canvas.inside(torso(build)):
            for row in range(4):
                for column in range(8):
                    x = -24 + column * 6.6 + (row % 2) * 3.2
                    grazers.patch(canvas, x, -60 + row * 6.6, size=3.1, colour=coat.dark)
        for share in range(10):
            x = 17.5 + share * 1.75 - share * share * 0.02
            y = -58 - share * 5.4
            for side in (-1, 1):
                wide = 4.6 - share * 0.22
                grazers.patch(canvas, x + side * wide, y - side * 1.4, size=2.5, colour=coat.dark)

    quadruped(
        canvas,
        build,
        colour=coat.main,
        feet=darker(coat.dark, 0.4),
        pattern=patches,
        neck=neck,
        neck_widths=[22, 14, 10],
    )
    with canvas.at(35, -112, scale=0.9):
        profile(canvas, coat, kind="giraffe")


def zebra(canvas: Canvas, coat: Coat) -> None:
    build = Build(length=62, height=54, girth=25, leg=7.5)
    neck = [(24, -46), (34, -62), (40, -76)]
    tail(canvas, [(-31, -48), (-39, -36), (-39, -22)], [3.4, 3, 5], colour=coat.dark)

    def stripes(canvas: Canvas) -> None:
        _bands(build, coat, count=13)(canvas)
        for share in range(6):
            x, y = 25 + share * 2.7, -50 - share * 4.8
            canvas.limb([(x - 9, y - 3), (x, y), (x + 9, y - 4)], [2.6, 2.2, 1.6], coat.dark)

    def leg_stripes(canvas: Canvas) -> None:
        for y in (-26, -21, -16, -11, -7):
            canvas.limb([(-3.6, y), (3.6, y + 0.8)], [1.8, 1.4], coat.dark)

    quadruped(
        canvas,
        build,
        colour=coat.main,
        feet=coat.dark,
        pattern=stripes,
        leg_pattern=leg_stripes,
        neck=neck,
        neck_widths=[26, 19, 15],
    )
    with canvas.at(43, -78, scale=1.08):
        profile(canvas, coat, kind="zebra")


def horse(canvas: Canvas, coat: Coat) -> None:
    build = Build(length=64, height=60, girth=26, leg=7.5)
    neck = [(24, -52), (35, -70), (41, -86)]
    curve = [(-31, -56), (-44, -50), (-46, -32), (-42, -16)]
    tail(canvas, curve, [7, 10, 10, 4], colour=coat.dark)
    quadruped(
        canvas,
        build,
        colour=coat.main,
        feet=darker(coat.dark, 0.3),
        neck=neck,
        neck_widths=[28, 20, 15],
        leg_pattern=_stockings(coat, build),
    )
    mane = [(17, -62), (22, -74), (30, -88), (37, -95), (36, -84), (30, -70), (22, -58)]
    canvas.blob(mane, coat.dark)
    canvas.flush()
    with canvas.at(44, -88, scale=1.08):
        profile(canvas, coat, kind="horse")


def deer(canvas: Canvas, coat: Coat) -> None:
    build = Build(length=54, height=52, girth=21, leg=5.6)
    canvas.ellipse(-28, -46, 5, 6.5, coat.pale, angle=30)
    canvas.flush()
    pattern = _scattered(build, coat, count=16, small=1, large=1.8, colour=coat.pale)
    quadruped(
        canvas,
        build,
        colour=coat.main,
        feet=coat.dark,
        belly=coat.pale,
        pattern=pattern,
        neck=[(20, -46), (29, -62), (33, -70)],
        neck_widths=[20, 14, 12],
    )
    with canvas.at(34, -74, scale=0.62):
        grazers.deer(canvas, coat)


def vicuna(canvas: Canvas, coat: Coat) -> None:
    build = Build(length=52, height=48, girth=25, leg=5.8)
    canvas.ellipse(-28, -38, 7, 9, coat.main)
    canvas.flush(fur=1)
    quadruped(
        canvas,
        build,
        colour=coat.main,
        feet=coat.dark,
        belly=coat.pale,
        neck=[(19, -40), (27, -62), (29, -80)],
        neck_widths=[26, 15, 13],
    )
    canvas.blob([(18, -30), (26, -40), (31, -32), (27, -20), (21, -18)], coat.pale)
    canvas.flush(fur=1)
    with canvas.at(31, -84, scale=0.56):
        grazers.vicuna(canvas, coat)


def _bands(build: Build, coat: Coat, *, count: int) -> Pattern:
    """Stripes across the back, tapering towards the belly."""

    def draw(canvas: Canvas) -> None:
        half, top, girth = build.length / 2, -build.height, build.girth
        with canvas.inside(torso(build)):
            for index in range(count):
                x = -half + build.length * (index + 0.5) / count
                lean = canvas.chance.uniform(-2, 2)
                stripe: Points = [
                    (x, top - 2),
                    (x + lean + 1.5, top + girth * 0.4),
                    (x + lean, top + girth * canvas.chance.uniform(0.66, 0.96)),
                ]
                wide = build.length / count * 0.52
                canvas.limb(stripe, [wide, wide * 0.8, 0.6], coat.dark)

    return draw


def _scattered(
    build: Build,
    coat: Coat,
    *,
    count: int,
    small: float,
    large: float,
    colour: tuple[int, int, int] | None = None,
) -> Pattern:
    def draw(canvas: Canvas) -> None:
        half, top, girth = build.length / 2, -build.height, build.girth
        with canvas.inside(torso(build)):
            for _ in range(count):
                size = canvas.chance.uniform(small, large)
                x = canvas.chance.uniform(-half, half)
                y = top + girth * canvas.chance.uniform(0.02, 0.75)
                canvas.ellipse(x, y, size, size * 0.86, colour or coat.dark)

    return draw


def _saddle(build: Build, coat: Coat) -> Pattern:
    def draw(canvas: Canvas) -> None:
        half, top, girth = build.length / 2, -build.height, build.girth
        with canvas.inside(torso(build)):
            canvas.ellipse(-half * 0.1, top + girth * 0.1, half * 0.8, girth * 0.46, coat.dark)

    return draw


def _stockings(coat: Coat, build: Build) -> Pattern:
    def draw(canvas: Canvas) -> None:
        canvas.limb([(0, -12), (0, -4)], [build.leg * 0.98, build.leg * 0.9], coat.dark)

    return draw
