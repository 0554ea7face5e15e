"""The page in a real browser, as a person uses it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.conftest import Visitor
from tests.houses import Client, visiting
from tests.integration.console import START, environment
from tests.shelves import local_shelf

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

FIRST_LETTER_IS_SHOWN = """(title) => {
    const heading = document.querySelector(".card h3");
    let inner = heading;
    while (inner.firstElementChild) inner = inner.firstElementChild;
    inner.textContent = title;
    const first = document.createRange();
    first.setStart(inner.firstChild, 0);
    first.setEnd(inner.firstChild, 1);
    const [letter, room] = [first.getBoundingClientRect(), heading.getBoundingClientRect()];
    return letter.left >= room.left - 1 && letter.right <= room.right + 1;
}"""
LINES_OF_A_COMMAND = """(command) => {
    const [before, text] = [new Text(), document.createRange()];
    command.before(before);
    text.selectNodeContents(command);
    return [...Array(40).keys()].map((letters) => {
        before.data = "x".repeat(letters) + " ";
        return text.getClientRects().length;
    });
}"""
"""After so many letters in its line."""
AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
SERIOUS = ("serious", "critical")
PHONE = {"width": 360, "height": 740}
PATIENCE_MS = 60_000
PAUSE_MS = 100
"""After it the search box has asked for suggestions: it waits for 80."""
MOST_BYTES = 60_000
"""Of a page with its style and scripts, unpacked: on the wire it is a fifth of that."""
UNPACKED_BYTES = """
    performance.getEntries()
        .filter((one) => one.entryType === "navigation" || one.name.includes("/static/"))
        .reduce((total, one) => total + one.decodedBodySize, 0)
