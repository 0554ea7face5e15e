"""
`--sandbox`: start the four upstreams in a process of their own, and point the settings at them.

The process lives as long as the block, or shorter than we do: it ends when its stdin closes, even
if we are killed. It has a session of its own, so that Ctrl+C reaches us first and we can drain.
"""

from __future__ import annotations

import asyncio
import errno
import http.client
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any, Final

import orjson
from pydantic import SecretStr

from ingestor.cli.visit import SANDBOX_FLAGS, Visit
from ingestor.errors import SettingsError
from ingestor.journal.lock import way_out
from ingestor.kits import children
from ingestor.kits.beside import beside

if TYPE_CHECKING:
    from pathlib import Path

    from ingestor.settings import Settings

CONTROL_OFFSET: Final = 5
"""The control site is the last of the sandbox's six ports."""

HELLO_SECONDS: Final = 1.0
"""On loopback a sandbox that is there answers at once."""
START_SECONDS: Final = 30.0
"""It draws its first pictures and opens six sites: about one second on two cores."""
A_LITTLE: Final = bytes(1 << 12)
"""A full disk takes new files, and nothing into them."""
LOOK_SECONDS: Final = 1.0
"""Between two looks at a sandbox that somebody else has started."""
STOP_SECONDS: Final = 5.0
"""It writes down its memory when told to stop."""

CANNOT_START: Final = "The sandbox cannot start: "
"""So its own last words begin; ours say it already."""
SANDBOX: Final = "ingestor sandbox"
OWN_FLAGS: Final = ("database_url", "flickr_url", "image_url", "vision_url")


@asynccontextmanager
async def upstreams(
    visit: Visit, settings: Settings, *, replaced: Callable[[], object] | None = None
) -> AsyncIterator[Settings]:
    """
    The settings as they are, or with `--sandbox` those that lead to a sandbox.

    A sandbox that another command has started ends with that command. With `replaced` one of our own
    takes its place then, at the same addresses, and `replaced` is called.
    """
    if not settings.sandbox:
        yield settings
        return
    if clash := [name for name in OWN_FLAGS if name in visit.flags]:
        flag = "--" + clash[0].replace("_", "-")
        raise SettingsError(f"--sandbox brings its own upstreams: leave out {flag}, or --sandbox.")
    async with _running(visit, settings, replaced) as addresses:
        yield led_to(addresses, settings, visit=visit)


def led_to(addresses: Mapping[str, Any], settings: Settings, *, visit: Visit) -> Settings:
    """
    Point settings at a sandbox. It wins over the environment: whoever has real keys there must not
    send them to it, nor publish drawn animals to a real database.
    """
    for name in ("flickr_key", "google_key"):
        visit.redaction.learn(str(addresses[name]))
    return settings.model_copy(
        update={
            "flickr_url": addresses["flickr_url"],
            "image_url": addresses["image_url"],
            "vision_url": addresses["vision_url"],
            "database_url": addresses["database_url"],
            "emulator_host": None,
            "flickr_api_key": SecretStr(addresses["flickr_key"]),
            "google_api_key": SecretStr(addresses["google_key"]),
        }
    )


@asynccontextmanager
async def _running(
    visit: Visit, settings: Settings, replaced: Callable[[], object] | None
) -> AsyncIterator[Mapping[str, Any]]:
    # Which words it understands is the sandbox's own matter; so are its defaults.
    from ingestor.sandbox.options import DEFAULT_PORT, DEFAULT_SEED

    port = _number("INGESTOR_SANDBOX_PORT", DEFAULT_PORT)
    seed = _number("INGESTOR_SANDBOX_SEED", DEFAULT_SEED)
    words, control = command(visit, settings, port=port, seed=seed), port + CONTROL_OFFSET
    found = await asyncio.to_thread(hello, control) if port else None
    if found is None or found.get("seed") != seed:
        _check_memory(settings)
        async with _started(words) as addresses:
            yield addresses
        return
    if any(name in visit.flags for name in SANDBOX_FLAGS):
        raise SettingsError(
            f"A sandbox is running on port {port} already, and it keeps its ways: stop it, or "
            "leave out --sandbox-fast and --sandbox-fault."
        )
    if replaced is None:
        yield found["addresses"]
        return
    heir = _taking_its_place(words, control=control, replaced=replaced)
    async with beside(heir, name="sandbox"):
        yield found["addresses"]


