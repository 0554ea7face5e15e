"""The report adds up for people, and is exactly one object for programs."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import orjson
import pytest

from ingestor.cli.redaction import Redaction
from ingestor.cli.reporting import Printer, last_words
from ingestor.report import Bottleneck, Forecast, Report, UnitsReport
from ingestor.settings import Settings
from tests.builders import a_report

NOTHING_TO_DO = Bottleneck(name="nothing-to-do", advice="Nothing was bought.")


def a_forecast(**given: Any) -> Forecast:
    filled: dict[str, Any] = {
        "groups": ("1@N00",),
        "photos": 10000,
        "known": 1200,
        "skipped": 31,
        "dead": 12,
        "units": 8757,
        "free_units": 400,
        "cost_usd": 12.5355,
        "seconds": 311.9,
    }
    return Forecast(**filled | given)


def printed(what: Report | Forecast, **flags: Any) -> str:
    stdout = io.StringIO()
    printer = Printer(Settings.read(**flags), redaction=Redaction({}), stdout=stdout)
    if isinstance(what, Report):
        printer.report(what)
    else:
        printer.forecast(what)
    return stdout.getvalue()


def test_the_table_tells_photos_units_dollars_and_pace() -> None:
    text = printed(a_report())

    assert "1,000 listed = 860 stored + 103 skipped (100 known, 3 video) + 37 dead" in text
    assert "860 certain, 0 possible   $1.25" in text
    assert "29.4 images/s stored on average, 98.1% of the quota, 34.2 s in all" in text
    assert "vision-quota: ask for a larger quota" in text


def test_a_share_of_the_quota_that_nothing_was_bought_of_is_not_told() -> None:
    assert "quota" not in printed(a_report(quota_used=0.0, bottleneck=NOTHING_TO_DO))


def test_what_is_in_doubt_is_counted_once() -> None:
    text = printed(a_report(units=UnitsReport(certain=860, possible=16, in_doubt=16, bound=16)))

    assert "860 certain, 16 possible   $1.25   16 images in doubt, at most a unit each\n" in text


def test_failures_are_told_by_cause_with_the_command_to_type_next() -> None:
    text = printed(a_report(), state=Path("my state"))

    assert text.index("30  gone") < text.index("7  corrupt")
    assert "ingestor dead retry --state 'my state'" in text


def test_the_last_words_name_the_commands_of_the_same_journal() -> None:
    message = "37 photos failed, more than --max-failures allows."
    failed = a_report(ended="too-many-failures", exit_code=4, message=message)

    said = last_words(failed, state=" --state there")

    assert said.startswith(message)
    assert "`ingestor dead list --state there`, then `ingestor dead retry --state there`" in said


def test_other_ends_speak_for_themselves() -> None:
    stopped = a_report(ended="max-units", exit_code=3, message="Enough.")

    assert last_words(stopped, state=" --state there") == "Enough."


def test_what_may_be_paid_for_twice_is_tried_again_by_a_command_of_its_own() -> None:
    some = printed(a_report(by_reason={"gone": 30, "in-doubt": 7}))
    all_of_them = printed(a_report(by_reason={"in-doubt": 37}))

    assert "ingestor dead retry  " in some
    assert "ingestor dead retry --reason in-doubt  " in some
    assert "ingestor dead retry  " not in all_of_them


def test_a_clean_run_has_nothing_to_say_of_failures() -> None:
    text = printed(a_report(dead=0, stored=897, by_reason={"known": 103}))

    assert "failed" not in text
    assert "ingestor dead" not in text


def test_what_is_pending_is_continued_by_the_same_command() -> None:
    text = printed(a_report(ended="SIGINT", exit_code=130, pending=9, stored=851))

    assert "stopped: SIGINT" in text
    assert "the same command again" in text


def on_one_line(text: str) -> str:
    return " ".join(text.split())


def test_what_is_in_doubt_may_be_bought_again_and_the_report_says_so() -> None:
    units = UnitsReport(certain=860, possible=77, in_doubt=77, bound=77)
    lost = a_report(ended="SIGINT", exit_code=130, pending=90, units=units)

    assert (
        "the same command again continues; up to 77 images in doubt may be bought again, with "
        "--in-doubt park none" in on_one_line(printed(lost))
    )
    assert "buys nothing twice" in printed(lost, in_doubt="park")


def test_no_more_may_be_bought_again_than_is_pending() -> None:
    units = UnitsReport(certain=860, possible=77, in_doubt=77, bound=77)

    assert "up to 9 images in doubt" in printed(a_report(pending=9, units=units))
    assert "bought again" not in printed(a_report(pending=0, units=units))
    given_up = a_report(pending=90, units=units, dead=70, by_reason={"in-doubt": 70})
    assert "up to 7 images in doubt" in printed(given_up)


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        ("max-cost", "continues, and may spend as much once more"),
        ("max-units-per-day", "continues when the day is over"),
    ],
)
def test_after_a_ceiling_the_same_command_does_what_its_sentence_says(
    ended: str, said: str
) -> None:
    assert said in printed(a_report(ended=ended, exit_code=3, pending=9))


@pytest.mark.parametrize("ended", ["api-key", "credentials", "billing"])
def test_after_a_refusal_the_same_command_waits_for_somebody_to_mend_it(ended: str) -> None:
    doubtful = UnitsReport(certain=860, possible=7, in_doubt=7, bound=7)
    refused = a_report(ended=ended, exit_code=2, pending=9)

    assert (
        "the same command again continues when what stopped it is mended, and buys nothing twice"
        in on_one_line(printed(refused))
    )
    assert "is mended; up to 7 images" in on_one_line(
        printed(a_report(ended=ended, exit_code=2, pending=9, units=doubtful))
    )


@pytest.mark.parametrize("ended", ["max-cost", "max-units"])
def test_after_a_ceiling_of_nothing_the_same_command_is_no_help(ended: str) -> None:
    nothing = UnitsReport(certain=0, possible=0)

    said = printed(a_report(ended=ended, exit_code=3, pending=9, units=nothing))

    assert "the same command again with a higher ceiling" in on_one_line(said)
    assert "once more" not in said


def test_known_photos_with_other_features_are_told_with_what_buys_them_again() -> None:
    stdout = io.StringIO()
    printer = Printer(Settings.read(), redaction=Redaction({}), stdout=stdout)

    printer.report(a_report(), otherwise=True)

    assert "the same command with --reannotate" in stdout.getvalue()
    assert "--reannotate" not in printed(a_report())


@pytest.mark.parametrize("units", [0, 8757])
def test_a_forecast_tells_what_buys_known_photos_with_other_features(units: int) -> None:
    text = on_one_line(printed(a_forecast(units=units, known_otherwise=1100)))

    assert "1,200 known already (1,100 with other features)" in text
    assert "with --reannotate as well it tells what those with other features would cost" in text
    assert "--reannotate" not in printed(a_forecast(units=units))


@pytest.mark.parametrize("what", [a_report(), a_forecast()], ids=["report", "forecast"])
def test_json_is_exactly_one_object(what: Report | Forecast) -> None:
    text = printed(what, report="json")

    assert text.count("\n") == 1
    assert orjson.loads(text) == orjson.loads(orjson.dumps(what.as_json()))


def test_no_secret_is_printed() -> None:
    advice = Bottleneck(name="flickr", advice="see https://api/?api_key=canary")

    for form in ("text", "json"):
        assert "canary" not in printed(a_report(bottleneck=advice), report=form)


def test_the_forecast_tells_what_it_would_cost() -> None:
    text = printed(a_forecast())

    assert "8,757 to buy, 400 of them in this month's free units" in text
    assert "$12.54" in text
    assert "5 min 12 s" in text


@pytest.mark.parametrize(
    ("buyable", "photos"), [(0, "0 photos"), (1, "1 photo"), (8756, "8,756 photos")]
)
def test_the_forecast_tells_where_a_run_stops(buyable: int, photos: str) -> None:
    text = on_one_line(printed(a_forecast(buyable=buyable)))

    assert f"ceiling a run stops there, after {photos} " in text
    assert "sets a ceiling" not in text


def test_a_forecast_of_nothing_does_not_speak_of_buying_it() -> None:
    text = printed(a_forecast(units=0, free_units=0, cost_usd=0.0, seconds=0.0))

    assert "next      a run would find nothing to buy" in text
    assert "without --dry-run" not in text


@pytest.mark.parametrize("buyable", [None, 8757])
def test_a_ceiling_that_is_not_reached_is_not_told(buyable: int | None) -> None:
    assert "stops there" not in printed(a_forecast(buyable=buyable))
