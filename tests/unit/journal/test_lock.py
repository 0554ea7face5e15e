"""Who works in a state directory has it alone, and says why where that cannot be had."""

from __future__ import annotations

import errno
import fcntl
from pathlib import Path
from typing import NoReturn

import pytest

from ingestor.errors import SettingsError
from ingestor.journal.lock import is_taken, take


def test_a_directory_is_for_one_at_a_time(tmp_path: Path) -> None:
    with take(tmp_path):
        assert is_taken(tmp_path)
        with pytest.raises(SettingsError, match="Another ingestor is working"):
            take(tmp_path)

    take(tmp_path).close()
    assert not is_taken(tmp_path)


@pytest.mark.parametrize(
    ("journal", "advice"),
    [
        pytest.param(False, "Choose another with --state.", id="nothing paid for"),
        pytest.param(True, "another directory knows nothing of what was paid for.", id="a journal"),
    ],
)
def test_who_has_a_journal_is_not_sent_to_a_directory_without_it(
    tmp_path: Path, journal: bool, advice: str
) -> None:
    (tmp_path / "lock").mkdir()
    if journal:
        (tmp_path / "journal.sqlite3").touch()

    with pytest.raises(SettingsError, match="cannot be written") as refused:
        take(tmp_path)

    assert str(refused.value).endswith(advice)


def test_a_name_that_no_disk_takes_is_refused_in_a_sentence() -> None:
    with pytest.raises(SettingsError, match="Choose another with --state"):
        take(Path("x" * 5000))


def test_a_file_system_without_locks_is_not_taken_for_another_ingestor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_here(*_: object) -> NoReturn:
        raise OSError(errno.ENOLCK, "")

    # No file system of a test machine is without them.
    monkeypatch.setattr(fcntl, "flock", none_here)

    with pytest.raises(SettingsError, match=r"cannot be locked \(No locks available\)"):
        take(tmp_path)
