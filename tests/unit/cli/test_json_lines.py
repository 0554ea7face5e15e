"""What programs read is JSON whatever was typed, and whatever a directory is called."""

from __future__ import annotations

import os
from io import BytesIO, TextIOWrapper
from pathlib import Path

import orjson
import pytest

from ingestor.cli.json_lines import json_line, write_json

NO_TEXT = os.fsdecode(b"st\xff")


@pytest.mark.parametrize(
    ("value", "line"),
    [
        pytest.param({"a": [1, "ü"]}, '{"a":[1,"ü"]}\n', id="text"),
        pytest.param({"a": [1, f"ü{NO_TEXT}"]}, '{"a":[1,"üst?"]}\n', id="no text"),
        pytest.param({"at": Path("x")}, '{"at":"x"}\n', id="no json"),
        pytest.param({"at": Path(NO_TEXT)}, '{"at":"st?"}\n', id="neither"),
    ],
)
def test_an_object_is_one_line(value: object, line: str) -> None:
    assert json_line(value) == line
    assert orjson.loads(line)


@pytest.mark.parametrize("title", ["\x1b[2J", "\x9b2J", "a\x7fb", "a\u202eb", "a\u2028b"])
@pytest.mark.parametrize("path", ["st", NO_TEXT], ids=["text", "no text"])
def test_nothing_in_a_line_moves_the_cursor(title: str, path: str) -> None:
    line = json_line({"title": title, "path": path})

    assert line.removesuffix("\n").isprintable()
    assert orjson.loads(line)["title"] == title


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf_8", "UTF-8"])
def test_a_stream_of_few_letters_carries_them_all(encoding: str) -> None:
    """Another program reads it as UTF-8, whatever this terminal or this locale has."""
    value = {"owner": "Søren", "title": "a 🦋 –"}
    written = BytesIO()
    stream = TextIOWrapper(written, encoding=encoding, errors="replace")

    write_json(stream, value)
    stream.flush()

    assert orjson.loads(written.getvalue()) == value
