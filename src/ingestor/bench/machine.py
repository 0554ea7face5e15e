"""What the figures depend on: the machine, its cores and how they are shared out, the versions."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

MEASURED_WITH: Final = ("ingestor", "aiohttp", "orjson", "pybase64")
NGINX: Final = ("nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx")
"""Where Debian and others put it; an ordinary user's PATH seldom has it."""


def machine() -> dict[str, Any]:
    """In the order in which a person asks."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load": [round(load, 2) for load in os.getloadavg()],
        "pictures": _nginx_version() or "the sandbox",
        **{name: version(name) for name in MEASURED_WITH},
    }


def nginx() -> str | None:
    """The path of nginx, if it is installed."""
    return next((found for place in NGINX if (found := shutil.which(place))), None)


def keep_apart(*, client: int | None = None, far_end: int | None = None) -> None:
    """
    Give the client's process a core of its own, and the far end's the others.

    Otherwise what is measured is how the system shares out its cores. Without two cores, or on a
    system that does not let us choose, everything stays where it is.
    """
    cores = sorted(_cores())
    if len(cores) < 2:
        return
    if client is not None:
        os.sched_setaffinity(client, cores[:1])
    if far_end is not None:
        os.sched_setaffinity(far_end, cores[1:])


def _cores() -> set[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


def _nginx_version() -> str:
    """As "nginx/1.22.1", or nothing."""
    program = nginx()
    if program is None:
        return ""
    said = subprocess.run(  # noqa: S603 - a path of ours
        [program, "-v"], capture_output=True, text=True, check=False
    ).stderr
    return said.rpartition(" ")[2].strip()


def _cpu() -> str:
    """As the system names it; on Linux `platform` knows the architecture only."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
