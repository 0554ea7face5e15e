"""Variables that look like ours and that nobody reads: a ceiling that is misspelt is no ceiling."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Final

PREFIX: Final = "INGESTOR_"
NEARNESS: Final = 0.75
"""difflib's ratio, between names without the prefix (taste)."""
OF_SANDBOX: Final = (
    "INGESTOR_SANDBOX_PORT",
    "INGESTOR_SANDBOX_SEED",
    "INGESTOR_SANDBOX_SKETCHES",
)
"""What its process reads; the settings do not know them."""
OF_A_CLUSTER: Final = re.compile(r"\w+_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_\w+)?)")
"""Kubernetes tells every container of its services: with one called ingestor, under our prefix."""


def unknown(environment: Iterable[str]) -> str:
    """A sentence about the variables that are not read; "" where there are none."""
    # With it comes pydantic, which `--help` does without.
    from ingestor.settings import variables

    known = {**variables(), **{name.removeprefix(PREFIX).lower(): name for name in OF_SANDBOX}}
    names = sorted(name for name in environment if _is_stray(name.upper(), known.values()))
    if not names:
        return ""
    are, were = ("is no variable", "was") if len(names) == 1 else ("are no variables", "were")
    return f"{', '.join(names)} {are} of ingestor's and {were} not read.{_meant(names, known)}"


def _is_stray(name: str, known: Collection[str]) -> bool:
    ours = name.startswith(PREFIX) and name not in known
    return ours and not OF_A_CLUSTER.fullmatch(name)


def _meant(names: Iterable[str], known: Mapping[str, str]) -> str:
    """`known`: by the setting's name, for some variables stand without our prefix."""
    near = [
        known[match]
        for name in names
        for match in get_close_matches(
            name.upper().removeprefix(PREFIX).lower(), known, n=1, cutoff=NEARNESS
        )
    ]
    return f" Did you mean {', '.join(dict.fromkeys(near))}?" if near else ""
