"""The flags of `ingestor serve`."""

from __future__ import annotations

from typing import Annotated

from ingestor.cli.flags.flag import flag
from ingestor.cli.numbers import address, whole

Host = Annotated[
    str,
    flag(
        "--host",
        "The address to listen on; 0.0.0.0 is every one this machine has.",
        default="127.0.0.1",
        metavar="ADDRESS",
        parser=address,
    ),
]
Port = Annotated[
    int | None,
    flag(
        "--port",
        "The port to listen on; 0 is any free one.",
        default="8080",
        metavar="PORT",
        parser=whole(least=0, most=65535, instead="8080 is used without it"),
    ),
]
Name = Annotated[
    list[str] | None,
    flag(
        "--name",
        "A host name that the page may be asked by, as a proxy before it passes it on; may be "
        "given several times.",
        default="localhost; with --host another than loopback, any",
        metavar="HOST",
    ),
]
Sandbox = Annotated[bool, flag("--sandbox", "Have the sandbox draw the pictures that it invented.")]
