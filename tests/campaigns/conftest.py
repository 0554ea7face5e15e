"""What the shares of all campaigns need."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The place where other tests have their pictures drawn, too."""
    return tmp_path_factory.getbasetemp().parent / "drawings"
