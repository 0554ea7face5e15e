"""Groups from settings and from a file that changes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ingestor.errors import SettingsError
from ingestor.worker import watchlist as watching
from ingestor.worker.watchlist import Watchlist

PATIENCE = 60.0
"""Seconds after which a process counts as hanging."""
LEAVING = """
import asyncio, sys
from pathlib import Path
from ingestor.worker.watchlist import Watchlist

async def leave_it() -> None:
    reading = asyncio.create_task(Watchlist((), Path(sys.argv[1])).groups())
    await asyncio.wait((reading,), timeout=0.2)
    reading.cancel()

asyncio.run(leave_it())
"""


@pytest.fixture
def silent(tmp_path: Path) -> Path:
    """Whoever opens it waits for ever, as for a file server that is away."""
    os.mkfifo(tmp_path / "groups")
    return tmp_path / "groups"


async def test_groups_of_settings_and_file_come_once(tmp_path: Path):
    file = tmp_path / "groups"
    file.write_text("zoo  # the big one\n\n# later: aviary\n12345678@N00\nzoo\n")

    watchlist = Watchlist(("safari", "zoo"), file)

    assert await watchlist.groups() == ("safari", "zoo", "12345678@N00")


async def test_the_mark_that_some_editors_begin_a_file_with_is_no_part_of_a_group(tmp_path: Path):
    file = tmp_path / "groups"
    file.write_text("zoo\r\naviary\r\n", encoding="utf-8-sig")

    watchlist = Watchlist((), file)

    assert await watchlist.groups() == ("zoo", "aviary")
    assert watchlist.refused == ()


async def test_a_group_is_followed_once_whatever_page_of_it_is_listed(tmp_path: Path):
    file = tmp_path / "groups"
    file.write_text("https://www.flickr.com/groups/zoo/pool/page2\nflickr.com/groups/zoo#a\n")

    assert await Watchlist(("zoo",), file).groups() == ("zoo",)


async def test_a_file_that_changes_is_read_again(tmp_path: Path):
    file = tmp_path / "groups"
    file.write_text("zoo")
    watchlist = Watchlist((), file)
    await watchlist.groups()

    file.write_text("zoo\nsafari")

    assert await watchlist.groups() == ("zoo", "safari")


async def test_lines_that_name_no_group_are_told_and_left_out(tmp_path: Path):
    file = tmp_path / "groups"
    file.write_text("zoo\nno group at all\n")
    watchlist = Watchlist((), file)

    assert await watchlist.groups() == ("zoo",)
    assert watchlist.refused == ("no group at all",)


async def test_a_file_that_is_not_there_is_refused_in_a_sentence(tmp_path: Path):
    with pytest.raises(SettingsError, match="--groups-file"):
        await Watchlist(("zoo",), tmp_path / "nowhere").groups()


async def test_a_file_that_is_not_read_in_time_is_refused_in_a_sentence(
    silent: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(watching, "IN_TIME", 0.1)

    with pytest.raises(SettingsError, match=r"--groups-file: .* \(nothing comes\)"):
        await Watchlist(("zoo",), silent).groups()


def test_a_process_ends_while_a_file_is_not_read(silent: Path):
    done = subprocess.run(
        [sys.executable, "-c", LEAVING, str(silent)],
        capture_output=True, check=False, timeout=PATIENCE,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, b"")
