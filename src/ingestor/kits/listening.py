"""Why a place cannot be listened on, as the system says it: the loop says it at length."""

from __future__ import annotations

import errno
import os


def why_not(error: OSError) -> str:
    """Half a sentence; what was asked for is the caller's to say."""
    number = _number(error)
    # A name that cannot be looked up has words of its own.
    return os.strerror(number) if number >= 0 else error.strerror or str(error)


def is_elsewhere(error: OSError) -> bool:
    """Whether it is the host that is wrong: nobody knows it, or it is another machine's."""
    number = _number(error)
    return number < 0 or number == errno.EADDRNOTAVAIL


def _number(error: OSError) -> int:
    """From Python 3.13 on, loops that meet none of a host's addresses here say so without a number."""
    return errno.EADDRNOTAVAIL if error.errno is None else error.errno
