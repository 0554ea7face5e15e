"""
A real Prometheus with the project's own configuration, scraping a real worker: what it finds, which
rules it loads, and whether every expression of the dashboard and the alerts means something to it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp

from ingestor.sandbox.options import Options
from ingestor.sandbox.server import Sandbox
from tests.campaigns.arena import Broken, holds
from tests.integration.console import START, UNLIMITED, environment, free_ports

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
PATIENCE: Final = 60.0
SCRAPE_SECONDS: Final = 1
SCRAPES: Final = 25
"""For rates there must be more than one, and what the journal says is told again for 15 s."""
VARIABLE: Final = re.compile(r"\$\w+")


def configuration(folder: Path, *, worker: int) -> Path:
    """The project's own, with a worker on this machine and less patience."""
    shutil.copy(DEPLOY / "prometheus/alerts.yml", folder)
    text = (DEPLOY / "prometheus/prometheus.yml").read_text(encoding="utf-8")
    text = text.replace("worker:9464", f"127.0.0.1:{worker}")
    text = re.sub(r"(\w+_interval): \d+s", rf"\1: {SCRAPE_SECONDS}s", text)
    file = folder / "prometheus.yml"
    file.write_text(text, encoding="utf-8")
    return file


def expressions() -> Iterator[str]:
    """The dashboard's."""
    dashboard = json.loads((DEPLOY / "grafana/dashboards/ingestor.json").read_text("utf-8"))
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield VARIABLE.sub("5m", target["expr"])


@asynccontextmanager
async def running(*words: str, said: Path, **env: str) -> AsyncIterator[None]:
    """A process until the end of the block, and SIGTERM."""
    with said.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *words, env=environment(**env), stdout=errors, stderr=errors
        )
    try:
        yield
    except Broken as error:
        last = await asyncio.to_thread(said.read_text, "utf-8")
        raise Broken(f"{error}; {words[0]} said {last[-1000:]}") from None
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.wait(), PATIENCE)


class Prometheus:
    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def ask(self, path: str, **query: str) -> Any:
        async with self._session.get(f"{self._url}/api/v1/{path}", params=query) as answer:
            told = await answer.json()
        holds(told["status"] == "success", path, query, told)
        return told["data"]

    async def query(self, expression: str) -> list[Any]:
        found: list[Any] = (await self.ask("query", query=expression))["result"]
        return found

    async def scraped(self, times: int) -> None:
        """Wait until the worker was looked at so often, with everything bought and stored."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                found = await self.query("count_over_time(ingestor_ready[5m])")
            except (aiohttp.ClientError, OSError):
                found = []
            if found and int(found[0]["value"][1]) >= times:
                return
            if time.monotonic() > deadline:
                raise Broken("it does not scrape")
            await asyncio.sleep(0.2)


async def looked_at(prometheus: Prometheus) -> dict[str, object]:
    await prometheus.scraped(SCRAPES)
    targets = (await prometheus.ask("targets"))["activeTargets"]
    groups = (await prometheus.ask("rules"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    series = await prometheus.query('count({__name__=~"ingestor_.*"})')
    names = await prometheus.query('count(count by (__name__) ({__name__=~"ingestor_.*"}))')
    asked = list(expressions())
    empty = [expr for expr in asked if not await prometheus.query(expr)]
    return {
        "targets up": f"{sum(t['health'] == 'up' for t in targets)} of {len(targets)}",
        "series of the worker's own, by names": f"{_number(series)}, {_number(names)}",
        "alert rules loaded and evaluated": sum(rule["health"] == "ok" for rule in rules),
        "  of them firing": sum(rule.get("state") == "firing" for rule in rules),
        "expressions of the dashboard, understood": len(asked),
        "  of them without a value so far": len(empty),
        **{f"    {expr[:44]}": "" for expr in empty},
    }


def _number(found: list[Any]) -> str:
    return str(found[0]["value"][1])


async def campaign(*, binary: str) -> dict[str, object]:
    ports = int(free_ports())
    options = Options(port=0, fast=True, photos=400, sketches=True, images_per_minute=0)
    with tempfile.TemporaryDirectory(prefix="ingestor-prometheus-") as name:
        folder = Path(name)
        config = configuration(folder, worker=ports)
        url = f"http://127.0.0.1:{ports + 1}"
        words = (*UNLIMITED, "worker", "--group", "zoo", "--group", "aviary", "--every", "2s")
        async with (
            Sandbox(options) as sandbox,
            running(
                *(*START, *words, "--eyes", f"127.0.0.1:{ports}", "--state", str(folder / "s")),
                said=folder / "worker",
                **sandbox.addresses.settings(),
            ),
            running(
                *(binary, f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"),
                f"--web.listen-address=127.0.0.1:{ports + 1}",
                said=folder / "prometheus",
            ),
            aiohttp.ClientSession() as session,
        ):
            return await looked_at(Prometheus(session, url))


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/campaign prometheus", description=__doc__)
    parser.add_argument("--binary", default="prometheus", help="where it is")
    given = parser.parse_args()
    figures = asyncio.run(campaign(binary=given.binary))
    sys.stdout.writelines(f"{name:<50}{value!s:>12}\n" for name, value in figures.items())
    return 0


if __name__ == "__main__":
    sys.exit(main())
