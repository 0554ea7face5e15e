"""
How long an upstream takes to answer when nothing is wrong.

No vendor documents these figures: they are rounded from what users report, and can be scaled.
"""

import asyncio
import random
from typing import Final

BASE_SECONDS: Final = {
    "flickr": 0.2,
    "image": 0.08,
    "vision": 0.5,
    "database": 0.06,
    "google": 0.03,
}

SECONDS_PER_IMAGE: Final = {"vision": 0.03}

SPREAD: Final = {"flickr": 0.3, "vision": 0.3}
"""The share by which an answer may come earlier or later."""


class Latency:
    """Waits as long as an upstream would; `fast` waits for nothing, `scale` stretches."""

    def __init__(self, seed: int, *, fast: bool = False, scale: float = 1.0) -> None:
        self._random = random.Random(f"latency:{seed}")
        self._scale = 0.0 if fast else scale

    def seconds(self, upstream: str, *, images: int = 0) -> float:
        plain = BASE_SECONDS[upstream] + images * SECONDS_PER_IMAGE.get(upstream, 0.0)
        spread = SPREAD.get(upstream, 0.0)
        return plain * self._scale * self._random.uniform(1 - spread, 1 + spread)

    async def pause(self, upstream: str, *, images: int = 0) -> None:
        if self._scale > 0:
            await asyncio.sleep(self.seconds(upstream, images=images))
