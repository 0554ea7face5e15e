"""What the sandbox offers to those who measure: TLS, and pictures from nginx."""

from __future__ import annotations

import json
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from ingestor.sandbox import nginx
from ingestor.sandbox.marks import photo_id_in
from ingestor.sandbox.options import Options
from ingestor.sandbox.server import Sandbox
from tests.sandboxes import zoo_query

SHEET = 20_000

needs_nginx = pytest.mark.skipif(nginx.installed() is None, reason="nginx is not installed")


def some_options(**changed: Any) -> Options:
    usual: dict[str, Any] = {"port": 0, "fast": True, "photos": 50, "sheets": (SHEET, SHEET)}
    return Options(**(usual | changed))


@asynccontextmanager
async def client(sandbox: Sandbox) -> AsyncIterator[aiohttp.ClientSession]:
    """One that trusts whom the sandbox names, and nobody else."""
    context = ssl.create_default_context(cafile=sandbox.addresses.authority_file)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        yield session


async def rows_of(session: aiohttp.ClientSession, sandbox: Sandbox) -> list[dict[str, Any]]:
    flickr, query = sandbox.addresses.flickr_url, zoo_query(sandbox)
    async with session.get(flickr, params=query) as answer:
        rows: list[dict[str, Any]] = json.loads(await answer.text())["photos"]["photo"]
        return rows


async def test_every_upstream_speaks_tls_to_who_trusts_its_authority() -> None:
    async with Sandbox(some_options(tls=True)) as sandbox, client(sandbox) as session:
        told = sandbox.addresses
        urls = [told.flickr_url, told.image_url, told.vision_url]
        urls.append(told.database_url.replace("?ns", ".json?ns"))

        for url in urls:
            async with session.get(url) as answer:
                assert url.startswith("https://127.0.0.1:")
                assert answer.status < 500


async def test_nobody_else_trusts_it() -> None:
    async with Sandbox(some_options(tls=True)) as sandbox, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get(sandbox.addresses.vision_url)


@needs_nginx
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
async def test_nginx_serves_every_photo_its_own_picture(tls: bool) -> None:
    async with Sandbox(some_options(nginx=True, tls=tls)) as sandbox, client(sandbox) as session:
        for row in (await rows_of(session, sandbox))[:3]:
            async with session.get(row["url_z"]) as answer:
                picture = await answer.read()

            assert answer.headers["Server"].startswith("nginx")
            assert photo_id_in(picture) == row["id"]
            assert len(picture) - SHEET == 38


@needs_nginx
async def test_nginx_ends_with_the_sandbox() -> None:
    async with Sandbox(some_options(nginx=True)) as sandbox:
        url = sandbox.addresses.image_url

    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(url)


@needs_nginx
def test_nginx_ends_when_whoever_started_it_is_killed(tmp_path) -> None:
    at = nginx.PictureServer(host="127.0.0.1", port=nginx.free_port("127.0.0.1"), certificate=None)
    (tmp_path / "nginx.conf").write_text(at.configuration(tmp_path))
    command = ["/bin/sh", "-c", nginx.WITH_THE_PARENT, "sh", str(nginx.installed())]
    process = subprocess.Popen(
        [*command, "-e", "stderr", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")],
        stdin=subprocess.PIPE,
    )

    process.communicate(timeout=30)

    assert process.returncode is not None


@pytest.mark.parametrize(
    "changed",
    [{"sheets": None}, {"sheets": (1, 2)}, {"rates": {"image.gone": 1.0}}],
    ids=["drawings", "sizes", "faults"],
)
def test_nginx_is_not_asked_for_what_it_cannot_do(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="nginx"):
        some_options(nginx=True, **changed)
