"""What a flag is: an option that tells its variable and its default."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer


def flag(
    name: str,
    text: str,
    *,
    default: str | None = None,
    env: str | None = None,
    panel: str | None = None,
    metavar: str | None = None,
    parser: Callable[[str], Any] | None = None,
    hidden: bool = False,
) -> Any:
    """An option whose help ends with its environment variable and its default."""
    facts = " · ".join(filter(None, (env, default and f"default {default}")))
    if metavar is None and (default is None or default.startswith("off")):
        metavar = ""  # a switch: typer would have it take a <bool>
    return typer.Option(
        name,
        help=f"{text} [dim]({facts})[/]" if facts else text,
        show_default=False,
        rich_help_panel=panel,
        metavar=metavar,
        parser=parser,
        hidden=hidden,
    )
