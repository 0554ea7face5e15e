"""The curve of a run is drawn from counts."""

from __future__ import annotations

import pytest

from ingestor.web.chart import HEIGHT, WIDTH, draw, rates

STEADY = [(float(n), 500, 10 * n, 10 * n, 5 * n, 0) for n in range(20)]


def test_rates_are_differences_over_some_seconds() -> None:
    assert rates(STEADY, 3)[10:] == pytest.approx([10.0] * 10)


def test_lines_stay_in_the_drawing_and_the_quota_lies_where_it_belongs() -> None:
    chart = draw(STEADY, quota=20)

    assert chart is not None
    assert chart.quota == pytest.approx(HEIGHT * (1 - 20 / 25))
    annotated = chart.lines[2]
    x, y = annotated.points.split()[-1].split(",")
    assert (float(x), float(y)) == pytest.approx((WIDTH, HEIGHT * (1 - 10 / 25)))
    assert annotated.last == 10


def test_a_quota_that_nothing_comes_near_is_left_out_of_sight() -> None:
    chart = draw(STEADY, quota=1000)

    assert chart is not None
    assert chart.quota < 0


@pytest.mark.parametrize("points", [[], STEADY[:1], [STEADY[3], STEADY[3]]])
def test_too_little_is_not_drawn(points: list[tuple[float, ...]]) -> None:
    assert draw(points, quota=30) is None
