"""Add lines to a file from which none is ever taken."""

import errno
import os
import stat
from pathlib import Path


def append_line(path: Path, line: bytes, mode: int = 0o666) -> None:
    """Write a line at once, to the end of a file (O_APPEND), so that lines of several processes do not mix.

    Args:
        path: the file; made where it is not there. A link is not followed: it would lead the line elsewhere.
        line: with its end.
        mode: of a file that is made, before the umask.

    Raises:
        OSError: it cannot be written, or is no regular file.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        handle = os.open(path, flags, mode)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "it is a link", str(path)) from None
        raise
    try:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        # What a power failure cut off must not swallow this line.
        if facts.st_size and os.pread(handle, 1, facts.st_size - 1) not in (b"\n", b""):
            line = b"\n" + line
        if os.write(handle, line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        os.fsync(handle)
    finally:
        os.close(handle)
