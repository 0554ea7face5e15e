"""Commands whose help speaks of what people type, and not of Python's types."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup

HELP = "--help"


class Plain(TyperCommand):
    """One command."""

    def get_params(self, ctx: Any) -> list[Any]:
        return [_untyped(param) for param in super().get_params(ctx)]


class PlainGroup(TyperGroup):
    """A command with others below it."""

    def get_params(self, ctx: Any) -> list[Any]:
        return [_untyped(param) for param in super().get_params(ctx)]


def _untyped(param: Any) -> Any:
    """Flags of ours say what they take; arguments have a name for it, and --help takes nothing."""
    if param.param_type_name == "argument" or HELP in param.opts:
        param.display_type_rich = _nothing
    return param


def _nothing(*, ctx: Any) -> None:  # noqa: ARG001 - typer hands it over
    return
