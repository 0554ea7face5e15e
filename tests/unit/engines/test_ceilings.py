"""Whoever comes to a ceiling is told of it in the words in which it was set."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ingestor.cli.reporting import ONWARD
from ingestor.engines.ceilings import LATER, ONCE_MORE, budget_of
from ingestor.errors import RunStopped
from ingestor.journal.ledger import Units
from ingestor.journal.recovery import Opening
from ingestor.settings import Settings


def opened(*, month: int = 0, day: int = 0) -> Opening:
    """A run in a month, and on a day, that have had so many units of other runs."""
    return Opening(
        run=1,
        spent=Units(),
        spent_this_month=Units(),
        month=Units(certain=month),
        day=Units(certain=day),
        recent=(),
    )


async def told(opening: Opening, **ceilings: Any) -> RunStopped:
    budget = budget_of(Settings.read(**ceilings), opening)
    await budget.reserve(budget.left or 0)
    await budget.settle(budget.reserved, spent=budget.reserved)
    with pytest.raises(RunStopped) as stopped:
        await budget.reserve(1)
    return stopped.value


@pytest.mark.parametrize(
    ("ceilings", "reason", "name"),
    [
        ({"max_cost": 0.05}, "max-cost", "$0.05 (33 units)"),
        ({"max_cost": 20.0}, "max-cost", "$20 (13,333 units)"),
        ({"max_units": 1}, "max-units", "1 unit"),
        ({"max_units_per_day": 500}, "max-units-per-day", "500 units a day"),
        ({"max_units": 900, "max_units_per_month": 1100}, "max-units-per-month", "1,100 units a month"),
    ],
)  # fmt: skip
async def test_a_ceiling_is_named_as_it_was_set(
    ceilings: dict[str, Any], reason: str, name: str
) -> None:
    stopped = await told(opened(month=1000, day=480), **ceilings)

    assert stopped.reason == reason
    assert f"The ceiling of {name} is reached." in str(stopped)


@pytest.mark.parametrize(
    ("ceilings", "left"),
    [
        ({"max_units": 50}, 50 - 40),
        ({"max_units_per_day": 100}, 100 - 60),
        ({"max_units_per_month": 1100}, 1100 - 1000),
        # $0.09 are 60 units. 10 were bought last month, and 30 with this one's last free units.
        ({"max_cost": 0.09}, 60 - 10),
    ],
)
def test_what_a_killed_run_has_spent_is_taken_off_once(ceilings: dict[str, Any], left: int) -> None:
    opening = replace(
        opened(month=970 + 30, day=60), spent=Units(certain=40), spent_this_month=Units(certain=30)
    )

    assert budget_of(Settings.read(**ceilings), opening).left == left


async def test_without_a_ceiling_there_is_always_more() -> None:
    assert budget_of(Settings.read(), opened()).left is None


async def test_where_nothing_may_be_spent_the_same_command_is_no_help() -> None:
    assert "with a higher ceiling" in str(await told(opened(), max_units=0))


def test_the_report_advises_what_the_sentence_says() -> None:
    for period in ("day", "month"):
        assert ONWARD[f"max-units-per-{period}"] in LATER.format(period)
    assert ONWARD["max-units"] in ONCE_MORE
    assert ONWARD["max-cost"] in ONCE_MORE
