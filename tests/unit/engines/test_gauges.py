"""What bound a run is what was seen most; where nothing was seen, nothing is blamed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from typing import Any

import pytest

from ingestor.engines.gauges import ADVICE, Gauges
from ingestor.kits.channel import Channel
from ingestor.kits.memory import Memory
from ingestor.kits.pacing import Adaptive
from ingestor.kits.quota import Quota
from ingestor.pipeline import Channels


@pytest.mark.parametrize(
    ("seen", "bought", "name"),
    [
        pytest.param({"images": 3, "vision-quota": 9}, 48, "vision-quota", id="most often"),
        pytest.param({}, 5, "nothing", id="over at once"),
        pytest.param({"images": 3}, 0, "nothing-to-do", id="nothing bought"),
    ],
)
def test_what_bound_is_what_was_seen_most(seen: dict[str, int], bought: int, name: str) -> None:
    watched = Counter(seen)

    verdict = gauges(watched).verdict(bought=bought)

    assert (verdict.name, verdict.advice) == (name, ADVICE[name])


async def crowded(channel: Channel[Any]) -> None:
    await channel.send_all([None] * channel.capacity)


async def test_what_binds_is_the_last_place_where_things_pile_up() -> None:
    parts = gauges(Counter())
    waiting: list[asyncio.Task[Any]] = []
    told = [parts.binding()]

    async def pile_up(pile: Coroutine[Any, Any, Any], *, waits: bool) -> None:
        task = asyncio.create_task(pile, name="pile")
        await (asyncio.sleep(0) if waits else task)
        waiting.append(task)
        told.append(parts.binding())

    await pile_up(parts.downloads.enter(), waits=False)
    await pile_up(crowded(parts.channels.photos), waits=False)
    parts.downloads.too_much(0)
    told.append(parts.binding())
    await parts.memory.reserve(1)
    await pile_up(parts.memory.reserve(1), waits=True)
    await pile_up(crowded(parts.channels.images), waits=False)
    await pile_up(parts.quota.acquire(1.0), waits=True)
    await pile_up(crowded(parts.channels.published), waits=False)
    for task in waiting:
        task.cancel()

    assert told == [
        "flickr",
        None,
        "images",
        "images-throttled",
        "memory",
        "vision",
        "vision-quota",
        "database",
    ]


def gauges(seen: Counter[str]) -> Gauges:
    few = Adaptive(start=1, ceiling=1)
    quota = Quota([60.0], largest=[1.0], clock=lambda: 0.0)
    return Gauges(Channels.opened(), Memory(1), few, few, quota, seen)
