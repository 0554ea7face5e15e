"""
A browser, and a page for it to look at: pictures included, all on loopback.

Both are started once and shared, with a loop of their own: each costs more than what a test does
with it. A test gets a fresh context, which is to a browser what a new visitor is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

from tests.houses import Client, a_collection, visiting
from tests.shelves import local_shelf

WIDE = {"width": 1280, "height": 900}
PATIENCE_MS = 15_000
PICTURE = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="640" height="427">'
    b'<rect width="640" height="427" fill="#7a9"/></svg>'
)


@asynccontextmanager
async def pictures() -> AsyncIterator[str]:
    """An image server on which one picture is missing."""

    async def picture(request: web.Request) -> web.Response:
        if "0000404" in request.path:
            return web.Response(status=404)
        return web.Response(body=PICTURE, content_type="image/svg+xml")

    app = web.Application()
    app.router.add_get("/{path:.*}", picture)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    """Nothing changes it: what a test leaves there is what it had pictures reported for."""
    folder = tmp_path_factory.mktemp("house")
    async with local_shelf(folder) as shelf, pictures() as origin:
        await shelf.put(*a_collection())
        async with visiting(shelf.catalog, folder, image_origin=origin) as client:
            yield client


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: Path) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            yield browser
        finally:
            await browser.close()


class Visitor:
    """Opens pages, and remembers what a browser complained about."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser = browser
        self._address = address
        self.complaints: list[str] = []

    @asynccontextmanager
    async def at(self, path: str, **given: Any) -> AsyncIterator[Page]:
        context = await self.browser.new_context(
            **{"viewport": WIDE, "base_url": self._address, **given}
        )
        context.set_default_timeout(PATIENCE_MS)
        page = await context.new_page()
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        try:
            await page.goto(path)
            yield page
        finally:
            await context.close()

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)


@pytest.fixture
def visitor(browser: Browser, house: Client) -> Visitor:
    return Visitor(browser, house.address)
