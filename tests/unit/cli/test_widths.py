"""Little room takes nothing away that is worth reading: figures stay, and addresses stay whole."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console, RenderableType

from ingestor import events
from ingestor.catalog.query import Hit, Page
from ingestor.cli import status
from ingestor.cli.figures import Figures
from ingestor.cli.progress import bars
from ingestor.cli.reporting import steps_table, text_of
from ingestor.cli.search import drawn
from ingestor.journal.standing import Standing
from ingestor.settings import Settings

WIDTHS = [40, 60, 72, 100]


def shown(what: RenderableType, *, width: int, terminal: bool = True) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=terminal, color_system=None)
    return text_of(what, console)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_figures_of_a_large_group_are_there_at_any_width(width: int) -> None:
    figures = Figures(images_per_minute=1800, started=0.0)
    page = events.PageListed(group="g", page=1, pages=50, total=250_000, listed=125_000, known=0)

    figures.take(page, now=0.0)
    text = shown(bars(figures, now=60.0, width=width), width=width)

    assert "125,000 / 250,000" in text
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_an_address_is_one_piece_at_any_width(width: int) -> None:
    text = shown(drawn(Page(hits=(HIT,)), width=width), width=width)

    assert HIT.page in text
    assert HIT.image in text
    assert "0.985" in text


@pytest.mark.parametrize("width", WIDTHS)
def test_what_to_type_next_is_not_cut_off(width: int) -> None:
    steps = {"ingestor search dog --state there": "finds the best pictures of anything"}

    text = shown(steps_table(steps), width=width)

    assert text.split() == " ".join([*steps, *steps.values()]).split()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_run_is_told_with_its_day_at_any_width(width: int) -> None:
    text = shown(status.drawn(STANDING, Settings.read(), at_work=False), width=width)

    assert set(text.split()) >= {
        *["2026-11-30", "15:05", "UTC", "complete", "1,888", "photos", "stored,", "units"]
    }
    assert max(map(len, text.splitlines())) <= width


def test_lines_in_a_file_end_where_their_text_ends() -> None:
    text = shown(drawn(Page(hits=(HIT,)), width=100), width=100, terminal=False)

    assert not [line for line in text.split("\n") if line != line.rstrip()]


HIT = Hit(
    photo="51025077901",
    score=0.985,
    title="My first butterfly",
    owner_name="Søren Petrov",
    page="https://www.flickr.com/photos/100737458@N04/51025077901/",
    image="https://live.staticflickr.com/65535/51025077901_cc497318ca_z.jpg",
    thumb="https://live.staticflickr.com/65535/51025077901_cc497318ca_n.jpg",
    width=640,
    height=480,
    license="4",
    labels=(),
)

STANDING = Standing(
    photos={"stored": 1888},
    certain=1888,
    possible=0,
    reserved=0,
    month_units=1888,
    in_doubt=0,
    doubtful_purchases=0,
    groups=[],
    runs=[
        {
            "started": datetime(2026, 11, 30, 15, 5, tzinfo=UTC).timestamp(),
            "ended": 0.0,
            "reason": "complete",
            "report": {"stored": 1888, "units": {"certain": 1888}},
        }
    ],
)
