"""What the bench makes of a run that it has seen."""

from __future__ import annotations

import re
from dataclasses import replace

import orjson
import pytest

from ingestor.bench import charts, held, page, rounds, table
from ingestor.bench.figures import figures_of, median, percentile, rate
from ingestor.bench.sampling import REST, stage_of
from ingestor.bench.scenarios import SCENARIOS, with_company
from tests.laps import a_lap


def test_a_photo_costs_what_one_more_costs() -> None:
    figures = figures_of(a_lap(cpu=3.0))

    assert figures.cpu_us == pytest.approx(3.0 / 750 * 1e6)
    assert figures.faults == pytest.approx(2.0)
    assert figures.steady_per_second == pytest.approx(100.0)
    assert (figures.lost, figures.doubled) == (0, 2)


def test_what_was_done_before_the_count_began_is_not_counted() -> None:
    lap = a_lap(cpu=3.0)
    warm = {**lap.final["warm"], "downloaded": 1000}

    figures = figures_of(replace(lap, final={**lap.final, "warm": warm}))

    assert figures.cpu_us == pytest.approx(3.0 / (750 * 0.4) * 1e6)
    assert figures.steady_per_second == pytest.approx(750 * 0.4 / 7.5)


def test_every_charge_beyond_the_first_counts_though_the_bill_does_not_name_them_all() -> None:
    bill = {"images": 2000, "photos": 1000, "charged_again": {str(n): 2 for n in range(100)}}

    assert figures_of(replace(a_lap(), bill=bill)).doubled == 1000


def test_a_quota_is_measured_between_purchases() -> None:
    assert figures_of(a_lap(quota=6000)).quota_window == pytest.approx(1.0)


def test_medians_are_of_each_figure_by_itself() -> None:
    several = [figures_of(a_lap(cpu=cpu)) for cpu in (2.0, 3.0, 30.0)]

    assert median(several).cpu_us == several[1].cpu_us


def test_a_rate_starts_again_after_a_kill() -> None:
    first = [{"at": float(at), "stored": 10 * at} for at in range(11)]
    second = [{"at": 12.0 + at, "stored": 100 * at} for at in range(11)]
    killed = replace(a_lap(), samples=[*first, *second], seconds=60.0)

    assert rate(killed, "stored") == [
        *((float(at), 10.0) for at in range(1, 11)),
        (12.0, 0.0),
        *((12.0 + at, 100.0) for at in range(1, 11)),
    ]


def test_percentiles_of_nothing_are_nought() -> None:
    assert percentile([], 0.99) == 0.0


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 51), (0.99, 100), (1.0, 100)])
def test_a_percentile_is_one_of_the_values(share: float, value: int) -> None:
    assert percentile(range(100, 0, -1), share) == value


def test_the_tail_is_the_time_of_the_last_hundredth() -> None:
    slow_end: list[dict[str, float]]
    slow_end = [{"at": 10, "stored": 980}, {"at": 15, "stored": 990}, {"at": 20, "stored": 1000}]

    lap = replace(a_lap(photos=1000), samples=slow_end, seconds=20.0)

    assert figures_of(lap).tail == 0.25


def test_what_was_lost_and_what_was_paid_for_twice_are_told_side_by_side() -> None:
    head, line = table.rows([a_lap()])

    told = dict(zip(head, line, strict=True))
    assert (told["lost"], told["twice"]) == ("0", "2")


def test_what_was_kept_can_be_held_against_what_is_new() -> None:
    laps = [a_lap(cpu=5.0)]
    kept = table.laps_from(orjson.loads(rounds.as_json([a_lap(cpu=2.0)], about={})))

    assert re.search(r"ceiling +1,000 .* 2\.50", table.comparison(laps, kept).replace("  ", " "))


def test_the_report_needs_nothing_beside_it() -> None:
    text = page.page([a_lap(quota=6000)], about={"cpu": "<b>"})

    assert text.count("<svg") == 7
    assert not re.search(r"(?:src|href)=|https?://|<script|<b>", text)


@pytest.mark.parametrize(
    ("most", "ticks"),
    [(1918, [0, 500, 1000, 1500, 2000]), (0.9, [0, 0.25, 0.5, 0.75, 1.0]), (30, [0, 10, 20, 30])],
    ids=str,
)
def test_axes_are_marked_in_round_numbers(most: float, ticks: list[float]) -> None:
    assert charts._ticks(most) == ticks


def test_a_scenario_brings_the_one_it_is_held_against() -> None:
    assert with_company(["tls", "quota", "faulty"]) == (
        "ceiling",
        "tls",
        "quota",
        "clean",
        "faulty",
    )


def test_what_tls_costs_is_the_median_of_what_each_round_says() -> None:
    costs = {"ceiling": (2.0, 2.0, 9.0), "tls": (5.0, 3.0, 11.0)}
    laps = [
        replace(a_lap(cpu=cpu, number=number), scenario=name)
        for name, several in costs.items()
        for number, cpu in enumerate(several)
    ]

    (sentence,) = held.sentences(laps)

    assert "of which 33% is TLS" in sentence


def test_what_faults_cost_is_time_and_no_photo() -> None:
    laps = [
        replace(a_lap(), scenario="clean"),
        replace(a_lap(), scenario="faulty", seconds=12.5),
    ]

    assert held.sentences(laps) == [
        "faulty: 1.25 times as long as clean, the kill included; 0 lost."
    ]


def test_growth_is_told_in_memory_and_in_cpu() -> None:
    laps = [replace(a_lap(photos=photos), scenario="scale") for photos in (1000, 10_000, 100_000)]

    (sentence,) = held.sentences(laps)

    assert "100,000 photos take 1.00 times the memory of 1,000" in sentence


def test_a_round_in_which_a_size_failed_says_nothing_of_growth() -> None:
    whole = [replace(a_lap(photos=n), scenario="scale") for n in (1000, 10_000, 100_000)]
    broken = [replace(lap, round=1) for lap in whole[:2]]

    assert held.sentences([*whole, *broken]) == held.sentences(whole) != []


def test_growth_is_not_told_where_no_round_has_every_size() -> None:
    small, middle, large = (
        replace(a_lap(photos=n), scenario="scale") for n in (1000, 10_000, 100_000)
    )
    broken = [middle, large, replace(small, round=1), replace(large, round=1)]

    assert held.sentences(broken) == []


def test_a_frame_outside_of_the_stages_is_the_loop() -> None:
    assert stage_of(None) == REST


@pytest.mark.slow
async def test_a_round_is_measured_from_its_start_to_its_end() -> None:
    lap = await rounds.lap(SCENARIOS["latency"], photos=48, number=0, quick=True)

    figures = figures_of(lap)
    assert lap.final["report"]["stored"] == 48
    assert (figures.lost, figures.doubled) == (0, 0)
    assert figures.cpu_us > 0
