"""Replace several files below OUT together: a kill at any moment leaves all of the change or nothing of it.

New content is first written beside its place under a name that ends with `.tmp`, which no reader takes for a
table. Then one small record in OUT/.journal/TERM/ says what goes where and what goes: from that moment the change
holds. Renaming and removing follow, and may be repeated by whoever finds the record. It is a redo log (Mohan et
al., ARIES, 1992) of one record a change.

A term begins when a process that has just taken the lock of OUT calls complete(), and ends when the next one does:
its folder goes, and with it the place where a change of that term could begin to hold. So a worker of a killed run
that was suspended, or lives on in a cluster, changes nothing any more, whenever it wakes.
"""

import errno
import json
import os
import time
import uuid
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

JOURNAL: Final = ".journal"
OUTBOX: Final = ".outbox"
"""Folder below the mirror of a bucket (jobs/mirror.py): the records of changes that the bucket does not have yet."""
HALF: Final = ".tmp"
_FIRST: Final = "0"
"""The term of an OUT in which none has begun."""
_OVER: Final = ".over"
_own: Final[dict[str, str]] = {}
"""The terms that this process began, by OUT. It must not go on in those of others: they may have taken its lock."""


@dataclass(frozen=True)
class Change:
    """What takes effect together. Paths are relative to OUT."""

    puts: tuple[tuple[str, str], ...]
    """Where the new content lies, and where it is to be, in the order in which it is to appear."""
    removes: tuple[str, ...] = ()


def half_of(path: Path) -> Path:
    """A new name beside a path, for content that is not there yet."""
    return path.with_name(f"{path.name}.{uuid.uuid4().hex}{HALF}")


def term_of(out: Path) -> str:
    """The term that this process began, or else the one that OUT is in. For whoever may be outlived by it."""
    begun = (folder.name for folder in _terms(out) if not folder.name.endswith(_OVER))
    return _own.get(_key(out)) or max(begun, default=_FIRST)


def commit(
    out: Path,
    name: str,
    puts: Iterable[tuple[Path, Path]],
    removes: Iterable[Path] = (),
    term: str | None = None,
) -> None:
    """Let new files take their places and old ones go, all together.

    Args:
        out: the output folder.
        name: of the change; one of the same name that was interrupted is completed before.
        puts: halves that are safe on the disk, each with its place.
        removes: files that go; those that are no longer there are no error.
        term: in which the work on this change was begun; None for that of now.

    Raises:
        OSError: OUT cannot be written, or the term is over. Before the record is written nothing has changed; after
            it, the change holds and is completed by complete().
    """
    if (interrupted := _record_of(out, name)) is not None:
        _complete(out, interrupted)
    puts = list(puts)
    change = Change(
        tuple((_within(out, half), _within(out, place)) for half, place in puts),
        tuple(_within(out, path) for path in removes),
    )
    for new, _ in puts:
        if not new.exists():  # Or the old rows would go, and none come.
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(new))
    record = out / JOURNAL / (term or term_of(out)) / f"{name}.json"
    if record.parent.name == _FIRST:
        record.parent.mkdir(parents=True, exist_ok=True)
    half = half_of(record.parent.parent / record.name)  # Not within the term, whose folder must go while it is empty.
    try:
        with half.open("w", encoding="utf-8") as file:
            json.dump({"puts": change.puts, "removes": change.removes}, file)
            file.flush()
            os.fsync(file.fileno())
        half.replace(record)
    finally:
        half.unlink(missing_ok=True)
    _apply(out, change, record)
    _end(out, record)


def complete(out: Path) -> int:
    """Complete all changes that were interrupted, and begin a new term; how many there were.

    For whoever has just taken the lock of OUT. From here on nobody who began to work before changes anything.

    Raises:
        OSError: OUT cannot be written.
    """
    completed = 0
    for term in _terms(out):
        over = term.with_name(f"{uuid.uuid4().hex}{_OVER}")
        term.rename(over)  # First, so that what is not in it by now comes too late.
        for record in _records(over):
            _complete(out, record)
            completed += 1
        for left in over.glob(f"*{HALF}"):
            left.unlink(missing_ok=True)
        with suppress(OSError):  # A network share may keep a file that somebody has open. The next run tries again.
            over.rmdir()
    new = uuid.uuid4().hex
    (out / JOURNAL / new).mkdir(parents=True)
    _own[_key(out)] = new
    return completed


