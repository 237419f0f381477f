"""What freed memory is kept for the next picture, and when it is given back to the system."""

import ctypes
from typing import Final

import pyarrow as pa

_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
"""Numbers of mallopt(3) in malloc.h of the GNU C library."""
_MOST_KEPT: Final = 64 * 2**20
"""Bytes at the end of the heap: the pictures of one sample of 4K, several times over."""
_LARGEST_ON_HEAP: Final = 32 * 2**20
"""Bytes of one block; the library takes no more."""


def keep_freed_memory() -> None:
    """Let the C library keep what is freed, up to some megabytes.

    By default it gives the end of its heap back whenever 128 KB are free, so every picture of a sample had its pages
    mapped and cleared anew: a quarter of the time of a search, as measured. Other C libraries have no such switch and are
    left as they are.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(_TRIM_THRESHOLD, _MOST_KEPT)
    mallopt(_MMAP_THRESHOLD, _LARGEST_ON_HEAP)


def give_freed_memory_back() -> None:
    """Give back what is kept: before the rows of hours of video are put together, which takes more than pictures do."""
    pa.default_memory_pool().release_unused()
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return
    trim(0)
