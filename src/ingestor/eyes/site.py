"""The three answers: /livez, /readyz, /metrics."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from ingestor.errors import SettingsError
from ingestor.eyes.figures import Figures, View
from ingestor.kits.beside import beside
from ingestor.kits.connections import Connections
from ingestor.kits.listening import why_not

NAME: Final = "ingestor.eyes"
OFF: Final = "off"
BEAT: Final = 0.5
"""Seconds between two looks at how late the loop is."""
GRACE: Final = 0.5
"""Seconds for answers under way at the end: a container is given four beyond what is paid for."""
MOST: Final = 64
"""Connections at once (taste): a process may open so many files, and a run needs them."""
MOST_BODY: Final = 1024
"""Bytes; nobody has anything to send here."""


@asynccontextmanager
async def watched(
    view: View, registry: CollectorRegistry, *, address: tuple[str, int] | None
) -> AsyncIterator[None]:
    """Be looked at while in the block. Raises SettingsError where the address cannot be had."""
    if address is None:
        yield
        return
    figures = Figures(view)
    registry.register(figures)
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    connections = Connections(most=MOST)
    app = application(figures, registry)
    app.middlewares.append(_counted(connections))
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=_logger(),
        handle_signals=False,
        shutdown_timeout=GRACE,
    )
    await runner.setup()
    try:
        async with _listening(connections, runner, address), beside(_feel(view), name="eyes"):
            yield
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _listening(
    connections: Connections, runner: web.AppRunner, address: tuple[str, int]
) -> AsyncIterator[None]:
    host, port = address
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(connections.listening(runner, host=host, port=port))
        except OSError as error:
            raise SettingsError(
                f"--eyes: {host}:{port} cannot be listened on ({why_not(error)}). "
                "Give another HOST:PORT, or off."
            ) from None
        yield


def address_of(text: str) -> tuple[str, int] | None:
    """Read HOST:PORT, or "off". Raises SettingsError."""
    if text == OFF:
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise SettingsError(f"--eyes: {text[:80]!r} is neither HOST:PORT nor off.")
    return host.strip("[]"), int(port)


def application(figures: Figures, registry: CollectorRegistry) -> web.Application:
    async def live(_request: web.Request) -> web.Response:
        # Who answers lives: it is the loop that does all the work.
        return web.Response(text="ok\n")

    async def ready(_request: web.Request) -> web.Response:
        trouble = figures.view.why_not()
        return web.Response(text=f"{trouble or 'ok'}\n", status=503 if trouble else 200)

    async def metrics(_request: web.Request) -> web.Response:
        await asyncio.to_thread(figures.refresh)
        return web.Response(
            body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )

    app = web.Application(client_max_size=MOST_BODY)
    app.router.add_get("/livez", live)
    app.router.add_get("/readyz", ready)
    app.router.add_get("/metrics", metrics)
    return app


def _logger() -> logging.Logger:
    """
    Of its own, below the one that all is led to: anybody can send what is no request, and each would leave
    a traceback.
    """
    logger = logging.Logger(NAME)  # noqa: LOG001 - nothing global is configured
    logger.parent = logging.getLogger()
    logger.addFilter(_is_ours)
    return logger


def _is_ours(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError)


def _counted(connections: Connections) -> Middleware:
    @web.middleware
    async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
        with connections.answering(request.protocol):
            return await handler(request)

    return count


async def _feel(view: View) -> None:
    """How much later than asked for the loop wakes us is what everybody else waits, too."""
    clock = asyncio.get_running_loop().time
    while True:
        before = clock()
        await asyncio.sleep(BEAT)
        view.lag = max(view.lag, clock() - before - BEAT)
