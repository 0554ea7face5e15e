"""Why a place cannot be listened on, as the system says it: the loop says it at length."""

from __future__ import annotations

import errno
import os


def why_not(error: OSError) -> str:
    """Half a sentence; what was asked for is the caller's to say."""
    if error.errno is None or error.errno < 0:
        # A name that cannot be looked up has words of its own; several addresses have no number.
        return error.strerror or str(error)
    return os.strerror(error.errno)


def is_elsewhere(error: OSError) -> bool:
    """Whether it is the host that is wrong: nobody knows it, or it is another machine's."""
    number = error.errno or 0
    return number < 0 or number == errno.EADDRNOTAVAIL
