"""Heads of animals with eyes in front: dogs, cats, bears and their kin."""

from ingestor.sandbox.drawing import faces
from ingestor.sandbox.drawing.canvas import Canvas, darker, lighter, mix, oval, smooth
from ingestor.sandbox.drawing.coats import BLACK, PINK, Coat


def dog(canvas: Canvas, coat: Coat) -> None:
    pointed = coat.marks in ("mask", "husky")
    ear = coat.dark if coat.marks != "floppy" else mix(coat.main, coat.dark, 0.7)
    if pointed:
        faces.pointed_ears(canvas, x=19, y=-20, size=14, colour=coat.dark, inner=PINK)
        canvas.flush()
    skull = [(0, -28), (20, -22), (27, -4), (22, 14), (0, 26), (-22, 14), (-27, -4), (-20, -22)]
    canvas.blob(skull, coat.main)
    if coat.marks == "husky":
        mask = [(0, -16), (8, -14), (20, -8), (23, 8), (14, 24), (-14, 24), (-23, 8), (-20, -8)]
        canvas.blob([*mask, (-8, -14)], coat.pale)
    if coat.marks == "spots":
        _spots(canvas, coat)
    if coat.marks == "blaze":
        canvas.blob(
            [(0, -30), (6, -20), (5, 0), (12, 14), (-12, 14), (-5, 0), (-6, -20)], coat.pale
        )
    canvas.flush()
    if not pointed:
        faces.floppy_ears(canvas, x=25, y=-18, long=40, colour=ear)
        canvas.flush()
    muzzle = coat.dark if coat.marks == "mask" else coat.pale
    canvas.blob([(-13, 8), (0, 2), (13, 8), (15, 19), (9, 28), (-9, 28), (-15, 19)], muzzle)
    canvas.flush(depth=1.2)
    canvas.blob([(-5, 25), (5, 25), (6, 33), (0, 38), (-6, 33)], (226, 108, 112))
    canvas.flush()
    faces.eyes(canvas, apart=11.5, y=-3, size=5.2, iris=coat.eyes)
    faces.nose(canvas, y=11, width=7.5)


def _spots(canvas: Canvas, coat: Coat) -> None:
    skull = oval(0, 0, 27, 27)
    with canvas.inside(skull):
        for _ in range(13):
            x, y = canvas.chance.uniform(-26, 26), canvas.chance.uniform(-27, 4)
            canvas.ellipse(
                x, y, canvas.chance.uniform(1.6, 4), canvas.chance.uniform(1.6, 4), coat.dark
            )


def cat(canvas: Canvas, coat: Coat) -> None:
    points = coat.dark if coat.marks == "s" else coat.main
    faces.pointed_ears(canvas, x=19, y=-17, size=16, colour=points, inner=PINK)
    canvas.flush()
    skull = [(0, -24), (18, -21), (28, -2), (24, 14), (10, 23), (-10, 23), (-24, 14), (-28, -2)]
    outline = [*skull, (-18, -21)]
    canvas.blob(outline, coat.main)
    if coat.marks == "t":
        _tabby(canvas, coat)
    if coat.marks == "s":
        canvas.ellipse(0, 8, 19, 17, mix(coat.dark, coat.main, 0.15))
    canvas.flush()
    muzzle = coat.dark if coat.marks == "s" else coat.pale
    faces.cheeks(canvas, y=12, apart=6.5, size=8.5, colour=muzzle)
    canvas.ellipse(0, 19, 7, 5, muzzle)
    canvas.flush()
    faces.eyes(canvas, apart=12, y=-3, size=7, iris=coat.eyes, slit=True)
    faces.nose(canvas, y=8, width=4, colour=BLACK if coat.marks == "s" else (206, 112, 112))
    faces.whiskers(canvas, y=13, x=11)


def _tabby(canvas: Canvas, coat: Coat) -> None:
    for x in (-7, 0, 7):
        canvas.limb([(x, -25), (x * 0.8, -12)], [2.6, 1], coat.dark)
    for side in (-1, 1):
        for y in (2, 9):
            canvas.limb([(side * 29, y - 2), (side * 18, y + 2)], [2.8, 0.8], coat.dark)


