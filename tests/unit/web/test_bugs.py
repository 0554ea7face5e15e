"""What the server library says is told in one line where it is a bug, and not at all where it is none."""

from __future__ import annotations

from aiohttp.http_exceptions import BadHttpMessage

from ingestor.web.bugs import bugs_told_to


def told(error: Exception) -> list[str]:
    said: list[str] = []
    logger = bugs_told_to(said.append)
    try:
        raise error
    except type(error):
        logger.exception("Error handling request from %s", "192.0.2.1")
    return said


def test_a_bug_is_one_line():
    assert told(ValueError("a bug")) == [
        "bug: Error handling request from 192.0.2.1: ValueError: a bug"
    ]


def test_a_strangers_mistake_is_none_of_ours():
    assert told(BadHttpMessage("what is this")) == []
