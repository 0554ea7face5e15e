"""Drawings, made once and kept; a thread draws while the sites go on answering."""

import asyncio
import hashlib
import io
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import Final

from PIL import Image

from ingestor.sandbox.marks import marked
from ingestor.sandbox.photos import ScenePhoto
from ingestor.sandbox.scenes import Scene

EDITION: Final = 1
"""Raised when the drawings change, so that a folder of older ones is not served."""

VARIANT_BYTES: Final = 48 * 2**20
"""Room for pictures of other sizes; the least recently asked for make way."""

VARIANT_QUALITY: Final = 82

Draw = Callable[[Scene], bytes]


class Pictures:
    """
    All drawings of a world, as JPEG bytes.

    With a `folder` they outlive the process: drawing them is the only slow thing the sandbox
    does.
    """

    def __init__(self, draw: Draw, *, thread: Executor, folder: Path | None = None) -> None:
        self._draw = draw
        self._thread = thread
        self._folder = folder
        self._drawn: dict[Scene, bytes] = {}
        self._underway: dict[Scene, asyncio.Task[bytes]] = {}
        self._variants: OrderedDict[tuple[Scene, tuple[int, int]], bytes] = OrderedDict()
        self._variant_bytes = 0

    def at_hand(self, scene: Scene) -> bytes | None:
        """The drawing, if it is in memory already; the fast way."""
        return self._drawn.get(scene)

    async def drawing(self, scene: Scene) -> bytes:
        """The 640 px drawing of a scene; whoever asks meanwhile waits for the same one."""
        if scene in self._drawn:
            return self._drawn[scene]
        if scene not in self._underway:
            self._underway[scene] = asyncio.create_task(self._make(scene), name=name_of(scene))
        # One impatient client must not take the drawing away from the others.
        return await asyncio.shield(self._underway[scene])

    async def variant(self, scene: Scene, *, size: tuple[int, int]) -> bytes:
        """The drawing at another size; squares are cut from the middle."""
        key = (scene, size)
        if key in self._variants:
            self._variants.move_to_end(key)
            return self._variants[key]
        drawing = await self.drawing(scene)
        loop = asyncio.get_running_loop()
        resized = await loop.run_in_executor(self._thread, resize, drawing, size)
        self._keep(key, resized)
        return resized

    async def picture(self, photo: ScenePhoto) -> bytes:
        """A photo's own 640 px JPEG, as the CDN serves it."""
        return marked(await self.drawing(photo.scene), photo.bytes_of)

    async def _make(self, scene: Scene) -> bytes:
        loop = asyncio.get_running_loop()
        try:
            drawing = await loop.run_in_executor(self._thread, self._fetched, scene)
        finally:
            del self._underway[scene]
        self._drawn[scene] = drawing
        return drawing

    def _keep(self, key: tuple[Scene, tuple[int, int]], picture: bytes) -> None:
        if key in self._variants:
            return
        self._variants[key] = picture
        self._variant_bytes += len(picture)
        while self._variant_bytes > VARIANT_BYTES:
            _, oldest = self._variants.popitem(last=False)
            self._variant_bytes -= len(oldest)

    def _fetched(self, scene: Scene) -> bytes:
        if self._folder is None:
            return self._draw(scene)
        path = self._folder / f"{name_of(scene)}.jpg"
        if path.exists():
            return path.read_bytes()
        drawing = self._draw(scene)
        write_whole(path, drawing)
        return drawing


def name_of(scene: Scene) -> str:
    digest = hashlib.blake2b(f"{EDITION}:{scene}".encode(), digest_size=6).hexdigest()
    return f"{scene.species}-{digest}"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that nobody ever reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(content)
    Path(file.name).replace(path)


def resize(drawing: bytes, size: tuple[int, int]) -> bytes:
    with Image.open(io.BytesIO(drawing)) as image:
        whole = image.convert("RGB")
    if size[0] == size[1] != whole.width:
        edge = min(whole.size)
        left, top = (whole.width - edge) // 2, (whole.height - edge) // 2
        whole = whole.crop((left, top, left + edge, top + edge))
    out = io.BytesIO()
    whole.resize(size, Image.Resampling.BICUBIC).save(out, "JPEG", quality=VARIANT_QUALITY)
    return out.getvalue()
