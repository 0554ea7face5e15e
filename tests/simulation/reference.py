"""
The reference fault profile: one long undisturbed run, and what bad weather makes it buy twice.

With a rate p, a paid call loses its answer with p / 2, is never answered with p / 5, and brings an
answer too few with p / 4; all of these are charged. Everything else that is asked for fails with p.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from ingestor.errors import AnswerLost
from ingestor.models import Image
from ingestor.purchases.meaning import Answer
from ingestor.report import Report
from ingestor.sandbox.quotas import Quotas
from ingestor.settings import Settings
from tests.simulation.checks import Checker
from tests.simulation.lives import Life, Verdict, in_its_world
from tests.simulation.loop import LongLoop
from tests.simulation.scenario import Scenario
from tests.simulation.upstreams import PAID_DEADLINE, Leaving, Upstreams
from tests.simulation.world import Call, World

RATE: Final = 0.02
PER_MINUTE: Final = 60_000
"""Images: the quota is not what is looked at."""


def reference(
    photos: int, *, seed: int, in_doubt: Literal["retry", "park"]
) -> tuple[World, Report]:
    """Carry out one run over so many photos, with the settings that a user has by default."""
    scenario = Scenario.of(
        seed,
        photos=photos,
        per_page=500,
        most_images=16,
        max_in_flight=None,
        max_downloads=64,
        images_per_minute=PER_MINUTE,
        requests_per_minute=PER_MINUTE,
        fault_rate=RATE,
        kinds=0xFFFF,
        disk_fault_rate=0.0,
        stall_rate=0.0,
        focus="",
        troubled=0.0,
        outage=None,
        vision_seconds=1.0,
        patience=120.0,
        database=False,
        in_doubt=in_doubt,
        doubt_share=Settings.model_fields["doubt_share"].default,
        max_units=None,
        limit=None,
        moving=False,
        fresh_file=False,
        watched=False,
        fates=(),
    )
    with in_its_world(scenario) as world:
        quotas = Quotas(
            requests_per_minute=PER_MINUTE, images_per_minute=PER_MINUTE, clock=lambda: world.now
        )
        report = LongLife(world, quotas, None, Verdict(scenario, world)).run()
    if report is None or report.ended != "complete":
        raise AssertionError(f"the run ended early: {report}")
    return world, report


class Onlooker(Checker):
    """Looks at the bill only: what the others look at takes longer the longer a run is."""

    def before_paying(self, call: Call, images: Sequence[Image]) -> None:
        pass

    def committed(self) -> None:
        pass

    def updated(self, paths: Mapping[str, Any]) -> None:
        pass

    def life_ended(self, *, killed: bool) -> None:
        pass


class Reference(Upstreams):
    """As all upstreams, with other dice for paid calls."""

    async def _look(
        self, call: Call, images: Sequence[Image], _leaving: Leaving
    ) -> Sequence[Answer]:
        call.charged = True
        await self._travel(self.world.scenario.vision_seconds)
        dice = self.rng.random() / self.world.scenario.fault_rate
        if dice < 1 / 2:
            raise AnswerLost("connection reset", reason="reset")
        if dice < 1 / 2 + 1 / 5:
            await asyncio.sleep(PAID_DEADLINE)
            raise AnswerLost("no answer in time", reason="timeout")
        short = dice < 1 / 2 + 1 / 5 + 1 / 4
        return self._read(images, self._answer(call, images, "short" if short else ""))


class LongLife(Life):
    loop_of = LongLoop
    upstreams_of = Reference
    checker_of = Onlooker
