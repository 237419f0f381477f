"""One run at a time in OUT: the file OUT/.lock says who holds it, and is touched every ten seconds.

    {"token": "3f…", "host": "nvr1", "machine": "nvr1 <boot id> pid:[4026531836]", "pid": 4711,
     "process_started_s": 17.31, "command": "emobatch run", "started_at": "2026-01-31T22:00:00+00:00",
     "version": "0.1.0"}

Whoever finds it held asks whether the holder lives (jobs/lock_file.py). Where that is not to be known, on another machine
or in another container, a lock is dead that nobody touched for two minutes. No clock is held against another's: the
age of the last touch is told by the file system's, and a lock that looks dead is watched for a while all the same.

A dead lock changes hands through OUT/.lock.<its token>.taken. Only one process can create that name; it makes sure
that the lock is still the dead one, and moves its own over it. So there is no moment without a lock, and the lock of
somebody who was faster is never taken for the dead one. A taker that dies halfway is a dead lock of that name.
"""

import json
import logging
import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from analytics.errors import EmobatchError, LockedError
from analytics.paths import absolute
from jobs.lock_file import Holder, Seen, described, held, look, put

_log = logging.getLogger(__name__)

LOCK: Final = ".lock"
BEAT_S: Final = 10.0
STALE_S: Final = 120.0
_LITTER_S: Final = 3600.0
"""Files of processes that cannot be asked for are removed after so long."""
_ATTEMPTS: Final = 50


@dataclass(frozen=True)
class Lock:
    """The lock of this process."""

    path: Path
    holder: Holder
    beat_s: float
    stale_s: float

    def check(self) -> None:
        """Make sure that the lock is still held: a run that was suspended for hours may have been taken for dead.

        Raises:
            EmobatchError: somebody else took or removed it.
            OSError: it cannot be read.
        """
        seen = look(self.path)
        if not self._is_ours(seen):
            by = f" by {described(seen.holder)}" if seen else ""
            raise EmobatchError(
                f"{self.path}: this run was taken for dead, and its lock taken or removed{by}",
                "run again when no other run is at work; finished videos are kept",
            )

    def touch(self) -> bool:
        """Give a sign of life; False where the lock is held no more."""
        try:
            # Opened first, so that what is touched is not what another run put there after the look.
            with self.path.open("rb") as file:
                if not self._is_ours(look(self.path)):
                    return False
                os.utime(file.fileno())
        except FileNotFoundError:
            return False
        return True

    def release(self) -> None:
        """Give the lock back, if it is still held."""
        if not self._is_ours(look(self.path)):
            return
        # Moved, and looked at again: a run that is suspended here for minutes would remove the lock of another.
        moved = self.beside(self.holder.token, "released")
        try:
            self.path.rename(moved)
        except FileNotFoundError:
            return
        if not self._is_ours(look(moved)):
            put(moved, self.path)
        moved.unlink(missing_ok=True)

    def beside(self, token: str, what: str) -> Path:
        """A file next to the lock."""
        return self.path.with_name(f"{LOCK}.{token}.{what}")

    def _is_ours(self, seen: Seen | None) -> bool:
        return seen is not None and seen.token == self.holder.token


@contextmanager
def locked(out: Path, command: str, *, beat_s: float = BEAT_S, stale_s: float = STALE_S) -> Iterator[Lock]:
    """Hold OUT for one run. OUT is made where it is missing.

    A lock whose holder cannot be asked for is watched before it is taken, for up to stale_s.

    Args:
        out: folder of tables and reports.
        command: what others are told that runs here, such as `emobatch run`.
        beat_s: seconds between signs of life.
        stale_s: seconds without one after which a lock is dead, of whose process nothing else is known.

    Raises:
        LockedError: another run holds it.
        OSError: OUT cannot be made or written.
    """
    out.mkdir(parents=True, exist_ok=True)
    lock = Lock(absolute(out) / LOCK, Holder.here(command), beat_s, stale_s)
    stop = threading.Event()

    def end() -> None:
        stop.set()
        try:
            lock.release()
        except OSError as error:  # The process ends, and with it the lock.
            _log.warning("%s: cannot be removed (%s)", lock.path, error)
        held.discard(lock.holder.token)

    held.add(lock.holder.token)
    try:
        _acquire(lock)
        threading.Thread(target=_beat, args=(lock, stop), name="emobatch lock", daemon=True).start()
        _remove_litter(lock)
        yield lock
    finally:
        to_its_end(end)


def _beat(lock: Lock, stop: threading.Event) -> None:
    while not stop.wait(lock.beat_s):
        try:
            if not lock.touch():
                if not stop.is_set():
                    _log.error("%s: is held by this run no more", lock.path)
                return
        except OSError as error:  # A share that is away for a moment, or for longer, which check() will tell.
            _log.warning("%s: cannot be touched (%s)", lock.path, error)


