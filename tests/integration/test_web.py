"""The page over HTTP: the same over both catalogs, calm about everything, and true to its words."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, closing
from functools import partial
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import jsonschema
import pytest
import pytest_asyncio

from ingestor import events
from ingestor.catalog.query import Hit, LabelCount, Page, Query
from ingestor.engines.pulse import Pulse
from ingestor.errors import Unavailable
from ingestor.journal.dead import fail
from ingestor.journal.facts import set_fact
from ingestor.journal.runs import begin_run, end_run
from ingestor.journal.writer import Journal, connect
from ingestor.models import Failure
from ingestor.web import app, lookout
from ingestor.web.app import STATIC, application
from ingestor.web.asking import LONGEST_TEXT
from ingestor.web.gate import MOST_QUESTIONS
from ingestor.web.house import House
from ingestor.web.lazy import lazily
from ingestor.web.live import MOST_STREAMS
from ingestor.web.runs import Board, runs_of
from tests.builders import a_report
from tests.houses import HOSTILE, IMAGES, Client, a_collection, visiting
from tests.shelves import a_shelved, database_shelf, local_shelf

OPENAPI = json.loads((STATIC / "openapi.json").read_text())
CARD = re.compile(r'<li class="card.*?</li>', re.DOTALL)
A_HIDDEN_ONE = a_shelved("2000", {"Cobra": 0.8}, safe={"violence": "LIKELY"})
"""The only one of its label."""
A_RUN = "INSERT INTO runs (id, started) VALUES ('again', 1.0)"


@pytest_asyncio.fixture(params=["local", "database"])
async def page(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Client]:
    opened = local_shelf(tmp_path) if request.param == "local" else database_shelf()
    async with opened as shelf:
        await shelf.put(*a_collection(), A_HIDDEN_ONE)
        async with visiting(shelf.catalog, tmp_path) as client:
            yield client


@pytest_asyncio.fixture
async def local(tmp_path: Path) -> AsyncIterator[Client]:
    async with local_shelf(tmp_path) as shelf:
        await shelf.put(*a_collection())
        async with visiting(shelf.catalog, tmp_path) as client:
            yield client


class Down:
    """A store that is down."""

    async def search(self, query: Query) -> Page:
        raise Unavailable("down", upstream="database")

    async def suggest(self, prefix: str, *, limit: int = 10) -> tuple[LabelCount, ...]:
        raise Unavailable("down", upstream="database")

    async def popular(self, *, limit: int = 24) -> tuple[LabelCount, ...]:
        raise Unavailable("down", upstream="database")

    async def photo(self, photo_id: str) -> Hit | None:
        raise ValueError("a bug")


async def test_every_card_has_credit_licence_and_link_and_no_page_is_above_30(page: Client) -> None:
    address, pages = "/?q=dog", []
    while address:
        _, html, _ = await page.get(address)
        pages.append(CARD.findall(html))
        following = re.search(r'<a class="button" rel="next" href="([^"]+)"', html)
        address = unescape(following[1]) if following else ""
        assert "not endorsed or certified by SmugMug" in html

    assert [len(cards) for cards in pages] == [30, 30, 9]
    for shown in (one for cards in pages for one in cards):
        assert re.search(r'by <a href="https://www\.flickr\.com/photos/[^"]+"', shown)
        assert re.search(r'<a href="https://[^"]+" rel="license noopener">[^<]+</a>', shown)
        assert re.search(rf'<img src="{IMAGES}/[^"]+" srcset="[^"]+"', shown)
        assert 'width="640" height="427"' in shown


async def test_page_and_json_show_the_same_photos(page: Client) -> None:
    _, html, _ = await page.get("/?q=dog,%20not%20snow&min=0.8")
    plain = await page.json("/?q=dog,%20not%20snow&min=0.8&format=json")
    api = await page.json("/api/search?q=dog,%20not%20snow&min=0.8")

    assert plain == api
    photos = [photo["photo"] for photo in plain["photos"]]
    assert re.findall(r'data-photo="(\d+)"', html) == photos
    assert photos[:3] == ["1000", "1002", "1004"]


@pytest.mark.parametrize(
    ("label", "photos"), [("Black and white", 3), ("Ducks, geese and swans", 1)]
)
async def test_a_label_with_a_word_or_sign_of_ours_in_it_is_found_without_quotes(
    page: Client, label: str, photos: int
) -> None:
    answer = await page.json(f"/api/search?q={quote(label.lower())}")

    assert answer["query"]["groups"] == [[label]]
    assert len(answer["photos"]) == photos


@pytest.mark.parametrize(
    "text", ["black,white", "black, white", '"black" and "white"', "black & white", "black + white"]
)
async def test_who_names_two_labels_is_not_taken_to_mean_one(page: Client, text: str) -> None:
    answer = await page.json(f"/api/search?q={quote(text)}")

    assert answer["query"]["groups"] == [["black"], ["white"]]


async def test_a_misspelt_label_is_corrected_in_place(page: Client) -> None:
    _, html, _ = await page.get("/?q=snoww")

    assert "Did you mean" in html
    assert '<a href="/?q=Snow"><bdi>Snow</bdi></a>' in html


async def test_the_label_that_is_spelt_wrong_is_corrected_and_no_other(page: Client) -> None:
    _, html, _ = await page.get("/?q=dog,%20dgo")

    assert '<a href="/?q=dog%2C%20Dog"><bdi>Dog</bdi></a>' in html


async def test_where_nothing_is_found_the_frequent_labels_are_a_way_on(page: Client) -> None:
    _, html, _ = await page.get("/?q=xyzzy")

    assert "Nothing is labelled like that" in html
    assert '<a href="/?q=Dog"><img' in html


@pytest.mark.parametrize("least", ["", "&min=0.1", "&min=0.9"])
async def test_where_all_there_is_is_hidden_the_page_says_so_and_leads_to_it(
    page: Client, least: str
) -> None:
    _, html, _ = await page.get(f"/?q=cobra{least}")
    way = re.search(r'<a href="([^"]+)">Show hidden pictures</a>', html)
    _, shown, _ = await page.get(unescape(way[1]) if way else "")

    assert "Nothing is labelled like that" not in html
    assert 'data-photo="2000"' not in html
    assert 'data-photo="2000"' in shown


async def test_a_score_is_called_too_high_only_where_a_lower_one_finds_something(
    page: Client,
) -> None:
    _, known, _ = await page.get("/?q=snow&min=0.9")
    _, unknown, _ = await page.get("/?q=xyzzy&min=0.9")

    assert "No score is that high" in known
    assert '<a href="/?q=snow">' in known
    assert "No score is that high" not in unknown


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("dog snow", "Dog, Snow"),
        ("a picture of dogs dog", "Dog"),
        ("snow ducks, not mammal", None),
        ("cobra dog", "Cobra or Dog"),
        ("dog " * 7, None),
        ("ducks geese", None),
        ("snow <b>&", "Snow, <b>&"),
        ('"dog snow"', None),
    ],
)
async def test_labels_among_words_that_are_none_together_are_proposed(
    page: Client, typed: str, meant: str | None
) -> None:
    _, html, _ = await page.get(f"/?q={quote(typed)}")
    proposed = re.search(r'Did you mean <a href="[^"]+"><bdi>(.*?)</bdi></a>\?', html)

    assert (unescape(proposed[1]) if proposed else None) == meant


async def test_a_hidden_photo_shows_itself_only_when_asked(page: Client) -> None:
    default = await page.json("/api/search?q=dog")
    everything = await page.json("/api/search?q=dog&all=1")
    _, veiled, _ = await page.get("/photo/1005")

    assert "1005" not in [photo["photo"] for photo in default["photos"]]
    assert "1005" in [photo["photo"] for photo in everything["photos"]]
    assert 'data-photo="1005"' not in veiled
    assert "Show it" in veiled


async def test_who_has_a_hidden_photo_shown_can_still_go_back(page: Client) -> None:
    _, veiled, _ = await page.get("/photo/1005?q=dog")
    shown = re.search(r'href="([^"]+)">Show it', veiled)
    _, html, _ = await page.get(unescape(shown[1]) if shown else "")

    assert 'data-photo="1005"' in html
    assert "‹ <bdi>dog</bdi>" in html


@pytest.mark.parametrize("path", ["/?q=dog", "/photo/1003?q=dog"])
async def test_invented_photos_lead_to_nobodys_page(
    local: Client, tmp_path: Path, path: str
) -> None:
    _, real, _ = await local.get(path)
    of_world(tmp_path, "sandbox")
    _, invented, _ = await local.get(path)

    assert "https://www.flickr.com/photos/" in real
    assert "https://www.flickr.com/photos/" not in invented
    assert "invented" in invented.casefold()


async def test_who_sees_no_invented_picture_is_told_what_is_missing(
    local: Client, tmp_path: Path
) -> None:
    before = (await local.get("/?q=dog"))[1]
    of_world(tmp_path, "sandbox")

    assert "--sandbox" not in before
    assert "--sandbox" in (await local.get("/?q=dog"))[1]
    async with (
        local_shelf(tmp_path) as shelf,
        visiting(shelf.catalog, tmp_path, image_origin="http://127.0.0.1:7403") as page,
    ):
        assert "--sandbox" not in (await page.get("/?q=dog"))[1]


async def test_photos_of_a_database_are_invented_where_their_pictures_are_on_loopback(
    tmp_path: Path,
) -> None:
    async with database_shelf() as shelf:
        await shelf.put(*a_collection(3))
        async with visiting(
            shelf.catalog, tmp_path, image_origin="http://127.0.0.1:7403", remote=True
        ) as page:
            _, html, _ = await page.get("/photo/1001")

    assert "See it on Flickr" not in html


@pytest.mark.parametrize(("photos", "offered"), [(6, True), (5, False)])
async def test_hidden_pictures_are_offered_where_there_are_any(
    tmp_path: Path, photos: int, offered: bool
) -> None:
    async with local_shelf(tmp_path) as shelf:
        await shelf.put(*a_collection(photos))
        async with visiting(shelf.catalog, tmp_path) as page:
            _, html, _ = await page.get("/?q=dog")

    assert ("Show hidden pictures" in html) is offered


def of_world(folder: Path, world: str) -> None:
    with closing(connect(folder / "journal.sqlite3")) as db:
        set_fact(db, "world", world)


async def test_from_a_photo_one_goes_back_to_the_page_it_was_on(page: Client) -> None:
    _, first, _ = await page.get("/?q=dog")
    following = re.search(r'rel="next" href="([^"]+)">Next', first)
    second = unescape(following[1]) if following else ""
    _, html, _ = await page.get(second)
    card = re.search(r'<h3 dir="auto"><a href="([^"]+)"', html)
    _, shown, _ = await page.get(unescape(card[1]) if card else "")
    back = re.search(r'<p class="back"><a href="([^"]+)"', shown)

    assert "after=" in second
    assert unescape(back[1]) == second if back else False


async def test_a_photo_has_its_labels_and_neighbours(page: Client) -> None:
    _, html, _ = await page.get("/photo/1003?q=dog")

    assert "Dog number 3" in html
    assert '<a href="/?q=Snow">' in html
    assert "Pictures like this" in html
    assert "‹ <bdi>dog</bdi>" in html
    assert len(CARD.findall(html)) <= 29


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(HOSTILE, id="script"),
        pytest.param('"><img src=x onerror=alert(1)>', id="attribute"),
        pytest.param("{{7*7}}", id="template"),
        pytest.param("\u202eגבה🦊%00\x00", id="directions"),
        pytest.param("<b>&", id="a label that is there"),
        pytest.param("' OR 1=1 --", id="sql"),
        pytest.param("(a+)+$", id="regex"),
    ],
)
async def test_whatever_is_typed_is_shown_as_text(local: Client, text: str) -> None:
    status, html, _ = await local.get(f"/?q={quote(text)}")

    assert status == 200
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert "<b>&" not in html
    assert "49" not in re.sub(r"<[^>]+>", "", html) or "{{" not in text


@pytest.mark.parametrize("letter", ["d", "犬", "🐕"])
async def test_a_question_as_long_as_one_may_be_is_answered_in_every_script(
    local: Client, letter: str
) -> None:
    address = f"/?q={quote(letter * LONGEST_TEXT)}&min=0.95&all=1"
    status, html, _ = await local.get(address)

    assert status == 200
    assert letter * LONGEST_TEXT in html


async def test_hostile_titles_are_shown_as_text(local: Client) -> None:
    _, html, _ = await local.get("/?q=dog")

    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


async def test_a_question_that_could_not_be_read_can_be_put_right_where_it_stands(
    page: Client,
) -> None:
    _, refused, _ = await page.get("/?q=not%20%3Cdog%3E")
    _, elsewhere, _ = await page.get("/nowhere?q=dog")

    assert '<input id="q" name="q" type="search" value="not &lt;dog&gt;"' in refused
    assert "search.js" in refused
    assert 'id="q"' not in elsewhere


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/?q=" + "x" * 5000, 400),
        ("/?q=dog&min=2", 400),
        ("/?q=dog&min=nan", 400),
        ("/?q=dog&after=../..", 400),
        ("/?q=" + quote(", ".join(f"l{n}" for n in range(20))), 400),
        ("/?q=not%20dog", 400),
        ("/photo/404", 404),
        ("/photo/..%2f..%2fetc", 404),
        ("/static/x/../app.py", 404),
        ("/static/x/%2e%2e%2fapp.py", 404),
        ("/nowhere", 404),
        ("/api/suggest?limit=1000", 400),
        ("/api/suggest?limit=00019999", 400),
        ("/api/suggest?limit=1" + 5000 * "0", 400),
        ("/api/suggest?limit=²", 400),
        ("/api/search", 400),
    ],
)
async def test_what_cannot_be_answered_is_refused_calmly(
    local: Client, path: str, status: int
) -> None:
    answered, text, response = await local.get(path)

    assert answered == status
    assert "Traceback" not in text
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/?q=dog", "/photo/1000", "/runs", "/api/runs", "/x"])
async def test_every_answer_carries_the_headers(local: Client, path: str) -> None:
    _, _, response = await local.get(path)

    policy = dict(
        rule.split(" ", 1) for rule in response.headers["Content-Security-Policy"].split("; ")
    )
    assert policy == {
        **dict.fromkeys(("default-src", "base-uri", "frame-ancestors"), "'none'"),
        **dict.fromkeys(("script-src", "style-src", "connect-src", "form-action"), "'self'"),
        "img-src": f"'self' {IMAGES}",
    }
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    # Nor by what the page is served, and in which version.
    assert response.headers["Server"] == "ingestor"
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("path", ["/", "/?q=dog", "/photo/1000", "/runs"])
async def test_nothing_on_a_page_needs_an_inline_script_or_style(local: Client, path: str) -> None:
    _, html, _ = await local.get(path)

    assert not re.findall(r"<script(?![^>]+src=)|\sstyle=|<style|\son\w+=", html)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_the_page_only_answers_questions(local: Client, method: str) -> None:
    async with local.session.request(method, local.address + "/") as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == "GET,HEAD"


@pytest.mark.parametrize("path", ["/", "/?q=dog", "/api/search?q=dog", "/api/suggest?q=d"])
async def test_a_store_that_is_down_is_a_calm_503(tmp_path: Path, path: str) -> None:
    async with visiting(Down(), tmp_path) as page:
        status, text, response = await page.get(path)

    assert status == 503
    assert response.headers["Retry-After"]
    assert "Nothing is lost" in text


async def test_a_bug_is_a_calm_500_and_is_written_down(tmp_path: Path) -> None:
    async with visiting(Down(), tmp_path) as page:
        status, text, _ = await page.get("/photo/1")

        assert status == 500
        assert "a bug" not in text
        assert any("a bug" in line for line in page.said)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(
            b"GET /?q=" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", id="long"
        ),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="without a host"),
        pytest.param(b"GET * HTTP/1.1\r\nHost: localhost\r\n\r\n", id="no address"),
    ],
)
async def test_what_is_no_request_is_refused_and_not_written_down(
    local: Client, caplog: pytest.LogCaptureFixture, sent: bytes
) -> None:
    port = int(local.address.rsplit(":", 1)[1])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)

    answer = await reader.read()

    writer.close()
    assert answer.startswith(b"HTTP/1.0 400 ")
    assert not caplog.records
    assert local.said == []


async def test_before_anything_was_ingested_the_page_says_how(tmp_path: Path) -> None:
    async with (
        lazily(tmp_path / "journal.sqlite3") as catalog,
        visiting(catalog, tmp_path, state_flag=" --state there") as page,
    ):
        status, html, _ = await page.get("/")
        answered, _, _ = await page.get("/?q=dog")
        _, runs, _ = await page.get("/runs")

        assert (status, answered) == (200, 503)
        assert "No pictures yet" in html
        assert "--limit 1000 --state there<" in html
        assert "<h1>Nothing here yet</h1>" in runs

        async with local_shelf(tmp_path) as shelf:
            await shelf.put(*a_collection(3))
            _, html, _ = await page.get("/?q=dog")

        assert "Dog number 0" in html


def put_back(backup: Path, journal: Path) -> None:
    """Over the file that is there, with nothing beside it."""
    shutil.copyfile(backup, journal)
    for beside in journal.parent.glob(f"{journal.name}-*"):
        beside.unlink()


@pytest.mark.parametrize("asked_first", ["/api/search?q=dog", "/api/runs"])
async def test_a_backup_that_is_copied_over_the_journal_is_shown(
    tmp_path: Path, asked_first: str
) -> None:
    journal, backup = tmp_path / "journal.sqlite3", tmp_path / "copy.sqlite3"
    async with local_shelf(tmp_path) as shelf:
        await shelf.put(a_shelved("1", {"Dog": 0.9}))
        with closing(connect(journal)) as db, closing(connect(backup)) as copy:
            db.backup(copy)
        await shelf.put(*a_collection())
    async with lazily(journal) as catalog, visiting(catalog, tmp_path) as page:
        assert (await page.json("/api/search?q=dog"))["total"] == 70

        put_back(backup, journal)
        status, _, _ = await page.get(asked_first)

        assert status == 200
        assert (await page.json("/api/search?q=dog"))["total"] == 1


async def test_a_run_that_goes_on_from_a_backup_is_on_the_dashboard_of_a_page_that_is_open(
    tmp_path: Path,
) -> None:
    journal, backup = tmp_path / "journal.sqlite3", tmp_path / "copy.sqlite3"
    async with local_shelf(tmp_path) as shelf:
        with closing(connect(journal)) as db, closing(connect(backup)) as copy:
            db.backup(copy)
        await shelf.put(*a_collection())
    async with lazily(journal) as catalog, visiting(catalog, tmp_path) as page:
        await page.json("/api/search?q=dog")

        put_back(backup, journal)
        await asyncio.to_thread(elsewhere, A_RUN, journal)

        assert [run["id"] for run in (await page.json("/api/runs"))["history"]] == ["again"]


def elsewhere(statement: str, journal: Path) -> None:
    """Write as a process of its own, which is killed: its log stays beside the journal."""
    killed = (
        "import os, pathlib, sys; from ingestor.journal.writer import connect; "
        "connect(pathlib.Path(sys.argv[2])).execute(sys.argv[1]); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", killed, statement, str(journal)], check=True)


@pytest.mark.parametrize("path", ["/", "/?q=dog", "/runs", "/api/runs"])
@pytest.mark.parametrize("content", [None, b""], ids=["no journal", "an empty file"])
async def test_strangers_are_not_told_where_things_lie(
    tmp_path: Path, path: str, content: bytes | None
) -> None:
    journal = tmp_path / "journal.sqlite3"
    if content is not None:
        journal.write_bytes(content)
    async with lazily(journal) as catalog, visiting(catalog, tmp_path, strangers=True) as page:
        _, text, _ = await page.get(path)
        told = [line for line in page.said if str(tmp_path) in line]

    assert "Ingest a group first, then come back." in text
    assert str(tmp_path) not in text
    assert told or content is None


@pytest.mark.parametrize("path", ["/runs", "/api/runs"])
async def test_strangers_are_told_what_went_wrong_without_its_place(
    tmp_path: Path, path: str
) -> None:
    full = f"The disk is full: {tmp_path}/journal.sqlite3 cannot be written."
    unread = f"--groups-file: {tmp_path}/groups.txt cannot be read (Permission denied)."
    pulse = Pulse(tmp_path, wall=time.time, awaited=lambda: f"Google ('{tmp_path}/a key')")
    pulse.take(events.WatchlistChanged(groups=1, refused=(), message=unread))
    pulse.take(events.GroupFailed(group="g", reason="r", message=full, seconds=9.0))
    async with Journal(tmp_path / "journal.sqlite3") as journal:
        run = await journal.write(partial(begin_run, run="r", now=1.0))
        report = a_report(message=full).as_json()
        await journal.write(partial(end_run, number=run, reason="full", report=report, now=2.0))

    async with (
        pulse.beating(),
        lazily(journal.path) as catalog,
        visiting(catalog, tmp_path, strangers=True) as page,
    ):
        _, text, _ = await page.get(path)

    assert str(tmp_path) not in unescape(text)
    assert "The disk is full: … cannot be written." in unescape(text)


@pytest.mark.parametrize("path", ["/", "/?q=dog", "/photo/1", "/runs", "/api/runs"])
@pytest.mark.parametrize("strangers", [False, True])
async def test_a_journal_that_cannot_be_read_is_not_one_to_wait_for(
    tmp_path: Path, path: str, strangers: bool
) -> None:
    journal = tmp_path / "journal.sqlite3"
    journal.write_bytes(b"This is no database." * 500)
    async with lazily(journal) as catalog, visiting(catalog, tmp_path, strangers=strangers) as page:
        status, text, _ = await page.get(path)

    assert status == 503
    assert "try again shortly" not in text
    assert ("file is not a database" in unescape(text)) is not strangers
    assert any("file is not a database" in line for line in page.said)


async def test_the_dashboards_commands_are_about_the_journal_that_it_shows(tmp_path: Path) -> None:
    async with local_shelf(tmp_path) as shelf:
        await shelf.put(a_shelved("1", {"Dog": 0.9}))
        with closing(connect(tmp_path / "journal.sqlite3")) as db:
            fail(db, Failure(photo_id="1", stage="download", reason="gone", attempts=1), now=1.0)
        async with visiting(shelf.catalog, tmp_path, state_flag=" --state '/srv/my zoo'") as page:
            _, html, _ = await page.get("/runs")

    commands = [unescape(command) for command in re.findall(r"<code>(.+?)</code>", html)]
    assert commands == [
        "ingestor --group … --state '/srv/my zoo'",
        "ingestor dead retry --state '/srv/my zoo'",
    ]


async def test_a_journal_that_may_not_be_looked_at_is_not_taken_for_none(tmp_path: Path) -> None:
    journal = (
        tmp_path / ("x" * 300) / "journal.sqlite3"
    )  # too long to be looked for, by whoever asks
    async with lazily(journal) as catalog, visiting(catalog, tmp_path) as page:
        _, text, _ = await page.get("/")

    assert "cannot be read" in text
    assert "Ingest a group first" not in text


@pytest.mark.parametrize("path", ["/", "/api/runs", "/runs/live", "/static/x/style.css"])
async def test_a_strangers_name_for_this_machine_is_told_nothing(local: Client, path: str) -> None:
    status, text, response = await local.get(path, headers={"Host": "evil.example:8080"})

    assert status == 421
    assert "Dog" not in text
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]


async def test_a_name_that_was_allowed_is_answered(tmp_path: Path) -> None:
    async with local_shelf(tmp_path) as shelf:
        for names, status in ((("pictures.example",), 200), (None, 200), ((), 421)):
            async with visiting(shelf.catalog, tmp_path, names=names) as page:
                answered, _, _ = await page.get("/", headers={"Host": "pictures.example"})

            assert answered == status, names


class Slow(Down):
    """A store that answers when it is let."""

    def __init__(self) -> None:
        self.let = asyncio.Event()

    async def suggest(self, prefix: str, *, limit: int = 10) -> tuple[LabelCount, ...]:
        await self.let.wait()
        return ()


def crowd(page: Client, group: asyncio.TaskGroup, people: int) -> list[asyncio.Task[Any]]:
    """So many who ask at once."""
    return [
        group.create_task(page.get("/api/suggest?q=d"), name=f"visitor-{number}")
        for number in range(people)
    ]


async def test_who_comes_when_the_house_is_full_is_told_at_once(tmp_path: Path) -> None:
    store = Slow()
    async with visiting(store, tmp_path) as page, asyncio.TaskGroup() as group:
        visitors = crowd(page, group, MOST_QUESTIONS + 5)
        early, _ = await asyncio.wait(visitors, return_when=asyncio.FIRST_COMPLETED)
        status, _, response = early.pop().result()
        store.let.set()

    assert status == 429
    assert response.headers["Retry-After"]
    answered = [task.result()[0] for task in visitors]
    assert answered.count(200) == MOST_QUESTIONS
    async with visiting(store, tmp_path) as page:
        assert (await page.get("/api/suggest?q=d"))[0] == 200


@pytest.mark.parametrize("path", ["/healthz", "/static/any/style.css", "/favicon.ico"])
async def test_what_asks_nothing_is_answered_when_the_house_is_full(
    tmp_path: Path, path: str
) -> None:
    store = Slow()
    async with visiting(store, tmp_path) as page, asyncio.TaskGroup() as group:
        visitors = crowd(page, group, MOST_QUESTIONS + 1)
        early, _ = await asyncio.wait(visitors, return_when=asyncio.FIRST_COMPLETED)
        status, _, _ = await page.get(path)
        store.let.set()

    assert early.pop().result()[0] == 429
    assert status == 200


async def test_who_is_told_to_try_again_is_not_led_to_another_host(tmp_path: Path) -> None:
    """Two slashes begin an address that names its host."""
    store = Slow()
    async with visiting(store, tmp_path) as page, asyncio.TaskGroup() as group:
        visitors = crowd(page, group, MOST_QUESTIONS + 1)
        await asyncio.wait(visitors, return_when=asyncio.FIRST_COMPLETED)
        status, html, _ = await page.get("//evil.example/?q=dog")
        store.let.set()

    assert status == 429
    assert 'href="/evil.example/?q=dog"' in html


@pytest.mark.looptime
@pytest.mark.parametrize(("path", "ways"), [("/", 1), ("/?q=dog", 2)])
async def test_no_two_buttons_lead_to_the_same_place(tmp_path: Path, path: str, ways: int) -> None:
    async with visiting(Slow(), tmp_path) as page:
        status, html, _ = await page.get(path)

    assert status == 503
    assert html.count('<a class="button') == ways


@pytest.mark.looptime
async def test_a_store_that_never_answers_is_given_up_calmly(tmp_path: Path, looptime: Any) -> None:
    async with visiting(Slow(), tmp_path) as page:
        status, text, _ = await page.get("/api/suggest?q=d")

    assert status == 503
    assert "Nothing is lost" in text
    assert 15 <= looptime < 16


async def test_a_dashboard_too_many_is_turned_away_and_the_page_answers_all_the_same(
    local: Client,
) -> None:
    async with AsyncExitStack() as boards:
        opened = [
            boards.enter_async_context(local.session.get(f"{local.address}/runs/live"))
            for _ in range(MOST_STREAMS + 5)
        ]
        answers = await asyncio.gather(*opened)
        status, _, _ = await local.get("/")

    assert status == 200
    assert sorted(each.status for each in answers) == [200] * MOST_STREAMS + [503] * 5


async def test_the_journal_is_read_once_for_all_who_ask_how_the_runs_are_doing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[House] = []

    async def look(house: House) -> Board:
        looks.append(house)
        return await runs_of(house)

    monkeypatch.setattr(app, "runs_of", look)
    # Longer than the test lasts.
    monkeypatch.setattr(lookout, "FRESH", 60.0)
    async with (
        local_shelf(tmp_path) as shelf,
        visiting(shelf.catalog, tmp_path) as page,
        AsyncExitStack() as boards,
    ):
        opened = [
            await boards.enter_async_context(page.session.get(f"{page.address}/runs/live"))
            for _ in range(8)
        ]
        shown = await asyncio.gather(*map(first_board, opened))
        answers = await asyncio.gather(*(page.get(path) for path in ["/runs", "/api/runs"] * 8))

    assert len(looks) == 1
    assert len(set(shown)) == 1
    assert all("No run yet." in text for text in (*shown, *(text for _, text, _ in answers)))


async def test_a_proxy_is_told_to_hold_no_part_of_a_dashboard_back(local: Client) -> None:
    async with local.session.get(f"{local.address}/runs/live") as stream:
        # (https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffering)
        assert stream.headers["X-Accel-Buffering"] == "no"


async def first_board(stream: aiohttp.ClientResponse) -> str:
    async for line in stream.content:
        if line.startswith(b"data: "):
            return str(json.loads(line.removeprefix(b"data: "))["html"])
    raise AssertionError("the stream ended")


async def test_pages_travel_small_and_files_only_once(local: Client) -> None:
    packed = {"Accept-Encoding": "gzip"}
    _, html, response = await local.get("/?q=dog", headers=packed)
    style = re.search(r'href="(/static/[^"]+/style.css)"', html)
    assert style is not None
    _, css, first = await local.get(style[1], headers=packed)
    again, _, _ = await local.get(style[1], headers={"If-None-Match": first.headers["ETag"]})
    _, plain, unpacked = await local.get(style[1], headers={"Accept-Encoding": "identity"})

    assert response.headers["Content-Encoding"] == first.headers["Content-Encoding"] == "gzip"
    assert int(response.headers["Content-Length"]) < len(html.encode()) / 3
    assert "immutable" in first.headers["Cache-Control"]
    assert again == 304
    assert plain == css == (STATIC / "style.css").read_text()
    assert "Content-Encoding" not in unpacked.headers


async def test_a_broken_picture_is_written_down_once(local: Client) -> None:
    status, _, _ = await local.get("/api/broken/1000")
    await local.get("/api/broken/1000")
    await local.get("/api/broken/" + quote("1\n2 forged"))

    assert status == 204
    assert local.said == ["a browser could not show the picture of photo 1000"]


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/api/search", "?q=dog%20or%20cat,%20not%20snow&min=0.5"),
        ("/api/search", "?q=snoww"),
        ("/api/search", "?q=" + "x" * 2000),
        ("/api/suggest", "?q=s"),
        ("/api/suggest", "?limit=0"),
        ("/api/popular", ""),
        ("/api/photo/{photo}", "1003"),
        ("/api/photo/{photo}", "nobody"),
        ("/api/runs", ""),
    ],
)
async def test_answers_are_what_the_description_says(local: Client, path: str, asked: str) -> None:
    status, text, response = await local.get(path.replace("{photo}", "") + asked)

    described = OPENAPI["paths"][path]["get"]["responses"][str(status)]
    described = described if "content" in described else resolved(described)
    schema = described["content"]["application/json"]["schema"]
    jsonschema.validate(json.loads(text), {**schema, "components": OPENAPI["components"]})
    assert response.content_type == "application/json"


def bare_house(folder: Path) -> House:
    return House(
        catalog=Down(),
        image_origin=IMAGES,
        journal=folder / "journal.sqlite3",
        live=folder / "live.json",
        log=lambda _line: None,
    )


def resolved(reference: Mapping[str, str]) -> Any:
    found = OPENAPI
    for part in reference["$ref"].split("/")[1:]:
        found = found[part]
    return found


async def test_the_description_names_every_address_and_no_other(
    local: Client, tmp_path: Path
) -> None:
    served = await local.json("/api/openapi.json")
    paths = {
        resource.canonical for resource in application(bare_house(tmp_path)).router.resources()
    }

    assert served == OPENAPI
    assert {path for path in paths if path.startswith("/api/")} == {
        *OPENAPI["paths"],
        "/api/openapi.json",
    }
    for path in OPENAPI["paths"]:
        status, _, _ = await local.get(path.replace("{photo}", "1000") + "?q=dog")
        assert status in (200, 204), path
