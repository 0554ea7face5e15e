"""What those who listen are told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from ingestor.sandbox.rtdb.database import Change
from ingestor.sandbox.rtdb.keys import path_of
from ingestor.sandbox.rtdb.streaming import happenings
from ingestor.sandbox.rtdb.tree import Tree
from tests.sandbox.rtdb_site import GOOD_TOKEN, OWNER, Site, serving, until

Event = tuple[str, Any]


class Listener:
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def next(self) -> Event:
        """The next event's name, and its data where it is JSON."""
        name = (await self.response.content.readline()).decode().strip()
        text = (await self.response.content.readline()).decode().strip()
        await self.response.content.readline()
        text = text.removeprefix("data: ")
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        return name.removeprefix("event: "), value

    async def ended(self) -> bool:
        return await self.response.content.readline() == b""


@asynccontextmanager
async def listening(
    site: Site, path: str, *, token: str = "owner", **parameters: str
) -> AsyncIterator[Listener]:
    headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {token}"}
    async with site.session.get(site.origin + path, headers=headers, params=parameters) as response:
        assert response.status == 200
        yield Listener(response)


def told(change: Change, *, at: str, before: Any = None) -> list[tuple[str, str, Any]]:
    tree = Tree()
    tree.apply(tree.planned({(): before}, now=0))
    tree.apply(change.writes)
    return list(happenings(change, path=path_of(at), tree=tree))


def put(path: str, value: Any) -> Change:
    writes = Tree().planned({path_of(path): value}, now=0)
    return Change(base=path_of(path), writes=writes, merged=False)


def patch(base: str, values: dict[str, Any]) -> Change:
    by_path = {path_of(f"{base}/{path}"): value for path, value in values.items()}
    return Change(base=path_of(base), writes=Tree().planned(by_path, now=0), merged=True)


@pytest.mark.parametrize(
    ("change", "at", "events"),
    [
        pytest.param(put("/a/b", 1), "/", [("put", "/a/b", 1)], id="put below"),
        pytest.param(put("/a/b", 1), "/a/b", [("put", "/", 1)], id="put here"),
        pytest.param(put("/a", {"b": 1, "c": 2}), "/a/b", [("put", "/", 1)], id="put above"),
        pytest.param(put("/a", None), "/a/b", [("put", "/", None)], id="deleted above"),
        pytest.param(put("/x", 1), "/a", [], id="put elsewhere"),
        pytest.param(put("/ab", 1), "/a", [], id="put beside with the same beginning"),
        pytest.param(
            patch("/a", {"b": 1, "c/d": 2}),
            "/",
            [("patch", "/a", {"b": 1, "c/d": 2})],
            id="update below",
        ),
        pytest.param(patch("/a", {"b": 1}), "/a", [("patch", "/", {"b": 1})], id="update here"),
        pytest.param(
            patch("/", {"a/b": 1, "a/c": 2, "x": 3}),
            "/a",
            [("patch", "/", {"b": 1, "c": 2})],
            id="update above, of several children",
        ),
        pytest.param(patch("/", {"a": 5, "x": 3}), "/a", [("put", "/", 5)], id="update of this"),
        pytest.param(
            patch("/", {"a": {"b": {"c": 7}}}), "/a/b", [("put", "/", {"c": 7})], id="of a parent"
        ),
        pytest.param(patch("/", {"x": 3}), "/a", [], id="update elsewhere"),
    ],
)
def test_changes_are_told_relative_to_the_listener(
    change: Change, at: str, events: list[tuple[str, str, Any]]
) -> None:
    assert told(change, at=at) == events


async def test_a_stream_begins_with_the_value_and_goes_on_with_changes() -> None:
    async with serving() as site:
        await site.ask("PUT", "/a.json", {"b": "ü"})
        async with listening(site, "/a.json") as listener:
            first = await listener.next()
            await site.ask("PUT", "/a/c.json", [1])
            await site.ask("PATCH", "/.json", {"a/b": None, "a/d/e": 2})
            later = [await listener.next(), await listener.next()]

    assert first == ("put", {"path": "/", "data": {"b": "ü"}})
    assert later == [
        ("put", {"path": "/c", "data": [1]}),
        ("patch", {"path": "/", "data": {"b": None, "d/e": 2}}),
    ]


