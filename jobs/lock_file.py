"""The file of a lock: how it comes to be, who holds it, and whether that process still lives.

A process can be asked for on its own machine and in its own pid namespace alone: containers share a host's name and
kernel, and number their own processes.
"""

import errno
import json
import os
import platform
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psutil

from emobatch import __version__

_SAME_START_S: Final = 2.0
"""Two readings of one process's start may differ by so much: the kernel tells its own start in whole seconds."""
_MOST_BYTES: Final = 2**16
_OF_THE_DISK: Final = (errno.ENOENT, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
"""Errors that do not mean that there are no hard links."""
held: Final[set[str]] = set()
"""Tokens of the locks that this process holds; its pid alone does not say whether it does."""


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Who holds a lock."""

    token: str
    """32 hex digits, of this lock alone."""
    host: str
    machine: str | None
    """Host, boot and pid namespace, within which a pid means one process; None where that is not to be known."""
    pid: int
    process_started_s: float
    """Seconds from the boot to the start of the process: no clock that is set changes it."""
    command: str
    started_at: str
    """By the host's clock; shown, never compared."""
    version: str

    @staticmethod
    def here(command: str) -> "Holder":
        """This process, with a new token."""
        return Holder(
            token=secrets.token_hex(16),
            host=platform.node(),
            machine=_machine(),
            pid=os.getpid(),
            process_started_s=_started_s(psutil.Process()),
            command=command,
            started_at=datetime.now(UTC).isoformat(timespec="seconds"),
            version=__version__,
        )

    @staticmethod
    def read(content: bytes) -> "Holder | None":
        """What stands in a lock file; None where that is no holder."""
        try:
            stored = json.loads(content)
            holder = Holder(**{field.name: stored[field.name] for field in fields(Holder)})
            typed = isinstance(holder.process_started_s, int | float) and isinstance(holder.machine, str | None)
            # The token becomes a file's name, and the pid is sent a signal.
            sound = type(holder.pid) is int and 0 < holder.pid < 2**31 and re.fullmatch(r"[0-9a-f]{32}", holder.token)
        except (ValueError, TypeError, KeyError, RecursionError):
            return None
        return holder if typed and sound else None

    def lives(self) -> bool | None:
        """Whether the process runs and still holds its lock; None where this process cannot know."""
        if self.machine is None or self.machine != _machine():
            return None
        if self.pid == os.getpid():
            return self.token in held
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:  # Somebody else's, so there is one.
            pass
        try:
            process = psutil.Process(self.pid)
            same = abs(_started_s(process) - self.process_started_s) < _SAME_START_S
            return same and process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
        except psutil.Error:  # It ended just now, or /proc hides the processes of other users.
            return None


def described(holder: Holder | None) -> str:
    """A holder in words."""
    if holder is None:
        return "somebody whose lock is damaged"
    return f"`{holder.command}`, process {holder.pid} on {holder.host}, since {holder.started_at}"


@dataclass(frozen=True)
class Seen:
    """A lock file at one moment."""

    token: str
    """Of the holder; a damaged file is known by its inode."""
    holder: Holder | None
    """None in a damaged file."""
    touched_ns: int
    """By the clock of whoever touched it."""


def look(path: Path) -> Seen | None:
    """What is in a lock file; None where there is none.

    Raises:
        OSError: it cannot be read.
    """
    # Opening a file asks the server of a network share. A mere stat may be answered from a cache of the last minute.
    try:
        with path.open("rb") as file:
            holder, facts = Holder.read(file.read(_MOST_BYTES)), os.fstat(file.fileno())
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ESTALE:  # Replaced on the server while it was read.
            return None
        raise
    return Seen(holder.token if holder else f"damaged-{facts.st_ino}", holder, facts.st_mtime_ns)


def put(mine: Path, name: Path) -> bool:
    """Give a file of ours one more name, with its content from the first moment; False where that name is taken.

    Raises:
        OSError: the folder cannot be written.
    """
    os.utime(mine)
    try:
        os.link(mine, name)
        return True
    except OSError as error:
        # A network share that lost its answer is asked again, and then finds what it did itself.
        if _same(mine, name):
            return True
        if isinstance(error, FileExistsError):
            return False
        if error.errno in _OF_THE_DISK:
            raise
    # No hard links here. For a moment others may see a part of the content, and wait as for any damaged lock.
    try:
        target = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        return False
    try:
        os.write(target, mine.read_bytes())
    except OSError:
        name.unlink()
        raise
    finally:
        os.close(target)
    return True


def _same(one: Path, other: Path) -> bool:
    with suppress(OSError):
        return one.samefile(other)
    return False


def _machine() -> str | None:
    """Within what a pid is one process: two machines, two boots and two containers give two answers."""
    try:
        if os.readlink("/proc/self") != str(os.getpid()):  # noqa: PTH115 The /proc of another namespace.
            return None
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{platform.node()} {boot} {os.readlink('/proc/self/ns/pid')}"  # noqa: PTH115 no path
    except OSError:
        return None


def _started_s(process: psutil.Process) -> float:
    started: float = process.create_time() - psutil.boot_time()
    return started
