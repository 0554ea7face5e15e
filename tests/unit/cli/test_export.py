"""An export is written in the form that its name says, or not at all."""

from __future__ import annotations

import os
import signal
import stat
import threading
from pathlib import Path

import pytest

from ingestor.cli.export import export, form_of, in_place_of
from ingestor.errors import SettingsError
from ingestor.journal.schema import migrate
from ingestor.journal.writer import connect
from ingestor.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings.read(state=tmp_path)
    db = connect(settings.journal_path)
    migrate(db)
    db.close()
    return settings


@pytest.mark.parametrize(
    ("output", "form"),
    [("-", "jsonl"), ("a.b/all", "jsonl"), ("all.JSON", "jsonl"), ("all.parquet", "parquet")],
)
def test_the_name_says_which_form(output: str, form: str) -> None:
    assert form_of(output) == form


def test_a_form_that_there_is_none_of_is_refused(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nothing here writes \.csv.* R, .*--format"):
        export(settings, output=str(tmp_path / "all.csv"), form=None)

    export(settings, output=str(tmp_path / "all.csv"), form="jsonl")
    assert (tmp_path / "all.csv").exists()


@pytest.mark.parametrize("output", [".", "..", "/", "", "sub"])
def test_a_directory_is_no_file_to_write(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SettingsError, match=r"--output: .* is not a file"):
        export(settings, output=output, form=None)


def test_a_pipe_is_written_into_and_stays_a_pipe(settings: Settings, tmp_path: Path) -> None:
    pipe, got = tmp_path / "pipe", list[bytes]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()

    export(settings, output=str(pipe), form="jsonl")

    reader.join(timeout=10)
    assert got == [b""]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_pipe_without_a_name_of_its_own_is_written_into(settings: Settings) -> None:
    """What a shell makes of `--output >(gzip > all.jsonl.gz)`."""
    reading, writing = os.pipe()

    export(settings, output=f"/dev/fd/{writing}", form=None)

    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == b""


def test_the_file_that_a_link_points_to_is_written(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "real.jsonl")

    export(settings, output=str(tmp_path / "link.jsonl"), form=None)

    assert (tmp_path / "link.jsonl").is_symlink()
    assert (tmp_path / "real.jsonl").exists()


@pytest.mark.parametrize("output", ["file/x.jsonl", "n" * 250 + ".jsonl"])
def test_a_name_that_cannot_be_written_is_told_in_a_sentence(
    settings: Settings, tmp_path: Path, output: str
) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SettingsError, match="cannot be written"):
        export(settings, output=str(tmp_path / output), form=None)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_an_export_that_is_ended_leaves_what_was_there_and_nothing_half_written(
    tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "all.jsonl").write_bytes(b"before")

    def write_half() -> None:
        with in_place_of(tmp_path / "all.jsonl") as file:
            file.write(b"half")
            signal.raise_signal(number)

    with pytest.raises(SystemExit) as ended:
        write_half()

    assert ended.value.code == 128 + number
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"all.jsonl": b"before"}


def test_whoever_ignores_the_end_of_the_terminal_still_does(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with in_place_of(tmp_path / "all.jsonl"):
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)

    assert (tmp_path / "all.jsonl").exists()
