"""
The image: built by buildah, then its entry point as a container has it. PID 1 in namespaces of its
own, without privileges, under a root that cannot be written to and in which no shell can be started;
healthy by the image's own check, stopped by SIGTERM, started again on the same volume.

For root on a machine with buildah and util-linux; no engine is needed. The base must be there under
the name that the Dockerfile asks for, or be to be had.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ingestor.sandbox.options import Options
from ingestor.sandbox.server import Sandbox
from tests.campaigns.arena import holds

ROOT: Final = Path(__file__).parents[2]
NAME: Final = "ingestor:campaign"
USER: Final = 10001
"""As the Dockerfile has it."""
PHOTOS: Final = 200
PATIENCE: Final = 60.0
SHELLS: Final = ("bin/sh", "bin/bash", "bin/dash")
SAID: Final = "said"
SETUP: Final = """
set -e
mount --make-rprivate /
mount --bind "$1" "$1"
mount -t tmpfs tmpfs "$1/tmp"
mount --bind "$2" "$1/state"
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
for shell in $3; do [ ! -e "$1/$shell" ] || mount --bind /dev/null "$1/$shell"; done
mount -o remount,bind,ro "$1"
shift 3
exec "$@"
"""


@dataclass(kw_only=True)
class Image:
    folder: Path
    """Where its files are."""
    config: Mapping[str, Any]
    """As its manifest has it."""
    figures: dict[str, object] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.config["Env"])

    def command(self, words: Sequence[str], *, state: Path, entry: Sequence[str]) -> list[str]:
        """What starts a container of it, as PID 1."""
        return [
            *("unshare", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child"),
            *("/bin/sh", "-c", SETUP, "setup", str(self.folder), str(state), " ".join(SHELLS)),
            *("chroot", str(self.folder)),
            # Nothing is left to be had: neither capabilities nor programs that give some.
            *("/usr/bin/setpriv", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"),
            *(f"--reuid={USER}", f"--regid={USER}", "--clear-groups"),
            *entry,
            *words,
        ]

    async def start(self, *words: str, state: Path, **more: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self.command(words, state=state, entry=self.config["Entrypoint"]),
            env=self.environment | more,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def healthy(self, *, state: Path) -> int:
        """The exit code of the image's own check; the network is shared with everybody."""
        test = self.config["Healthcheck"]["Test"]
        holds(test[0] == "CMD", "the check wants a shell:", test)
        return await self.code(*test[1:], state=state)

    async def code(self, *words: str, state: Path) -> int:
        """The exit code of another program in it."""
        process = await asyncio.create_subprocess_exec(
            *self.command((), state=state, entry=words),
            env=self.environment,
            stderr=asyncio.subprocess.DEVNULL,
        )
        return await process.wait()


def run(*words: str) -> str:
    return subprocess.run(words, check=True, cwd=ROOT, stdout=subprocess.PIPE).stdout.decode()


