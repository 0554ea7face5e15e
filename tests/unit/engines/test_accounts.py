"""How a run ended is told by its exit code, and a mostly failed one never looks finished."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from ingestor.engines.accounts import Measured, report_of
from ingestor.errors import Denied, IngestorError, JournalError, RunStopped, SettingsError
from ingestor.journal.counts import Counted
from ingestor.journal.ledger import Units
from ingestor.journal.runs import Tally
from ingestor.kits.lifetime import Lifetime
from ingestor.report import Bottleneck, Report

pytestmark = pytest.mark.looptime

A_FIFTH = 0.2
DENIED = Denied("billing is off", upstream="vision", reason="billing")


def reported(
    lifetime: Lifetime,
    *,
    stored: int = 0,
    skipped: int = 0,
    dead: int = 0,
    pending: int = 0,
    max_failures: float = A_FIFTH,
    units: Units | None = None,
) -> Report:
    ends = {"stored": stored, "skipped": skipped, "dead": dead, "pending": pending}
    lifetime.close()
    return report_of(
        run_id="r",
        groups=("1@N00",),
        counted=Counted(
            photos=Tally(listed=sum(ends.values()), by_reason={}, **ends),
            units=units or Units(certain=stored),
            months=(((units or Units(certain=stored)).at_most, 1000),),
            doubtful_images=0,
        ),
        measured=Measured(
            seconds=10.0,
            quota_used=0.5,
            bottleneck=Bottleneck(name="nothing", advice=""),
            calls={},
            reused=0,
            refusals=0,
        ),
        lifetime=lifetime,
        max_failures=max_failures,
    )


@pytest.mark.parametrize(
    ("dead", "skipped", "most", "code"),
    [
        pytest.param(20, 0, A_FIFTH, 0, id="as large a share as is allowed"),
        pytest.param(21, 0, A_FIFTH, 4, id="a larger one"),
        pytest.param(10, 900, A_FIFTH, 0, id="few of those that needed work"),
        pytest.param(10, 960, A_FIFTH, 4, id="many of those, though few of all"),
        pytest.param(7, 0, 7, 0, id="as many as are allowed"),
        pytest.param(8, 0, 7, 4, id="one more"),
        pytest.param(1, 0, 0, 4, id="none is allowed"),
        pytest.param(1000, 0, 1.0, 0, id="whatever happens"),
    ],
)
async def test_failures_above_what_is_allowed_have_a_code_of_their_own(
    dead: int, skipped: int, most: float, code: int
):
    needed_work = max(100, dead) if not skipped else 1000 - skipped

    report = reported(
        Lifetime(drain=8.0),
        stored=needed_work - dead,
        skipped=skipped,
        dead=dead,
        max_failures=most,
    )

    assert (report.exit_code, bool(report.message)) == (code, code == 4)


@pytest.mark.parametrize(
    ("reason", "error", "code"),
    [
        pytest.param("max-units", RunStopped("enough", reason="max-units"), 3, id="a ceiling"),
        pytest.param("billing", DENIED, 2, id="a closed door"),
        pytest.param("settings", SettingsError("which group?"), 2, id="a setting"),
        pytest.param("journal", JournalError("The disk is full."), 1, id="the disk"),
        pytest.param("SIGTERM", None, 143, id="SIGTERM"),
        pytest.param("SIGINT", None, 130, id="Ctrl+C"),
        pytest.param("SIGHUP", None, 129, id="a closed terminal"),
    ],
)
async def test_why_it_stopped_decides_the_code_whatever_failed_before(
    reason: str, error: IngestorError | None, code: int
):
    lifetime = Lifetime(drain=8.0)
    lifetime.stop(reason, error)

    report = reported(lifetime, stored=1, dead=99, pending=5)

    assert (report.ended, report.exit_code) == (reason, code)
    assert report.message == (str(error) if error else report.message)
    assert report.message


@pytest.mark.parametrize(
    ("reason", "photos", "words"),
    [
        pytest.param("SIGINT", {"pending": 1556}, "1,556 photos left", id="left"),
        pytest.param("SIGINT", {"pending": 1}, "1 photo left of those listed:", id="one left"),
        pytest.param(None, {"dead": 1556}, "1,556 photos failed", id="failed"),
        pytest.param(None, {"dead": 1}, "1 photo failed", id="one failed"),
    ],
)
async def test_a_sentence_writes_its_counts_as_the_figures_beside_it_do(
    reason: str | None, photos: dict[str, Any], words: str
):
    lifetime = Lifetime(drain=8.0)
    if reason:
        lifetime.stop(reason)

    assert reported(lifetime, **photos).message.startswith(words)


async def test_a_run_that_is_stopped_while_it_lists_does_not_say_that_none_is_left():
    lifetime = Lifetime(drain=8.0)
    lifetime.stop("SIGINT")

    report = reported(lifetime, skipped=1500)

    assert report.message == "The same command continues."


async def test_what_is_pending_is_not_complete():
    report = reported(Lifetime(drain=8.0), stored=9, pending=1)

    assert (report.ended, report.exit_code) == ("incomplete", 1)


async def test_what_is_only_possible_costs_as_much_and_is_told_apart():
    units = Units(certain=10, possible=4, reserved=6)

    report = reported(Lifetime(drain=8.0), stored=10, units=units)

    assert (report.units.certain, report.units.possible) == (10, 10)
    assert report.cost_usd == 20 * 0.0015


def test_peak_memory_is_not_that_of_the_process_which_started_this_one():
    much = bytearray(b"-") * 300_000_000

    program = "from ingestor.engines.accounts import peak_memory; print(peak_memory())"
    told = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )

    assert 1_000_000 < int(told.stdout) < len(much)
