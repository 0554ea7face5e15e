"""
The command line as a process of its own, many times a second: forked from a warm interpreter.

Starting Python and importing everything takes 0.6 s; a fork takes 5 ms, and runs the same `main` in
the same way: own process, own loop, own files. It ends as the interpreter ends, but that no module
is taken apart, which takes 0.3 s where the memory is shared.

Whom that does not convince can have some of them started afresh, as `python -m ingestor`.

The server speaks JSON lines: {"words", "env", "out", "err", "fresh"} in; {"pid"}, and later {"pid",
"status"}, out; {"pid", "signal"} is passed on to a child that still lives, so that it never hits a stranger.
"""

from __future__ import annotations

import asyncio
import atexit
import gc
import json
import os
import selectors
import signal
import sys
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Never

from tests.integration.console import environment

STOP_SECONDS = 5.0


@dataclass(kw_only=True)
class Started:
    """A process; `ended` is its wait status, negative for the signal that ended it."""

    pid: int
    ended: asyncio.Future[int]
    out: Path
    err: Path
    server: Forks

    @property
    def said(self) -> bool:
        """It has begun to say something on stdout, which is its report."""
        return self.out.exists() and self.out.stat().st_size > 0

    def signal(self, number: signal.Signals) -> None:
        """If it still lives."""
        self.server.order({"pid": self.pid, "signal": int(number)})

    async def code(self, *, patience: float) -> int:
        """Wait for the end. Raises TimeoutError, the process being killed first."""
        try:
            async with asyncio.timeout(patience):
                return await asyncio.shield(self.ended)
        except TimeoutError:
            self.signal(signal.SIGKILL)
            await self.ended
            raise


@dataclass(kw_only=True)
class Forks:
    """Starts processes until its block ends."""

    process: asyncio.subprocess.Process
    asked: asyncio.Queue[asyncio.Future[int]] = field(default_factory=asyncio.Queue)
    born: dict[int, asyncio.Future[int]] = field(default_factory=dict)

    async def start(
        self, words: Sequence[str], *, env: Mapping[str, str], folder: Path, fresh: bool = False
    ) -> Started:
        """`folder` takes what it says, as `out` and `err`; `fresh` starts an interpreter for it."""
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        out, err = folder / "out", folder / "err"
        # The child makes it anew, but not at once: what the last one said is not said by this one.
        await asyncio.to_thread(out.unlink, missing_ok=True)
        said = {"out": str(out), "err": str(err)}
        order = {"words": list(words), "env": dict(env), "fresh": fresh, **said}
        loop = asyncio.get_running_loop()
        number: asyncio.Future[int] = loop.create_future()
        self.asked.put_nowait(number)
        self.order(order)
        pid = await number
        return Started(pid=pid, ended=self.born[pid], out=out, err=err, server=self)

    def order(self, words: Mapping[str, object]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(words).encode() + b"\n")

    async def listen(self) -> None:
        """Hand on what the server says, until it has nothing more to say."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            said = json.loads(line)
            if "status" in said:
                self.born[said["pid"]].set_result(said["status"])
            else:
                self.born[said["pid"]] = asyncio.get_running_loop().create_future()
                self.asked.get_nowait().set_result(said["pid"])


@asynccontextmanager
async def forks() -> AsyncIterator[Forks]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.campaigns.forks"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env=environment(),
    )
    server = Forks(process=process)
    listening = asyncio.create_task(server.listen(), name="forks")
    try:
        yield server
    finally:
        for pid in server.born:
            server.order({"pid": pid, "signal": int(signal.SIGKILL)})
        assert process.stdin is not None
        process.stdin.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        if process.returncode is None:
            process.kill()
            await process.wait()
        await listening


def serve() -> None:
    """The server's side."""
    import_everything()
    # What all share is not looked through by each, and so not copied for it.
    gc.freeze()
    alive: set[int] = set()
    ears, mouth = os.pipe()
    os.set_blocking(mouth, False)
    signal.set_wakeup_fd(mouth)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    with selectors.DefaultSelector() as selector:
        selector.register(0, selectors.EVENT_READ)
        selector.register(ears, selectors.EVENT_READ)
        unread = b""
        while True:
            ready = {key.fd for key, _ in selector.select()}
            if ears in ready:
                os.read(ears, 4096)
                reap(alive)
            if 0 in ready:
                read = os.read(0, 1 << 16)
                if not read:
                    return
                *lines, unread = (unread + read).split(b"\n")
                for line in lines:
                    carry_out(json.loads(line), alive)


def carry_out(order: dict[str, Any], alive: set[int]) -> None:
    """Signal or fork; a child does not come back."""
    if "signal" in order:
        # Who died, and was not waited for, keeps its number.
        if order["pid"] in alive:
            os.kill(order["pid"], order["signal"])
        return
    pid = os.fork()
    if not pid:
        live(order)
    alive.add(pid)
    say({"pid": pid})


def live(order: dict[str, Any]) -> Never:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, "out"), (2, "err")):
        file = os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(file, number)
        os.close(file)
    os.environ.update(order["env"])
    if order["fresh"]:
        os.execv(sys.executable, [sys.executable, "-m", "ingestor", *order["words"]])  # noqa: S606
    from ingestor.cli import main

    sys.argv = ["ingestor", *order["words"]]
    code = main(order["words"])
    # What `sys.exit` would do, in its order.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def reap(alive: set[int]) -> None:
    """Tell who ended."""
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            alive.discard(pid)
            say({"pid": pid, "status": os.waitstatus_to_exitcode(status)})


def say(words: dict[str, int]) -> None:
    os.write(1, json.dumps(words).encode() + b"\n")


def import_everything() -> None:
    """What a run imports on its way, so that the forks find it there."""
    import rich.live  # noqa: F401
    import typer._adapters
    import typer._click.decorators  # noqa: F401
    import uvloop  # noqa: F401

    import ingestor.catalog.export
    import ingestor.cli.door
    import ingestor.cli.figures
    import ingestor.cli.ingest
    import ingestor.cli.progress
    import ingestor.cli.status
    import ingestor.cli.worker
    import ingestor.engines.local  # noqa: F401


if __name__ == "__main__":
    serve()
