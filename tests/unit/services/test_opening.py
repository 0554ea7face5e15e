"""What is missing before a run can begin is told at once."""

from __future__ import annotations

import re

import pytest

from ingestor.errors import SettingsError
from ingestor.events import ignore
from ingestor.kits.lifetime import Lifetime
from ingestor.services import open_services
from ingestor.settings import Settings


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, {"FLICKR", "GOOGLE"}),
        ({"google_api_key": "k"}, {"FLICKR"}),
        ({"dry_run": True}, {"FLICKR"}),
    ],
)
async def test_all_keys_that_are_missing_are_told_together(
    given: dict[str, object], missing: set[str]
) -> None:
    with pytest.raises(SettingsError) as refused:
        async with open_services(
            Settings.read(**given), lifetime=Lifetime(drain=1.0), listen=ignore
        ):
            pass

    assert set(re.findall("(FLICKR|GOOGLE)_API_KEY", str(refused.value))) == missing
