"""flickrapi, a client by people who know neither us nor the sandbox, judges its Flickr."""

from __future__ import annotations

from typing import Any

import flickrapi
import pytest
import requests

from ingestor.sandbox.server import Sandbox
from tests.judges.judging import Check
from tests.judges.whole_sandbox import SECONDS, ZOO_PHOTOS

JUDGE = "flickrapi"

pytestmark = pytest.mark.judge

EXTRAS = "license,date_upload,owner_name,path_alias,tags,media,o_dims,description,url_z,url_m,url_o"
SIZES = {"url_z": "_z.jpg", "url_m": ".jpg", "url_o": "_o.jpg"}
ROW = {"id", "owner", "secret", "server", "farm", "title", "ispublic", "isfriend", "isfamily"}


@pytest.fixture(scope="module")
def zoo(sandbox: Sandbox) -> str:
    return group(sandbox, "zoo")


def group(sandbox: Sandbox, alias: str) -> str:
    found = sandbox.world.group_called(alias)
    assert found is not None
    return found.nsid


def a_client(sandbox: Sandbox, *, kind: str = "parsed-json", key: str | None = None) -> Any:
    """It signs its calls; public pools are read by the key alone, so the key goes along."""
    given = key or sandbox.addresses.flickr_key

    class Client(flickrapi.FlickrAPI):  # type: ignore[misc]
        REST_URL = sandbox.addresses.flickr_url

        def _flickr_call(self, **arguments: Any) -> Any:
            return super()._flickr_call(api_key=given, **arguments)

    return Client(given, "sandbox-canary-secret", store_token=False, format=kind, timeout=SECONDS)


