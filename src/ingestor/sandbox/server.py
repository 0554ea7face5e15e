"""Six sites up, their addresses out, six sites down."""

import asyncio
import contextlib
import hashlib
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from socket import AF_INET, AF_INET6, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET
from socket import socket as Socket  # noqa: N812 - a class
from types import TracebackType
from typing import Final, Self

from aiohttp import web

from ingestor.sandbox import control, flickr, google, images, nginx, vision
from ingestor.sandbox.bill import Bill
from ingestor.sandbox.calls import Calls
from ingestor.sandbox.certificate import Certificate
from ingestor.sandbox.drawing.painter import draw, sheet, sketch
from ingestor.sandbox.faults import Faults
from ingestor.sandbox.latency import Latency
from ingestor.sandbox.options import OVER_TLS, SITES, Addresses, Options
from ingestor.sandbox.pictures import Pictures
from ingestor.sandbox.quotas import Quotas
from ingestor.sandbox.rtdb import misbehaviour as database_faults
from ingestor.sandbox.rtdb.app import application as database_application
from ingestor.sandbox.rtdb.database import DEFAULT_NAMESPACE, Database
from ingestor.sandbox.rtdb.snapshot import remembered
from ingestor.sandbox.scenes import scenes_of
from ingestor.sandbox.service_account import ServiceAccount
from ingestor.sandbox.tokens import Tokens
from ingestor.sandbox.world import World

FAULTS: Final = {
    **flickr.FAULTS,
    **images.FAULTS,
    **vision.FAULTS,
    **database_faults.FAULTS,
    **google.FAULTS,
}
KNOBS: Final = {
    **flickr.KNOBS,
    **images.KNOBS,
    **vision.KNOBS,
    **database_faults.KNOBS,
    **google.KNOBS,
}

BILL_FILE: Final = "bill.jsonl"
DRAWINGS_FOLDER: Final = "drawings"
ACCOUNT_FILE: Final = "service-account.json"

GOODBYE_SECONDS: Final = 0.5
"""How long answers under way may take when the sandbox stops; stalled ones never end."""

KEEP_ALIVE_SECONDS: Final = 75.0

BACKLOG: Final = 512

DROPPED_WITH_THE_CLIENT: Final = frozenset({"flickr", "image", "google"})
"""Whoever hangs up there costs nobody anything; Vision and the database finish what they began."""


class Sandbox:
    """
    All upstreams, from entering to leaving. Raises `OSError` for a port in use.

    A `world` of one's own takes the place of the made one.
    """

    addresses: Addresses

    def __init__(self, options: Options, *, world: World | None = None) -> None:
        self.options: Final = options
        seed = self.options.seed
        self.world: Final = world or World.made(seed, photos=self.options.photos)
        self.faults: Final = Faults(seed, self.options.rates, known=FAULTS, knobs=KNOBS)
        self.calls: Final = Calls()
        self.latency: Final = Latency(seed, fast=self.options.fast)
        self.tokens: Final = Tokens()
        self.database: Final = Database(seed=seed)
        self.quotas: Final = Quotas(
            requests_per_minute=self.options.requests_per_minute,
            images_per_minute=self.options.images_per_minute,
        )
        self.bill = Bill()
        self.disabled_keys: Final[set[str]] = set()
        self._open = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            await self._start(stack)
            self._open = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._open.aclose()

    async def _start(self, stack: contextlib.AsyncExitStack) -> None:
        memory = self.options.memory
        if memory is not None:
            await asyncio.to_thread(memory.mkdir, parents=True, exist_ok=True)
            self.bill = await asyncio.to_thread(Bill, memory / BILL_FILE)
            await stack.enter_async_context(remembered(self.database, directory=memory))
        account = await asyncio.to_thread(ServiceAccount.kept_in, memory, now=time.time)
        sockets = [
            stack.enter_context(listening(self.options.host, port))
            for port in ports(self.options.port)
        ]
        key_file = await asyncio.to_thread(key_file_in, memory, stack)
        certificate = Certificate.made(scratch(stack)) if self.options.tls else None
        self.addresses = addresses_of(
            [socket.getsockname()[1] for socket in sockets],
            options=self.options,
            key_file=key_file,
            certificate=certificate,
            pictures=await self._nginx(stack, certificate),
        )
        await asyncio.to_thread(
            account.write_key_file, key_file, token_url=self.addresses.token_url
        )
        for name, socket in zip(SITES, sockets, strict=True):
            runner = web.AppRunner(
                self._application(name, account=account, stack=stack),
                access_log=None,
                handler_cancellation=name in DROPPED_WITH_THE_CLIENT,
                keepalive_timeout=KEEP_ALIVE_SECONDS,
                shutdown_timeout=GOODBYE_SECONDS,
            )
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            shown = certificate.context() if certificate and name in OVER_TLS else None
            await web.SockSite(runner, socket, backlog=BACKLOG, ssl_context=shown).start()

    async def _nginx(
        self, stack: contextlib.AsyncExitStack, certificate: Certificate | None
    ) -> str | None:
        """Where nginx serves the pictures, if it does."""
        if not self.options.nginx or self.options.sheets is None:
            return None
        host, (least, most) = self.options.host, self.options.sheets
        at = nginx.PictureServer(host=host, port=nginx.free_port(host), certificate=certificate)
        one = sheet(scenes_of(self.options.seed)[0], least=least, most=most)
        await stack.enter_async_context(nginx.serving(one, at=at, folder=scratch(stack)))
        return at.url

    def _application(
        self, name: str, *, account: ServiceAccount, stack: contextlib.AsyncExitStack
    ) -> web.Application:
        faults, latency, calls = self.faults, self.latency, self.calls
        match name:
            case "flickr":
                return flickr.application(
                    flickr.Api(
                        world=self.world,
                        image_url=self.addresses.image_url,
                        faults=faults,
                        latency=latency,
                        calls=calls,
                        clock=time.monotonic,
                        disabled_keys=self.disabled_keys,
                    )
                )
            case "image":
                return images.application(
                    images.Cdn(
                        world=self.world,
                        pictures=self._pictures(stack),
                        faults=faults,
                        latency=latency,
                        calls=calls,
                        clock=time.monotonic,
                    )
                )
            case "vision":
                return self._vision(account)
            case "database":
                return database_application(
                    database=self.database,
                    faults=faults,
                    latency=latency,
                    calls=calls,
                    scopes=self.tokens.scopes,
                )
            case "google":
                return google.application(
                    google.Google(
                        account=account,
                        tokens=self.tokens,
                        faults=faults,
                        latency=latency,
                        calls=calls,
                    )
                )
            case _:
                return self._control()

    def _vision(self, account: ServiceAccount) -> web.Application:
        return vision.application(
            vision.Vision(
                world=self.world,
                faults=self.faults,
                latency=self.latency,
                calls=self.calls,
                bill=self.bill,
                quotas=self.quotas,
                tokens=self.tokens,
                key=self.addresses.google_key,
                disabled_keys=self.disabled_keys,
                self_signed=account.self_signed,
            )
        )

    def _control(self) -> web.Application:
        return control.application(
            control.Controls(
                hello={"seed": self.options.seed, "addresses": asdict(self.addresses)},
                world=self.world,
                faults=self.faults,
                calls=self.calls,
                bill=self.bill,
                quotas=self.quotas,
                tokens=self.tokens,
                database=self.database,
                keys={"flickr": self.addresses.flickr_key, "google": self.addresses.google_key},
                disabled_keys=self.disabled_keys,
            )
        )

    def _pictures(self, stack: contextlib.AsyncExitStack) -> Pictures:
        thread = ThreadPoolExecutor(1, thread_name_prefix="drawing")
        stack.callback(thread.shutdown, wait=False, cancel_futures=True)
        if self.options.sheets is not None:
            least, most = self.options.sheets
            return Pictures(partial(sheet, least=least, most=most), thread=thread)
        if self.options.sketches:
            return Pictures(sketch, thread=thread)
        memory = self.options.memory
        folder = memory / DRAWINGS_FOLDER if memory is not None else None
        return Pictures(draw, thread=thread, folder=folder)