def is_under_way(out: Path, name: str) -> bool:
    """Whether a change of this name holds although not all of its files are in place."""
    return _record_of(out, name) is not None


def changes_under_way(out: Path) -> list[Change]:
    """Changes that hold although not all of their files are in place; none where nothing was interrupted.

    Raises:
        OSError: the journal cannot be read.
    """
    found = []
    for record in (record for term in _terms(out) for record in _records(term)):
        with suppress(FileNotFoundError):  # Completed since.
            found.append(read_change(record))
    return found


def version_of(out: Path) -> tuple[tuple[str, int], ...]:
    """Something that is another as soon as any change has begun or ended: the terms, and when (ns) each last changed."""
    found = []
    for term in _terms(out):
        with suppress(FileNotFoundError):
            found.append((term.name, term.stat().st_mtime_ns))
    return tuple(found)


def _terms(out: Path) -> list[Path]:
    try:
        with os.scandir(out / JOURNAL) as entries:
            return sorted(Path(entry.path) for entry in entries if entry.is_dir())
    except FileNotFoundError:
        return []


def _records(term: Path) -> list[Path]:
    try:
        return sorted(term / name for name in os.listdir(term) if name.endswith(".json"))  # noqa: PTH208 It may go.
    except FileNotFoundError:
        return []


def _record_of(out: Path, name: str) -> Path | None:
    records = (term / f"{name}.json" for term in _terms(out))
    return next((record for record in records if record.exists()), None)


def _complete(out: Path, record: Path) -> None:
    with suppress(FileNotFoundError):  # Somebody who was only slow has completed it.
        _apply(out, read_change(record), record)
    _end(out, record)


def _end(out: Path, record: Path) -> None:
    """A change has taken effect: its record goes, or waits for a bucket that is to follow."""
    if (out / OUTBOX).is_dir():
        with suppress(FileNotFoundError):  # Somebody who was only slow has moved it.
            record.replace(out / OUTBOX / f"{time.time_ns():020}-{record.name}")
    record.unlink(missing_ok=True)


def _apply(out: Path, change: Change, record: Path) -> None:
    places = {place for _, place in change.puts}
    gone = [path for path in change.removes if path not in places]
    # A video without a row in `videos` is not done, whatever lies in the other tables: its old row goes first.
    for path in _of_videos(gone):
        _remove(out / path, record)
    for half, place in change.puts:
        with suppress(FileNotFoundError):  # It is in its place already.
            (out / half).replace(out / place)
    for path in gone:
        _remove(out / path, record)


def _remove(path: Path, record: Path) -> None:
    """Remove a file by way of the term's folder: it is gone when the term is over, and whoever is late removes nothing.

    What a later run has put into the same place meanwhile must stay.
    """
    bin_ = record.with_name(f"{uuid.uuid4().hex}{HALF}")
    try:
        path.rename(bin_)
    except FileNotFoundError:  # Gone already, or the term is over.
        return
    except OSError as error:
        if error.errno != errno.EXDEV:  # A table that somebody has put on a disk of its own.
            raise
        bin_ = path
    bin_.unlink(missing_ok=True)


def _key(out: Path) -> str:
    return os.path.abspath(out)  # noqa: PTH100 The same for however it is named.


def _of_videos(paths: Sequence[str]) -> list[str]:
    return [path for path in paths if path.startswith("videos/")]


def read_change(record: Path) -> Change:
    """What stands in a record.

    Raises:
        OSError: it cannot be read.
    """
    try:
        told = json.loads(record.read_text(encoding="utf-8"))
        change = Change(tuple((half, place) for half, place in told["puts"]), tuple(told["removes"]))
        paths = [PurePosixPath(path) for path in (*(path for put in change.puts for path in put), *change.removes)]
    except (ValueError, KeyError, TypeError) as error:
        raise OSError(errno.EIO, "is no record of a change; remove it and run again", str(record)) from error
    if any(path.is_absolute() or ".." in path.parts for path in paths):
        raise OSError(errno.EIO, "names files outside of OUT; look who may write there, and remove it", str(record))
    return change


def _within(out: Path, path: Path) -> str:
    return path.relative_to(out).as_posix()
