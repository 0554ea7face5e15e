"""`python -m ingestor.sandbox`: all upstreams on loopback, until told to stop."""

import argparse
import asyncio
import contextlib
import errno
import os
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final, NoReturn

import orjson

from ingestor.sandbox.options import (
    DEFAULT_PORT,
    DEFAULT_SEED,
    IMAGES_PER_MINUTE,
    LOOPBACK,
    REQUESTS_PER_MINUTE,
    Addresses,
    Options,
)
from ingestor.sandbox.server import Sandbox
from ingestor.sandbox.world import ZOO_PHOTOS

PROGRAM: Final = "python -m ingestor.sandbox"
CANNOT_START: Final = "The sandbox cannot start: "
ANOTHER_PORT: Final = ". Another one: --port 7410, or 0 for any free ones."
USAGE_ERROR: Final = 2
LAST_PORT: Final = 65535 - 5
"""The first of six."""
STDIN: Final = 0


SKETCHES: Final = "INGESTOR_SANDBOX_SKETCHES"
"""For sandboxes that another command starts."""


def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Serve until a signal says to stop or, if asked for, stdin ends; returns the exit code."""
    given = parser(prog).parse_args(arguments)
    try:
        options = options_of(given)
        return asyncio.run(serve(options, announce=given.announce, watch=given.until_stdin_closes))
    except (OSError, ValueError) as error:
        # Who starts it for a person knows another way out.
        taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        way_out = ANOTHER_PORT if taken and not given.announce else ""
        sys.stderr.write(f"{CANNOT_START}{_sentence(error)}{way_out}\n")
        return USAGE_ERROR


class Parser(argparse.ArgumentParser):
    """Refuses in one sentence, as every other command."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and leave."""
        wrong = message.removeprefix("argument ")
        hint = f"`{self.prog} --help` lists what there is."
        self.exit(USAGE_ERROR, f"{CANNOT_START}{wrong}. {hint}\n")


def parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    parser = Parser(prog=prog, description=__doc__)
    add = parser.add_argument
    add("--host", default=LOOPBACK, help="address to listen on")
    add("--port", type=port, default=DEFAULT_PORT, help="first of six ports; 0 takes free ones")
    add("--seed", type=int, default=DEFAULT_SEED, help="same seed, same world")
    add("--photos", type=count, default=ZOO_PHOTOS, help="photos in the group zoo")
    add("--fast", action="store_true", help="without the latencies of the real services")
    add(
        "--sketches",
        action="store_true",
        default=os.environ.get(SKETCHES, "") not in ("", "0"),
        help=f"plain sheets instead of drawings, for tests ({SKETCHES})",
    )
    add(
        "--sheets",
        type=span,
        metavar="BYTES[-BYTES]",
        help="sheets of so many bytes instead of drawings, for measuring; of all sizes between two",
    )
    add("--memory", type=Path, help="directory for what must outlive the process")
    add(
        "--images-per-minute", type=count, default=IMAGES_PER_MINUTE, help="Vision's quota; 0: none"
    )
    add("--requests-per-minute", type=count, default=REQUESTS_PER_MINUTE, help="likewise")
    add(
        "--fault",
        action="append",
        default=[],
        metavar="NAME=RATE",
        help="a fault's rate (0 to 1) or a knob's value; see GET /faults of the control site",
    )
    add("--tls", action="store_true", help="https, with a certificate of an own authority")
    add("--nginx", action="store_true", help="pictures from nginx, for measuring; needs --sheets")
    add("--announce", action="store_true", help="one line of JSON when ready, nothing else")
    add("--until-stdin-closes", action="store_true", help="stop when the parent is gone")
    return parser


def count(text: str) -> int:
    """A number from nought up."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 up")
    return int(text)


def port(text: str) -> int:
    number = count(text)
    if number > LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port up to {LAST_PORT}")
    return number


def span(text: str) -> tuple[int, int]:
    """One size, or the smallest and the largest."""
    least, sign, most = text.partition("-")
    sizes = count(least), count(most if sign else least)
    if not sizes[0] <= sizes[1]:
        raise argparse.ArgumentTypeError(f"{text!r} ends before it begins")
    return sizes


def options_of(given: argparse.Namespace) -> Options:
    """Raises `ValueError` for what cannot be read."""
    return Options(
        host=given.host,
        port=given.port,
        seed=given.seed,
        photos=given.photos,
        fast=given.fast,
        sketches=given.sketches,
        sheets=given.sheets,
        rates=dict(rate_of(text) for text in given.fault),
        memory=given.memory,
        images_per_minute=given.images_per_minute,
        requests_per_minute=given.requests_per_minute,
        tls=given.tls,
        nginx=given.nginx,
    )


def rate_of(text: str) -> tuple[str, float]:
    name, sign, value = text.partition("=")
    try:
        return name, float(value) if sign else 1.0
    except ValueError:
        raise ValueError(f"--fault takes NAME=RATE, and {value!r} is no number") from None


async def serve(options: Options, *, announce: bool, watch: bool) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    # Under nohup the end of a terminal says nothing.
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    for number in (signal.SIGTERM, signal.SIGINT, *(() if ignored else (signal.SIGHUP,))):
        loop.add_signal_handler(number, stop.set)
    async with Sandbox(options) as sandbox:
        if watch:
            watch_stdin(stop)
        sys.stdout.write(announcement(sandbox.addresses) if announce else manual(sandbox.addresses))
        sys.stdout.flush()
        await stop.wait()
    return 0


def watch_stdin(stop: asyncio.Event) -> None:
    """
    Set the event when whoever holds the other end of stdin is gone.

    A thread, because files and /dev/null cannot be polled; a daemon, because it never ends
    while the other end lives.
    """
    loop = asyncio.get_running_loop()

    def wait() -> None:
        while os.read(STDIN, 4096):
            pass
        with contextlib.suppress(RuntimeError):  # the loop may have ended meanwhile
            loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait, name="stdin", daemon=True).start()


def announcement(addresses: Addresses) -> str:
    return orjson.dumps(asdict(addresses)).decode() + "\n"


def manual(addresses: Addresses) -> str:
    """What a person copies into another shell."""
    settings = "".join(f"export {name}={value!r}\n" for name, value in addresses.settings().items())
    return (
        "All upstreams are up. In another shell:\n\n"
        f"{settings}\n"
        "Instead of the Google key, a service account:\n\n"
        "unset GOOGLE_API_KEY; export GOOGLE_APPLICATION_CREDENTIALS="
        f"{addresses.service_account_file!r}\n\n"
        "Groups: zoo, safari, aviary, empty, secret (as https://www.flickr.com/groups/zoo/).\n"
        f"Bill, calls, faults: {addresses.control_url}/bill, /calls, /faults\n"
        "Ctrl+C ends it.\n"
    )


def _sentence(error: Exception) -> str:
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    return f"{error.filename}: {error.strerror}" if error.filename else error.strerror


if __name__ == "__main__":
    sys.exit(main())