async def _taking_its_place(
    words: list[str], *, control: int, replaced: Callable[[], object]
) -> None:
    """Start a sandbox when the one at that port is gone, and keep it until cancelled."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if await asyncio.to_thread(hello, control) is not None:
            continue
        # Another command may be quicker, and have the ports: then its sandbox serves as well.
        with suppress(SettingsError):
            async with _started(words):
                replaced()
                await asyncio.Event().wait()


def _check_memory(settings: Settings) -> None:
    """Raises SettingsError where the sandbox cannot keep its memory beside the journal."""
    memory = _memory(settings)
    try:
        memory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=memory) as file:
            file.write(A_LITTLE)
    except OSError as error:
        raise SettingsError(
            f"The state directory {settings.state} cannot be written ({error.strerror}). "
            f"{way_out(settings.state)}"
        ) from None


def _memory(settings: Settings) -> Path:
    return settings.state / "sandbox"


def command(visit: Visit, settings: Settings, *, port: int, seed: int) -> list[str]:
    """What starts the sandbox; Vision's quotas there are those that we were told of."""
    return [
        *(*children.MODULE, "ingestor.sandbox", "--announce", "--until-stdin-closes"),
        *("--memory", str(_memory(settings))),
        *("--port", str(port), "--seed", str(seed)),
        *("--images-per-minute", str(settings.images_per_minute)),
        *("--requests-per-minute", str(settings.requests_per_minute)),
        *(("--fast",) if visit.flags.get("sandbox_fast") else ()),
        *(word for fault in visit.faults() for word in ("--fault", fault)),
    ]


def hello(port: int) -> dict[str, Any] | None:
    """Ask whether a sandbox listens already; None if nobody does, or somebody else."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HELLO_SECONDS)
    try:
        connection.request("GET", "/hello")
        answer = orjson.loads(connection.getresponse().read(1 << 16))
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return answer if isinstance(answer, dict) else None


@asynccontextmanager
async def _started(words: list[str]) -> AsyncIterator[Mapping[str, Any]]:
    with _complaints() as complaints:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=complaints,
            start_new_session=True,
        )
        try:
            yield await _announced(process, complaints)
        finally:
            await children.end(process, patience=STOP_SECONDS)


async def _announced(process: asyncio.subprocess.Process, complaints: IO[bytes]) -> dict[str, Any]:
    """Wait for the one line in which the sandbox says where it is."""
    if process.stdout is None:
        raise RuntimeError("the sandbox was started without a pipe")
    try:
        async with asyncio.timeout(START_SECONDS):
            line = await process.stdout.readline()
    except TimeoutError:
        line = b""
    try:
        addresses = orjson.loads(line)
    except ValueError:
        raise SettingsError(f"The sandbox did not start: {_last_line(complaints)}") from None
    if not isinstance(addresses, dict):
        raise SettingsError("The sandbox did not say where it is.")
    return addresses


@contextmanager
def _complaints() -> Iterator[IO[bytes]]:
    """Where its stderr goes: a file never fills up as a pipe that nobody reads would."""
    with tempfile.TemporaryFile() as file:
        yield file


def _last_line(complaints: IO[bytes]) -> str:
    complaints.seek(0)
    lines = complaints.read().decode(errors="replace").strip().splitlines()
    said = lines[-1] if lines else f"no answer within {START_SECONDS:.0f} s"
    said = said.removeprefix(CANNOT_START).rstrip(".")
    if os.strerror(errno.EADDRINUSE) in said:
        return f"{said}. Another port: INGESTOR_SANDBOX_PORT=7410, or 0 for any free one."
    return f"{said}."


def serve(words: list[str]) -> int:
    """`ingestor sandbox`: the same process in the foreground, with the words it knows."""
    from ingestor.sandbox import __main__ as sandbox
    from ingestor.sandbox.server import FAULTS, KNOBS

    if not {"-h", "--help"} & set(words):
        return sandbox.main(words, prog=SANDBOX)
    parser = sandbox.parser(SANDBOX)
    faults = "".join(f"  {name:<28} {meaning}\n" for name, meaning in FAULTS.items())
    knobs = "".join(f"  {name:<28} {value:g}\n" for name, value in KNOBS.items())
    sys.stdout.write(
        f"{parser.format_help()}\nfaults, for --fault NAME=RATE (a rate from 0 to 1):\n{faults}"
        f"\nknobs, for --fault NAME=VALUE, and what they are without it:\n{knobs}"
        "\nWith `ingestor --sandbox`: --sandbox-fast and --sandbox-fault NAME=RATE do the same;\n"
        "INGESTOR_SANDBOX_PORT (0: any free one) and INGESTOR_SANDBOX_SEED say where and which.\n"
    )
    return 0


def _number(variable: str, default: int) -> int:
    text = os.environ.get(variable, "")
    if not text:
        return default
    if not text.isdecimal():
        raise SettingsError(f"{variable} is a number, and {text[:40]!r} is none.")
    return int(text)
