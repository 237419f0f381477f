"""Libraries that speak of themselves on stderr as they are loaded, kept quiet."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def without_stderr() -> Iterator[None]:
    """Drop what native code writes to stderr."""
    try:
        kept = os.dup(2)
    except OSError:  # Started without a stderr.
        yield
        return
    if sys.stderr:
        sys.stderr.flush()
    try:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
