"""What the rules that ship with the project let anybody do with a database that a run has filled."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from importlib.resources import files
from itertools import product

import aiohttp
import pytest
import pytest_asyncio

from ingestor.catalog.query import Query
from ingestor.sandbox.rtdb.rules import Rules
from ingestor.sandbox.server import Sandbox
from ingestor.services import open_catalog
from ingestor.settings import Settings
from tests.integration.conftest import Ingest, in_database

JANE = "e30.eyJzdWIiOiJqYW5lIn0.e30"
"""The token of somebody who has signed in to the same project: `{"sub":"jane"}`."""
WHO = pytest.mark.parametrize("who", [{}, {"auth": JANE}], ids=["anybody", "signed in"])


@pytest.fixture
def zoo_photos() -> int:
    return 20


@pytest_asyncio.fixture
async def origin(sandbox: Sandbox, ingest: Ingest) -> AsyncIterator[str]:
    """Of a database with a run's results; without a namespace it is no emulator to a client."""
    text = files("ingestor").joinpath("database.rules.json").read_text(encoding="utf-8")
    sandbox.database.namespace("sandbox").set_rules(Rules(text))
    await ingest()
    yield sandbox.addresses.database_url.partition("/?")[0]


async def test_anybody_may_search(origin: str) -> None:
    async with open_catalog(Settings.read(database_url=origin)) as catalog:
        (label, *_) = await catalog.popular()
        page = await catalog.search(Query(labels=(label.name,)))
        photo = await catalog.photo(page.hits[0].photo)

        assert photo is not None
        assert photo.page == page.hits[0].page
        assert label.name in {found.name for found in await catalog.suggest(label.name[:2])}


async def statuses(
    asked: Iterable[tuple[str, str]], origin: str, *, who: dict[str, str]
) -> dict[tuple[str, str], int]:
    """What each verb is answered at each path."""
    answers = {}
    async with aiohttp.ClientSession() as session:
        for verb, path in asked:
            value = None if verb == "GET" else {"a": 1}
            async with session.request(
                verb, f"{origin}/{path}.json", params=who, json=value
            ) as answer:
                answers[verb, path] = answer.status
    return answers


@WHO
async def test_nobody_else_reads_what_search_does_not_need(
    who: dict[str, str], origin: str
) -> None:
    closed = ["", "groups", "runs", "leases", "dead", "other"]

    answers = await statuses([("GET", path) for path in closed], origin, who=who)

    assert answers == dict.fromkeys(answers, 401)


@WHO
async def test_nobody_else_writes(who: dict[str, str], origin: str, sandbox: Sandbox) -> None:
    paths = ["", "photos/p1", "index/dog/0000001-p1", "labels/dog/name", "leases/1@N00", "other"]
    verbs = ["PUT", "PATCH", "POST", "DELETE"]
    before = in_database(sandbox, "/")

    answers = await statuses(product(verbs, paths), origin, who=who)

    assert answers == dict.fromkeys(answers, 401)
    assert in_database(sandbox, "/") == before
