"""What a listing holds: order, pages, extras, types, and pools that are not tidy."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.sandbox.flickr_site import POOL, Site, a_site

PLAIN = {
    *("id", "owner", "secret", "server", "farm", "title", "ispublic", "isfriend", "isfamily"),
    *("ownername", "dateadded"),
}


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    async with a_site() as site:
        yield site


async def every_row(site: Site, alias: str, **arguments: Any) -> list[list[dict[str, Any]]]:
    first = await site.page(alias, per_page=500, **arguments)
    rest = [
        await site.page(alias, per_page=500, page=page, **arguments)
        for page in range(2, first["pages"] + 1)
    ]
    return [page["photo"] for page in (first, *rest)]


async def test_the_newest_comes_first(site: Site) -> None:
    rows = (await site.page("zoo"))["photo"]

    added = [int(row["dateadded"]) for row in rows]
    assert added == sorted(added, reverse=True)


@pytest.mark.parametrize(
    ("asked", "got"),
    [
        pytest.param(None, 100, id="default"),
        pytest.param(7, 7, id="as asked"),
        pytest.param(500, 500, id="most"),
        pytest.param(501, 500, id="clamped"),
        pytest.param("9" * 5000, 500, id="of any length"),
        pytest.param(0, 100, id="nought is no number"),
        pytest.param("many", 100, id="nor is a word"),
    ],
)
async def test_a_page_holds_what_was_asked_for_up_to_500(site: Site, asked: Any, got: int) -> None:
    page = await site.page("zoo", per_page=asked)

    assert (page["perpage"], len(page["photo"])) == (got, got)


async def test_a_page_past_the_end_is_the_last_page_again(site: Site) -> None:
    last = await site.page("zoo", per_page=500, page=3)
    beyond = await site.page("zoo", per_page=500, page=99)

    assert beyond == last
    assert (last["page"], last["pages"], len(last["photo"])) == (3, 3, 100)


async def test_an_empty_pool_has_no_pages(site: Site) -> None:
    page = await site.page("empty")

    assert page == {"page": 1, "pages": 0, "perpage": 100, "total": 0, "photo": []}


async def test_a_row_has_only_its_plain_members_unless_asked(site: Site) -> None:
    rows = (await site.page("zoo"))["photo"]

    assert all(set(row) == PLAIN for row in rows)


@pytest.mark.parametrize(
    ("extra", "members"),
    [
        ("license", {"license"}),
        ("date_upload", {"dateupload"}),
        ("date_taken", {"datetaken", "datetakengranularity", "datetakenunknown"}),
        ("owner_name", set()),
        ("last_update", {"lastupdate"}),
        ("description", {"description"}),
        ("tags", {"tags"}),
        ("machine_tags", {"machine_tags"}),
        ("media", {"media", "media_status"}),
        ("path_alias", {"pathalias"}),
        ("geo", {"latitude", "longitude", "accuracy", "context"}),
        ("views", {"views"}),
        ("url_z", {"url_z", "height_z", "width_z"}),
        ("url_sq,url_m", {"url_sq", "height_sq", "width_sq", "url_m", "height_m", "width_m"}),
        ("nonsense,url_x", set()),
    ],
)
async def test_an_extra_adds_its_members_and_no_others(
    site: Site, extra: str, members: set[str]
) -> None:
    rows = (await site.page("zoo", extras=extra))["photo"]

    assert all(set(row) == PLAIN | members for row in rows)


async def test_originals_are_shown_where_the_owner_allows_it(site: Site) -> None:
    rows = (await site.page("zoo", per_page=500, extras="original_format,o_dims,url_o"))["photo"]

    allowed = [row for row in rows if "url_o" in row]
    assert 0.3 < len(allowed) / len(rows) < 0.7
    assert all(f"_{row['originalsecret']}_o.jpg" in row["url_o"] for row in allowed)
    assert not any({"originalsecret", "o_width"} & set(row) for row in rows if "url_o" not in row)


async def test_totals_are_numbers_here_and_strings_there(site: Site) -> None:
    totals = [(await site.page("zoo", page=page))["total"] for page in (1, 2, 3)]

    assert totals == [1100, 1100, "1100"]


async def test_sizes_are_numbers_strings_or_both_in_one_row(site: Site) -> None:
    rows = (await site.page("zoo", extras="url_z"))["photo"]

    types = {(type(row["height_z"]), type(row["width_z"])) for row in rows}
    assert types == {(int, int), (str, str), (int, str)}


async def test_the_tidy_pool_lists_every_photo_once_and_with_a_picture(site: Site) -> None:
    rows = [row for page in await every_row(site, "zoo", extras="url_z,media") for row in page]

    assert len({row["id"] for row in rows}) == len(rows) == 1100
    assert all(re.fullmatch(r"\d{11}", row["id"]) for row in rows)
    assert all(row["url_z"].startswith(site.cdn) for row in rows)
    assert {row["media"] for row in rows} == {"photo"}


async def test_an_owner_without_alias_has_null_or_nothing_there(site: Site) -> None:
    rows = (await site.page("zoo", per_page=500, extras="path_alias"))["photo"]

    aliases = Counter(str(row["pathalias"]) for row in rows)
    assert aliases["None"] > 50
    assert aliases[""] > 50


async def test_the_untidy_pool_has_all_its_flaws(site: Site) -> None:
    pages = await every_row(site, "safari", extras="url_z,url_m,media")

    rows = [row for page in pages for row in page]
    titles = {row["title"] for row in rows}
    assert any(len(page) < 500 for page in pages[:-1]), "short pages"
    assert any(len({row["id"] for row in page}) < len(page) for page in pages), "double rows"
    assert any(row["media"] == "video" for row in rows), "videos"
    assert any("url_z" not in row and "url_m" in row for row in rows), "no url_z"
    assert any("url_m" not in row and "secret" in row for row in rows), "no sizes"
    assert any("secret" not in row for row in rows), "no secret"
    assert {"", "</script><script>alert(1)</script>"} < titles
    assert max(map(len, titles)) > 10_000


async def test_the_restless_pool_repeats_and_skips_rows_while_it_is_paged(site: Site) -> None:
    first = [row["id"] for page in await every_row(site, "aviary") for row in page]
    again = [row["id"] for page in await every_row(site, "aviary") for row in page]

    assert len(set(first)) < len(first), "a row that moved down is listed twice"
    assert set(again) - set(first), "photos arrived"
    assert set(first) - set(again), "photos were withdrawn"


async def test_a_photo_that_arrives_is_the_newest(site: Site) -> None:
    zoo = site.group("zoo").nsid

    arrived = site.world.arrive(zoo, count=2)

    assert [row["id"] for row in (await site.page("zoo", per_page=2))["photo"]] == arrived


async def test_a_member_and_a_tag_filter_the_pool(site: Site) -> None:
    owner = site.photos("zoo")[0].owner.nsid

    mine = (await site.page("zoo", user_id=owner))["photo"]
    tagged = (await site.page("zoo", tags="nikon", extras="tags"))["photo"]

    assert {row["owner"] for row in mine} == {owner}
    assert all("nikon" in row["tags"].split() for row in tagged)


@pytest.mark.parametrize(
    "url",
    [
        "https://www.flickr.com/groups/zoo/",
        "https://www.flickr.com/groups/zoo/pool/",
        "https://www.flickr.com/groups/zoo",
        "http://flickr.com/groups/zoo/pool",
        "https://www.flickr.com/groups/1000001@N20/",
    ],
)
async def test_a_group_is_found_by_its_page(site: Site, url: str) -> None:
    answer = await site.call("flickr.urls.lookupGroup", url=url)

    assert answer.json["group"] == {
        "id": "1000001@N20",
        "groupname": {"_content": "The Sandbox Zoo"},
    }


@pytest.mark.parametrize("url", ["https://www.flickr.com/groups/nowhere/", "zoo", None])
async def test_what_is_no_groups_page_is_not_found(site: Site, url: str | None) -> None:
    answer = await site.call("flickr.urls.lookupGroup", url=url)

    assert (answer.json["stat"], answer.json["code"]) == ("fail", 1)


async def test_a_member_is_found_by_a_page(site: Site) -> None:
    owner = site.photos("zoo")[0].owner

    answer = await site.call(
        "flickr.urls.lookupUser", url=f"https://www.flickr.com/photos/{owner.nsid}/"
    )

    assert answer.json["user"] == {"id": owner.nsid, "username": {"_content": owner.name}}


async def test_a_groups_details_count_its_pool(site: Site) -> None:
    answer = await site.call("flickr.groups.getInfo", group_id=site.group("zoo").nsid)

    assert answer.json["group"]["pool_count"] == {"_content": "1100"}


async def test_sizes_of_a_photo_are_those_its_row_tells(site: Site) -> None:
    photo = site.photos("zoo")[0]

    sizes = (await site.call("flickr.photos.getSizes", photo_id=photo.id)).json["sizes"]["size"]

    assert {size["source"] for size in sizes} == {site.cdn + photo.path(s) for s in photo.sizes}
    assert "Medium 640" in {size["label"] for size in sizes}


@pytest.mark.parametrize("photo_id", ["1", "9" * 5000], ids=["short", "long"])
@pytest.mark.parametrize("method", ["flickr.photos.getInfo", "flickr.photos.getSizes"])
async def test_an_unknown_photo_is_not_found(site: Site, method: str, photo_id: str) -> None:
    answer = await site.call(method, photo_id=photo_id)

    assert answer.json["message"] == f'Photo "{photo_id}" not found (invalid ID)'


async def test_a_photos_details_are_those_of_its_row(site: Site) -> None:
    row = (await site.page("zoo", per_page=1))["photo"][0]

    photo = (await site.call("flickr.photos.getInfo", photo_id=row["id"])).json["photo"]

    assert photo["title"] == {"_content": row["title"]}
    assert (photo["secret"], photo["owner"]["nsid"]) == (row["secret"], row["owner"])


async def test_licences_are_not_in_the_order_of_their_ids(site: Site) -> None:
    licenses = (await site.call("flickr.photos.licenses.getInfo")).json["licenses"]["license"]

    ids = [entry["id"] for entry in licenses]
    assert sorted(ids) == list(range(17))
    assert ids != sorted(ids)


async def test_a_withdrawn_photo_moves_the_rows_behind_it_up(site: Site) -> None:
    second = (await site.page("zoo", per_page=2))["photo"][1]["id"]
    first = site.photos("zoo")[0].id

    assert site.world.withdraw(site.group("zoo").nsid, ids=[first]) == 1

    assert (await site.page("zoo", per_page=1))["photo"][0]["id"] == second
    assert (await site.call(POOL, group_id=site.group("zoo").nsid)).json["photos"]["total"] == 1099
