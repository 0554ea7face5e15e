"""Vision, the token endpoint and the control site on loopback, with a clock that tests turn."""

from __future__ import annotations

import base64
import functools
import io
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

from ingestor.sandbox import control, google, vision
from ingestor.sandbox.bill import Bill
from ingestor.sandbox.calls import Calls
from ingestor.sandbox.faults import Faults
from ingestor.sandbox.latency import Latency
from ingestor.sandbox.marks import marked
from ingestor.sandbox.quotas import Quotas
from ingestor.sandbox.rtdb.database import Database
from ingestor.sandbox.service_account import ServiceAccount
from ingestor.sandbox.tokens import Tokens
from ingestor.sandbox.world import GROUPS, World

SEED = 7
KEY = "sandbox-canary-google-key"
FLICKR_KEY = "0123456789abcdef0123456789abcdef"
LABELS = {"type": "LABEL_DETECTION"}
SAFE = {"type": "SAFE_SEARCH_DETECTION"}
NOW = 1_800_000_000.0


@dataclass
class Clock:
    """Time stands still unless a test turns it."""

    seconds: float = NOW

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def error(self) -> Any:
        return self.json["error"]

    @property
    def responses(self) -> Any:
        return self.json["responses"]

    def detail(self, kind: str) -> Any:
        """The error's detail of that type, or None."""
        found = [d for d in self.error.get("details", []) if d["@type"].endswith("." + kind)]
        return found[0] if found else None


@dataclass
class Site:
    session: aiohttp.ClientSession
    clock: Clock
    world: World
    faults: Faults
    calls: Calls
    bill: Bill
    quotas: Quotas
    tokens: Tokens
    account: ServiceAccount
    database: Database
    urls: dict[str, str] = field(default_factory=dict)

    def photo_ids(self, count: int, *, labelled: bool = True) -> list[str]:
        """Photos of the zoo that have labels (or have none)."""
        listed = self.world.pools[GROUPS[0].nsid].listed(1)
        fitting = (i for i in listed if bool(self.world.labels_of(i)) is labelled)
        return [next(fitting) for _ in range(count)]

    async def ask(self, upstream: str, method: str, path: str, **given: Any) -> Answer:
        url = self.urls[upstream] + path
        async with self.session.request(method, url, **given) as answer:
            return Answer(answer.status, dict(answer.headers), await answer.read())

    async def annotate(self, *images: bytes, **given: Any) -> Answer:
        """Ask about pictures, by key; `features` and everything of a request can be given."""
        features = given.pop("features", [LABELS])
        body = {"requests": [an_entry(image, features=features) for image in images]}
        return await self.post(body, **given)

    async def post(
        self, body: Any, *, path: str = "/v1/images:annotate", key: str | None = KEY, **given: Any
    ) -> Answer:
        headers = {"X-Goog-Api-Key": key} if key else {}
        headers |= given.pop("headers", {})
        data = body if isinstance(body, bytes | str) else orjson.dumps(body)
        sent = io.BytesIO(data if isinstance(data, bytes) else data.encode())
        return await self.ask("vision", "POST", path, data=sent, headers=headers, **given)

    async def control(self, method: str, path: str, body: Any = None) -> Answer:
        data = None if body is None else orjson.dumps(body)
        return await self.ask("control", method, path, data=data)


def a_jpeg(*, width: int = 640, height: int = 480, filling: bytes = b"") -> bytes:
    """The least that has a JPEG's shape: a frame header, a scan, an end marker."""
    frame = b"\xff\xc0\x00\x0b\x08" + height.to_bytes(2) + width.to_bytes(2) + b"\x01\x01\x11\x00"
    return b"\xff\xd8" + frame + b"\xff\xda\x00\x08" + bytes(6) + filling + b"\xff\xd9"


def a_picture(photo_id: str, **given: Any) -> bytes:
    return marked(a_jpeg(**given), photo_id)


def encoded(image: bytes) -> str:
    return base64.b64encode(image).decode()


def an_entry(image: bytes, *, features: Sequence[Any] = (LABELS,)) -> dict[str, Any]:
    return {"image": {"content": encoded(image)}, "features": list(features)}


@asynccontextmanager
async def a_site(
    *, requests_per_minute: int = 0, images_per_minute: int = 0, memory: Path | None = None
) -> AsyncIterator[Site]:
    clock = Clock()
    world = World.made(SEED, photos=1_000)
    known = {**vision.FAULTS, **google.FAULTS}
    faults = Faults(SEED, known=known, knobs={**vision.KNOBS, **google.KNOBS})
    calls = Calls(clock)
    disabled: set[str] = set()
    quotas = Quotas(
        requests_per_minute=requests_per_minute, images_per_minute=images_per_minute, clock=clock
    )
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        site = Site(
            session=session,
            clock=clock,
            world=world,
            faults=faults,
            calls=calls,
            bill=Bill(memory / "bill.jsonl" if memory else None),
            quotas=quotas,
            tokens=Tokens(clock),
            account=ServiceAccount(rsa_key(), now=clock),
            database=Database(seed=SEED),
        )
        common: dict[str, Any] = {"faults": faults, "calls": calls, "tokens": site.tokens}
        latency = Latency(SEED, fast=True)
        apps = {
            "vision": vision.application(
                vision.Vision(
                    world=world,
                    latency=latency,
                    bill=site.bill,
                    quotas=quotas,
                    key=KEY,
                    disabled_keys=disabled,
                    self_signed=site.account.self_signed,
                    **common,
                )
            ),
            "google": google.application(
                google.Google(account=site.account, latency=latency, clock=clock, **common)
            ),
            "control": control.application(
                control.Controls(
                    hello={"seed": SEED},
                    world=world,
                    bill=site.bill,
                    quotas=quotas,
                    database=site.database,
                    keys={"flickr": FLICKR_KEY, "google": KEY},
                    disabled_keys=disabled,
                    **common,
                )
            ),
        }
        for name, app in apps.items():
            site.urls[name] = await stack.enter_async_context(running(app))
        yield site


@functools.cache
def rsa_key() -> rsa.RSAPrivateKey:
    """Made once: a key takes longer than a test."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@asynccontextmanager
async def running(app: web.Application) -> AsyncIterator[str]:
    """Serve an application on a free port; yields its origin."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()