async def test_a_listener_of_a_query_sees_only_its_window() -> None:
    async with serving() as site:
        await site.ask("PUT", "/a.json", {"k1": 1, "k2": 2})
        async with listening(site, "/a.json", orderBy='"$key"', limitToFirst="1") as listener:
            first = await listener.next()
            await site.ask("PUT", "/a/k3.json", 3)
            await site.ask("PUT", "/a/k0.json", 0)
            second = await listener.next()

    assert first[1]["data"] == {"k1": 1}
    assert second[1]["data"] == {"k0": 0}


async def test_silence_is_broken_by_keep_alives() -> None:
    knobs = {"database.keep-alive-seconds": 0.01}
    async with serving(knobs=knobs) as site, listening(site, "/a.json") as listener:
        events = [await listener.next() for _ in range(3)]

    assert events[1:] == [("keep-alive", None)] * 2


async def test_rules_that_no_longer_allow_cancel_the_stream() -> None:
    async with serving() as site:
        await site.ask("PUT", "/.settings/rules.json", {"rules": {".read": "auth.uid == 'jane'"}})
        override = {"auth_variable_override": '{"uid":"jane"}'}
        async with listening(site, "/a.json", **override) as listener:
            await listener.next()
            await site.ask("PUT", "/.settings/rules.json", {"rules": {".read": False}})
            event = await listener.next()
            ended = await listener.ended()

    assert event == ("cancel", "Permission denied")
    assert ended


async def test_a_token_that_is_no_longer_good_ends_the_stream() -> None:
    knobs = {"database.keep-alive-seconds": 0.01}
    async with (
        serving(knobs=knobs) as site,
        listening(site, "/a.json", token=GOOD_TOKEN) as listener,
    ):
        await listener.next()
        del site.tokens[GOOD_TOKEN]
        while (event := await listener.next())[0] == "keep-alive":
            pass
        ended = await listener.ended()

    assert event == ("auth_revoked", "credential is no longer valid")
    assert ended


async def test_all_streams_can_be_revoked_at_once() -> None:
    async with serving() as site, listening(site, "/a.json") as listener:
        await listener.next()
        site.database.revoke_streams()
        event = await listener.next()

    assert event[0] == "auth_revoked"


async def test_who_may_not_read_may_not_listen() -> None:
    async with serving() as site:
        reply = await site.ask("GET", "/a.json", headers={"Accept": "text/event-stream"})

    assert reply.status == 401


async def test_a_stream_may_be_redirected_once() -> None:
    async with serving() as site:
        site.faults.queue("database.stream-redirect")
        accept = {**OWNER, "Accept": "text/event-stream"}

        reply = await site.ask("GET", "/a.json", headers=accept)
        async with listening(site, "/a.json") as listener:
            event = await listener.next()

    assert (reply.status, reply.headers["Location"]) == (307, f"{site.origin}/a.json")
    assert event[0] == "put"


async def test_a_stream_can_be_cut_or_revoked_by_a_fault() -> None:
    async with serving() as site:
        site.faults.queue("database.stream-reset")
        async with listening(site, "/a.json") as listener:
            with pytest.raises((aiohttp.ClientError, ConnectionError)):
                await _until_the_end(listener)
        site.faults.queue("database.stream-revoked")
        async with listening(site, "/a.json") as listener:
            names = [(await listener.next())[0] for _ in range(2)]

    assert names == ["put", "auth_revoked"]


async def _until_the_end(listener: Listener) -> None:
    while await listener.response.content.readline():
        pass


async def test_listeners_leave_no_trace() -> None:
    async with serving(knobs={"database.keep-alive-seconds": 0.01}) as site:
        async with listening(site, "/a.json") as listener:
            await listener.next()
            assert len(site.database.listeners()) == 1
        await until(lambda: not site.database.listeners())