def lion(canvas: Canvas, coat: Coat) -> None:
    _mane(canvas, coat)
    faces.round_ears(canvas, x=22, y=-22, size=8.5, colour=coat.main, inner=coat.dark)
    canvas.flush()
    skull = [(0, -25), (19, -20), (24, 0), (19, 20), (8, 31), (-8, 31), (-19, 20), (-24, 0)]
    canvas.blob([*skull, (-19, -20)], coat.main)
    bridge = [(-6, -10), (6, -10), (8, 12), (-8, 12)]
    canvas.blob(bridge, lighter(coat.main, 0.22))
    canvas.flush()
    faces.cheeks(canvas, y=16, apart=7.5, size=10, colour=coat.pale)
    canvas.blob([(-9, 22), (9, 22), (7, 33), (0, 36), (-7, 33)], coat.pale)
    canvas.flush()
    faces.eyes(canvas, apart=11, y=-5, size=4.8, iris=coat.eyes)
    faces.nose(canvas, y=10, width=7.5, colour=(92, 52, 46))
    faces.whiskers(canvas, y=17, x=12)


def _mane(canvas: Canvas, coat: Coat) -> None:
    """Three rings of tufts, darker outside."""
    for radius, count, share in ((47, 26, 0.35), (40, 22, 0.1), (33, 18, -0.25)):
        tone = darker(coat.dark, share) if share > 0 else mix(coat.dark, coat.main, -share * 2)
        canvas.ellipse(0, 2, radius * 0.86, radius * 0.86, tone)
        for tuft in range(count):
            with canvas.at(0, 2, angle=360 * tuft / count + canvas.chance.uniform(-5, 5)):
                long = radius * canvas.chance.uniform(0.94, 1.14)
                canvas.blob(
                    [(-7, -radius * 0.5), (-6, -long * 0.8), (1, -long), (6, -long * 0.8)], tone
                )
        canvas.flush(depth=0.8)


def tiger(canvas: Canvas, coat: Coat) -> None:
    faces.round_ears(canvas, x=21, y=-22, size=9.5, colour=coat.dark, inner=coat.pale)
    canvas.flush()
    skull = [(0, -27), (20, -22), (29, 0), (25, 17), (10, 29), (-10, 29), (-25, 17), (-29, 0)]
    outline = smooth([*skull, (-20, -22)])
    canvas.polygon(outline, coat.main)
    with canvas.inside(outline):
        _tiger_marks(canvas, coat)
    canvas.flush()
    faces.cheeks(canvas, y=14, apart=7.5, size=10, colour=coat.pale)
    canvas.ellipse(0, 23, 8, 7, coat.pale)
    canvas.flush()
    faces.eyes(canvas, apart=11.5, y=-4, size=5, iris=coat.eyes)
    faces.nose(canvas, y=9, width=6.5, colour=(206, 116, 108))
    faces.whiskers(canvas, y=16, x=12)


def _tiger_marks(canvas: Canvas, coat: Coat) -> None:
    for side in (-1, 1):
        canvas.blob([(side * 31, 6), (side * 16, 8), (side * 12, 28), (side * 25, 26)], coat.pale)
        canvas.ellipse(side * 11, -11, 7, 4.5, coat.pale, angle=side * 12)
        for y, long in ((-7, 9), (2, 13), (11, 11), (19, 9)):
            stripe = [(side * 31, y - 2), (side * (31 - long), y + 1.5)]
            canvas.limb(stripe, [4.6, 1], coat.dark)
        canvas.limb([(side * 4, -28), (side * 9, -20), (side * 4, -17)], [3.4, 1.2], coat.dark)
        canvas.limb([(side * 16, -27), (side * 17, -17)], [3.8, 1], coat.dark)
    canvas.limb([(0, -29), (0, -14)], [4, 1.4], coat.dark)


def fox(canvas: Canvas, coat: Coat) -> None:
    faces.pointed_ears(canvas, x=19, y=-16, size=18, colour=coat.main, inner=coat.dark)
    canvas.flush()
    skull = [(0, -25), (18, -20), (28, -2), (34, 9), (20, 16), (6, 30), (0, 34)]
    canvas.blob([*skull, *[(-x, y) for x, y in reversed(skull[1:-1])]], coat.main)
    for side in (-1, 1):
        cheek = [(side * 4, 6), (side * 16, 2), (side * 33, 9), (side * 20, 16), (side * 6, 28)]
        canvas.blob([*cheek, (side * 2, 20)], coat.pale)
    canvas.flush()
    canvas.blob([(-8, 6), (0, 0), (8, 6), (7, 22), (0, 30), (-7, 22)], lighter(coat.main, 0.12))
    canvas.flush(depth=0.8)
    faces.eyes(canvas, apart=12, y=-2, size=4.8, iris=coat.eyes)
    faces.nose(canvas, y=24, width=5)


