"""What somebody who opens the page for the first time waits for, as Chromium itself measures it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ONLY_LOOPBACK = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
"""The collection's pictures are made up: nobody is asked for them."""
MEASURE = """() => {
  const page = performance.getEntriesByType("navigation")[0];
  const own = performance.getEntriesByType("resource").filter((one) => one.name.includes("/static/"));
  const sum = (what) => [page, ...own].reduce((total, one) => total + one[what], 0);
  return {
    paint: performance.getEntriesByName("first-contentful-paint")[0].startTime,
    received: sum("transferSize"),
    unpacked: sum("decodedBodySize"),
  };
}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    paint: float
    """First contentful paint, milliseconds after the address was asked for."""
    received: int
    """Bytes on the wire, headers and all, of everything but pictures."""
    unpacked: int


def visits(folder: Path, *, chromium: str, label: str, times: int) -> Mapping[str, Sequence[Visit]]:
    """Of the empty page and a page of results; each visit meets a new server with a new browser."""
    paths = ("/", f"/?q={label}")
    seen: dict[str, list[Visit]] = {path: [] for path in paths}
    with sync_playwright() as playwright:
        for _ in range(times):
            for path in paths:
                browser = playwright.chromium.launch(
                    executable_path=chromium, args=["--no-sandbox", "--disable-gpu", ONLY_LOOPBACK]
                )
                with served(folder) as address:
                    seen[path].append(visit(browser, address + path))
                browser.close()
    return seen


def visit(browser: Browser, url: str) -> Visit:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(url)
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
    return Visit(**page.evaluate(MEASURE))


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of `ingestor serve` over the journal in `folder`."""
    command = [sys.executable, "-m", "ingestor", "serve", "--port", "0", "--state", str(folder)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None  # noqa: S101 - it was asked for
        yield process.stderr.readline().split(" at ")[1].split()[0]
    finally:
        process.terminate()
        process.wait()
