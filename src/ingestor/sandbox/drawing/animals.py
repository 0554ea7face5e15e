"""Which hand draws which animal."""

from ingestor.sandbox.drawing import hunters
from ingestor.sandbox.drawing.canvas import Canvas
from ingestor.sandbox.drawing.coats import COATS
from ingestor.sandbox.scenes import Scene


def draw_animal(canvas: Canvas, scene: Scene) -> None:
    s = scene.species if hasattr(hunters, scene.species) else "bear"
    canvas.place(0.5, 0.55, unit=3.6)
    getattr(hunters, s)(canvas, COATS[s][scene.number % len(COATS[s])])
