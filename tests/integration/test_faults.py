"""Every fault that an upstream can cause costs calls, not photos."""

from __future__ import annotations

import pytest

from ingestor.errors import IngestorError
from ingestor.exits import exit_code_of
from ingestor.sandbox.server import FAULTS, KNOBS, Sandbox
from tests.integration.conftest import Ingest, in_database

PHOTOS = 20
"""More than one batch, and less than another."""

ENDS_THE_RUN = {
    "flickr.key-disabled": 2,
    "vision.key-disabled": 2,
    "vision.key-restricted": 2,
    "vision.service-disabled": 2,
    "vision.billing-disabled": 2,
    "vision.daily-quota": 3,
    "database.permission-denied": 2,
    "database.forbidden": 2,
    "database.quota-exceeded": 2,
    "database.deactivated": 2,
    "database.disabled": 2,
    "database.not-found": 2,
    "database.other-region": 2,
    "database.redirect": 2,
}
TOO_SLOW_FOR_HERE = {"vision.stall", "vision.late", "image.stall", "image.drip", "vision.slow-read",
                     "database.stall", "database.stall-after-apply", "database.slow-write",
                     "database.slow-commit", "flickr.slow-body"}  # fmt: skip
"""They wait for deadlines of minutes; simulated time is theirs."""
NOT_ASKED_FOR = {name for name in FAULTS if name.startswith(("google.", "database.stream-"))}

HINTS = [name for name in KNOBS if name.endswith("retry-after")]

TIMES = 2
"""That a fault strikes one after the other."""
ONCE = ("database.token-expired", "database.token-revoked")
"""A credential that is refused again when it was renewed is no weather, but a closed door."""
COSTS = {
    **dict.fromkeys(
        ("image.gone", "image.not-found", "image.placeholder", "image.redirect-private",
         "image.gzip-bomb", "vision.image-bad"), TIMES,
    ),
    "flickr.odd-ids": PHOTOS,
}  # fmt: skip
"""Photos that a fault spoils for good: its own, or those of its page."""
MOST_PARKED = 16
"""Photos of a second doubt, after the first one took the allowance."""

WEATHER = sorted(set(FAULTS) - set(ENDS_THE_RUN) - TOO_SLOW_FOR_HERE - NOT_ASKED_FOR)


@pytest.fixture
def zoo_photos() -> int:
    return PHOTOS


@pytest.mark.parametrize("fault", WEATHER)
async def test_bad_weather_costs_calls_not_photos(ingest: Ingest, sandbox: Sandbox, fault: str):
    for hint in HINTS:
        sandbox.faults.set(hint, 0.1)
    sandbox.faults.queue(fault, times=1 if fault in ONCE else TIMES)

    report = await ingest(limit=PHOTOS, max_failures=1.0)

    assert report.ended == "complete", report.message
    assert report.listed == report.stored + report.skipped + report.dead
    parked = report.by_reason.get("in-doubt", 0)
    assert parked <= MOST_PARKED
    assert report.stored >= PHOTOS - COSTS.get(fault, 0) - parked
    assert report.stored == len(in_database(sandbox, "/photos"))
    assert sandbox.bill.units <= report.units.certain + report.units.possible


@pytest.mark.parametrize("fault", sorted([*ENDS_THE_RUN, *ONCE]))
async def test_a_closed_door_ends_the_run_with_its_code(
    ingest: Ingest, sandbox: Sandbox, fault: str
):
    sandbox.faults.set(fault, 1.0)

    try:
        report = await ingest(limit=PHOTOS)
    except IngestorError as error:
        code, message = exit_code_of(error), str(error)
    else:
        code, message = report.exit_code, report.message

    assert code == ENDS_THE_RUN.get(fault, 2)
    assert message
    assert sandbox.bill.units == 0 or fault.startswith("database.")
