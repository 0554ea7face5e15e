"""What the database is asked, which URL a path has, and which error each refusal is."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestor.apis import Credentials
from ingestor.apis.google import Fixed
from ingestor.apis.rtdb import (
    NOTHING,
    Conflict,
    Database,
    Query,
    address_of,
    error_for,
    read_request,
    update_request,
)
from ingestor.errors import (
    Denied,
    IngestorError,
    Rejected,
    Throttled,
    Unauthorized,
    Unavailable,
    VendorError,
)
from ingestor.records import updates_for
from ingestor.transport import Request, Response
from tests.builders import a_label, a_published
from tests.unit.apis.conftest import Answer, Noting, Recorder

URL = "https://demo-default-rtdb.firebaseio.com"
EMULATOR = "http://127.0.0.1:9000/?ns=demo"


def update(paths: dict[str, Any], url: str = URL) -> Request:
    return update_request(paths, address=address_of(url), headers={"authorization": "canary"})


def read(path: str, **given: Any) -> Request:
    return read_request(path, address=address_of(URL), headers={}, **given)


# What is asked


def test_an_update_goes_to_the_root_and_wants_no_echo() -> None:
    request = update({"photos/p1/title": "Dog", "index/dog/0500000-p1": None})

    assert (request.method, request.url) == ("PATCH", f"{URL}/.json?print=silent")
    assert isinstance(request.body, bytes)
    assert json.loads(request.body) == {"photos/p1/title": "Dog", "index/dog/0500000-p1": None}


def test_credentials_travel_in_a_header_and_out_of_sight() -> None:
    request = update({"a": 1})

    assert request.headers["authorization"] == "canary"
    assert "canary" not in repr(request)


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("", f"{URL}/.json"),
        ("/photos/p1", f"{URL}/photos/p1.json"),
        ("labels/st%2E bernard", f"{URL}/labels/st%252E%20bernard.json"),
        ("labels/löwchen", f"{URL}/labels/l%C3%B6wchen.json"),
        ("groups/1@N00", f"{URL}/groups/1%40N00.json"),
        ("labels/a?b&c=d", f"{URL}/labels/a%3Fb%26c%3Dd.json"),
    ],
)
def test_a_path_is_quoted_key_by_key(path: str, url: str) -> None:
    assert read(path).url == url


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        (EMULATOR, "http://127.0.0.1:9000/a.json?ns=demo&shallow=true"),
        (f"{URL}/", f"{URL}/a.json?shallow=true"),
        (f"{URL}/below/", f"{URL}/below/a.json?shallow=true"),
    ],
    ids=["emulator", "slash", "subtree"],
)
def test_what_the_url_says_goes_with_every_request(url: str, asked: str) -> None:
    request = read_request("a", address=address_of(url), headers={}, shallow=True)

    assert request.url == asked


def test_queries_are_json() -> None:
    query = Query(start_at="0500000-p1", limit_to_first=26)

    url = read("index/dog", query=query).url

    assert url.endswith(
        "/index/dog.json?orderBy=%22%24key%22&startAt=%220500000-p1%22&limitToFirst=26"
    )


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "a//b",
        "a/",
        "a.b",
        "a$",
        "a#",
        "a[0]",
        "a\x00",
        "a\x7f",
        "é" * 400,
        "/".join("a" * 34),
    ],
    ids=lambda path: ascii(path[:8]),
)
def test_a_path_that_would_spoil_the_update_is_found_before(path: str) -> None:
    with pytest.raises(Rejected) as rejected:
        update({"good": 1, path: 2})

    assert rejected.value.reason == "bad-path"


@pytest.mark.parametrize("path", ["a\nb", "a\n", "\na", "", "a//b"])
def test_a_bad_path_is_found_among_good_ones(path: str) -> None:
    with pytest.raises(Rejected):
        update({"photos/p1/title": 1, path: 1, "photos/p2/title": 1})


def is_legal(path: str) -> bool:
    """By the vendor's words, which know nothing of how many are looked at."""
    keys = path.removeprefix("/").split("/")
    letters = {*path} & {*map(chr, range(32)), *".$#[]\x7f"}
    return not letters and len(keys) <= 32 and all(0 < len(key.encode()) <= 768 for key in keys)


@given(
    st.lists(st.text(alphabet="aé/", max_size=8), max_size=4),
    st.sampled_from(
        ["", "a.b", "b\n", "/", "a/" * 31 + "a", "a/" * 32 + "a", "é" * 384, "é" * 384 + "a"]
    ),
)
def test_an_update_is_refused_exactly_if_one_of_its_paths_is_illegal(
    paths: list[str], odd: str
) -> None:
    refused = False
    try:
        update(dict.fromkeys([*paths, odd]))
    except Rejected:
        refused = True

    assert refused is not all(map(is_legal, [*paths, odd]))


def test_an_update_of_nothing_is_legal() -> None:
    assert update({}).body == b"{}"


@given(st.lists(st.text(max_size=900), max_size=3))
def test_every_photo_has_good_paths(names: list[str]) -> None:
    update(updates_for(a_published("1", *(a_label(name) for name in names))))


# What is refused


