"""Why a place cannot be listened on, as the system says it: the loop says it at length."""

from __future__ import annotations

import errno
import os
import socket


def why_not(error: OSError) -> str:
    """Half a sentence; what was asked for is the caller's to say."""
    if isinstance(error, socket.gaierror):
        # A name that cannot be looked up has words of its own; on macOS its numbers are also the system's.
        return error.strerror or str(error)
    return os.strerror(_number(error))


def is_elsewhere(error: OSError) -> bool:
    """Whether it is the host that is wrong: nobody knows it, or it is another machine's."""
    return isinstance(error, socket.gaierror) or _number(error) == errno.EADDRNOTAVAIL


def _number(error: OSError) -> int:
    """From Python 3.13 on, loops that meet none of a host's addresses here say so without a number."""
    return errno.EADDRNOTAVAIL if error.errno is None else error.errno
