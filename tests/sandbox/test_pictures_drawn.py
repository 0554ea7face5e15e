"""Drawings: real JPEGs of real sizes, drawn once, the same for the same scene, and kept."""

from __future__ import annotations

import asyncio
import io
import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image, ImageStat

from ingestor.sandbox.drawing.animals import OTHERS
from ingestor.sandbox.drawing.coats import COATS
from ingestor.sandbox.drawing.painter import draw, sheet
from ingestor.sandbox.drawing.places import PLACES as PAINTED
from ingestor.sandbox.drawing.plumage import PLUMAGES
from ingestor.sandbox.marks import marked, photo_id_in
from ingestor.sandbox.pictures import Pictures
from ingestor.sandbox.scenes import PLACES, PORTRAIT, STANDING, WEIGHTS, Scene, scenes_of
from ingestor.sandbox.vision.seeing import dimensions
from ingestor.sandbox.vocabulary import KINDS, VARIETIES
from tests.sandbox.flickr_site import a_drawing

SMALLEST, LARGEST = 70_000, 230_000
"""Bytes of a drawing; photographs of 640 px on Flickr are about as large."""


def a_scene(species: str = "fox", *, pose: str = STANDING, number: int = 5) -> Scene:
    return Scene(species=species, place=PLACES[species][0], pose=pose, number=number)


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as executor:
        yield executor


def test_every_animal_can_be_drawn_named_and_placed() -> None:
    assert set(WEIGHTS) == set(PLACES) == set(KINDS)
    assert set(WEIGHTS) == {*COATS, *OTHERS, "turtle"}
    assert set(itertools.chain.from_iterable(PLACES.values())) == set(PAINTED)
    assert len(WEIGHTS) >= 16


@pytest.mark.parametrize("species", VARIETIES)
def test_as_many_varieties_are_drawn_as_are_named(species: str) -> None:
    drawn = COATS.get(species) or PLUMAGES[species]

    assert len(drawn) == len(VARIETIES[species])


@pytest.mark.parametrize("species", WEIGHTS)
def test_a_drawing_is_a_jpeg_as_large_as_a_photograph(species: str) -> None:
    scene = a_scene(species, pose=PORTRAIT, number=sum(species.encode()))

    drawing = draw(scene)

    with Image.open(io.BytesIO(drawing)) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", scene.size)
        assert min(ImageStat.Stat(image).stddev) > 15, "a picture, not a plain colour"
    assert SMALLEST < len(drawing) < LARGEST


def test_the_same_scene_is_drawn_the_same() -> None:
    assert draw(a_scene()) == draw(a_scene())
    assert draw(a_scene()) != draw(a_scene(number=6))


def test_a_world_has_some_hundreds_of_drawings_of_its_own() -> None:
    scenes = scenes_of(7)

    assert 200 <= len(set(scenes)) == len(scenes) <= 400
    assert scenes == scenes_of(7) != scenes_of(8)
    assert {(scene.species, scene.pose) for scene in scenes} == set(
        itertools.product(WEIGHTS, (PORTRAIT, STANDING))
    )


@pytest.mark.parametrize("photo_id", ["51025113384", "1", "9" * 20])
def test_a_mark_is_read_back_and_leaves_the_picture_whole(photo_id: str) -> None:
    drawing = a_drawing(a_scene())

    picture = marked(drawing, photo_id)

    assert photo_id_in(picture) == photo_id
    with Image.open(io.BytesIO(picture)) as image, Image.open(io.BytesIO(drawing)) as plain:
        assert image.tobytes() == plain.tobytes()


@pytest.mark.parametrize("image", [b"", b"\xff\xd8", b"\xff\xd8\xff\xfe\x00\x07other", b"GIF89a"])
def test_what_bears_no_mark_is_of_no_photo(image: bytes) -> None:
    assert photo_id_in(image) is None


async def test_whoever_asks_meanwhile_waits_for_the_same_drawing(
    thread: ThreadPoolExecutor,
) -> None:
    drawn: list[Scene] = []

    def draw_once(scene: Scene) -> bytes:
        drawn.append(scene)
        return b"drawing"

    pictures = Pictures(draw_once, thread=thread)

    answers = await asyncio.gather(*(pictures.drawing(a_scene()) for _ in range(9)))

    assert set(answers) == {b"drawing"}
    assert drawn == [a_scene()]


async def test_an_impatient_client_does_not_take_the_drawing_away(
    thread: ThreadPoolExecutor,
) -> None:
    finish = threading.Event()
    pictures = Pictures(lambda _: b"drawing" if finish.wait() else b"", thread=thread)
    async with asyncio.TaskGroup() as clients:
        impatient = clients.create_task(pictures.drawing(a_scene()), name="impatient")
        patient = clients.create_task(pictures.drawing(a_scene()), name="patient")
        await asyncio.sleep(0)

        impatient.cancel()
        finish.set()

    assert impatient.cancelled()
    assert patient.result() == b"drawing"


async def test_a_failed_drawing_is_tried_again(thread: ThreadPoolExecutor) -> None:
    tries: list[Scene] = []

    def fail_first(scene: Scene) -> bytes:
        tries.append(scene)
        if len(tries) == 1:
            raise RuntimeError("no ink")
        return b"drawing"

    pictures = Pictures(fail_first, thread=thread)

    with pytest.raises(RuntimeError, match="no ink"):
        await pictures.drawing(a_scene())

    assert await pictures.drawing(a_scene()) == b"drawing"


async def test_drawings_in_a_folder_outlive_the_process(
    thread: ThreadPoolExecutor, tmp_path: Path
) -> None:
    folder = tmp_path / "drawings"
    await Pictures(lambda _: b"drawing", thread=thread, folder=folder).drawing(a_scene())

    later = Pictures(lambda _: b"drawn again", thread=thread, folder=folder)

    assert await later.drawing(a_scene()) == b"drawing"
    assert await later.drawing(a_scene(number=6)) == b"drawn again"
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("size", [(1024, 683), (150, 150), (75, 75), (100, 67)])
async def test_other_sizes_are_made_of_the_same_drawing(
    thread: ThreadPoolExecutor, size: tuple[int, int]
) -> None:
    pictures = Pictures(a_drawing, thread=thread)

    variants = [await pictures.variant(a_scene(), size=size) for _ in range(2)]

    assert variants[0] is variants[1]
    with Image.open(io.BytesIO(variants[0])) as image:
        assert image.size == size


@pytest.mark.parametrize(("least", "most"), [(150_000, 150_000), (6_000, 20_000_000)])
def test_a_sheet_weighs_what_was_asked_for(least: int, most: int) -> None:
    for scene in scenes_of(7)[:8]:
        picture = sheet(scene, least=least, most=most)

        assert least - 1 <= len(picture) <= most + 1
        assert dimensions(picture) == scene.size


def test_a_sheet_may_weigh_as_little_as_a_stamp() -> None:
    picture = sheet(scenes_of(7)[0], least=1000, most=1000)

    assert len(picture) == 1000
    assert dimensions(picture)