def ports(base: int) -> list[int]:
    """Six in a row, or six times whatever is free."""
    return [base + index if base else 0 for index in range(len(SITES))]


def listening(host: str, port: int) -> Socket:
    """A bound socket, so that every address is known before any site answers."""
    socket = Socket(AF_INET6 if ":" in host else AF_INET, SOCK_STREAM)
    try:
        socket.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        socket.bind((host, port))
    except OSError as error:
        socket.close()
        raise OSError(error.errno, f"port {port} of {host}: {error.strerror}") from error
    return socket


def addresses_of(
    bound: Sequence[int],
    *,
    options: Options,
    key_file: Path,
    certificate: Certificate | None,
    pictures: str | None,
) -> Addresses:
    """`pictures` is where somebody else serves them."""
    secure = OVER_TLS if certificate else ()
    host = f"[{options.host}]" if ":" in options.host else options.host
    at = {
        name: f"{'https' if name in secure else 'http'}://{host}:{port}"
        for name, port in zip(SITES, bound, strict=True)
    }
    return Addresses(
        flickr_url=at["flickr"] + flickr.PATH,
        image_url=pictures or at["image"],
        vision_url=at["vision"],
        database_url=f"{at['database']}/?ns={DEFAULT_NAMESPACE}",
        token_url=f"{at['google']}/token",
        metadata_host=at["google"].removeprefix("http://"),
        control_url=at["control"],
        flickr_key=flickr.api_key(options.seed),
        google_key=google_key(options.seed),
        service_account_file=str(key_file),
        authority_file=str(certificate.authority) if certificate else None,
    )


def google_key(seed: int) -> str:
    """The API key of the sandbox's project: of the vendor's length, and plainly a canary."""
    digest = hashlib.blake2b(f"google-key:{seed}".encode(), digest_size=8).hexdigest()
    return f"AIza-sandbox-canary-{digest}xyz"


def key_file_in(memory: Path | None, stack: contextlib.AsyncExitStack) -> Path:
    """Where the service account's key file goes: to the memory, or away with the sandbox."""
    if memory is not None:
        # Whoever is told of it may be in another directory.
        return memory.absolute() / ACCOUNT_FILE
    return scratch(stack) / ACCOUNT_FILE


def scratch(stack: contextlib.AsyncExitStack) -> Path:
    """A folder that goes with the sandbox."""
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ingestor-sandbox-")))
