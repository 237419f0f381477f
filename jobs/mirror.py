"""An OUT in a bucket: a run works in a folder of this machine, its mirror, and the bucket follows.

The bucket is the truth. At the start the mirror is made equal to it. Each change that takes effect in the mirror
(analytics/commit.py) leaves its record in .outbox, and goes when the bucket has it: what a run that was killed did not
get up is not done again but sent by the next one, unless another machine was at work in the bucket since.

A video that is new goes up file by file, its row in `videos` last. A change that replaces or removes goes up whole
first, as one object in .journal (jobs/bucket_copy.py), and is then carried out; whoever finds it carries it out again.
In neither case is there a moment at which a row in `videos` stands beside other rows than its own.
"""

import logging
import mimetypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from analytics.commit import JOURNAL, OUTBOX, Change, complete, read_change
from analytics.errors import EmobatchError, UsageError
from analytics.footage import Url
from analytics.kept_masks import FOLDER as MASKS
from analytics.listing import EVENTS, TABLES
from analytics.store import StoreError, delete, get, name, put
from jobs.bucket_copy import CHANGED, FILES, MARK, REDO, ROWS, BucketCopy, Redo, claim, is_redo
from jobs.bucket_lock import BucketLock, bucket_locked

_log = logging.getLogger(__name__)

_ORDER: Final = (*(table for table in TABLES if table != "videos"), "videos", EVENTS, "models", "reports", "runs")
"""Folders in the order in which the rest is sent: what a page links to is there before it."""
_LASTING: Final = (*(f"{folder}/" for folder in ROWS), *FILES)
"""What only a change may remove."""


class Follower(Protocol):
    """Who carries on what is done in OUT."""

    def check(self) -> None:
        """Raises where the run must not go on."""

    def follow(self) -> None:
        """Carry on the changes that took effect since."""

    def conclude(self) -> None:
        """Carry on everything else, at the end of a run."""


class Nobody:
    """OUT is a folder, and that is all."""

    def check(self) -> None:
        """Nothing."""

    def follow(self) -> None:
        """Nothing."""

    def conclude(self) -> None:
        """Nothing."""


