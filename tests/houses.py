"""A page over a small collection, served on loopback: for tests that ask it over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from ingestor.catalog import Catalog
from ingestor.engines import heartbeat
from ingestor.engines.gauges import Gauges
from ingestor.engines.heartbeat import Heartbeat
from ingestor.kits.memory import Memory
from ingestor.kits.pacing import Adaptive
from ingestor.kits.quota import Quota
from ingestor.models import Published
from ingestor.pipeline import Channels
from ingestor.web.app import serving
from ingestor.web.house import House
from tests.shelves import a_shelved

IMAGES = "https://live.staticflickr.com"
PATIENCE = aiohttp.ClientTimeout(total=20)
HOSTILE = '<script>alert(1)</script>"\u202e\u0000'


def a_collection(photos: int = 70) -> list[Published]:
    """Dogs, best first by number, every second in snow, every seventh with a hostile title."""
    return [
        a_shelved(
            str(1000 + number),
            {
                "Dog": 0.99 - number / 200,
                "Mammal": 0.8,
                **({"Snow": 0.7} if number % 2 else {}),
                **({"Black and white": 0.6} if number < 3 else {}),
                **({"<b>&": 0.55} if number == 1 else {}),
                **({"Ducks, geese and swans": 0.5} if number == 2 else {}),
            },
            title=HOSTILE if number % 7 == 6 else f"Dog number {number}",
            safe={"adult": "VERY_LIKELY"} if number == 5 else None,
            license=str(number % 17),
        )
        for number in range(photos)
    ]


def idle_gauges() -> Gauges:
    """Of a run in which nothing goes on yet."""
    return Gauges(
        Channels.opened(),
        Memory(1000),
        Adaptive(start=8, ceiling=8),
        Adaptive(start=4, ceiling=4),
        Quota((1800, 1800), largest=(1, 16), clock=lambda: 0.0),
    )


def a_heart(
    state: Path,
    *,
    clock: Callable[[], float] = lambda: 0.0,
    wall: Callable[[], float] = lambda: 100.0,
) -> Heartbeat:
    return Heartbeat(state, idle_gauges(), clock=clock, wall=wall)


@dataclass(slots=True)
class Client:
    address: str
    session: aiohttp.ClientSession
    said: list[str] = field(default_factory=list)

    async def get(self, path: str, **given: Any) -> tuple[int, str, aiohttp.ClientResponse]:
        async with self.session.get(self.address + path, allow_redirects=False, **given) as answer:
            return answer.status, await answer.text(), answer

    async def json(self, path: str) -> Any:
        async with self.session.get(self.address + path) as answer:
            return await answer.json()


@asynccontextmanager
async def visiting(catalog: Catalog, folder: Path, **given: Any) -> AsyncIterator[Client]:
    said: list[str] = []
    house = House(
        **{
            "catalog": catalog,
            "image_origin": IMAGES,
            "journal": folder / "journal.sqlite3",
            "live": folder / heartbeat.FILE,
            "log": said.append,
            **given,
        }
    )
    async with (
        serving(house, host="127.0.0.1", port=0) as address,
        aiohttp.ClientSession(timeout=PATIENCE) as session,
    ):
        yield Client(address, session, said)