@pytest.mark.parametrize("per_page", [500, 499])
def test_a_pool_is_walked_to_its_end(
    sandbox: Sandbox, zoo: str, check: Check, per_page: int
) -> None:
    flickr = a_client(sandbox)
    seen: list[str] = []
    page, pages = 1, 1

    while page <= pages:
        answer = flickr.groups.pools.getPhotos(group_id=zoo, per_page=per_page, page=page)
        photos = answer["photos"]
        pages = int(photos["pages"])
        check("the page asked for", int(photos["page"]) == page)
        check("pages of the total", pages == -(-int(photos["total"]) // per_page))
        seen += [row["id"] for row in photos["photo"]]
        page += 1

    check("every photo", len(seen) == ZOO_PHOTOS)
    check("none twice", len(set(seen)) == ZOO_PHOTOS)


def test_rows_are_as_recorded(sandbox: Sandbox, zoo: str, check: Check) -> None:
    answer = a_client(sandbox).groups.pools.getPhotos(group_id=zoo, extras=EXTRAS)

    rows = answer["photos"]["photo"]
    check("a hundred by default", len(rows) == 100)
    dates = [int(row["dateadded"]) for row in rows]
    check("newest first", dates == sorted(dates, reverse=True))
    for row in rows:
        check("members", row.keys() >= ROW | {"ownername", "dateadded"})
        check("texts", all(isinstance(row[n], str) for n in ("id", "owner", "secret", "server")))
        check("numbers", all(isinstance(row[n], int) for n in ("farm", "ispublic")))
        check("extras", row.keys() >= {"license", "dateupload", "tags", "media", "pathalias"})
        check("description", "_content" in row["description"])
        for name, suffix in SIZES.items():
            if name in row:
                check(name, row[name].endswith(suffix))
                check("triple", {name.replace("url", s) for s in ("width", "height")} <= row.keys())


def test_xml_says_the_same_as_json(sandbox: Sandbox, zoo: str, check: Check) -> None:
    arguments = {"group_id": zoo, "per_page": 50, "page": 2, "extras": "tags,url_z,owner_name"}

    tree = a_client(sandbox, kind="etree").groups.pools.getPhotos(**arguments)
    rows = a_client(sandbox).groups.pools.getPhotos(**arguments)["photos"]["photo"]

    photos = tree.find("photos")
    check("status", tree.get("stat") == "ok")
    check("page", photos.get("page") == "2")
    check("rows", len(photos.findall("photo")) == len(rows) == 50)
    for element, row in zip(photos, rows, strict=True):
        for name in ("id", "title", "owner", "ownername", "tags", "url_z", "dateadded"):
            check(name, element.get(name) == str(row[name]))


def test_a_picture_is_where_the_row_says(sandbox: Sandbox, zoo: str, check: Check) -> None:
    row = a_client(sandbox).groups.pools.getPhotos(group_id=zoo, per_page=1, extras="url_z")
    photo = row["photos"]["photo"][0]

    there = requests.get(photo["url_z"], timeout=SECONDS)
    elsewhere = requests.get(photo["url_z"].replace(photo["secret"], "0" * 10), timeout=SECONDS)

    check("found", there.status_code == 200)
    check("a JPEG", there.content.startswith(b"\xff\xd8\xff"))
    check("to its end", there.content.endswith(b"\xff\xd9"))
    check("not with another secret", elsewhere.status_code == 404)


@pytest.mark.parametrize("path", ["", "pool/"])
def test_a_group_is_found_by_its_address(
    sandbox: Sandbox, zoo: str, check: Check, path: str
) -> None:
    url = f"https://www.flickr.com/groups/zoo/{path}"

    found = a_client(sandbox).urls.lookupGroup(url=url)["group"]
    tree = a_client(sandbox, kind="etree").urls.lookupGroup(url=url)

    check("id", found["id"] == zoo)
    check("name", bool(found["groupname"]["_content"]))
    check("in XML", tree.find("group").get("id") == zoo)
    check("its name", tree.find("group/groupname").text == found["groupname"]["_content"])


def test_sizes_are_listed(sandbox: Sandbox, zoo: str, check: Check) -> None:
    flickr = a_client(sandbox)
    photo = flickr.groups.pools.getPhotos(group_id=zoo, per_page=1)["photos"]["photo"][0]

    sizes = flickr.photos.getSizes(photo_id=photo["id"])["sizes"]["size"]

    check("some", len(sizes) > 3)
    for size in sizes:
        check("members", size.keys() >= {"label", "width", "height", "source", "url", "media"})


def test_any_alphabet_is_echoed(sandbox: Sandbox, check: Check) -> None:
    answer = a_client(sandbox).test.echo(word="löwchen & vicuña")

    check("stat", answer["stat"] == "ok")
    check("text", answer["word"]["_content"] == "löwchen & vicuña")


@pytest.mark.parametrize("kind", ["parsed-json", "etree"])
@pytest.mark.parametrize(
    ("alias", "code"),
    [
        pytest.param("nobody", 1, id="unknown group"),
        pytest.param("secret", 2, id="private pool"),
    ],
)
def test_a_closed_pool_is_an_error_with_a_code(
    sandbox: Sandbox, check: Check, kind: str, alias: str, code: int
) -> None:
    nsid = group(sandbox, alias) if alias == "secret" else "9999999@N99"

    with pytest.raises(flickrapi.FlickrError) as caught:
        a_client(sandbox, kind=kind).groups.pools.getPhotos(group_id=nsid)

    check(f"code {code}", int(caught.value.code) == code)


def test_a_wrong_key_is_code_100(sandbox: Sandbox, zoo: str, check: Check) -> None:
    with pytest.raises(flickrapi.FlickrError) as caught:
        a_client(sandbox, key="short").groups.pools.getPhotos(group_id=zoo)

    check("code 100", int(caught.value.code) == 100)


def test_an_unknown_method_is_code_112(sandbox: Sandbox, check: Check) -> None:
    with pytest.raises(flickrapi.FlickrError) as caught:
        a_client(sandbox).photos.doSomething()

    check("code 112", int(caught.value.code) == 112)


def test_an_empty_pool_has_no_pages(sandbox: Sandbox, check: Check) -> None:
    photos = a_client(sandbox).groups.pools.getPhotos(group_id=group(sandbox, "empty"))["photos"]

    check("total", int(photos["total"]) == 0)
    check("pages", int(photos["pages"]) == 0)
    check("rows", photos["photo"] == [])


def test_an_untidy_pool_is_still_read(sandbox: Sandbox, check: Check) -> None:
    flickr = a_client(sandbox)

    pages = [
        flickr.groups.pools.getPhotos(
            group_id=group(sandbox, "safari"), per_page=500, page=page, extras=EXTRAS
        )["photos"]["photo"]
        for page in (1, 2)
    ]

    rows = [row for page in pages for row in page]
    check("videos", any(row["media"] == "video" for row in rows))
    check("rows without a size", any("url_m" not in row for row in rows))
    check("titles in other scripts", any(not row["title"].isascii() for row in rows))
    check("ids twice in a page", any(len({r["id"] for r in p}) < len(p) for p in pages))
    check("short pages", any(len({row["id"] for row in page}) < 500 for page in pages))


def test_a_late_or_broken_answer_is_an_error(sandbox: Sandbox, zoo: str, check: Check) -> None:
    sandbox.faults.queue("flickr.201")

    with pytest.raises(flickrapi.FlickrError) as caught:
        a_client(sandbox).groups.pools.getPhotos(group_id=zoo)

    check("code 201", int(caught.value.code) == 201)
