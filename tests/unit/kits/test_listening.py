"""Why a place cannot be listened on is told in the system's words, whichever loop says it."""

from __future__ import annotations

import errno
import os
import socket

import pytest

from ingestor.kits.listening import is_elsewhere, why_not

NOT_HERE = os.strerror(errno.EADDRNOTAVAIL)
NO_SUCH_NAME_ON_A_MAC = 8
"""EAI_NONAME there; on Linux it is below zero, where no error of the system is."""


@pytest.mark.parametrize(
    ("error", "words", "elsewhere"),
    [
        pytest.param(OSError(errno.EADDRINUSE, "at length"), "in use", False, id="taken"),
        pytest.param(OSError(errno.EADDRNOTAVAIL, "at length"), NOT_HERE, True, id="not here"),
        pytest.param(OSError("of none of [...]"), NOT_HERE, True, id="none of several is here"),
        pytest.param(
            socket.gaierror(socket.EAI_NONAME, "not known"), "not known", True, id="no such name"
        ),
        pytest.param(
            socket.gaierror(NO_SUCH_NAME_ON_A_MAC, "not known"), "not known", True, id="on a Mac"
        ),
    ],
)
def test_a_host_that_is_wrong_is_told_from_a_port_that_is_taken(
    error: OSError, words: str, elsewhere: bool
) -> None:
    assert words in why_not(error)
    assert is_elsewhere(error) is elsewhere
