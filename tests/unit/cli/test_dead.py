"""What failed is tried again when somebody says so, and what may cost twice only when they insist."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from ingestor.cli.dead import drop, retry, show
from ingestor.errors import SettingsError
from ingestor.journal.dead import fail_all
from ingestor.journal.lock import take
from ingestor.journal.writer import Journal, connect
from ingestor.models import Failure
from ingestor.settings import Settings
from tests.builders import a_photo
from tests.journals import listed

IN_DOUBT = Failure(photo_id="2", stage="annotate", reason="in-doubt", paid="maybe")
BROKEN = Failure(photo_id="3", stage="annotate", reason="vision-unavailable", paid="maybe")
GONE = Failure(photo_id="1", stage="download", reason="gone")


def holding(state: Path, *failures: Failure) -> Settings:
    """Settings of a journal in which these photos are dead."""
    settings = Settings.read(state=state)
    photos = [a_photo(failure.photo_id) for failure in failures]

    async def bury() -> None:
        async with Journal(settings.journal_path) as journal:
            await journal.write(lambda db: listed(db, *photos))
            await journal.write(partial(fail_all, failures=failures, now=2.0))

    asyncio.run(bury())
    return settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return holding(tmp_path, GONE, IN_DOUBT, BROKEN)


def test_what_is_left_is_told_with_the_words_that_ask_for_it(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    retry(settings, reason=None, photos=[], everything=False)

    said = capsys.readouterr().out
    assert said.startswith("1 photo will be tried again by the next run.\n")
    assert "Left alone: 2 photos" in said
    assert f"ingestor dead retry --reason in-doubt --state {settings.state}" in said


@pytest.mark.parametrize(
    ("reason", "everything", "photos"),
    [pytest.param("in-doubt", False, 1, id="a cause"), pytest.param(None, True, 2, id="all")],
)
def test_who_asks_for_them_gets_them_and_no_lecture(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    *,
    reason: str | None,
    everything: bool,
    photos: int,
) -> None:
    settings = holding(tmp_path, IN_DOUBT, BROKEN)

    retry(settings, reason=reason, photos=[], everything=everything)

    noun = "photo" if photos == 1 else "photos"
    assert capsys.readouterr().out == f"{photos} {noun} will be tried again by the next run.\n"


def test_that_a_limit_may_end_before_what_waits_for_another_picture_is_told(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its group has to show it, and it may lie behind the newest."""
    retry(settings, reason=None, photos=["1", "2"], everything=False)

    assert capsys.readouterr().out == (
        "2 photos will be tried again by the next run.\n"
        "1 photo waits for another picture: a run with --limit comes to it last, if at all.\n"
    )


def test_nothing_is_said_of_what_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = holding(tmp_path)

    retry(settings, reason=None, photos=[], everything=False)

    assert capsys.readouterr().out == "No photo is dead.\n"


@pytest.mark.parametrize("change", [retry, drop])
def test_a_photo_that_is_not_dead_is_a_mistake_to_be_told(
    settings: Settings, change: Callable[..., int]
) -> None:
    with pytest.raises(SettingsError, match="7, 8"):
        change(settings, reason=None, photos=["7", "8"], everything=False)


@pytest.mark.parametrize("change", [retry, drop])
def test_nothing_can_be_changed_beside_a_run_and_that_is_said(
    settings: Settings, change: Callable[..., int]
) -> None:
    with take(settings.state), pytest.raises(SettingsError, match="Wait for it, or stop it;"):
        change(settings, reason=None, photos=[], everything=True)


@pytest.mark.parametrize(
    "command",
    [
        partial(show, samples=0, as_json=False),
        partial(retry, photos=[], everything=False),
        partial(drop, photos=[], everything=False),
    ],
    ids=["list", "retry", "drop"],
)
def test_a_cause_that_there_is_none_of_is_answered_with_those_there_are(
    settings: Settings, capsys: pytest.CaptureFixture[str], command: Callable[..., int]
) -> None:
    command(settings, reason="in-dobt")

    assert capsys.readouterr().out == (
        "No photo is dead with the cause 'in-dobt'. "
        "There is: in-doubt (1), vision-unavailable (1), gone (1).\n"
    )


def test_where_all_are_in_doubt_the_command_that_takes_them_on_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show(holding(tmp_path, IN_DOUBT), reason=None, samples=0, as_json=False)

    said = " ".join(capsys.readouterr().out.split())
    assert f"ingestor dead retry --reason in-doubt --state {tmp_path}" in said
    assert "ingestor dead retry --state" not in said


def test_where_some_are_free_to_try_both_commands_are_told(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    show(settings, reason=None, samples=0, as_json=False)

    said = capsys.readouterr().out
    assert "ingestor dead retry --reason in-doubt --state" in said
    assert "ingestor dead retry --state" in said


def test_who_left_every_group_can_only_be_dropped_and_that_is_said(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(connect(settings.journal_path)) as db:
        db.execute("DELETE FROM memberships WHERE photo = '2'")

    show(settings, reason="in-doubt", samples=1, as_json=False)
    listed = capsys.readouterr().out
    retry(settings, reason="in-doubt", photos=[], everything=False)
    tried = capsys.readouterr().out

    assert "dead retry" not in listed
    assert "1 of them in no group any more" in listed
    assert tried == "Left alone: 1 photo in no group any more; dead drop gives it up.\n"


def test_what_is_perhaps_paid_for_and_gone_by_now_is_not_promised_to_a_plain_retry(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = Failure(photo_id="1", stage="download", reason="gone", paid="maybe")

    show(holding(tmp_path, gone), reason=None, samples=1, as_json=False)

    listed = capsys.readouterr().out
    assert "ingestor dead retry --reason gone" in listed
    assert "tries them again" not in listed