def bear(canvas: Canvas, coat: Coat) -> None:
    faces.round_ears(canvas, x=22, y=-23, size=9.5, colour=coat.main, inner=coat.dark)
    canvas.flush()
    skull = [(0, -28), (20, -22), (29, -2), (25, 17), (10, 27), (-10, 27), (-25, 17), (-29, -2)]
    canvas.blob([*skull, (-20, -22)], coat.main)
    canvas.flush(fur=0.9)
    canvas.ellipse(0, 12, 15, 13, coat.pale)
    canvas.flush(depth=1.3)
    faces.bead_eyes(canvas, apart=11, y=-5, size=3.8)
    faces.nose(canvas, y=7, width=6.8)


def panda(canvas: Canvas, coat: Coat) -> None:
    for side in (-1, 1):
        canvas.ellipse(side * 22, -23, 10, 10, coat.dark)
    canvas.flush()
    skull = [(0, -27), (21, -22), (31, 0), (27, 17), (10, 27), (-10, 27), (-27, 17), (-31, 0)]
    canvas.blob([*skull, (-21, -22)], coat.main)
    canvas.flush(fur=0.8)
    for side in (-1, 1):
        canvas.ellipse(side * 12.5, -1, 7.4, 10, coat.dark, angle=side * 32)
    canvas.flush(depth=0.4)
    canvas.ellipse(0, 14, 11, 9, coat.pale)
    canvas.flush()
    for side in (-1, 1):
        canvas.ellipse(side * 11.6, -3, 3.9, 3.9, (92, 66, 52))
        canvas.ellipse(side * 11.6, -3, 2.8, 2.8, BLACK)
        canvas.ellipse(side * 11.6 - 1.2, -4.4, 1.2, 1.2, (255, 255, 255))
    canvas.flush(depth=0)
    faces.nose(canvas, y=11, width=5.4)


def monkey(canvas: Canvas, coat: Coat) -> None:
    faces.round_ears(canvas, x=29, y=-2, size=10, colour=coat.main, inner=coat.pale)
    canvas.flush()
    canvas.ellipse(0, -3, 28, 28, coat.main)
    canvas.blob([(-8, -30), (-3, -37), (1, -32), (6, -38), (9, -29)], coat.dark)
    canvas.flush(fur=0.8)
    for side in (-1, 1):
        canvas.ellipse(side * 9, -6, 12, 13, coat.pale)
    canvas.ellipse(0, 13, 19, 14.5, coat.pale)
    canvas.flush(fur=0.2)
    faces.eyes(canvas, apart=9, y=-6, size=4.8, iris=coat.eyes)
    for side in (-1, 1):
        canvas.ellipse(side * 2.6, 5, 1.4, 1, darker(coat.pale, 0.6), angle=side * 20)
    smile = [(-11, 14), (-5, 19), (0, 20), (5, 19), (11, 14)]
    canvas.limb(smile, [0.8, 1.4, 0.8], darker(coat.pale, 0.65))
    canvas.flush(depth=0)


def rabbit(canvas: Canvas, coat: Coat) -> None:
    for side in (-1, 1):
        with canvas.at(side * 9, -20, angle=side * 9):
            canvas.blob([(-6, 2), (-8.5, -26), (0, -48), (8.5, -26), (6, 2)], coat.main)
            canvas.blob([(-2.6, -4), (-4.4, -25), (0, -40), (4.4, -25), (2.6, -4)], PINK)
    canvas.flush()
    skull = [(0, -24), (15, -20), (23, -2), (22, 14), (9, 23), (-9, 23), (-22, 14), (-23, -2)]
    canvas.blob([*skull, (-15, -20)], coat.main)
    canvas.flush(fur=0.8)
    faces.cheeks(canvas, y=12, apart=6.5, size=9.5, colour=coat.pale)
    canvas.flush()
    canvas.polygon([(-3, 19), (3, 19), (2.6, 25), (-2.6, 25)], (255, 252, 240))
    canvas.flush(depth=0.3)
    faces.eyes(canvas, apart=13.5, y=-3, size=5.2, iris=coat.eyes)
    faces.nose(canvas, y=8, width=3.8, colour=(220, 128, 132))
    faces.whiskers(canvas, y=12, x=11)