@pytest.mark.parametrize(
    ("name", "kind", "reason", "words"),
    [
        ("302_console", Denied, "no-database", "FIREBASE_DATABASE_URL"),
        ("400_key", Rejected, "status-400", "valid key names"),
        ("400_index", Rejected, "no-index", ".indexOn"),
        ("400_too_big", Rejected, "too-large", "WRITE_TOO_BIG"),
        ("401_rules", Denied, "rules", "database.rules.json"),
        ("401_token", Unauthorized, "unauthorized", "auth token"),
        ("401_expired", Unauthorized, "unauthorized", "expired"),
        ("401_expired", Unauthorized, "unauthorized", "account in the database's own project"),
        ("401_app_check", Denied, "app-check", "App Check"),
        ("402", Denied, "plan", "upgrade"),
        ("403", Denied, "forbidden", "Invalid Firebase database name"),
        ("404", Denied, "no-database", "FIREBASE_DATABASE_URL"),
        ("404_region", Denied, "wrong-region", "https://demo.europe-west1.firebasedatabase.app"),
        (
            "404_region_url",
            Denied,
            "wrong-region",
            "https://demo.europe-west1.firebasedatabase.app",
        ),
        ("413", Rejected, "too-large", "too large"),
        ("423", Denied, "deactivated", "deactivated"),
        ("429", Throttled, "throttled", "Too many"),
        ("500", Unavailable, "unavailable", "internal error"),
        ("502_html", Unavailable, "unavailable", "502"),
        ("503", Unavailable, "unavailable", "Service unavailable"),
        ("504", Unavailable, "unavailable", "Internal server error"),
    ],
)
def test_each_refusal_has_its_kind(
    answer: Answer, name: str, kind: type[VendorError], reason: str, words: str
) -> None:
    error = error_for(answer(f"rtdb/{name}"))

    assert type(error) is kind
    assert (error.upstream, error.reason) == ("database", reason)
    assert words in str(error)


def test_a_database_that_took_too_long_is_asked_again() -> None:
    error = error_for(Response(status=408, headers={}, body=b""))

    assert type(error) is Unavailable


def test_the_wait_that_is_asked_for_counts(answer: Answer) -> None:
    error = error_for(answer("rtdb/429"))

    assert isinstance(error, Throttled)
    assert error.retry_after == 3.0


@given(
    body=st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["error", "correctUrl", "a"]), inner, max_size=3)
        ),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode())
    | st.binary(max_size=60),
    status=st.sampled_from([200, 204, 302, 400, 401, 402, 404, 412, 413, 423, 429, 500, 503]),
)
async def test_whatever_is_answered_only_our_errors_come_out(body: bytes, status: int) -> None:
    database = a_database(*[Response(status=status, headers={}, body=body)] * 4)

    for call in (
        database.read("a"),
        database.update({"a": 1}),
        database.read_with_etag("a"),
        database.write_if("a", 1, etag=NOTHING),
    ):
        with contextlib.suppress(IngestorError):
            await call


# The client


A_TOKEN = Fixed({"authorization": "Bearer canary"})


def a_database(*answers: Response, access: Credentials = A_TOKEN) -> Database:
    return Database(Recorder(*answers), url=URL, access=access)


async def test_silence_is_success(answer: Answer) -> None:
    transport = Recorder(answer("rtdb/update_ok"))
    database = Database(transport, url=EMULATOR, access=A_TOKEN)

    await database.update({"a": 1})

    assert transport.requests[0].url == "http://127.0.0.1:9000/.json?ns=demo&print=silent"
    assert transport.requests[0].headers["authorization"] == "Bearer canary"


async def test_nothing_is_read_as_none(answer: Answer) -> None:
    assert await a_database(answer("rtdb/null")).read("photos") is None


async def test_the_console_is_no_database(answer: Answer) -> None:
    with pytest.raises(Denied) as denied:
        await a_database(answer("rtdb/console")).read("", shallow=True)

    assert denied.value.reason == "no-database"


@pytest.mark.parametrize(
    ("name", "value", "etag"),
    [
        ("value_etag", {"owner": "a", "until": 7}, "kGTn4f3ILQz4qgRUMq3QAR2yAiU="),
        ("nothing_etag", None, NOTHING),
    ],
)
async def test_a_version_is_read_with_its_value(
    answer: Answer, name: str, value: object, etag: str
) -> None:
    transport = Recorder(answer(f"rtdb/{name}"))
    database = Database(transport, url=URL, access=A_TOKEN)

    assert await database.read_with_etag("leases/1@N00") == (value, etag)
    assert transport.requests[0].headers["x-firebase-etag"] == "true"


async def test_a_write_on_a_condition_meets_who_was_faster(answer: Answer) -> None:
    transport = Recorder(answer("rtdb/412"), answer("rtdb/null"))
    database = Database(transport, url=URL, access=A_TOKEN)

    conflict = await database.write_if("leases/1@N00", {"owner": "a"}, etag="older")
    assert conflict == Conflict(value={"owner": "b"}, etag="newer")

    assert await database.write_if("leases/1@N00", {"owner": "a"}, etag=conflict.etag) is None
    assert [request.headers["if-match"] for request in transport.requests] == ["older", "newer"]
    assert all("silent" not in request.url for request in transport.requests)


async def test_stale_credentials_are_renewed_before_the_error_leaves(answer: Answer) -> None:
    access = Noting({"authorization": "Bearer canary"})

    with pytest.raises(Unauthorized):
        await a_database(answer("rtdb/401_expired"), access=access).update({"a": 1})

    assert [headers["authorization"] for headers in access.refused] == ["Bearer canary"]


async def test_rules_that_deny_are_no_reason_to_renew(answer: Answer) -> None:
    access = Noting({"authorization": "Bearer canary"})

    with pytest.raises(Denied):
        await a_database(answer("rtdb/401_rules"), access=access).update({"a": 1})

    assert access.refused == [], "nothing is stale"
