"""Add lines to a file from which none is ever taken."""

import errno
import fcntl
import os
import stat
from contextlib import suppress
from pathlib import Path


def append_lines(path: Path, lines: bytes, mode: int = 0o666) -> None:
    """Write lines at once, to the end of a file, all or none, so that those of several processes do not mix.

    Needs no lock of OUT: a run may be at work. Whoever appends waits for whoever else does.

    Args:
        path: the file; made where it is not there. A link is not followed: it would lead the lines elsewhere.
        lines: each with its end.
        mode: of a file that is made, before the umask.

    Raises:
        OSError: it cannot be written, or is no regular file; it is as it was.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        handle = os.open(path, flags, mode)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "it is a link", str(path)) from None
        raise
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        with suppress(OSError):  # A file system without locks; lines are written in one piece all the same.
            fcntl.flock(handle, fcntl.LOCK_EX)
        size = os.fstat(handle).st_size
        # What a power failure, or an editor, left without an end must not swallow the first line.
        if size and os.pread(handle, 1, size - 1) not in (b"\n", b""):
            lines = b"\n" + lines
        written = os.write(handle, lines)
        if written < len(lines):
            # Only a part of these lines is taken away, never one that somebody else added meanwhile.
            if os.fstat(handle).st_size == size + written:
                os.ftruncate(handle, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        os.fsync(handle)
    finally:
        os.close(handle)