class Mirror:
    """Lets the bucket follow the mirror."""

    def __init__(self, copy: BucketCopy, lock: BucketLock) -> None:
        self.copy, self.lock = copy, lock
        self._given_up = False

    def check(self) -> None:
        """Make sure that the lock of the bucket is still held.

        Raises:
            EmobatchError: it may have been taken.
        """
        try:
            self.lock.check()
        except EmobatchError:
            self._given_up = True
            raise

    def begin(self) -> None:
        """Make the mirror equal to the bucket; send what a run that was killed did not get up.

        Raises:
            StoreError: the bucket cannot be read or written.
            OSError: the mirror cannot be written.
        """
        (self.copy.folder / OUTBOX).mkdir(exist_ok=True)
        complete(self.copy.folder)
        objects = self.copy.objects()
        if interrupted := [key for key in objects if is_redo(key)]:
            for key in sorted(interrupted):
                self._redo(key)
            objects = self.copy.objects()
        if records := self._records():
            if self._is_foreign(objects):
                _log.warning(
                    "%s: another machine was at work in it since; %d changes that it does not have are done again",
                    self.copy.url, len(records),
                )  # fmt: skip
                for record in records:
                    record.unlink()
            else:
                self._send_records()
                objects = self.copy.objects()
        self.copy.pull(objects)

    def follow(self) -> None:
        """Send the changes that took effect since.

        Raises:
            EmobatchError: the bucket cannot be written, or the lock was lost.
        """
        with self._giving_up():
            self._send_records()

    def conclude(self) -> None:
        """Send what changed since: pages, records, state and cards. Nothing where sending has failed before.

        Raises:
            EmobatchError: the bucket cannot be written, or the lock was lost.
        """
        if self._given_up:
            return
        with self._giving_up():
            self._send_records()
            (self.copy.folder / MARK).stat()  # Or the mirror was removed, and all would look gone.
            files = {key: (self.copy.folder / key).stat() for key in self.copy.files()}
            for key in sorted(files, key=_rank):
                known = self.copy.known.get(key)
                if known is None or (known.size, known.changed_ns) != (files[key].st_size, files[key].st_mtime_ns):
                    self._put(key)
            # Rows and tombstones go by records alone: what the mirror lost some other way, the bucket keeps.
            for key in sorted(set(self.copy.known) - set(files)):
                if not key.startswith(_LASTING):
                    self._delete(key)

    @contextmanager
    def _giving_up(self) -> Iterator[None]:
        self.check()
        try:
            yield
        except StoreError as error:
            self._given_up = True
            raise EmobatchError(
                f"{error.url}: cannot be written, {error.words}",
                f"{error.remedy}; what is finished lies in {self.copy.folder} and is sent by the next run",
            ) from error

    def _records(self) -> list[Path]:
        return sorted((self.copy.folder / OUTBOX).glob("*.json"))

    def _send_records(self) -> None:
        records = self._records()
        if records:
            self._send_masks()
        for record in records:
            self.lock.check()
            self._send(record.stem, read_change(record))
            record.unlink()

    def _send_masks(self) -> None:
        """Before any row that was made with them: whoever draws pictures from the bucket needs them at once."""
        for path in sorted((self.copy.folder / MASKS).glob("*.json")):
            if (key := f"{MASKS}/{path.name}") not in self.copy.known:
                self._put(key)

    def _send(self, name: str, change: Change) -> None:
        """Let the bucket follow one change, by what its files hold now: a younger one may have replaced them."""
        places = [place for _, place in change.puts if (self.copy.folder / place).exists()]
        gone = [path for path in change.removes if not (self.copy.folder / path).exists() and path in self.copy.known]
        if not any(path in self.copy.known for path in (*places, *gone)):
            for place in places:
                self._put(place)
            return
        redo = Redo(tuple((place, *self._content(place)) for place in places), tuple(gone))
        journal = self.copy.object(f"{JOURNAL}/{name}{REDO}")
        put(journal, redo.packed())
        self._carry_out(redo)
        delete(journal)

    def _redo(self, key: str) -> None:
        """Carry out a change that was interrupted."""
        self._carry_out(Redo.unpacked(get(self.copy.object(key)).data))
        delete(self.copy.object(key))

    def _carry_out(self, redo: Redo) -> None:
        """Old rows of `videos` go first, new ones come last: what has none is not done."""
        places = [key for key, _, _ in redo.puts]
        for key in (*redo.removes, *places):
            if key.startswith("videos/"):
                self._delete(key)
        for key, changed_ns, data in redo.puts:
            etag = put(self.copy.object(key), data, _metadata(changed_ns), content_type=_content_type(key))
            path = self.copy.folder / key
            if path.exists() and path.read_bytes() == data:
                self.copy.note(key, etag)
        for key in redo.removes:
            if key not in places:
                self._delete(key)

    def _content(self, key: str) -> tuple[int, bytes]:
        path = self.copy.folder / key
        return path.stat().st_mtime_ns, path.read_bytes()

    def _put(self, key: str) -> None:
        changed_ns, data = self._content(key)
        etag = put(self.copy.object(key), data, _metadata(changed_ns), content_type=_content_type(key))
        self.copy.note(key, etag)

    def _delete(self, key: str) -> None:
        delete(self.copy.object(key))
        self.copy.known.pop(key, None)

    def _is_foreign(self, objects: dict[str, Url]) -> bool:
        """Whether rows in the bucket are other ones than this mirror left there."""
        for key, url in objects.items():
            known = self.copy.known.get(key)
            ours = known is not None and url.facts is not None and known.etag == url.facts.etag
            if key.startswith(ROWS) and not ours and not self.copy.is_equal(key, url):
                return True
        left = {key for key in self.copy.known if key.startswith(ROWS) and (self.copy.folder / key).exists()}
        return bool(left - set(objects))


@contextmanager
def following(url: str | None, folder: Path, command: str) -> Iterator[Follower]:
    """Hold the lock of an OUT in a bucket, and have the bucket follow. For whoever holds the lock of the folder.

    Args:
        url: of OUT; None where the folder is OUT itself.
        folder: the mirror.
        command: what others are told that runs here.

    Raises:
        UsageError: there is no such bucket, it may not be written, or s3fs is not installed.
        LockedError: another run holds it.
        EmobatchError: it cannot be reached.
    """
    if url is None:
        yield Nobody()
        return
    with worded(), bucket_locked(name(url), command) as lock:
        mirror = Mirror(BucketCopy(Url(url), folder), lock)
        mirror.begin()
        yield mirror


@contextmanager
def worded() -> Iterator[None]:
    """Say what is wrong with a bucket in the words of a run that cannot begin."""
    try:
        yield
    except StoreError as error:
        kind = UsageError if error.kind in ("bucket", "permission") else EmobatchError
        raise kind(f"{error.url}: {error.words}", error.remedy) from error


def claimed(url: str, folder: Path) -> None:
    """Make sure that a folder is, or becomes, the mirror of an OUT in a bucket.

    Raises:
        UsageError: it holds something else.
        OSError: it cannot be made.
    """
    name(url)
    claim(folder, url)


def _rank(key: str) -> tuple[int, bool, str]:
    top = key.partition("/")[0]
    return _ORDER.index(top) if top in _ORDER else len(_ORDER), key == "reports/index.html", key


def _metadata(changed_ns: int) -> dict[str, str]:
    return {CHANGED: str(changed_ns)}


def _content_type(key: str) -> str:
    return mimetypes.guess_type(key)[0] or "application/octet-stream"
