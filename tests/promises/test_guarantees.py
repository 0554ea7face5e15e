"""Whatever the page of guarantees says can be asked for, set or run again can be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingestor.apis.vision import IMAGES_PER_REQUEST, PAID_DEADLINE
from ingestor.engines import leases
from ingestor.purchases import buyer, door
from ingestor.records.leases import SKEW
from ingestor.settings import MOST_IN_FLIGHT, Settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/guarantees.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
REFERENCE = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
CAMPAIGNS = sorted(set(re.findall(r"`scripts/campaign ([^`]+)`", PAGE)))


def test_every_figure_has_its_command() -> None:
    figures = PAGE.partition("## What was seen")[2]
    rows = re.findall(r"^\| (?!what|---)(.+) \|$", figures, flags=re.MULTILINE)

    assert len(rows) >= 10
    assert not [row for row in rows if "`scripts/campaign " not in row]


@pytest.mark.parametrize("command", CAMPAIGNS)
def test_every_campaign_of_the_page_can_be_run(command: str) -> None:
    name, *words = command.split()
    source = (ROOT / "tests/campaigns" / f"{name}.py").read_text(encoding="utf-8")

    # Numbers are values of the option before them.
    unknown = [word for word in words if not word.isdigit() and f'"{word}"' not in source]

    assert "def main() -> int:" in source
    assert not unknown


def test_every_flag_and_variable_of_the_page_is_in_the_reference() -> None:
    ours = re.sub(r"`scripts/campaign [^`]+`", "", PAGE)
    named = re.findall(r"`(--[a-z-]+|INGESTOR_[A-Z_]+)", ours)

    assert named
    assert not [name for name in named if f"`{name}" not in REFERENCE]


def test_the_figures_that_are_promised_are_those_of_the_code() -> None:
    """Other tests take them from the code, and would follow where it goes."""
    settings = Settings.model_fields

    assert "at most four purchases of an image for errors of its own" in PAGE
    assert door.MOST_ATTEMPTS == 4
    assert "five of a request for 503" in PAGE
    assert 1 + buyer.MOST_UNAVAILABLE + 1 == 5
    assert "at most `--max-in-flight` requests of 16 images" in PAGE
    assert IMAGES_PER_REQUEST == 16
    assert "never more than 64" in PAGE
    assert MOST_IN_FLIGHT == 64
    assert "0.05 % of what\n  was bought beyond that" in PAGE
    assert settings["doubt_share"].default == 0.0005
    assert "`--drain` and two seconds**, ten by default" in PAGE
    assert settings["drain"].default + 2 == 10
    assert "have to agree within half a minute" in PAGE
    assert SKEW == 30
    assert "A lease lasts 18 minutes" in ARCHITECTURE
    assert leases.LASTING == 18 * 60
    assert "the longest paid call (10 minutes)" in ARCHITECTURE
    assert PAID_DEADLINE == 10 * 60


def test_the_page_is_found_from_the_front_page_and_the_architecture() -> None:
    for page in ("README.md", "docs/architecture.md"):
        assert "guarantees.md)" in (ROOT / page).read_text(encoding="utf-8"), page
