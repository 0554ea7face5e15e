"""Numbers and foreign texts read well in a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestor.cli.search import bar
from ingestor.cli.spelling import duration, one_line, share, state_flag
from ingestor.kits.amounts import money


@pytest.mark.parametrize(
    ("seconds", "spelt"),
    [(0.04, "0.0 s"), (59.94, "59.9 s"), (61.0, "1 min 01 s"), (3599.7, "1 h 00 min")],
)
def test_durations_are_as_exact_as_they_are_short(seconds: float, spelt: str) -> None:
    assert duration(seconds) == spelt


@pytest.mark.parametrize(
    ("dollars", "spelt"), [(0.0, "$0.00"), (0.0015, "$0.0015"), (1234.5, "$1,234.50")]
)
def test_small_sums_show_more_than_cents(dollars: float, spelt: str) -> None:
    assert money(dollars) == spelt


@pytest.mark.parametrize(("part", "spelt"), [(1.0, "100%"), (0.9812, "98.1%"), (0.0, "0%")])
def test_shares_are_per_cent(part: float, spelt: str) -> None:
    assert share(part) == spelt


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("a\nb\tc", "a b c", id="line breaks"),
        pytest.param("\x1b[31mred\x07", "[31mred", id="escape sequences"),
        pytest.param("x" * 50, "x" * 9 + "…", id="too long"),
        pytest.param("\u202eolleh", "olleh", id="turned around"),
    ],
)
def test_a_foreign_text_cannot_disturb_the_terminal(text: str, line: str) -> None:
    assert one_line(text, most=10) == line


def test_the_usual_state_directory_needs_no_flag() -> None:
    assert state_flag(Path(".ingestor")) == ""
    assert state_flag(Path("a b")) == " --state 'a b'"


@pytest.mark.parametrize("score", [0.0, 0.013, 0.5, 0.987, 1.0])
def test_a_score_is_a_bar_of_its_length(score: float) -> None:
    drawn = bar(score)

    assert len(drawn) == 10
    assert abs(drawn.count("█") - score * 10) <= 1
