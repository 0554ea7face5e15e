"""What Flickr is asked, what a listing says, and which error each refusal is."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from ingestor.apis.flickr import (
    Flickr,
    Group,
    ImageOrigin,
    ListedPage,
    Unusable,
    error_for,
    lookup_request,
    pool_request,
    read_group,
    read_row,
)
from ingestor.apis.flickr.answers import NOT_TO_BLAME, read_listing
from ingestor.apis.flickr.rows import Row
from ingestor.errors import Denied, IngestorError, Rejected, Throttled, Unavailable, VendorError
from ingestor.models import Photo
from ingestor.transport import Request, Response
from tests.unit.apis.conftest import NESTED, Answer, Recorder, read_pool_page

URL = "https://api.flickr.com/services/rest/"
KEY = SecretStr("canary-flickr-key")
LIVE = ImageOrigin("https://live.staticflickr.com")
GROUP = "42637302@N00"
RECORDED = Path(__file__).parents[4] / "shared" / "recorded"


def form_of(request: Request) -> dict[str, str]:
    assert isinstance(request.body, bytes)
    return {name: values[0] for name, values in parse_qs(request.body.decode()).items()}


def page_of(response: Response) -> ListedPage:
    return read_pool_page(response, group=GROUP, images=LIVE)


def rows_of(response: Response) -> Sequence[object]:
    return read_listing(response, group=GROUP).rows


def a_row(**given: Any) -> dict[str, Any]:
    return {"id": "1", "owner": "1@N00", "server": "65535", "secret": "0d0b8ae4a9", **given}


def photo_of(row: object, images: ImageOrigin = LIVE) -> Photo:
    photo = read_row(row, group=GROUP, images=images)
    assert isinstance(photo, Photo), photo
    return photo


# What is asked


def test_the_key_stands_in_the_body_alone() -> None:
    request = pool_request(GROUP, page=3, url=URL, key=KEY)

    assert form_of(request)["api_key"] == "canary-flickr-key"
    assert request.url == URL
    assert "canary" not in repr(request)


def test_a_page_is_asked_for_in_plain_json_with_image_addresses() -> None:
    form = form_of(pool_request(GROUP, page=3, url=URL, key=KEY))

    assert form["method"] == "flickr.groups.pools.getPhotos"
    assert (form["group_id"], form["page"], form["per_page"]) == (GROUP, "3", "500")
    assert (form["format"], form["nojsoncallback"]) == ("json", "1")
    assert "url_z" in form["extras"]


@pytest.mark.parametrize(
    ("group", "url"),
    [
        ("zoo", "https://www.flickr.com/groups/zoo/"),
        (GROUP, f"https://www.flickr.com/groups/{GROUP}/"),
    ],
    ids=["alias", "id"],
)
def test_a_group_is_looked_up_by_its_page(group: str, url: str) -> None:
    assert form_of(lookup_request(group, url=URL, key=KEY))["url"] == url


# What is listed


def test_a_page_is_read(answer: Answer) -> None:
    page = page_of(answer("flickr/pool_page"))

    first, second, third = (row for row in page.rows if isinstance(row, Photo))
    assert (page.pages, page.total) == (443, 221343)
    assert (first.id, first.owner, first.owner_name) == ("54483125961", "12345678@N00", "Jane")
    assert (first.license, first.uploaded, first.date_added) == ("4", 1745840000, 1745850000)
    assert (first.group, second.date_added, third.is_video) == (GROUP, 1745849000, True)
    assert [photo.title for photo in (first, second, third)] == ["Some title", "", "Løwe 🦁"]


def test_numbers_may_be_texts(answer: Answer) -> None:
    page = page_of(answer("flickr/pool_texts"))

    assert (page.pages, page.total) == (32, 15849)


def test_an_empty_pool_is_no_error(answer: Answer) -> None:
    assert page_of(answer("flickr/pool_empty")) == ListedPage(pages=0, total=0, rows=())


def test_sizes_come_in_the_order_of_the_ladder(answer: Answer) -> None:
    first = page_of(answer("flickr/pool_page")).rows[0]

    assert isinstance(first, Photo)
    widths = [(size.url[-6:], size.width, size.height) for size in first.sizes]
    assert widths == [
        ("_z.jpg", 640, 427),
        ("_c.jpg", 800, 534),
        ("_b.jpg", 1024, 683),
        ("a9.jpg", 500, 334),
        ("_n.jpg", 320, 213),
    ]


ADDRESSES = st.sampled_from(
    [
        *(
            f"https://live.staticflickr.com/65535/1_0d0b8ae4a9{size}.jpg"
            for size in ("_z", "_b", "")
        ),
        "https://live.staticflickr.com/1/1_ab_z.jpg",
        "https://live.staticflickr.com/1/1_ab_z.jpg 6 4\nhttps://live.staticflickr.com/2/1_ab_c.jpg",
        "http://farm9.staticflickr.com/8062/1_ab.jpg?zz=1",
        "https://elsewhere.example/1/1_ab_z.jpg",
        None,
        7,
    ]
)
MEASURES = st.sampled_from([640, "640", "0", 640.0, 2**60, -1, "-1", True, "6 4", "6\n4", None])
SIZES_OF_A_ROW = st.fixed_dictionaries(
    {},
    optional={f"url_{size}": ADDRESSES for size in "zclm"}
    | {f"{side}_{size}": MEASURES for side in ("width", "height") for size in "zclm"},
)


@given(sizes=SIZES_OF_A_ROW)
def test_sizes_read_at_once_are_those_that_are_read_one_by_one(sizes: dict[str, object]) -> None:
    """An odd one among them has each of them looked at, and is passed over itself."""
    at_once = read_row(a_row(**sizes), group=GROUP, images=LIVE)
    one_by_one = read_row(a_row(**sizes, url_n="ftp://odd"), group=GROUP, images=LIVE)

    if any(sizes.get(f"url_{size}") is not None for size in "zclm"):
        assert at_once == one_by_one


ODD_TEXTS = ("", "4", "7.0", "007", "video", "4\n", "٤", "4" * 200, "4" * 201, "🦁" * 1001)
ODD_NUMBERS = (0, -4, 7.0, 7.5, 2**53, 2**60, True)
ODD: tuple[object, ...] = (
    *ODD_TEXTS,
    *ODD_NUMBERS,
    None,
    [],
    {"_content": "video"},
    {"_content": 4},
)


@pytest.mark.parametrize("name", [*Row.__struct_fields__, "farm"])
def test_a_row_that_is_judged_while_it_is_read_is_judged_as_ever(name: str) -> None:
    url = "https://live.staticflickr.com/65535/1_0d0b8ae4a9_c.jpg"
    rows = [a_row(title="Lion", url_c=url) | {name: odd} for odd in ODD]

    read = [page_of(a_page(row)).rows for row in rows]

    assert read == [(read_row(row, group=GROUP, images=LIVE),) for row in rows]


@pytest.mark.parametrize("new", [b"NaN", b'"\xff"', b'"\\ud800"', NESTED])
def test_a_page_that_is_no_json_where_nobody_looks_is_unreadable(new: bytes) -> None:
    body = a_page(a_row(farm=66)).body.replace(b"66", new)

    with pytest.raises(Unavailable) as unreadable:
        page_of(Response(status=200, headers={}, body=body))

    assert unreadable.value.reason == "unreadable"


def test_most_of_what_flickr_lists_is_judged_while_it_is_read(answer: Answer) -> None:
    *usual, wrapped = json.loads(answer("flickr/pool_page").body)["photos"]["photo"]

    assert all(isinstance(row, Row) for row in rows_of(a_page(*usual)))
    assert not any(isinstance(row, Row) for row in rows_of(a_page(*usual, wrapped)))


@pytest.mark.parametrize("odd", [0, 4, {"_content": "4"}, "4" * 300, None, True])
def test_an_odd_text_leaves_the_others_as_they_are(odd: object) -> None:
    photo = photo_of(a_row(ownername="Jane", license=odd))

    assert (photo.owner, photo.owner_name) == ("1@N00", "Jane")
    assert photo.license in ("0", "4", "")


def test_an_address_is_built_where_none_is_listed() -> None:
    photo = photo_of(a_row())

    assert [size.url for size in photo.sizes] == [
        "https://live.staticflickr.com/65535/1_0d0b8ae4a9.jpg"
    ]
    assert photo.thumb == "https://live.staticflickr.com/65535/1_0d0b8ae4a9_m.jpg"


def test_the_thumb_is_the_small_size_that_is_listed() -> None:
    url = "https://live.staticflickr.com/65535/1_0d0b8ae4a9_n.jpg"

    assert photo_of(a_row(url_n=url)).thumb == url


@pytest.mark.parametrize(
    ("listed", "fetched"),
    [
        ("http://farm9.staticflickr.com/8062/1_ab.jpg", "/8062/1_ab.jpg"),
        ("https://farm66.static.flickr.com/8062/1_ab_z.jpg?zz=1", "/8062/1_ab_z.jpg"),
        ("https://live.staticflickr.com/8062/1_ab_z_d.jpg", "/8062/1_ab_z_d.jpg"),
        ("https://LIVE.staticflickr.com/8062/1_ab_k.png", "/8062/1_ab_k.png"),
    ],
)
def test_old_addresses_are_asked_of_the_origin_of_today(listed: str, fetched: str) -> None:
    assert LIVE.accept(listed) == "https://live.staticflickr.com" + fetched


@pytest.mark.parametrize(
    "url",
    [
        "http://live.staticflickr.com/1/1_ab.jpg",
        "https://live.staticflickr.com:8443/1/1_ab.jpg",
        "https://live.staticflickr.com.evil.example/1/1_ab.jpg",
        "https://user@live.staticflickr.com/1/1_ab.jpg",
        "https://live.staticflickr.com@evil.example/1/1_ab.jpg",
        "https://evilfarm1.staticflickr.com/1/1_ab.jpg",
        "https://live.staticflickr.com/../etc/passwd",
        "https://live.staticflickr.com/1/1_ab.jpg/../../x",
        "https://live.staticflickr.com/1/1_ab.svg",
        "https://live.staticflickr.com\\@evil.example/1/1_ab.jpg",
        "https://169.254.169.254/1/1_ab.jpg",
        "https://[::1/1/1_ab.jpg",
        "file:///1/1_ab.jpg",
        "//live.staticflickr.com/1/1_ab.jpg",
        "/1/1_ab.jpg",
        "",
        7,
        {},
    ],
)
def test_everywhere_else_is_refused(url: object) -> None:
    assert LIVE.accept(url) is None
    assert read_row(a_row(url_z=url), group=GROUP, images=LIVE) == Unusable(
        photo_id="1", reason="url-refused", detail=str(url)[:80]
    )


def test_a_row_without_a_picture_still_says_when_it_was_added() -> None:
    row = {"id": "1", "dateadded": "1745850000"}

    assert read_row(row, group=GROUP, images=LIVE) == Unusable(
        photo_id="1", reason="no-url", date_added=1745850000
    )


@pytest.mark.parametrize(
    ("listed", "here"),
    [
        ("http://127.0.0.1:7311/65535/1_ab_z.jpg", "/65535/1_ab_z.jpg"),
        ("http://127.0.0.1:7311/65535/../1_ab_z.jpg", None),
        ("http://127.0.0.1:7311/latest/meta-data/", None),
        ("http://[bad/65535/1_ab_z.jpg", None),
    ],
)
def test_an_address_that_moves_here_keeps_a_checked_path_alone(
    listed: str, here: str | None
) -> None:
    assert LIVE.moved(listed) == (LIVE.url + here if here else None)


def test_one_strange_address_does_not_cost_the_photo() -> None:
    good = "https://live.staticflickr.com/1/1_ab_c.jpg"

    photo = photo_of(a_row(url_z="https://evil.example/1/1_ab.jpg", url_c=good))

    assert [size.url for size in photo.sizes] == [good]


def test_another_origin_takes_its_own_addresses_alone() -> None:
    images = ImageOrigin("http://127.0.0.1:8001/")

    assert images.accept("http://127.0.0.1:8001/1/1_ab.jpg") == "http://127.0.0.1:8001/1/1_ab.jpg"
    assert images.accept("http://127.0.0.1:8002/1/1_ab.jpg") is None
    assert images.accept("https://live.staticflickr.com/1/1_ab.jpg") is None
    assert images.accept("https://farm1.staticflickr.com/1/1_ab.jpg") is None


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        pytest.param(7, "bad-row", id="number"),
        pytest.param(None, "bad-row", id="null"),
        pytest.param({}, "bad-id", id="no id"),
        pytest.param(a_row(id=""), "bad-id", id="empty id"),
        pytest.param(a_row(id="../1"), "bad-id", id="path"),
        pytest.param(a_row(id="a.b"), "bad-id", id="dot"),
        pytest.param(a_row(id="١٢"), "bad-id", id="other digits"),
        pytest.param(a_row(id="1" * 21), "bad-id", id="long id"),
        pytest.param(a_row(id=True), "bad-id", id="bool id"),
        pytest.param(a_row(secret=""), "no-url", id="no secret"),
        pytest.param(a_row(secret="../"), "no-url", id="path in secret"),
        pytest.param(a_row(server=None), "no-url", id="no server"),
    ],
)
def test_a_row_that_is_no_photo_says_why(row: object, reason: str) -> None:
    unusable = read_row(row, group=GROUP, images=LIVE)

    assert isinstance(unusable, Unusable)
    assert unusable.reason == reason


@pytest.mark.parametrize(
    ("alias", "owner", "page"),
    [
        ("jane", "1@N00", "jane"),
        (None, "1@N00", "1@N00"),
        ("", "1@N00", "1@N00"),
        ("..", "1@N00", "1@N00"),
        ("a/b", '"><script>', "-"),
    ],
)
def test_the_page_is_found_by_alias_or_owner(alias: object, owner: str, page: str) -> None:
    photo = photo_of(a_row(pathalias=alias, owner=owner))

    assert photo.page == f"https://www.flickr.com/photos/{page}/1/"


def test_endless_texts_end_and_strange_ones_stay() -> None:
    photo = photo_of(a_row(title="🦁" * 10_000, ownername="</script>\u202e\x00", license="<b>"))

    assert photo.title == "🦁" * 1000
    assert photo.owner_name == "</script>\u202e\x00"
    assert photo.license == ""


@pytest.mark.parametrize(
    "listing",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"page": 1, "pages": 3, "total": 9}, id="no rows"),
        pytest.param({"page": 1, "pages": 3, "photo": []}, id="no total"),
        pytest.param({"page": 1, "pages": "many", "total": 9, "photo": []}, id="no number"),
        pytest.param({"page": 1, "pages": 3, "total": 9, "photo": {}}, id="no list"),
        pytest.param([], id="list"),
    ],
)
def test_a_page_without_its_numbers_is_never_taken_for_empty(listing: object) -> None:
    body = json.dumps({"photos": listing, "stat": "ok"}).encode()

    with pytest.raises(Unavailable) as unreadable:
        page_of(Response(status=200, headers={}, body=body))

    assert unreadable.value.reason == "unreadable"


def a_page(*rows: object) -> Response:
    listing = {"page": 1, "pages": 1, "total": len(rows), "photo": rows}
    body = json.dumps({"photos": listing, "stat": "ok"}).encode()
    return Response(status=200, headers={}, body=body)


ELSEWHERE = a_row(url_z="https://elsewhere.example/1/1_ab.jpg")


def test_pictures_that_are_all_listed_elsewhere_are_no_fault_of_the_photos() -> None:
    with pytest.raises(
        Unavailable, match=r"elsewhere\.example.*live\.staticflickr\.com.*--image-url"
    ):
        page_of(a_page(*[ELSEWHERE] * NOT_TO_BLAME))


def test_photos_that_all_lack_what_every_photo_has_are_weather() -> None:
    with pytest.raises(Unavailable, match="none can be used"):
        page_of(a_page(*[{"id": "1"}] * NOT_TO_BLAME))


@pytest.mark.parametrize(
    ("elsewhere", "others"),
    [
        pytest.param(NOT_TO_BLAME - 1, [], id="few"),
        pytest.param(NOT_TO_BLAME, [a_row(id="2")], id="beside a good one"),
    ],
)
def test_a_photo_that_is_listed_elsewhere_is_one_photo(
    elsewhere: int, others: list[object]
) -> None:
    page = page_of(a_page(*[ELSEWHERE] * elsewhere, *others))

    unusable = [row.reason for row in page.rows if isinstance(row, Unusable)]
    assert unusable == ["url-refused"] * elsewhere


@pytest.mark.parametrize("stat", [{}, {"stat": None}, {"stat": "fine"}])
def test_without_its_word_for_success_an_answer_is_none(stat: dict[str, object]) -> None:
    listing = {"page": 1, "pages": 1, "total": 0, "photo": []}

    with pytest.raises(Unavailable):
        page_of(
            Response(status=200, headers={}, body=json.dumps({"photos": listing} | stat).encode())
        )


def test_a_negative_or_huge_total_is_a_number() -> None:
    body = b'{"photos":{"page":1,"pages":-3,"total":1e300,"photo":[]},"stat":"ok"}'

    page = page_of(Response(status=200, headers={}, body=body))

    assert (page.pages, page.total) == (0, 2**53)


def test_a_group_is_read(answer: Answer) -> None:
    assert read_group(answer("flickr/group"), group="wild") == Group(
        id="34427469792@N01", name="Wild animals"
    )


@pytest.mark.parametrize("id_", ["", "../x", "zoo", None])
def test_a_group_without_an_id_is_unreadable(id_: object) -> None:
    body = json.dumps({"group": {"id": id_}, "stat": "ok"}).encode()

    with pytest.raises(Unavailable):
        read_group(Response(status=200, headers={}, body=body), group="wild")


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded pages are not on this machine")
@pytest.mark.parametrize("name", ["pool-page-1", "pool-page-1-again", "pool-page-2024"])
def test_every_recorded_row_is_a_photo(name: str) -> None:
    rows = json.loads((RECORDED / f"{name}.json").read_text())

    photos = [photo_of(row) for row in rows]

    assert all(photo.sizes and photo.date_added and photo.owner_name for photo in photos)
    assert len({photo.id for photo in photos}) == len(rows)


# What is refused


@pytest.mark.parametrize(
    ("name", "kind", "reason", "words"),
    [
        ("fail_100", Denied, "api-key", "FLICKR_API_KEY"),
        ("fail_1", Denied, "group-not-found", "--group"),
        ("fail_2", Denied, "group-private", "private"),
        ("fail_99", Denied, "not-public", "Insufficient permissions"),
        ("fail_112", Rejected, "code-112", "Method"),
        ("fail_105", Unavailable, "unavailable", "currently unavailable"),
        ("fail_0", Unavailable, "unavailable", "not currently available"),
        ("fail_new", Unavailable, "unexpected", "Something new"),
        ("fail_201_comma", Unavailable, "unreadable", "not currently available"),
        ("jsonp", Unavailable, "unreadable", "jsonFlickrApi"),
        ("html", Unavailable, "unreadable", "massage"),
        ("502", Unavailable, "unavailable", "502"),
        ("429", Throttled, "throttled", "speed"),
        ("403_block", Throttled, "blocked", "403"),
    ],
)
def test_each_refusal_has_its_kind(
    answer: Answer, name: str, kind: type[VendorError], reason: str, words: str
) -> None:
    error = error_for(answer(f"flickr/{name}"), group="wild")

    assert type(error) is kind
    assert (error.upstream, error.reason) == ("flickr", reason)
    assert words in str(error)


@pytest.mark.parametrize(("name", "seconds"), [("429", None), ("429_retry_after", 90.0)])
def test_the_wait_that_is_asked_for_counts(
    answer: Answer, name: str, seconds: float | None
) -> None:
    error = error_for(answer(f"flickr/{name}"), group="wild")

    assert isinstance(error, Throttled)
    assert error.retry_after == seconds


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((204, Unavailable), (302, Unavailable), (408, Unavailable), (503, Unavailable)),
        *((400, Rejected), (404, Denied)),
    ],
)
def test_without_json_the_status_decides(status: int, kind: type[VendorError]) -> None:
    assert type(error_for(Response(status=status, headers={}, body=b""), group="wild")) is kind


def a_failure(code: object, message: str = "Sorry.", *, status: int = 200) -> Response:
    body = json.dumps({"stat": "fail", "code": code, "message": message}).encode()
    return Response(status=status, headers={"retry-after": "90"}, body=body)


@pytest.mark.parametrize("number", [int, str])
@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        (Denied, [1, 2, 96, 97, 98, 99, 100]),
        (Rejected, [3, 18, 20, 77, 111, 112, 114, 115, 116]),
        (Unavailable, [0, 10, 105, 106, 201, 4711]),
    ],
)
def test_every_code_that_flickr_names_has_its_kind(
    kind: type[VendorError], codes: list[int], number: type
) -> None:
    assert {type(error_for(a_failure(number(code)), group="wild")) for code in codes} == {kind}


@pytest.mark.parametrize(
    "failure",
    [
        *(a_failure(code) for code in (0, 10, 105, 106, 201)),
        a_failure(4711, "Sorry, the Flickr search API is not currently available."),
    ],
)
def test_flickr_that_says_it_is_away_is_believed(failure: Response) -> None:
    assert error_for(failure, group="wild").reason == "unavailable"


def test_a_refusal_for_speed_is_one_whatever_its_body_says() -> None:
    error = error_for(a_failure(105, status=429), group="wild")

    assert isinstance(error, Throttled)
    assert error.retry_after == 90.0


WORDS = "photos page pages total photo group id stat code message url_z secret server _content"
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["ok", "fail", "1", "https://live.staticflickr.com/1/1_ab.jpg"])
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(WORDS.split()), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(rows=st.lists(VALUES, max_size=5), total=VALUES)
def test_a_readable_page_answers_for_every_row(rows: list[object], total: object) -> None:
    listing = {"page": 1, "pages": 1, "total": total, "photo": rows}
    body = json.dumps({"photos": listing, "stat": "ok"}).encode()

    with contextlib.suppress(IngestorError):
        assert len(page_of(Response(status=200, headers={}, body=body)).rows) == len(rows)


@given(
    body=VALUES.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60),
    status=st.sampled_from([200, 204, 302, 400, 401, 403, 404, 429, 500, 503]),
)
def test_whatever_is_answered_only_our_errors_come_out(body: bytes, status: int) -> None:
    response = Response(status=status, headers={}, body=body)

    with contextlib.suppress(IngestorError):
        page_of(response)
    with contextlib.suppress(IngestorError):
        read_group(response, group="wild")


# The client


async def test_the_client_asks_and_reads(answer: Answer) -> None:
    transport = Recorder(answer("flickr/group"), answer("flickr/pool_page"))
    flickr = Flickr(transport, url=URL, key=KEY, images=LIVE)

    group = await flickr.lookup_group("wild")
    page = await flickr.pool_page(group.id, page=1)

    assert form_of(transport.requests[1])["group_id"] == group.id
    assert len(page.rows) == 3


@pytest.mark.parametrize("refused", ["fail_1", "fail_2", "fail_99"])
async def test_a_group_that_is_refused_is_named(refused: str, answer: Answer) -> None:
    transport = Recorder(answer(f"flickr/{refused}"), answer(f"flickr/{refused}"))
    flickr = Flickr(transport, url=URL, key=KEY, images=LIVE)

    for asked in (flickr.lookup_group("wild"), flickr.pool_page("wild", page=1)):
        with pytest.raises(Denied, match=r"^Group 'wild': "):
            await asked


async def test_a_key_that_is_refused_is_no_groups_fault(answer: Answer) -> None:
    flickr = Flickr(Recorder(answer("flickr/fail_100")), url=URL, key=KEY, images=LIVE)

    with pytest.raises(Denied, match=r"^Flickr does not accept FLICKR_API_KEY"):
        await flickr.lookup_group("wild")
