"""Add lines to a file from which none is ever taken."""

import errno
import fcntl
import os
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

_PATIENCE_S: Final = 3.0
"""For others who append; they take milliseconds. Whoever may only read a file can hold its lock for ever."""
_PAUSE_S: Final = 0.02


def append_lines(path: Path, lines: bytes, mode: int = 0o666) -> None:
    """Write lines at once, to the end of a file, so that those of several processes do not mix.

    Needs no lock of OUT: a run may be at work. Whoever appends waits a few seconds for whoever else does, and then
    writes all the same: in one piece, which the system puts whole to the end of a file on a disk of this machine.

    Args:
        path: the file; made where it is not there. A link is not followed: it would lead the lines elsewhere.
        lines: each with its end.
        mode: of a file that is made, before the umask.

    Raises:
        OSError: it cannot be written, or is no regular file. What was written of the lines is taken away again. It
            stays where the file can only be appended to (`chattr +a`), where its lock was not to be had, and where
            somebody has added to it; what is added next begins a line of its own.
    """
    handle = _opened(path, mode)
    try:
        is_locked = _is_locked(handle)
        size = os.fstat(handle).st_size
        # What a power failure, or an editor, left without an end must not swallow the first line.
        if size and os.pread(handle, 1, size - 1) not in (b"\n", b""):
            lines = b"\n" + lines
        written = os.write(handle, lines)
        try:
            if written < len(lines):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            os.fsync(handle)
        except OSError:
            with suppress(OSError):  # Why it could not be written is what has to be told.
                # Without the lock somebody may add a line between a look at the size and the cut.
                if is_locked and os.fstat(handle).st_size == size + written:
                    os.ftruncate(handle, size)
            raise
    finally:
        os.close(handle)


def _opened(path: Path, mode: int) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        handle = os.open(path, flags, mode)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "it is a link", str(path)) from None
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return handle


def _is_locked(handle: int) -> bool:
    """Lock a file against others who append; False where somebody keeps the lock, or the file system has none."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(_PAUSE_S)
        except OSError:
            return False
        else:
            return True
