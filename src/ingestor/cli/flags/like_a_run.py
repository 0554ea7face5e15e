"""A command that takes the flags of a run behind its name as well as before it."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

from ingestor.cli.flags.of_worker import FOR_ONE_RUN
from ingestor.cli.flags.plain import Plain
from ingestor.cli.visit import NO_SETTINGS, Visit, settings_of


class LikeARun(Plain):
    """
    Its own flags, and those of the command that it stands below. Where a flag is on both sides of the
    name, the one behind it wins.
    """

    def get_params(self, ctx: Any) -> list[Any]:
        own = super().get_params(ctx)
        known = {param.name for param in own} | set(NO_SETTINGS)
        borrowed = [param for param in ctx.parent.command.params if param.name not in known]
        return [*own, *(_unseen(one) if one.name in FOR_ONE_RUN else one for one in borrowed)]

    def invoke(self, ctx: Any) -> Any:
        own = {param.name for param in self.params}
        borrowed = {name: ctx.params.pop(name) for name in list(ctx.params) if name not in own}
        visit: Visit = ctx.obj
        visit.flags = {**visit.flags, **settings_of(borrowed)}
        return super().invoke(ctx)


@cache
def _unseen(param: Any) -> Any:
    """Not in the help, and understood all the same: what it should have been is said elsewhere."""
    other = copy.copy(param)
    other.hidden = True
    return other
