"""
What a request asks for besides its path: `print`, `shallow`, `timeout` and their like.

See https://firebase.google.com/docs/reference/rest/database. Unknown parameters are refused,
as production was seen to do.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ingestor.sandbox.rtdb.queries import PARAMETERS as QUERY_PARAMETERS
from ingestor.sandbox.rtdb.queries import Query, query_of
from ingestor.sandbox.rtdb.refusals import Refused

KNOWN: Final = QUERY_PARAMETERS | {
    "access_token",
    "auth",
    "auth_variable_override",
    "callback",
    "disableTriggers",
    "download",
    "format",
    "ns",
    "print",
    "shallow",
    "timeout",
    "writeSizeLimit",
    "x-http-method-override",
}

MAX_TIMEOUT_SECONDS: Final = 15 * 60
MAX_WRITE_BYTES: Final = 256 * 1024 * 1024

ESTIMATED_BYTES_PER_SECOND: Final = 1024 * 1024
"""How fast the sandbox thinks it writes; the vendor's estimate is not published."""

WRITE_SECONDS: Final[Mapping[str, int]] = {"tiny": 1, "small": 10, "medium": 30, "large": 60}
UNLIMITED: Final = "unlimited"

SHALLOW_AND_QUERY: Final = "Mixing 'shallow' and querying parameters is not supported"

_TIMEOUT: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|min)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "min": 60.0}
_CALLBACK: Final = re.compile(r"[A-Za-z_$][\w$.]*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    pretty: bool = False
    silent: bool = False
    shallow: bool = False
    export: bool = False
    callback: str | None = None
    download: str | None = None
    write_size_limit: str | None = None
    query: Query | None = None


def options_of(parameters: Mapping[str, str]) -> Options:
    """Raises `Refused` with 400 for what the database does not take."""
    unknown = set(parameters) - KNOWN
    if unknown:
        raise Refused(400, f"Unsupported query parameter: {min(unknown)}")
    check_timeout(parameters.get("timeout"))
    query = query_of(parameters)
    shallow = _one_of(parameters, "shallow", ("true", "false")) == "true"
    if shallow and query is not None:
        raise Refused(400, SHALLOW_AND_QUERY)
    style = _one_of(parameters, "print", ("pretty", "silent"))
    return Options(
        pretty=style == "pretty",
        silent=style == "silent",
        shallow=shallow,
        export=_one_of(parameters, "format", ("export",)) == "export",
        callback=_callback(parameters.get("callback")),
        download=parameters.get("download"),
        write_size_limit=_one_of(parameters, "writeSizeLimit", (*WRITE_SECONDS, UNLIMITED)),
        query=query,
    )


def write_bytes(limit: str) -> int:
    """How many bytes a write under the limit of that name may change."""
    seconds = WRITE_SECONDS.get(limit)
    return MAX_WRITE_BYTES if seconds is None else seconds * ESTIMATED_BYTES_PER_SECOND


def check_timeout(text: str | None) -> None:
    """The sandbox reads in no time; what counts is that the value makes sense."""
    if text is None:
        return
    match = _TIMEOUT.fullmatch(text)
    if match is None or float(match[1]) * _SECONDS[match[2]] > MAX_TIMEOUT_SECONDS:
        raise Refused(400, "timeout must be a number followed by ms, s or min, up to 15min")


def _callback(name: str | None) -> str | None:
    if name is not None and not _CALLBACK.fullmatch(name):
        raise Refused(400, "callback must be the name of a function")
    return name


def _one_of(parameters: Mapping[str, str], name: str, values: tuple[str, ...]) -> str | None:
    value = parameters.get(name)
    if value is not None and value not in values:
        raise Refused(400, f"{name} must be one of: {', '.join(values)}")
    return value
