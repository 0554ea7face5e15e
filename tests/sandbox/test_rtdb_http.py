"""The database through a socket: verbs, conditions, parameters, credentials, refusals."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from ingestor.sandbox.rtdb.callers import LEGACY_SECRET
from tests.sandbox.rtdb_site import GOOD_TOKEN, NARROW_TOKEN, OWNER, Site, serving

PARSE_ANY = "Invalid data; couldn't parse JSON object, array, or value."
PARSE_OBJECT = (
    "Invalid data; couldn't parse JSON object. Are you sending a JSON object with valid key names?"
)
ETAG = {**OWNER, "X-Firebase-ETag": "true"}


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    async with serving() as served:
        yield served


async def test_an_absent_value_is_null_and_200(site: Site) -> None:
    reply = await site.ask("GET", "/nowhere.json")

    assert (reply.status, reply.body) == (200, b"null")
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    assert reply.headers["Cache-Control"] == "no-cache"
    assert reply.headers["Access-Control-Allow-Origin"] == "*"


async def test_put_replaces_and_echoes_what_is_stored(site: Site) -> None:
    await site.ask("PUT", "/a.json", {"old": 1})

    reply = await site.ask(
        "PUT", "/a.json", {"new": [1, None], "gone": {}, "at": {".sv": "timestamp"}}
    )

    assert reply.json["new"] == [1]
    assert reply.json["at"] > 1_700_000_000_000
    assert site.database.value(path="/a") == reply.json


async def test_patch_merges_one_level_and_follows_slashes(site: Site) -> None:
    await site.ask("PUT", "/users.json", {"1": {"a": 1, "b": 2}, "2": {"a": 1, "b": 2}, "3": 1})

    reply = await site.ask("PATCH", "/users.json", {"1/a": 9, "2": {"a": 9}, "3": None})

    assert reply.json == {"1/a": 9, "2": {"a": 9}, "3": None}
    assert site.database.value(path="/users") == [None, {"a": 9, "b": 2}, {"a": 9}]


async def test_post_appends_under_a_growing_name(site: Site) -> None:
    names = [(await site.ask("POST", "/list.json", {"n": n})).json["name"] for n in range(3)]

    assert names == sorted(names)
    assert site.database.value(path=f"/list/{names[1]}") == {"n": 1}


async def test_delete_answers_null(site: Site) -> None:
    await site.ask("PUT", "/a/b.json", 1)

    reply = await site.ask("DELETE", "/a/b.json")

    assert (reply.status, reply.json) == (200, None)
    assert site.database.value() is None


@pytest.mark.parametrize("verb", ["GET", "PUT", "PATCH", "POST", "DELETE"])
async def test_silence_is_204_without_a_body(site: Site, verb: str) -> None:
    reply = await site.ask(
        verb, "/a.json", None if verb == "GET" else {"b": 1}, params={"print": "silent"}
    )

    assert (reply.status, reply.body) == (204, b"")


@pytest.mark.parametrize("where", ["header", "parameter"])
async def test_a_post_may_stand_for_another_verb(site: Site, where: str) -> None:
    name = "X-HTTP-Method-Override"
    headers = {**OWNER, name: "PUT"} if where == "header" else OWNER
    parameters = {} if where == "header" else {name.lower(): "PUT"}

    await site.ask("POST", "/a.json", 5, headers=headers, params=parameters)

    assert site.database.value(path="/a") == 5


@pytest.mark.parametrize(
    ("verb", "body", "text"),
    [
        pytest.param("PUT", b"{", PARSE_ANY, id="half an object"),
        pytest.param("PUT", b"", PARSE_ANY, id="nothing"),
        pytest.param("POST", b"NaN", PARSE_ANY, id="not a number"),
        pytest.param("PUT", b'{"a":1e999}', PARSE_ANY, id="infinity"),
        pytest.param("PUT", b'{"a.b":1}', PARSE_ANY, id="dot in a key"),
        pytest.param("PATCH", b"[1]", PARSE_OBJECT, id="array to patch"),
        pytest.param("PATCH", b"5", PARSE_OBJECT, id="number to patch"),
        pytest.param("PATCH", b'{"a$b":1}', PARSE_OBJECT, id="dollar in a path"),
        pytest.param("PATCH", b'{"/":1}', PARSE_OBJECT, id="no path at all"),
        pytest.param("PATCH", b'{"a/b":1,"a//b":2}', PARSE_OBJECT, id="one path twice"),
        pytest.param("PATCH", b'{"a":{"b/c":1}}', PARSE_OBJECT, id="slash below the top"),
    ],
)
async def test_bad_data_is_400_in_the_vendors_words(
    site: Site, verb: str, body: bytes, text: str
) -> None:
    reply = await site.ask(verb, "/x.json", body=body)

    assert (reply.status, reply.error) == (400, text)
    assert site.database.value() is None


async def test_one_bad_key_spoils_the_whole_update(site: Site) -> None:
    reply = await site.ask("PATCH", "/.json", {"good/a": 1, "bad/x.y": 1})

    assert reply.status == 400
    assert site.database.value() is None


async def test_an_ancestor_beside_its_descendant_is_refused(site: Site) -> None:
    reply = await site.ask("PATCH", "/.json", {"a/b": 1, "a": {"c": 2}})

    assert reply.status == 400
    assert "ancestor" in reply.error


async def test_segments_are_decoded_once_and_a_slash_is_a_level(site: Site) -> None:
    await site.ask("PATCH", "/.json", {"labels/a%2Eb": 1, "labels/ü ö": 2, "x": {"y": 3}})

    replies = [
        (await site.ask("GET", path)).json
        for path in ("/labels/a%252Eb.json", "/labels/%C3%BC%20%C3%B6.json", "/x%2Fy.json")
    ]

    assert replies == [1, 2, 3]


@pytest.mark.parametrize("path", ["/a.b.json", "/a%23.json", "/%00.json", "/a%5B.json"])
async def test_bad_paths_are_refused(site: Site, path: str) -> None:
    reply = await site.ask("GET", path)

    assert (reply.status, reply.error) == (400, "Invalid path: Invalid token in path")


async def test_without_json_a_client_lands_on_a_page(site: Site) -> None:
    reply = await site.ask("GET", "/photos")
    page = await site.ask("GET", reply.headers["Location"])

    assert reply.status == 302
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


async def test_namespaces_do_not_see_each_other(site: Site) -> None:
    await site.ask("PUT", "/a.json", 1, params={"ns": "one"})

    assert (await site.ask("GET", "/a.json", params={"ns": "two"})).json is None
    assert site.database.value("one", "/a") == 1
    assert (await site.ask("GET", "/a.json", params={"ns": "No.Name"})).status == 403


async def test_errors_are_indented_objects(site: Site) -> None:
    reply = await site.ask("GET", "/a.json", headers={})

    assert reply.status == 401
    assert reply.body == b'{\n  "error" : "Permission denied"\n}\n'


async def test_pretty_answers_are_indented(site: Site) -> None:
    reply = await site.ask("PUT", "/a.json", {"b": "ü"}, params={"print": "pretty"})

    assert reply.body == '{\n  "b" : "ü"\n}'.encode()


async def test_a_shallow_read_names_the_children(site: Site) -> None:
    await site.ask("PUT", "/a.json", {"b": {"c": 1}, "d": "text"})

    replies = [
        await site.ask("GET", path, params={"shallow": "true"}) for path in ("/a.json", "/a/d.json")
    ]

    assert [reply.json for reply in replies] == [{"b": True, "d": True}, "text"]


async def test_exports_show_priorities_and_no_arrays(site: Site) -> None:
    await site.ask("PUT", "/a.json", {"0": {".value": "x", ".priority": 2}, "1": "y"})

    plain = await site.ask("GET", "/a.json")
    export = await site.ask("GET", "/a.json", params={"format": "export"})

    assert plain.json == ["x", "y"]
    assert export.json == {"0": {".value": "x", ".priority": 2}, "1": "y"}


async def test_a_callback_wraps_and_a_download_names_a_file(site: Site) -> None:
    script = await site.ask("GET", "/a.json", params={"callback": "gotData"})
    file = await site.ask("GET", "/a.json", params={"download": "my.txt"})
    odd = await site.ask("GET", "/a.json", params={"download": "a\r\nb"})

    assert script.body == b"gotData(null)"
    assert "javascript" in script.headers["Content-Type"]
    assert file.headers["Content-Disposition"] == 'attachment; filename="my.txt"'
    assert odd.headers["Content-Disposition"] == 'attachment; filename="a__b"'


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({"_": "12345"}, id="cache buster"),
        pytest.param({"print": "loud"}, id="print"),
        pytest.param({"timeout": "16min"}, id="timeout too long"),
        pytest.param({"timeout": "3"}, id="timeout without a unit"),
        pytest.param({"writeSizeLimit": "huge"}, id="write size"),
        pytest.param({"shallow": "true", "orderBy": '"$key"'}, id="shallow query"),
        pytest.param({"limitToFirst": "3"}, id="limit without an order"),
        pytest.param({"callback": "alert(1)//"}, id="callback that is no name"),
    ],
)
async def test_odd_parameters_are_refused(site: Site, parameters: dict[str, str]) -> None:
    reply = await site.ask("GET", "/a.json", params=parameters)

    assert reply.status == 400
    assert reply.error


@pytest.mark.parametrize("limit", ["3ms", "3s", "15min"])
async def test_sensible_timeouts_are_taken(site: Site, limit: str) -> None:
    assert (await site.ask("GET", "/a.json", params={"timeout": limit})).status == 200


async def test_a_write_is_weighed_with_what_it_removes(site: Site) -> None:
    site.database.put("sandbox", "/big", value={str(n): "x" * 1000 for n in range(2000)})

    refused = await site.ask("DELETE", "/big.json", params={"writeSizeLimit": "tiny"})
    taken = await site.ask("DELETE", "/big.json", params={"writeSizeLimit": "small"})

    assert (refused.status, refused.error.partition(":")[0]) == (400, "WRITE_TOO_BIG")
    assert taken.status == 200


async def test_the_default_limit_of_writes_is_a_setting(site: Site) -> None:
    path = "/.settings/defaultWriteSizeLimit.json"

    before = await site.ask("GET", path)
    refused = await site.ask("PUT", path, "tiny")
    await site.ask("PUT", path, "small")

    assert before.json == "large"
    assert refused.status == 400
    assert (await site.ask("GET", path)).json == "small"


async def test_a_tag_comes_when_asked_for_and_follows_the_value(site: Site) -> None:
    absent = await site.ask("GET", "/a.json", headers=ETAG)
    first = await site.ask("PUT", "/a.json", {"n": 1}, headers=ETAG)
    await site.ask("PUT", "/a/n.json", 2)
    second = await site.ask("GET", "/a.json", headers=ETAG)
    unasked = await site.ask("GET", "/a.json")

    assert absent.headers["ETag"] == "null_etag"
    assert first.headers["ETag"] != second.headers["ETag"]
    assert "ETag" not in unasked.headers


async def test_a_conditional_write_with_an_old_tag_is_412_with_what_is_there(site: Site) -> None:
    old = (await site.ask("PUT", "/a.json", 1, headers=ETAG)).headers["ETag"]
    new = (await site.ask("PUT", "/a.json", 2, headers=ETAG)).headers["ETag"]

    lost = await site.ask("PUT", "/a.json", 3, headers={**OWNER, "if-match": old})
    won = await site.ask("PUT", "/a.json", 4, headers={**OWNER, "if-match": new})

    assert (lost.status, lost.json, lost.headers["ETag"]) == (412, 2, new)
    assert (won.status, won.json) == (200, 4)
    assert won.headers["ETag"] not in (old, new)


async def test_the_null_tag_creates_and_never_replaces(site: Site) -> None:
    create = {**OWNER, "if-match": "null_etag"}

    replies = [await site.ask("PUT", "/lease.json", owner, headers=create) for owner in ("a", "b")]

    assert [reply.status for reply in replies] == [200, 412]
    assert replies[1].json == "a"


async def test_a_delete_on_a_condition_deletes_nothing_else(site: Site) -> None:
    tag = (await site.ask("PUT", "/a.json", 1, headers=ETAG)).headers["ETag"]

    lost = await site.ask("DELETE", "/a.json", headers={**OWNER, "if-match": "other"})
    won = await site.ask("DELETE", "/a.json", headers={**OWNER, "if-match": tag})

    assert (lost.status, won.status, won.headers["ETag"]) == (412, 200, "null_etag")


async def test_an_unchanged_value_is_304(site: Site) -> None:
    tag = (await site.ask("PUT", "/a.json", 1, headers=ETAG)).headers["ETag"]

    same = await site.ask("GET", "/a.json", headers={**OWNER, "if-none-match": tag})
    other = await site.ask("GET", "/a.json", headers={**OWNER, "if-none-match": "other"})

    assert (same.status, same.body) == (304, b"")
    assert (other.status, other.json, other.headers["ETag"]) == (200, 1, tag)


@pytest.mark.parametrize(
    ("verb", "parameters"),
    [
        pytest.param("GET", {}, id="get"),
        pytest.param("PATCH", {}, id="patch"),
        pytest.param("PUT", {"print": "silent"}, id="silent put"),
    ],
)
async def test_odd_conditions_are_refused(
    site: Site, verb: str, parameters: dict[str, str]
) -> None:
    body = None if verb == "GET" else {"a": 1}

    reply = await site.ask(
        verb, "/a.json", body, headers={**OWNER, "if-match": "null_etag"}, params=parameters
    )

    assert reply.status == 400
    assert site.database.value() is None


async def test_an_index_is_needed_even_by_admins(site: Site) -> None:
    photos = {"p1": {"dateadded": 1}, "p2": {"dateadded": 2}}
    await site.ask("PUT", "/photos.json", photos)
    asked = {"orderBy": '"dateadded"', "startAt": "2"}

    before = await site.ask("GET", "/photos.json", params=asked)
    rules = {"rules": {"photos": {".indexOn": "dateadded"}}}
    status = await site.ask("PUT", "/.settings/rules.json", rules)
    after = await site.ask("GET", "/photos.json", params=asked)

    assert (before.status, before.error) == (
        400,
        'Index not defined, add ".indexOn": "dateadded", for path "/photos", to the rules',
    )
    assert status.json == {"status": "ok"}
    assert after.json == {"p2": {"dateadded": 2}}


async def test_rules_come_back_as_they_were_set(site: Site) -> None:
    text = b'{"rules": {".read": true /* all */}}'
    await site.ask("PUT", "/.settings/rules.json", body=text)

    reply = await site.ask("GET", "/.settings/rules.json")

    assert reply.body == text
    assert (await site.ask("GET", "/a.json", headers={})).status == 200
    assert (await site.ask("PUT", "/a.json", 1, headers={})).status == 401
    assert (await site.ask("GET", "/.settings/rules.json", headers={})).status == 401
    assert (await site.ask("PUT", "/.settings/rules.json", body=b"{")).status == 400


def id_token(**claims: Any) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{payload}.canary"


@pytest.mark.parametrize(
    ("headers", "parameters", "status"),
    [
        pytest.param({"Authorization": f"Bearer {GOOD_TOKEN}"}, {}, 200, id="token"),
        pytest.param({}, {"access_token": GOOD_TOKEN}, 200, id="token as parameter"),
        pytest.param({"Authorization": f"Bearer {NARROW_TOKEN}"}, {}, 401, id="scope missing"),
        pytest.param({"Authorization": "Bearer canary-unknown"}, {}, 401, id="unknown token"),
        pytest.param({}, {"auth": LEGACY_SECRET}, 200, id="legacy secret"),
        pytest.param({"Authorization": f"Bearer {LEGACY_SECRET}"}, {}, 401, id="secret as token"),
        pytest.param({}, {"auth": id_token(sub="jane")}, 200, id="id token"),
        pytest.param({}, {"auth": id_token(sub="joe")}, 401, id="another user"),
        pytest.param({}, {"auth": id_token(sub="jane", exp=1)}, 401, id="expired id token"),
        pytest.param({}, {"auth": "canary"}, 401, id="unreadable id token"),
        pytest.param(
            {"Authorization": f"Bearer {id_token(sub='jane')}"}, {}, 401, id="id as token"
        ),
        pytest.param(OWNER, {"auth_variable_override": '{"uid":"jane"}'}, 200, id="acting as jane"),
        pytest.param(OWNER, {"auth_variable_override": '{"uid":"joe"}'}, 401, id="acting as joe"),
        pytest.param(OWNER, {"auth_variable_override": "null"}, 401, id="acting as nobody"),
        pytest.param({}, {"auth_variable_override": '{"uid":"jane"}'}, 401, id="acting unasked"),
        pytest.param({}, {}, 401, id="nobody"),
    ],
)
async def test_credentials_decide_what_the_rules_allow(
    site: Site, headers: dict[str, str], parameters: dict[str, str], status: int
) -> None:
    rules = {"rules": {"mine": {".read": "auth.uid == 'jane'", ".write": "auth.uid == 'jane'"}}}
    await site.ask("PUT", "/.settings/rules.json", rules)

    reading = await site.ask("GET", "/mine.json", headers=headers, params=parameters)
    writing = await site.ask("PUT", "/mine.json", 1, headers=headers, params=parameters)

    assert (reading.status, writing.status) == (status, status)


async def test_every_call_is_counted(site: Site) -> None:
    await site.ask("GET", "/a.json")
    await site.ask("PUT", "/a.json", body=b"{")

    assert site.calls.total("database") == 2
    assert site.calls.count("database", method="PUT", status=400) == 1
