"""Whatever the page of guarantees says can be asked for, set or run again can be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/guarantees.md").read_text(encoding="utf-8")
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


def test_the_page_is_found_from_the_front_page_and_the_architecture() -> None:
    for page in ("README.md", "docs/architecture.md"):
        assert "guarantees.md)" in (ROOT / page).read_text(encoding="utf-8"), page
