"""What a listener's own error does to a run: it stops it, and never kills it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ingestor.events import Event, Listener
from ingestor.kits.lifetime import Lifetime, Stopping


@contextmanager
def heard(listen: Listener, lifetime: Lifetime) -> Iterator[Listener]:
    """
    Tell `listen` of every event, until it raises: then the run stops as by a signal, for in the middle
    of it paid answers would be lost. Its error leaves the block.
    """
    errors: list[Exception] = []

    def tell(event: Event) -> None:
        if errors:
            return
        try:
            listen(event)
        except Exception as error:  # noqa: BLE001 - a stranger's, and handed on
            errors.append(error)
            lifetime.stop("listener")

    try:
        yield tell
    except Stopping:
        if not errors:
            raise
    if errors:
        raise errors[0]