@contextmanager
def built(*, isolation: str) -> Iterator[Image]:
    started = time.monotonic()
    said = subprocess.run(
        # Docker's format: the other has no healthcheck.
        [
            *("buildah", "bud", "--format", "docker", "--isolation", isolation),
            *("--no-cache", "--pull=never", "--tag", NAME, "."),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    holds(said.returncode == 0, said.stdout.decode()[-3000:])
    seconds = time.monotonic() - started
    container = run("buildah", "from", "--pull=never", NAME).strip()
    try:
        folder = Path(run("buildah", "mount", container).strip())
        told = json.loads(run("buildah", "inspect", container))["Docker"]["config"]
        image = Image(folder=folder, config=told)
        image.figures |= {
            "seconds to build, nothing cached": f"{seconds:.0f}",
            "MB": round(int(tree_bytes(folder)) / 1e6),
            "  of them ours (/opt/ingestor)": round(tree_bytes(folder / "opt/ingestor") / 1e6),
            "user, volume": f"{told['User']} {' '.join(told['Volumes'])}",
            "stop signal": told.get("StopSignal", "SIGTERM"),
        }
        yield image
    finally:
        run("buildah", "umount", container)
        run("buildah", "rm", container)


def tree_bytes(folder: Path) -> int:
    return int(run("du", "-sxb", str(folder)).split()[0])


@dataclass(kw_only=True)
class Container:
    """One that runs, seen from outside."""

    process: asyncio.subprocess.Process

    @property
    def pid(self) -> int:
        """Of its PID 1: the only child of what made the namespaces."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(path.read_text(encoding="ascii").split()[0])

    def status(self) -> dict[str, str]:
        lines = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines()
        return dict(line.split(":\t", 1) for line in lines if ":\t" in line)

    def root_is_read_only(self) -> bool:
        mounts = Path(f"/proc/{self.pid}/mountinfo").read_text(encoding="utf-8").splitlines()
        last = next(line.split() for line in mounts if line.split()[4] == "/")
        return "ro" in last[5].split(",")

    async def stopped(self) -> tuple[int, float]:
        """SIGTERM to PID 1; (exit code, seconds)."""
        started = time.monotonic()
        os.kill(self.pid, signal.SIGTERM)
        code = await asyncio.wait_for(self.process.wait(), PATIENCE)
        return code, time.monotonic() - started


async def tried(image: Image, folder: Path) -> None:
    """Everything that a container engine would ask of it."""
    state = folder / "state"
    state.mkdir()
    os.chown(state, USER, USER)
    asked = await image.start("--help", state=state)
    said, err = await asyncio.wait_for(asked.communicate(), PATIENCE)
    holds(asked.returncode == 0, "--help:", err.decode()[-2000:])
    image.figures["`--help` says"] = _usage(said)
    for shell in SHELLS:
        code = await image.code(f"/{shell}", "-c", "exit 0", state=state)
        holds(code != 0, "there is a", shell)
    options = Options(port=0, fast=True, photos=PHOTOS, sketches=True)
    async with Sandbox(options) as sandbox:
        await _worked(image, sandbox, state)
        image.figures["units after the first life"] = sandbox.bill.units
        await _worked(image, sandbox, state, again=True)
        image.figures["units after a second on the same volume"] = sandbox.bill.units
        holds(sandbox.bill.units == PHOTOS, "units", sandbox.bill.units)


def _usage(said: bytes) -> str:
    return next(line.strip() for line in said.decode().splitlines() if "Usage" in line)


async def _worked(image: Image, sandbox: Sandbox, state: Path, *, again: bool = False) -> None:
    words = ("worker", "--group", "zoo", "--every", "2s")
    async with _alive(image, sandbox, state, words) as container:
        started = time.monotonic()
        while await image.healthy(state=state):
            holds(time.monotonic() - started < PATIENCE, "it does not become healthy")
            holds(container.process.returncode is None, "it ended")
            await asyncio.sleep(0.2)
        if not again:
            _looked_at(image, container, seconds=time.monotonic() - started)
        while sandbox.calls.total("flickr") < 4 or sandbox.bill.units < PHOTOS:
            holds(time.monotonic() - started < PATIENCE, "it buys nothing")
            await asyncio.sleep(0.1)
        code, seconds = await container.stopped()
        sandbox.calls.clear()
        holds(code == 128 + signal.SIGTERM, "exit code", code)
        image.figures["SIGTERM to PID 1: exit code, seconds"] = f"{code}, {seconds:.1f}"


@asynccontextmanager
async def _alive(
    image: Image, sandbox: Sandbox, state: Path, words: Sequence[str]
) -> AsyncIterator[Container]:
    process = await image.start(*words, state=state, **sandbox.addresses.settings())
    try:
        yield Container(process=process)
    finally:
        if process.returncode is None:
            process.kill()
        _out, err = await process.communicate()
        (state.parent / SAID).write_bytes(err)


def _looked_at(image: Image, container: Container, *, seconds: float) -> None:
    status = container.status()
    holds(status["NSpid"].split()[-1] == "1", "it is not PID 1:", status["NSpid"])
    holds(set(status["Uid"].split()) == {str(USER)}, "user", status["Uid"])
    holds(int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0, "it may do more than others")
    holds(container.root_is_read_only(), "the root can be written to")
    image.figures |= {
        "PID, user, capabilities, no new privileges": f"1, {USER}, none, {status['NoNewPrivs']}",
        "root": "read-only",
        "shells that can be started in it": "none",
        "seconds until its own check says healthy": f"{seconds:.1f}",
    }


async def campaign(image: Image) -> None:
    with tempfile.TemporaryDirectory(prefix="ingestor-image-") as name:
        folder = Path(name)
        # Another user has to get through it.
        await asyncio.to_thread(folder.chmod, 0o755)
        try:
            await tried(image, folder)
        except AssertionError:
            sys.stderr.write(last_words(folder))
            raise


def last_words(folder: Path) -> str:
    said = folder / SAID
    return said.read_text(encoding="utf-8")[-3000:] if said.exists() else ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/campaign image", description=__doc__)
    parser.add_argument("--isolation", default="chroot", choices=("chroot", "oci", "rootless"))
    given = parser.parse_args()
    with built(isolation=given.isolation) as image:
        asyncio.run(campaign(image))
        for name, value in image.figures.items():
            sys.stdout.write(f"{name:<50}{value!s:>12}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
