"""One run at a time in an OUT that is a bucket: the object .lock, which only changes hands by compare-and-swap.

It is made with If-None-Match, so that of two runs one makes it, and changed with If-Match: a sign of life every ten
seconds, and another holder, take effect only where the lock is still the one that was seen. Its content is that of a lock
on a disk (jobs/lock_file.py) and a counter, so that every sign of life is another content.

How old the last sign is, is told by the server alone: the time of the object against that of the answer which brought it.
"""

import json
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

from analytics.errors import EmobatchError, LockedError
from analytics.footage import Url
from analytics.store import StoreError, delete, get, put
from jobs.lock import BEAT_S, LOCK, STALE_S, to_its_end
from jobs.lock_file import Holder, described, held

_log = logging.getLogger(__name__)


@dataclass
class BucketLock:
    """The lock of this process."""

    url: Url
    holder: Holder
    beat_s: float
    stale_s: float
    etag: str = ""
    beats: int = 0
    alive_at: float = field(default_factory=time.monotonic)
    """When the last sign of life arrived, by this process's clock."""
    lost: str | None = None
    """Who has the lock, where this run has it no more."""

    def check(self) -> None:
        """Make sure that nobody else may have taken the lock.

        Raises:
            EmobatchError: somebody took or removed it, or no sign of life got through for too long.
        """
        if self.lost is None and time.monotonic() - self.alive_at <= self.stale_s:
            return
        why = self.lost or f"no sign of life reached it for {time.monotonic() - self.alive_at:.0f} s"
        raise EmobatchError(
            f"{self.url}: this run is taken for dead, {why}",
            "run again when no other run is at work; finished videos are kept",
        )

    def beat(self) -> None:
        """Give a sign of life.

        Raises:
            StoreError: the bucket cannot be reached for now.
        """
        asked_at = time.monotonic()
        try:
            self.etag = put(self.url, self.content(), condition={"IfMatch": self.etag})
        except StoreError as error:
            if error.kind not in ("changed", "gone"):
                raise
            # An answer that was lost is asked for again, and then finds what it did itself.
            seen = look(self.url)
            if seen is None or seen.holder is None or seen.holder.token != self.holder.token:
                self.lost = f"its lock taken by {described(seen.holder)}" if seen else "its lock removed"
                return
            self.etag = seen.etag
        self.alive_at = asked_at

    def content(self) -> bytes:
        """What stands in the lock, another text each time."""
        self.beats += 1
        return json.dumps({**asdict(self.holder), "beat": self.beats}).encode()

    def release(self) -> None:
        """Give the lock back, if it is still held."""
        seen = look(self.url)
        if seen is not None and seen.holder is not None and seen.holder.token == self.holder.token:
            try:
                delete(self.url, {"IfMatch": seen.etag})
            except StoreError as error:
                if error.kind == "unsupported":  # Conditions of a removal are younger than those of a write.
                    delete(self.url)
                elif error.kind != "changed":
                    raise


@dataclass(frozen=True)
class SeenObject:
    """A lock at one moment."""

    holder: Holder | None
    """None where its content is damaged."""
    etag: str
    age_s: float
    """Since the last sign of life, by the clock of the server."""


def look(url: Url) -> SeenObject | None:
    """What is in a lock; None where there is none.

    Raises:
        StoreError: it cannot be read.
    """
    try:
        found = get(url)
    except StoreError as error:
        if error.kind == "gone":
            return None
        raise
    return SeenObject(Holder.read(found.data), found.etag, (found.now - found.changed).total_seconds())


@contextmanager
def bucket_locked(out: Url, command: str, *, beat_s: float = BEAT_S, stale_s: float = STALE_S) -> Iterator[BucketLock]:
    """Hold an OUT in a bucket for one run.

    Args:
        out: of tables and reports, without a slash at its end.
        command: what others are told that runs here.
        beat_s: seconds between signs of life.
        stale_s: seconds without one after which a lock is dead, of whose process nothing else is known.

    Raises:
        LockedError: another run holds it.
        StoreError: the bucket cannot be written.
        EmobatchError: the server writes whatever the condition.
    """
    lock = BucketLock(Url(f"{out}/{LOCK}"), Holder.here(command), beat_s, stale_s)
    stop = threading.Event()
    held.add(lock.holder.token)
    beating = threading.Thread(target=_beat, args=(lock, stop), name="emobatch bucket lock", daemon=True)

    def end() -> None:
        stop.set()
        if beating.ident is not None:
            beating.join()
        try:
            if lock.etag:
                lock.release()
        except StoreError as error:  # It is dead as soon as this process is.
            _log.warning("%s: cannot be removed (%s)", lock.url, error.words)
        held.discard(lock.holder.token)

    try:
        _acquire(lock)
        _prove(lock)
        beating.start()
        yield lock
    finally:
        to_its_end(end)


def _beat(lock: BucketLock, stop: threading.Event) -> None:
    while not stop.wait(lock.beat_s) and lock.lost is None:
        try:
            lock.beat()
        except StoreError as error:  # For a moment or for longer, which check() will tell.
            _log.warning("%s: no sign of life gets through (%s)", lock.url, error.words)


def _acquire(lock: BucketLock) -> None:
    for _ in range(10):
        if _swapped(lock, IfNoneMatch="*"):
            return
        seen = look(lock.url)
        if seen is None:
            continue  # It was given back meanwhile.
        if seen.holder is None or seen.holder.token != lock.holder.token:
            lives = seen.holder.lives() if seen.holder else None
            if lives or (lives is None and seen.age_s <= lock.stale_s):
                raise _refusal(lock, seen)
        if _swapped(lock, IfMatch=seen.etag):
            _log.warning("%s: taken over from %s, which is gone", lock.url, described(seen.holder))
            return
    raise LockedError(f"{lock.url}: changes all the time", "remove it if no run is at work")


def _swapped(lock: BucketLock, **condition: str) -> bool:
    asked_at = time.monotonic()
    try:
        lock.etag = put(lock.url, lock.content(), condition=condition)
    except StoreError as error:
        if error.kind in ("changed", "gone"):
            return False
        if error.kind == "unsupported":
            raise _no_conditions(lock) from None
        raise
    lock.alive_at = asked_at
    return True


def _prove(lock: BucketLock) -> None:
    """Make sure that the server minds conditions: some write all the same, and two runs would both hold the lock."""
    conditions: tuple[Callable[[], bool], ...] = (
        lambda: _swapped(lock, IfNoneMatch="*"),
        lambda: _swapped(lock, IfMatch='"00000000000000000000000000000000"'),
    )
    for written in conditions:
        if written():
            raise _no_conditions(lock)


def _no_conditions(lock: BucketLock) -> EmobatchError:
    return EmobatchError(
        f"{lock.url}: this server has no conditional writes (If-Match, If-None-Match), so no run can be alone in it",
        "use S3 or a release of the server that has them, or a local --out that you copy yourself",
    )


def _refusal(lock: BucketLock, seen: SeenObject) -> LockedError:
    remedy = "wait for its end, or end it"
    if seen.holder is not None and seen.holder.lives():
        remedy += f" with `kill -INT {seen.holder.pid}`"
    else:
        remedy += f"; where its machine is down, try again in {math.ceil(lock.stale_s / 60)} min"
    out = lock.url.text.removesuffix(f"/{LOCK}")
    return LockedError(
        f"{out}: is held by {described(seen.holder)}, last sign of life {max(0, seen.age_s):.0f} s ago", remedy
    )
