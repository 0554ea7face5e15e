"""
Let Python look for garbage rarely: almost nothing here is garbage that only a search can find.

With the interpreter's own thresholds an eighth of a run's CPU goes into looking (measured): a run
makes some hundred containers a photo, and nearly all of them end with their last reference.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

THRESHOLDS = (50_000, 20, 100)
"""Containers made and not yet freed before the young ones are looked at, then how often the older
ones; a run at full speed holds about twenty thousand (measured)."""


@contextmanager
def rare_collections() -> Iterator[None]:
    """While in the block; what exists when it begins is not looked at at all. For whole processes."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
