"""Tell the C library which blocks of memory to keep for the next one, and which to give back."""

from __future__ import annotations

import ctypes
from typing import Final

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""As in glibc's malloc.h."""

LARGEST_KEPT: Final = 1024 * 1024
"""
Bytes; above the buffers of nearly all downloads and bodies, which come again and again. What is larger
has pages of its own, which leave with it: kept, blocks of every size up to 20 MB leave holes between
them that fit no other, half as much again as was in use (measured).
"""
MOST_KEPT: Final = 32 * 1024 * 1024
"""Free bytes at the end of the heap before they are given back; what glibc itself arrives at."""


def keep_usual_blocks() -> None:
    """
    Set up glibc's malloc (`man mallopt`) for this process, before it has a second thread; other
    libraries have no such settings, and are left alone.

    As it starts, glibc gives every block above 128 KiB back to the kernel as soon as it is free: a
    download of 150 kB takes 270 us of CPU then, and 120 with this, measured. It raises that limit by
    itself with every larger block it sees go, up to 32 MiB, unless it was set. And it gives every
    thread a heap of its own: the journal's, beside the loop's, was 20 MB of holes after a hundred
    thousand photos.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT)
        mallopt(M_TRIM_THRESHOLD, MOST_KEPT)
        mallopt(M_ARENA_MAX, 1)
