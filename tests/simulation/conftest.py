"""What tests that carry out many schedules share."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from tests.simulation.loop import collect


@pytest.fixture
def memory_of_the_dead() -> Iterator[None]:
    """Looked through after a test, so that what its killed processes held is gone."""
    # What was there before, which is everything that pytest ever imported, is not looked through.
    gc.freeze()
    yield
    collect()
    gc.unfreeze()
