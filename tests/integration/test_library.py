"""`import ingestor`: what a program of somebody else's is promised."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestor import Lifetime, Stopping, ingest
from ingestor.sandbox.server import Sandbox
from tests.integration.conftest import settings_for


async def test_a_run_that_is_stopped_before_it_begins_says_so_by_a_public_name(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    lifetime = Lifetime(drain=8.0)
    lifetime.stop("enough")

    with pytest.raises(Stopping):
        await ingest(settings_for(sandbox, tmp_path / "state"), lifetime=lifetime)
