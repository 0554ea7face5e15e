"""What bound a run is what was seen most; where nothing was seen, nothing is blamed."""

from __future__ import annotations

from collections import Counter

import pytest

from ingestor.engines.gauges import ADVICE, Gauges
from ingestor.kits.pacing import Adaptive, Memory
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


def gauges(seen: Counter[str]) -> Gauges:
    few = Adaptive(start=1, ceiling=1)
    quota = Quota([60.0], largest=[1.0], clock=lambda: 0.0)
    return Gauges(Channels.opened(), Memory(1), few, few, quota, seen)
