"""A small share of the hunt for credentials in whatever is written or shown."""

from __future__ import annotations

import base64
from collections.abc import Callable
from urllib.parse import quote

import pytest

from tests.campaigns import canaries

pytestmark = pytest.mark.campaign

ENDS_A_RUN = ("flickr.key-disabled", "vision.billing-disabled", "database.permission-denied")
FULL_OF_FAILURES = "vision.image-partial"


async def test_no_credential_is_written_or_shown() -> None:
    tally = await canaries.one_run(FULL_OF_FAILURES)

    assert not tally.hits
    assert len(tally.bytes) >= 4


@pytest.mark.parametrize(
    "disguise",
    [
        lambda text: text,
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: base64.b64encode(f"k={text}&x".encode()).decode(),
        lambda text: f"auth={quote(text, safe='')}",
        lambda text: text.encode().hex(),
    ],
    ids=["as it is", "in base64", "within base64", "in a URL", "in hexadecimal"],
)
def test_a_credential_is_found_in_disguise(disguise: Callable[[str], str]) -> None:
    hidden = disguise("AIza-canary/0123+456789")

    assert any(spelling in hidden for spelling in canaries.spellings("AIza-canary/0123+456789"))


async def test_no_traceback_shows_a_credential_among_its_locals() -> None:
    tally = await canaries.crashes(ENDS_A_RUN)

    assert not tally.hits
    assert tally.bytes["tracebacks with locals"] > 10_000
