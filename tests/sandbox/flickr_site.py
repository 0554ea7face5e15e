"""Flickr's API and its CDN on loopback, with a clock that tests turn and drawings that are quick."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from PIL import Image

from ingestor.sandbox import flickr, images
from ingestor.sandbox.calls import Calls
from ingestor.sandbox.faults import Faults
from ingestor.sandbox.latency import Latency
from ingestor.sandbox.photos import ScenePhoto
from ingestor.sandbox.pictures import Pictures
from ingestor.sandbox.scenes import Scene
from ingestor.sandbox.world import Group, World
from tests.sandbox.google_site import Answer, Clock

SEED = 7
KEY = flickr.api_key(SEED)
POOL = "flickr.groups.pools.getPhotos"
KNOWN = {**flickr.FAULTS, **images.FAULTS}
KNOBS = {**flickr.KNOBS, **images.KNOBS}


@dataclass
class Site:
    session: aiohttp.ClientSession
    world: World
    faults: Faults
    calls: Calls
    clock: Clock
    pictures: Pictures
    disabled: set[str]
    api: str = ""
    cdn: str = ""
    drawn: list[Scene] = field(default_factory=list)

    def group(self, alias: str) -> Group:
        group = self.world.group_called(alias)
        assert group is not None
        return group

    def photos(self, alias: str) -> list[ScenePhoto]:
        photos = map(self.world.photo, self.world.pools[self.group(alias).nsid].now())
        return [photo for photo in photos if photo is not None]

    async def call(self, method: str | None = None, **arguments: Any) -> Answer:
        """One API call as a client of today makes it; arguments of None are left out."""
        usual = {"method": method, "api_key": KEY, "format": "json", "nojsoncallback": "1"}
        query = {name: str(v) for name, v in (usual | arguments).items() if v is not None}
        return await self.get(self.api, params=query)

    async def page(self, alias: str = "zoo", **arguments: Any) -> Any:
        """A page of a pool: the members of `photos`."""
        answer = await self.call(POOL, group_id=self.group(alias).nsid, **arguments)
        return answer.json["photos"]

    async def picture(self, photo: ScenePhoto, *, size: str = "z") -> Answer:
        return await self.get(self.cdn + photo.path(size))

    async def get(self, url: str, *, params: Any = None) -> Answer:
        async with self.session.get(url, params=params, allow_redirects=False) as response:
            body = await response.read()
            return Answer(status=response.status, headers=dict(response.headers), body=body)

    async def raw(self, path: str, *, most: int = 2**20) -> bytes:
        """All bytes the CDN says to one request, up to its hanging up, or `most` of them."""
        host, port = self.cdn.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET {path} HTTP/1.1\r\nHost: cdn\r\nConnection: close\r\n\r\n".encode())
        heard = b""
        try:
            while len(heard) < most and (piece := await reader.read(65_536)):
                heard += piece
        except ConnectionResetError:
            heard += b"<reset>"
        finally:
            writer.close()
        return heard


@asynccontextmanager
async def a_site(*, world: World | None = None) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        thread = stack.enter_context(ThreadPoolExecutor(1))
        drawn: list[Scene] = []

        def draw(scene: Scene) -> bytes:
            drawn.append(scene)
            return a_drawing(scene)

        site = Site(
            session=await stack.enter_async_context(
                aiohttp.ClientSession(
                    auto_decompress=False, headers={"Accept-Encoding": "identity"}
                )
            ),
            world=world or World.made(SEED, photos=1_100),
            faults=Faults(SEED, known=KNOWN, knobs=KNOBS),
            calls=Calls(),
            clock=Clock(),
            pictures=Pictures(draw, thread=thread),
            disabled=set(),
            drawn=drawn,
        )
        shared: dict[str, Any] = {
            "world": site.world,
            "faults": site.faults,
            "latency": Latency(SEED, fast=True),
            "calls": site.calls,
            "clock": site.clock,
        }
        cdn = images.application(images.Cdn(pictures=site.pictures, **shared))
        site.cdn = await _served(cdn, stack)
        api = flickr.Api(image_url=site.cdn, disabled_keys=site.disabled, **shared)
        site.api = await _served(flickr.application(api), stack) + flickr.PATH
        yield site


def a_drawing(scene: Scene) -> bytes:
    """A real JPEG of the scene's size, in one colour of its own."""
    out = io.BytesIO()
    Image.new("RGB", scene.size, (scene.number % 256, scene.number // 256 % 256, 99)).save(
        out, "JPEG"
    )
    return out.getvalue()


async def _served(app: web.Application, stack: AsyncExitStack) -> str:
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port: int = runner.addresses[0][1]
    return f"http://127.0.0.1:{port}"
