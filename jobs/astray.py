"""Rows of faces, samples and tracks without a row in `videos` beside them, as when somebody removed a damaged file.

They are of no video that is done. Those of a video that is known elsewhere go at the start of a run. Others stay as
long as nothing else tells of their video, and go when it has new ones.
"""

import logging
import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

import pyarrow as pa

from analytics.compaction import COMPACTED, DamagedFileError, drop, loosen
from analytics.listing import TABLES, Listing, StoredFile, list_tables
from analytics.moved import moved_in
from analytics.snapshot import UNREADABLE, all_rows
from analytics.tables import NO_ROWS

_log = logging.getLogger(__name__)
_OWN: Final = re.compile(r"[0-9a-f]{16}\.parquet")


class Strays:
    """Where such rows lie below one OUT. For whoever holds its lock."""

    def __init__(self, out: Path, listing: Listing, unreadable: Collection[Path] = ()) -> None:
        """
        Args:
            out: the output folder.
            listing: of all tables.
            unreadable: files of `videos`, of which it is not known what they say.
        """
        self.out, self._unreadable = out, unreadable
        self._folders: dict[str, set[str]] = defaultdict(set)
        """By video_id, the partitions."""
        self._apart: set[str] = set()
        """Partitions in which each video has files of its own."""
        for folder in listing.files["videos"].keys() | {one for files in listing.files.values() for one in files}:
            for file in _files_of(self._without_videos(listing, folder)):
                for video_id in _ids_in(file):
                    self._folders[video_id].add(folder)

    def drop(self, known: Collection[str]) -> None:
        """Remove those of videos that are known.

        Raises:
            OSError: OUT cannot be written.
        """
        for folder, video_ids in self._by_folder(self._folders.keys() & set(known)).items():
            _log.warning("%s: %d videos had rows here, too, which are removed", folder, len(video_ids))
            try:
                drop(self.out, self._without_videos(list_tables(self.out, folder=folder), folder), folder, video_ids)
            except DamagedFileError as error:  # Which the pages tell of, too.
                _log.warning("%s", error.strerror)
            for video_id in video_ids:
                self._folders[video_id].discard(folder)

    def freed(self, video_ids: Collection[str]) -> list[tuple[str, str]]:
        """Partition and video_id of the rows of some videos, which have files of their own from now on.

        Raises:
            DamagedFileError: a file cannot be read.
            OSError: OUT cannot be written.
        """
        found = [(folder, one) for one in video_ids for folder in sorted(self._folders.get(one, ()))]
        for folder in {folder for folder, _ in found} - self._apart:
            self._apart.add(folder)
            files = self._without_videos(list_tables(self.out, folder=folder), folder)
            loosen(self.out, files, folder, self._by_folder(self._folders)[folder])  # All at once.
        return found

    def _by_folder(self, video_ids: Iterable[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for video_id in sorted(video_ids):
            for folder in sorted(self._folders[video_id]):
                found[folder].append(video_id)
        return found

    def _without_videos(self, listing: Listing, folder: str) -> Listing:
        """The files of a partition beside which `videos` has none of the same name."""
        videos = listing.files["videos"].get(folder, {})
        beside = {NO_ROWS, *(name for name, file in videos.items() if file.path not in self._unreadable)}
        found: dict[str, dict[str, dict[str, StoredFile]]] = {table: {} for table in TABLES}
        for table in TABLES:
            files = listing.files[table].get(folder, {})
            if table != "videos" and files.keys() - beside:
                found[table][folder] = {name: file for name, file in files.items() if name not in beside}
        return Listing(found)


def _files_of(listing: Listing) -> Iterable[StoredFile]:
    return (file for table in listing.files for file in listing.of(table))


def _ids_in(file: StoredFile) -> set[str]:
    """The videos of a file; none where it cannot be read, as then no reader finds rows in it."""
    if _OWN.fullmatch(file.name):
        return {file.name.removesuffix(".parquet")}
    if file.name != COMPACTED:
        return set()
    try:
        with file.path.open("rb") as opened:
            rows = all_rows(opened, ["video_id"])
            return {*moved_in(rows.schema.metadata), *rows["video_id"].cast(pa.string()).unique().to_pylist()}
    except UNREADABLE:
        return set()
