"""Several calls at once, of which all are needed."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


async def together(calls: Iterable[Coroutine[Any, Any, T]], *, name: str) -> list[T]:
    """
    Their results, in order; `name` is that of their tasks.

    The first error ends the others, and comes as it is: a group of errors would pass by whoever
    waits for one of ours.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call, name=name) for call in calls]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from errors
    return [task.result() for task in tasks]
