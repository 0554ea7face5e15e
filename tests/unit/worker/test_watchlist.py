"""Groups from settings and from a file that changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestor.errors import SettingsError
from ingestor.worker.watchlist import Watchlist


async def test_groups_of_settings_and_file_come_once(tmp_path: Path):
    file = tmp_path / "groups"
    file.write_text("zoo  # the big one\n\n# later: aviary\n12345678@N00\nzoo\n")

    watchlist = Watchlist(("safari", "zoo"), file)

    assert await watchlist.groups() == ("safari", "zoo", "12345678@N00")


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
