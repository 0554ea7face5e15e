"""A worker takes the flags of a run, on whichever side of its name they stand."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ingestor.cli import main

PLAIN, SAFE = "http://a.b", "https://a.b"

Said = Callable[..., str]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Said]:
    """What a worker says that was called with these words, and cannot begin."""
    hooks = sys.excepthook, sys.unraisablehook, threading.excepthook

    def said(*words: str) -> str:
        assert main([*words, "--group", "zoo", "--state", str(tmp_path)]) == 2
        return capsys.readouterr().err

    yield said
    sys.excepthook, sys.unraisablehook, threading.excepthook = hooks


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["--flickr-url", PLAIN, "worker"], id="before it"),
        pytest.param(["worker", "--flickr-url", PLAIN], id="behind it"),
        pytest.param(["--flickr-url", SAFE, "worker", "--flickr-url", PLAIN], id="on both sides"),
    ],
)
def test_a_flag_of_a_run_counts_on_either_side_and_the_later_one_wins(
    said: Said, words: list[str]
) -> None:
    assert f"--flickr-url: '{PLAIN}' must begin with https" in said(*words)


def test_the_earlier_of_two_is_forgotten(said: Said) -> None:
    # Eyes off: it would listen before it asks for a key, and somebody else may be there.
    words = ["--flickr-url", PLAIN, "worker", "--flickr-url", SAFE, "--eyes", "off"]

    assert "FLICKR_API_KEY" in said(*words)


@pytest.mark.parametrize("words", [["--limit", "5"], ["--dry-run"], ["--max-cost", "1"]])
def test_what_is_for_one_run_is_refused_with_what_to_do_instead(
    said: Said, words: list[str]
) -> None:
    assert f"{words[0]} is not for a worker: " in said("worker", *words)


def test_a_budget_in_dollars_is_answered_with_the_units_that_a_worker_takes(said: Said) -> None:
    assert "$50.00 a month are --max-units-per-month 34333" in said("worker", "--max-cost", "50")


def test_the_help_shows_what_a_worker_takes_and_not_what_it_refuses(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["worker", "--help"])

    shown = capsys.readouterr().out
    assert all(flag in shown for flag in ("--every", "--database-url", "--images-per-minute"))
    assert not [flag for flag in ("--limit", "--dry-run", "--version") if flag in shown]