def to_its_end(action: Callable[[], None]) -> None:
    """Do what Ctrl-C shall not cut in two: it reaches the main thread alone."""
    thread = threading.Thread(target=action, name="emobatch lock")
    thread.start()
    interrupted = False
    while thread.is_alive():
        try:
            thread.join()
        except KeyboardInterrupt:
            interrupted = True
    if interrupted:
        raise KeyboardInterrupt


def _acquire(lock: Lock) -> None:
    mine = lock.beside(lock.holder.token, "new")
    try:
        mine.write_text(json.dumps(asdict(lock.holder)), encoding="utf-8")
        for _ in range(_ATTEMPTS):
            if put(mine, lock.path):
                return
            seen = look(lock.path)
            if seen is not None and _is_dead(lock.path, seen, mine, lock) and _taken_over(lock, seen, mine):
                _log.warning("%s: taken over from %s, which is gone", lock.path, described(seen.holder))
                return
            time.sleep(0.01)  # It changed hands or was given back while it was looked at.
    finally:
        mine.unlink(missing_ok=True)
    raise LockedError(f"{lock.path}: changes all the time, or is no file", "remove it if no run is at work")


def _taken_over(lock: Lock, dead: Seen, mine: Path) -> bool:
    """Put our lock in the place of a dead one; False where that is not there any more.

    Raises:
        LockedError: another run is about to do the same.
    """
    claims = [lock.beside(dead.token, "taken")]
    ours = False
    try:
        while not put(mine, claims[-1]):
            taker = look(claims[-1])
            if taker is None or not _is_dead(claims[-1], taker, mine, lock):
                return False
            claims.append(lock.beside(taker.token, "taken"))
        now = look(lock.path)
        if now is None or now.token != dead.token:
            return False
        mine.replace(lock.path)
        ours = True
        return True
    finally:
        # Those of dead takers may go as soon as the lock that they claimed is no more.
        for claim in claims:
            seen = look(claim)
            if ours or (seen and seen.token == lock.holder.token):
                claim.unlink(missing_ok=True)


def _is_dead(path: Path, seen: Seen, mine: Path, lock: Lock) -> bool:
    """Whether the holder that was seen is gone; False where the file changed while it was looked at.

    Raises:
        LockedError: it lives.
    """
    lives = seen.holder.lives() if seen.holder else None
    age_s = _age_s(seen, mine)
    if lives or (lives is None and 0 <= age_s <= 2 * lock.beat_s):
        raise _refusal(seen, age_s, lock)
    if lives is False:
        return True
    # Touches may bear the time of a clock that is wrong, in either direction. That they go on is seen without one.
    watched_s = lock.stale_s if age_s < 0 else max(2.5 * lock.beat_s, lock.stale_s - age_s)
    _log.warning("%s: no sign of life of %s; watched for %.0f s", path, described(seen.holder), watched_s)
    pause_s = min(1.0, lock.beat_s / 4)
    # Looks are counted, not seconds: while a network share is away, its holder cannot touch it either.
    for _ in range(math.ceil(watched_s / pause_s)):
        time.sleep(pause_s)
        now = look(path)
        if now is None or now.token != seen.token:
            return False
        if now.touched_ns != seen.touched_ns:
            raise _refusal(now, _age_s(now, mine), lock)
    return True


def _refusal(seen: Seen, age_s: float, lock: Lock) -> LockedError:
    sign = f"{age_s:.0f} s ago" if age_s >= 0 else "at a time to come"
    holder = seen.holder
    remedy = "wait for its end, or end it"
    if holder is not None and holder.lives():
        remedy += f" with `kill -INT {holder.pid}`"
    else:
        remedy += f"; where its machine is down, try again in {math.ceil(lock.stale_s / 60)} min"
    return LockedError(f"{lock.path.parent}: is held by {described(holder)}, last sign of life {sign}", remedy)


def _age_s(seen: Seen, mine: Path) -> float:
    """Seconds since a lock was touched, by the clock of the file system; negative where another clock is ahead."""
    # A touch without a time gets that of the server of a network share, not of this machine.
    os.utime(mine)
    now = look(mine)
    return ((now.touched_ns if now else 0) - seen.touched_ns) / 1e9


def _remove_litter(lock: Lock) -> None:
    """Remove the files of processes that died while they waited, took or gave back."""
    with suppress(OSError):
        for path in lock.path.parent.glob(f"{LOCK}.*.*"):
            if seen := look(path):
                lives = seen.holder.lives() if seen.holder else None
                if lives is False or (lives is None and _age_s(seen, lock.path) > _LITTER_S):
                    path.unlink(missing_ok=True)
