"""Which Parquet files below OUT hold the tables now, changes that are under way included."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from analytics.commit import changes_under_way, version_of

TABLES: Final = ("faces", "samples", "tracks", "videos")
"""Those with rows of single videos."""
EVENTS: Final = "events"
"""The table that rules fill (analytics/events/), one file a day and camera."""
SUFFIX: Final = ".parquet"
_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One Parquet file of a table."""

    folder: str
    """The partition, relative to its table: day=…/cam=…."""
    name: str
    path: Path
    """Where its content lies, which is another place as long as a change is under way."""
    size: int
    changed_ns: int


@dataclass
class Listing:
    """The files of some tables."""

    files: dict[str, dict[str, dict[str, StoredFile]]]
    """By table, partition and name."""
    errors: dict[Path, OSError] = field(default_factory=dict)
    """Folders that cannot be listed."""

    def of(self, table: str) -> Iterator[StoredFile]:
        """All files of a table, in order of partition and name."""
        for _, files in sorted(self.files[table].items()):
            yield from (file for _, file in sorted(files.items()))


def list_tables(out: Path, tables: Sequence[str] = TABLES, folder: str | None = None) -> Listing:
    """All files of some tables, or those of one partition (day=…/cam=…) of them.

    While another process writes, a listing may fall between the files of one change. It is then made again, a few
    times; a table that changes all the time is as complete as its last file.
    """
    for _ in range(_ATTEMPTS):
        before = version_of(out)
        changes = changes_under_way(out)
        listing = _listed(out, tables) if folder is None else _listed_in(out, tables, folder)
        if version_of(out) == before:
            break
    for change in changes:
        for path in change.removes:
            table, where, name = _parts(path)
            if table in listing.files:
                listing.files[table].get(where, {}).pop(name, None)
        for half, place in change.puts:
            table, where, name = _parts(place)
            asked_for = table in listing.files and folder in (None, where)
            if asked_for and (file := _stored(out, table, where, name, half)):
                listing.files[table].setdefault(where, {})[name] = file
    return listing


def _listed(out: Path, tables: Sequence[str]) -> Listing:
    listing = Listing({table: {} for table in tables})
    for table in tables:
        for day in _entries(out / table, listing, "day="):
            for camera in _entries(Path(day.path), listing, "cam="):
                folder = f"{day.name}/{camera.name}"
                listing.files[table][folder] = _files_in(Path(camera.path), folder, listing)
    return listing


def _listed_in(out: Path, tables: Sequence[str], folder: str) -> Listing:
    listing = Listing({})
    for table in tables:
        listing.files[table] = {folder: _files_in(out / table / folder, folder, listing)}
    return listing


def _files_in(path: Path, folder: str, listing: Listing) -> dict[str, StoredFile]:
    return {
        entry.name: file
        for entry in _entries(path, listing)
        if entry.name.endswith(SUFFIX) and (file := _of_entry(folder, entry))
    }


def _entries(folder: Path, listing: Listing, prefix: str = "") -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if entry.name.startswith(prefix)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        listing.errors[folder] = error
        return []


def _of_entry(folder: str, entry: "os.DirEntry[str]") -> StoredFile | None:
    try:
        stat = entry.stat()
    except FileNotFoundError:  # Replaced since.
        return None
    return StoredFile(folder, entry.name, Path(entry.path), stat.st_size, stat.st_mtime_ns)


def _stored(out: Path, table: str, folder: str, name: str, half: str) -> StoredFile | None:
    for path in (out / half, out / table / folder / name):
        try:
            stat = path.stat()
        except FileNotFoundError:
            continue
        return StoredFile(folder, name, path, stat.st_size, stat.st_mtime_ns)
    return None


def _parts(path: str) -> tuple[str, str, str]:
    table, _, rest = path.partition("/")
    folder, _, name = rest.rpartition("/")
    return table, folder, name
