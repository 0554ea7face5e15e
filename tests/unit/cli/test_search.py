"""A terminal understands what the page understands, and says why there is nothing to show."""

from __future__ import annotations

import asyncio
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from ingestor.catalog.query import Near, Page, Query, lone_hit
from ingestor.cli.reporting import text_of
from ingestor.cli.search import Asked, Found, drawn, meant, nothing, search
from ingestor.cli.visit import Visit
from ingestor.errors import SettingsError
from ingestor.models import Published
from ingestor.settings import Settings
from tests.builders import a_label, a_photo, a_published, a_size
from tests.shelves import a_shelved, local_shelf

LABELS = ("Dog", "Cat", "Snow", "Polar bear", "Bear", "Black and white", "Ducks, geese and swans")


@pytest.mark.parametrize(
    ("words", "labels", "any_of", "none_of"),
    [
        pytest.param(["dog"], ["dog"], [], [], id="one"),
        pytest.param(["dog", "snow"], ["dog", "snow"], [], [], id="both"),
        pytest.param(["dog, snow"], ["dog", "snow"], [], [], id="both, in one piece"),
        pytest.param(["dog or cat"], [], [["dog", "cat"]], [], id="either"),
        pytest.param(["dog", "or", "cat", "snow"], ["snow"], [["dog", "cat"]], [], id="or, loose"),
        pytest.param(["dog -snow"], ["dog"], [], ["snow"], id="minus"),
        pytest.param(["dog", "not", "snow"], ["dog"], [], ["snow"], id="not, loose"),
        pytest.param(["dog", "NOT snow"], ["dog"], [], ["snow"], id="not, of its own"),
        pytest.param(["polar bear", "snow"], ["polar bear", "snow"], [], [], id="two words"),
        pytest.param(["polar", "bear"], ["Polar bear"], [], [], id="a label, loose"),
        pytest.param(["black and white"], ["Black and white"], [], [], id="a label with our word"),
        pytest.param(['"black and white"'], ["black and white"], [], [], id="quoted"),
        pytest.param(["black, white"], ["black", "white"], [], [], id="two that a label holds"),
        pytest.param(
            ["ducks, geese and swans", "snow"],
            ["ducks, geese and swans", "snow"],
            [],
            [],
            id="comma",
        ),
    ],
)
async def test_words_are_understood_as_on_the_page(
    tmp_path: Path,
    words: list[str],
    labels: list[str],
    any_of: list[list[str]],
    none_of: list[str],
) -> None:
    async with local_shelf(tmp_path) as shelf:
        await shelf.put(a_shelved("1", dict.fromkeys(LABELS, 0.9)))

        query = await meant(shelf.catalog, Asked(words=tuple(words)))

    assert list(query.labels) == labels
    assert [list(group) for group in query.any_of] == any_of
    assert list(query.none_of) == none_of


@pytest.mark.parametrize("words", [[""], ["not dog"], ["or"], ["a,b,c,d,e,f,g,h,i"]])
async def test_what_asks_for_nothing_or_too_much_is_refused(
    tmp_path: Path, words: list[str]
) -> None:
    async with local_shelf(tmp_path) as shelf:
        with pytest.raises(SettingsError, match="Search for one"):
            await meant(shelf.catalog, Asked(words=tuple(words)))


@pytest.mark.parametrize(
    ("label", "said"),
    [
        pytest.param("dog", "All that is labelled 'dog' is hidden", id="hidden"),
        pytest.param("cat", "No picture is labelled 'cat'.", id="not there"),
    ],
)
def test_what_is_hidden_is_not_said_not_to_be_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], label: str, said: str
) -> None:
    asyncio.run(put(tmp_path, a_shelved("1", {"Dog": 0.9}, safe={"adult": "LIKELY"})))

    search(Visit(), Settings.read(state=tmp_path), Asked(words=(label,)), as_json=False)

    assert capsys.readouterr().err.startswith(said)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(
            ("polar", "bear"),
            "No picture is labelled 'polar' and 'bear'. There is: Bear.",
            id="loose",
        ),
        pytest.param(
            ("polar bear",),
            "No picture is labelled 'polar bear'. There is: Bear.",
            id="in one piece",
        ),
        pytest.param(
            ("bear", "sea lion"),
            "No picture is labelled 'bear' and 'sea lion'. There is: Bear, Sea lion.",
            id="not together",
        ),
        pytest.param(("polar", "ice"), "No picture is labelled 'polar' and 'ice'.", id="none"),
    ],
)
def test_which_of_several_words_are_labels_is_told_as_on_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    asyncio.run(put(tmp_path, a_shelved("1", {"Bear": 0.9}), a_shelved("2", {"Sea lion": 0.9})))

    search(Visit(), Settings.read(state=tmp_path), Asked(words=words), as_json=False)

    assert capsys.readouterr().err == f"{said}\n"


async def put(state: Path, *photos: Published) -> None:
    async with local_shelf(state) as shelf:
        await shelf.put(*photos)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        pytest.param(
            Found(query=Query(labels=("dog",)), page=Page(), anything=False),
            "The collection is empty: no picture is labelled yet.",
            id="empty",
        ),
        pytest.param(
            Found(query=Query(labels=("dgo",)), page=Page(near=(Near("dgo", "Dog"),))),
            "No picture is labelled 'dgo'. There is: Dog.",
            id="misspelt",
        ),
        pytest.param(
            Found(
                query=Query(labels=("dog",), none_of=("a", "b"), any_of=(("c", "d"),)), page=Page()
            ),
            "No picture is labelled 'dog' and 'c' or 'd' without 'a' or 'b'.",
            id="combined",
        ),
        pytest.param(
            Found(query=Query(labels=("dog",)), page=Page(), hidden=True),
            "All that is labelled 'dog' is hidden by SafeSearch; --all shows it.",
            id="hidden",
        ),
        pytest.param(
            Found(query=Query(labels=("dog",), cursor="0000001-p1"), page=Page()),
            "No further picture is labelled 'dog'.",
            id="behind the last",
        ),
        pytest.param(
            Found(query=Query(labels=("dog",), min_score=0.9), page=Page()),
            "No picture is labelled 'dog' with a score of 0.9 or more.",
            id="too high a score",
        ),
        pytest.param(
            Found(
                query=Query(labels=("dog", "cat"), min_score=0.9),
                page=Page(),
                among=("Dog", "Cat"),
            ),
            "No picture is labelled 'dog' and 'cat' with a score of 0.9 or more.",
            id="too high a score for two",
        ),
    ],
)
def test_nothing_is_said_with_its_reason(found: Found, said: str) -> None:
    assert nothing(found) == said


@pytest.mark.parametrize("width", [60, 120])
def test_nothing_that_a_database_holds_moves_the_cursor(width: int) -> None:
    moving = "\x1b]0;mine\x07\x9b2J\r\u202e"
    photo = a_photo("1", title=moving, owner_name=moving, page=f"https://x/{moving}")
    size = a_size(url=f"https://y/{moving}")
    hit = lone_hit(a_published("1", a_label(f"dog{moving}"), photo=photo, size=size))
    console = Console(file=StringIO(), width=width, force_terminal=True, color_system=None)

    text = text_of(drawn(Page(hits=(hit,)), width=width), console)

    assert text.replace("\n", "").isprintable()