"""


async def choose(page: Page, text: str, *keys: str) -> None:
    """Type into the search box, wait for the suggestions of all that was typed, press keys."""
    await page.locator("#q").fill("")
    await page.locator("#q").press_sequentially(text)
    first = page.locator("#options li").first
    await expect(first).to_be_visible()
    await expect(first.locator("b")).to_have_text(text.rsplit(maxsplit=1)[-1], ignore_case=True)
    for key in keys:
        await page.keyboard.press(key)


async def findings(page: Page) -> list[str]:
    """What axe finds serious, with the elements it means."""
    await page.evaluate(AXE)
    result: Any = await page.evaluate("axe.run()")
    return [
        f"{found['id']}: {node['html'][:120]}"
        for found in result["violations"]
        if found["impact"] in SERIOUS
        for node in found["nodes"]
    ]


async def test_type_choose_scroll_refine_go_back_and_reload(visitor: Any) -> None:
    async with visitor.at("/") as page:
        await choose(page, "d", "ArrowDown")
        active = await page.locator("#q").get_attribute("aria-activedescendant")
        await expect(page.locator(f"#{active}")).to_have_attribute("aria-selected", "true")
        await page.keyboard.press("Enter")

        await page.wait_for_url("**/?q=Dog")
        await expect(page.locator(".card")).to_have_count(30)
        await expect(page.locator("h1")).to_have_text("Dog")

        await page.get_by_role("link", name="Next pictures").click()
        await expect(page.get_by_text("Dog number 33")).to_be_visible()
        await page.get_by_role("link", name="Next pictures").click()
        await expect(page.locator(".card")).to_have_count(9)

        await page.go_back()
        await page.go_back()
        await page.locator(".often").get_by_role("link", name="Snow").click()
        await expect(page.locator(".chips .chip")).to_have_count(2)
        permalink = page.url
        shown = await page.locator(".card h3").all_text_contents()
        await page.goto(permalink)
        assert await page.locator(".card h3").all_text_contents() == shown

        await page.get_by_role("link", name="Leave out Snow").click()
        await page.wait_for_url("**/?q=Dog")

    assert visitor.complaints == []


async def test_the_box_is_worked_by_keys_alone(visitor: Any) -> None:
    async with visitor.at("/?q=dog") as page:
        box = page.get_by_role("combobox")
        await choose(page, "dog, not s", "ArrowDown", "Escape")
        await expect(box).to_have_attribute("aria-expanded", "false")
        await choose(page, "dog, not s", "ArrowDown", "ArrowUp", "ArrowUp", "Enter")

        await expect(page.locator(".chip.not")).to_contain_text("Snow")
        await expect(box).to_have_value("dog, not Snow")

        await choose(page, "bl", "ArrowDown", "Enter")
        await expect(box).to_have_value('"Black and white"')
        await expect(page.locator(".card")).to_have_count(3)

    assert visitor.complaints == []


async def test_a_late_answer_does_not_open_what_escape_closed(visitor: Any) -> None:
    released = asyncio.Event()

    async def hold(route: Route) -> None:
        await released.wait()
        await route.continue_()

    async with visitor.at("/") as page:
        await choose(page, "d")
        await page.route("**/api/suggest*", hold)
        async with page.expect_response("**/api/suggest*") as answered:
            async with page.expect_request("**/api/suggest*"):
                await page.keyboard.press("o")
            await page.keyboard.press("Escape")
            released.set()
        await (await answered.value).finished()
        await page.evaluate("new Promise(requestAnimationFrame)")
        await expect(page.locator("#options")).to_be_hidden()
        await page.unroute("**/api/suggest*")

    assert visitor.complaints == []


async def test_escape_also_calls_off_what_was_not_yet_asked(visitor: Any) -> None:
    async with visitor.at("/") as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        # It goes on by itself until it is stopped, and a busy machine is slow to press the next key.
        await page.clock.install(time=0)
        await page.clock.pause_at(3600)
        await page.locator("#q").press_sequentially("d")
        await page.clock.run_for(PAUSE_MS)
        await expect(page.locator("#options")).to_be_visible()
        await page.keyboard.press("o")
        await page.keyboard.press("Escape")
        await page.clock.run_for(PAUSE_MS)
        assert len([url for url in asked if "/api/suggest" in url]) == 1

    assert visitor.complaints == []


async def test_the_slider_sets_the_least_score(visitor: Any) -> None:
    async with visitor.at("/?q=dog") as page:
        slider = await page.get_by_label("Score at least").bounding_box()
        await page.mouse.click(
            slider["x"] + slider["width"] - 2, slider["y"] + slider["height"] / 2
        )

        await page.wait_for_url("**min=0.95*")
        await expect(page.locator(".card")).to_have_count(8)


async def test_whoever_moves_the_slider_by_keys_says_when_it_is_where_it_should_be(
    visitor: Any,
) -> None:
    async with visitor.at("/?q=dog") as page:
        slider = page.get_by_label("Score at least")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        for _ in range(3):
            await slider.press("ArrowRight")
        await expect(page.locator("#least")).to_have_text("15\u202f%")
        await expect(slider).to_be_focused()
        assert [url for url in asked if "min=" in url] == []

        await slider.press("Enter")
        await page.wait_for_url("**min=0.15*")

    assert visitor.complaints == []


async def test_who_goes_back_finds_the_question_of_that_page(visitor: Any) -> None:
    """A filter that does nothing here, but is sent with the next question, would be a trap."""
    async with visitor.at("/?q=dog") as page:
        slider = page.get_by_label("Score at least")
        await page.get_by_label("Show hidden pictures").check(no_wait_after=True)
        await page.wait_for_url("**all=1*")
        await slider.press("ArrowRight")
        await slider.press("Enter")
        await page.wait_for_url("**min=0.05*")

        await page.go_back()
        await expect(slider).to_have_value("0")
        await page.go_back()
        await expect(page.get_by_label("Show hidden pictures")).not_to_be_checked()


async def test_a_page_that_was_kept_asks_what_it_shows(visitor: Any) -> None:
    passing = "dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))"
    async with visitor.at("/?q=dog") as page:
        await page.get_by_label("Score at least").press("ArrowRight")
        await expect(page.locator("#least")).to_have_text("5\u202f%")

        await page.evaluate(passing)

        await expect(page.get_by_label("Score at least")).to_have_value("0")
        await expect(page.locator("#least")).to_have_text("0\u202f%")


async def test_without_javascript_everything_is_there(visitor: Any) -> None:
    async with visitor.at("/", java_script_enabled=False) as page:
        await page.locator("#q").fill("dog, not snow")
        await page.get_by_role("button", name="Search").click()
        await expect(page.locator(".card").first).to_contain_text("Dog number 0")
        await page.get_by_role("link", name="Next pictures").click()
        await page.locator(".card h3 a").first.click()
        await expect(page.locator(".labels li")).to_have_count(2)
        await page.goto("/runs")
        await expect(page.locator("h1")).to_have_text("No run yet.")

    assert visitor.complaints == []


@pytest.mark.parametrize(
    ("path", "scheme"),
    [
        ("/", "light"),
        ("/?q=dog,%20not%20snow", "light"),
        ("/?q=dog,%20not%20snow", "dark"),
        ("/photo/1003?q=dog", "dark"),
        ("/runs", "light"),
    ],
)
async def test_axe_finds_nothing_serious_and_nothing_is_wider_than_a_phone(
    visitor: Any, path: str, scheme: str
) -> None:
    async with visitor.at(path, viewport=PHONE, color_scheme=scheme) as page:
        wide = await page.evaluate("document.documentElement.scrollWidth")
        background = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        found = await findings(page)

    assert found == []
    assert wide <= PHONE["width"]
    assert (background == "rgb(22, 21, 18)") == (scheme == "dark")
    assert visitor.complaints == []


@pytest.mark.parametrize("path", ["/", "/?q=dog", "/photo/1003?q=dog"])
async def test_no_page_shows_more_than_thirty_photos_though_labels_are_suggested(
    visitor: Any, path: str
) -> None:
    async with visitor.at(path) as page:
        await page.locator("#q").fill("")
        await choose(page, "d", "ArrowDown")

        assert await page.locator("img").count() <= 30
        assert await page.locator("#options img").count() or path == "/?q=dog"


@pytest.mark.parametrize("title", ["فراشة جميلة على زهرة (Monarch) ", "Very long, and longer "])
async def test_of_a_title_that_is_too_long_the_beginning_is_shown(visitor: Any, title: str) -> None:
    async with visitor.at("/?q=dog", viewport=PHONE) as page:
        shown = await page.evaluate(FIRST_LETTER_IS_SHOWN, title * 9)

    assert shown


async def test_the_narrowest_phone_has_room_for_a_long_word_and_for_the_score(
    visitor: Any,
) -> None:
    async with visitor.at("/photo/1003?q=dog", viewport={"width": 320, "height": 640}) as page:
        word = page.locator(".labels a").first
        before = await word.bounding_box()
        await word.locator("bdi").evaluate("(word) => { word.textContent = 'photography' }")
        after = await word.bounding_box()
        slider = await page.locator("#min").bounding_box()
        score = await page.locator("#least").bounding_box()

        assert after["height"] == before["height"]
        assert score["y"] < slider["y"] + slider["height"]


async def test_a_command_is_not_broken_after_one_of_its_hyphens(visitor: Any) -> None:
    async with visitor.at("/runs", viewport=PHONE) as page:
        lines = await page.locator("p > code").first.evaluate(LINES_OF_A_COMMAND)

    assert set(lines) == {1}


async def test_axe_finds_nothing_serious_in_the_suggestions(visitor: Any) -> None:
    async with visitor.at("/") as page:
        await choose(page, "d", "ArrowDown")

        assert await findings(page) == []


@pytest.mark.parametrize("times_slower", [1, 4, 7])
async def test_the_page_does_not_move_while_it_comes(visitor: Any, times_slower: int) -> None:
    """Neither for pictures, nor where a slow machine has read half of a row."""
    async with visitor.at("about:blank") as page:
        devtools = await page.context.new_cdp_session(page)
        await devtools.send("Emulation.setCPUThrottlingRate", {"rate": times_slower})
        await page.add_init_script(
            "window.moved = 0; new PerformanceObserver((list) => {"
            "for (const one of list.getEntries()) window.moved += one.value;"
            "}).observe({type: 'layout-shift', buffered: true});"
        )
        await page.goto("/?q=dog")
        await page.wait_for_load_state("networkidle")

        assert await page.evaluate("window.moved") == 0
        heights = await page.locator(".picture").evaluate_all(
            "all => all.slice(0, 4).map((one) => Math.round(one.getBoundingClientRect().height))"
        )
        assert len(set(heights)) == 1


async def test_a_picture_that_does_not_come_leaves_a_quiet_place(
    visitor: Any, house: Client
) -> None:
    async with visitor.at("about:blank") as page:
        await page.route("**/*_z.jpg", lambda route: route.abort())
        await page.route("**/*_m.jpg", lambda route: route.abort())
        await page.goto("/photo/1003")

        await expect(page.locator(".frame.broken")).to_be_visible()
        await expect(page.locator(".frame img")).to_be_hidden()
        await page.wait_for_load_state("networkidle")

    assert "a browser could not show the picture of photo 1003" in house.said


async def test_whoever_wants_no_motion_gets_none(visitor: Any) -> None:
    moves = "getComputedStyle(document.querySelector('.picture img')).transitionDuration"
    for wish, seconds in (("reduce", "0s"), ("no-preference", "0.25s")):
        async with visitor.at("/?q=dog", reduced_motion=wish) as page:
            assert await page.evaluate(moves) == seconds


async def test_the_dashboard_follows_a_run_of_another_process(visitor: Any, tmp_path: Path) -> None:
    async with local_shelf(tmp_path) as shelf, visiting(shelf.catalog, tmp_path) as client:
        own = Visitor(visitor.browser, client.address)
        async with own.at("/runs") as page:
            headline = page.locator("h1")
            await expect(headline).to_have_text("No run yet.")
            async with a_run(tmp_path):
                await expect(headline).to_contain_text("Running", timeout=PATIENCE_MS)
                await expect(page.locator("#b-flow")).to_be_visible()
            await expect(headline).to_contain_text("The last run is complete")
            await expect(page.locator("#b-photos")).to_contain_text("24 can be found")
            await expect(page.locator("#b-history tbody tr")).to_have_count(1)
            assert await findings(page) == []

    assert own.complaints == []


async def test_a_dashboard_that_cannot_follow_says_so_and_comes_back(visitor: Any) -> None:
    async with visitor.at("about:blank") as page:
        await page.route("**/runs/live", lambda route: route.fulfill(status=502))
        await page.goto("/runs")
        lost = page.locator("#lost")
        await expect(lost).to_be_visible()

        await page.unroute("**/runs/live")

        await expect(lost).to_be_hidden(timeout=PATIENCE_MS)


async def test_a_dashboard_that_one_comes_back_to_follows_again(visitor: Any) -> None:
    passing = "dispatchEvent(new PageTransitionEvent('{}', {{ persisted: true }}))"
    async with visitor.at("about:blank") as page:
        async with page.expect_request("**/runs/live"):
            await page.goto("/runs")
        await page.evaluate(passing.format("pagehide"))
        async with page.expect_request("**/runs/live"):
            await page.evaluate(passing.format("pageshow"))


async def test_a_dashboard_that_nobody_looks_at_lets_its_connection_go(visitor: Any) -> None:
    turned = (
        "Object.defineProperty(document, 'hidden', {{ value: {}, configurable: true }});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    async with visitor.at("about:blank") as page:
        async with page.expect_request("**/runs/live"):
            await page.goto("/runs")
        async with page.expect_event("requestfailed", lambda request: "live" in request.url):
            await page.evaluate(turned.format("true"))
        async with page.expect_request("**/runs/live"):
            await page.evaluate(turned.format("false"))


@asynccontextmanager
async def a_run(state: Path) -> AsyncIterator[None]:
    """`ingestor` on the sandbox, in a process of its own; it has ended when the block has."""
    process = await asyncio.create_subprocess_exec(
        *(*START, "--sandbox", "--group", "zoo", "--limit", "24", "--state", str(state)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment(),
    )
    try:
        yield
        async with asyncio.timeout(PATIENCE_MS / 1000):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_page_is_light(visitor: Any) -> None:
    for path in ("/", "/?q=dog", "/photo/1003", "/runs"):
        async with visitor.at(path) as page:
            await page.wait_for_load_state("load")
            weight = await page.evaluate(UNPACKED_BYTES)

        assert 0 < weight < MOST_BYTES, path
