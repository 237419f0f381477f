"""A copy of an object at hand for decoders, which read files: in TMPDIR, for as long as it is worked on.

Each process keeps its last one, as the segments of a video come one after the other, and removes it when another one
comes or when it ends. What a process that was killed left behind, the next one removes: a folder here is alive as long
as its file `held` is locked. It has its name only once that is so, and `held` is the last that goes: several processes
begin and remove at once, and each may be killed at it.
"""

import atexit
import fcntl
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from analytics.errors import UnreachableError, VideoError
from analytics.footage import Footage, Url, facts_of
from analytics.records import Pulse

_PREFIX: Final = "emobatch-video-"
_NEW: Final = "emobatch-new-"
"""Of folders that are not locked yet; whoever is killed there leaves an empty one."""
_HELD: Final = "held"
_COPY: Final = "copy"


class _Scratch:
    """The folder of this process, and the object of which it holds a copy."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._folder: Path | None = None
        self._held: int | None = None
        self._kept: tuple[object, Path] | None = None

    def copy_of(self, url: Url, pulse: Pulse) -> Path:
        """A file with the content of an object, by whichever name the object has.

        Raises:
            OSError: it cannot be read, or there is no room for it.
        """
        from analytics.store import download

        facts = facts_of(url)
        wanted = (url.text, facts)
        if self._kept and self._kept[0] == wanted and self._kept[1].exists():
            return self._kept[1]
        self._forget()
        folder = self._own_folder()
        # Demuxers look at the name's end; of names that are too long for a file only that is kept.
        path = folder / (url.name if len(os.fsencode(url.name)) <= 255 else f"video{url.suffix[:16]}")
        try:
            download(Url(url.text, facts), path, pulse)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        self._kept = wanted, path
        return path

    def _forget(self) -> None:
        if self._kept:
            self._kept[1].unlink(missing_ok=True)
            self._kept = None

    def _own_folder(self) -> Path:
        if self._folder is None or not self._folder.exists():
            if self._held is not None:  # Somebody emptied TMPDIR, or there was no room.
                os.close(self._held)
            _remove_abandoned()
            new = Path(tempfile.mkdtemp(prefix=_NEW))
            self._held = os.open(new / _HELD, os.O_WRONLY | os.O_CREAT, 0o600)
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            folder = new.rename(new.with_name(new.name.replace(_NEW, _PREFIX, 1)))
            # One level below, so that no object is called like the lock.
            self._folder = folder / _COPY
            self._folder.mkdir()
            atexit.register(_remove, folder)
        return self._folder


_scratch: Final = _Scratch()


@contextmanager
def at_hand(footage: Footage, pulse: Pulse) -> Iterator[Path]:
    """A local file with the content of a file: itself, or a copy of an object.

    Errors about the copy are told of the object.

    Raises:
        UnreachableError: it cannot be copied.
    """
    if not isinstance(footage, Url):
        yield footage
        return
    with _scratch.lock:
        try:
            path = _scratch.copy_of(footage, pulse)
        except OSError as error:
            raise _unreachable(footage, error) from error
        try:
            yield path
        except VideoError as error:
            raise type(error)(error.problem.replace(str(path), footage.text), error.remedy) from error


def _unreachable(url: Url, error: OSError) -> UnreachableError:
    from analytics.store import StoreError

    if isinstance(error, StoreError):
        return UnreachableError(f"{url}: cannot be fetched, {error.words}", error.remedy)
    return UnreachableError(
        f"{url}: cannot be copied to {tempfile.gettempdir()} ({error.strerror or error})",
        "free space there, or name another folder as TMPDIR",
    )


def _remove_abandoned() -> None:
    """Remove the folders of processes that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            held = os.open(folder / _HELD, os.O_WRONLY)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(folder)
            finally:
                os.close(held)


def _remove(folder: Path) -> None:
    """Remove a folder that this process has locked. One without `held` would be nobody's, and stay for good."""
    shutil.rmtree(folder / _COPY, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
