"""A shop to buy in, closed after the test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.shops import OpenShop, opening_shops


@pytest.fixture
async def open_shop(tmp_path: Path) -> AsyncIterator[OpenShop]:
    async with opening_shops(tmp_path) as open_:
        yield open_
