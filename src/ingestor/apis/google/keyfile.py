"""What is wrong with a file of credentials that google-auth could not use, as a person says it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import orjson

LARGEST = 1_000_000
"""Bytes; a key has 2,400."""
CLIENTS = ("installed", "web")
"""How a file of an OAuth client begins, that of a program or that of a site."""
SERVICE_ACCOUNT = "service_account"
NEEDED = ("client_email", "token_uri", "private_key")
"""What google-auth asks of a service account's key."""


def fault_of(name: str) -> str:
    """Half a sentence that names the file, and shows nothing in it; "" where nothing is to be seen."""
    if not name.strip():
        return "the path in GOOGLE_APPLICATION_CREDENTIALS is blank"
    path = Path(name)
    try:
        with path.open("rb") as file:
            content = orjson.loads(file.read(LARGEST))
    except (FileNotFoundError, NotADirectoryError):
        return _missing(name)
    except OSError as error:
        return f"{name!r} cannot be read ({error.strerror})"
    except ValueError:
        return f"{name!r} is not a JSON file"
    return _fault_in(content, name) if isinstance(content, dict) else _no_key(name)


def _missing(name: str) -> str:
    if name.startswith("~"):
        return f"{name!r} was not found: nothing replaces the ~ here, so write the whole path"
    return f"{name!r} was not found"


def _fault_in(content: Mapping[str, object], name: str) -> str:
    kind = content.get("type")
    if any(client in content for client in CLIENTS):
        return (
            f"{name!r} is the file of an OAuth client, which opens nothing by itself; what is needed "
            "is the key of a service account"
        )
    if not isinstance(kind, str):
        return _no_key(name)
    if kind != SERVICE_ACCOUNT:
        return ""
    if missing := [member for member in NEEDED if not content.get(member)]:
        return f"there is no {missing[0]} in {name!r}"
    return (
        f"the private key in {name!r} cannot be read; make a new one and take its file as it comes"
    )


def _no_key(name: str) -> str:
    return f"{name!r} is neither a service account's key nor a login"
