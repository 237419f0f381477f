"""Replace several files below OUT together: a kill at any moment leaves all of the change or nothing of it.

New content is first written beside its place under a name that ends with `.tmp`, which no reader takes for a
table. Then one small record in OUT/.journal/ says what goes where and what goes: from that moment the change
holds. Renaming and removing follow, and may be repeated by whoever finds the record. It is a redo log (Mohan et
al., ARIES, 1992) of one record a change.
"""

import json
import os
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

JOURNAL: Final = ".journal"
HALF: Final = ".tmp"


@dataclass(frozen=True)
class Change:
    """What takes effect together. Paths are relative to OUT."""

    puts: tuple[tuple[str, str], ...]
    """Where the new content lies, and where it is to be, in the order in which it is to appear."""
    removes: tuple[str, ...] = ()


def half_of(path: Path) -> Path:
    """A new name beside a path, for content that is not there yet."""
    return path.with_name(f"{path.name}.{uuid.uuid4().hex}{HALF}")


def commit(out: Path, name: str, puts: Iterable[tuple[Path, Path]], removes: Iterable[Path] = ()) -> None:
    """Let new files take their places and old ones go, all together.

    Args:
        out: the output folder.
        name: of the change; one of the same name that was interrupted is completed before.
        puts: halves that are safe on the disk, each with its place.
        removes: files that go; those that are no longer there are no error.

    Raises:
        OSError: OUT cannot be written. Before the record is written nothing has changed; after it, the change
            holds and is completed by complete().
    """
    record = out / JOURNAL / f"{name}.json"
    if record.exists():
        _complete(out, record)
    change = Change(
        tuple((_within(out, half), _within(out, place)) for half, place in puts),
        tuple(_within(out, path) for path in removes),
    )
    record.parent.mkdir(exist_ok=True)
    half = half_of(record)
    try:
        with half.open("w", encoding="utf-8") as file:
            json.dump({"puts": change.puts, "removes": change.removes}, file)
            file.flush()
            os.fsync(file.fileno())
        half.replace(record)
    finally:
        half.unlink(missing_ok=True)
    _apply(out, change)
    record.unlink(missing_ok=True)


def complete(out: Path) -> int:
    """Complete all changes that were interrupted; how many there were. For whoever holds the lock of OUT.

    Raises:
        OSError: OUT cannot be written.
    """
    records = sorted((out / JOURNAL).glob("*.json"))
    for record in records:
        _complete(out, record)
    return len(records)


def is_under_way(out: Path, name: str) -> bool:
    """Whether a change of this name holds although not all of its files are in place."""
    return (out / JOURNAL / f"{name}.json").exists()


def changes_under_way(out: Path) -> list[Change]:
    """Changes that hold although not all of their files are in place; none where nothing was interrupted.

    Raises:
        OSError: the journal cannot be read.
    """
    found = []
    for record in sorted((out / JOURNAL).glob("*.json")):
        try:
            found.append(_read(record))
        except FileNotFoundError:  # Completed since.
            continue
    return found


def version_of(out: Path) -> int:
    """A number that is another one after any change has begun or ended."""
    try:
        return (out / JOURNAL).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _complete(out: Path, record: Path) -> None:
    _apply(out, _read(record))
    record.unlink(missing_ok=True)


def _apply(out: Path, change: Change) -> None:
    places = {place for _, place in change.puts}
    gone = [path for path in change.removes if path not in places]
    # A video without a row in `videos` is not done, whatever lies in the other tables: its old row goes first.
    for path in _of_videos(gone):
        (out / path).unlink(missing_ok=True)
    for half, place in change.puts:
        if (out / half).exists():
            (out / half).replace(out / place)
    for path in gone:
        (out / path).unlink(missing_ok=True)


def _of_videos(paths: Sequence[str]) -> list[str]:
    return [path for path in paths if path.startswith("videos/")]


def _read(record: Path) -> Change:
    told = json.loads(record.read_text(encoding="utf-8"))
    return Change(tuple((half, place) for half, place in told["puts"]), tuple(told["removes"]))


def _within(out: Path, path: Path) -> str:
    return path.relative_to(out).as_posix()
