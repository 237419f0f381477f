"""Remove all rows of videos from the tables, whether they lie in files of their own or in those of many."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from analytics.commit import commit
from analytics.compaction import DamagedFileError, drop
from analytics.listing import list_tables
from analytics.tables import files_of
from jobs.ledger import Known


def remove(out: Path, videos: Iterable[Known]) -> list[dict[str, str]]:
    """Remove all rows of some videos; of those in a damaged file, why they are still there, as `source` and `reason`.

    Raises:
        OSError: OUT cannot be written.
    """
    damaged = []
    for folder, videos_there in grouped(videos).items():
        try:
            _remove_from(out, folder, videos_there)
        except DamagedFileError as error:
            damaged += [
                {"source": one.source, "reason": f"its old rows cannot be removed: {error}"} for one in videos_there
            ]
    return damaged


def _remove_from(out: Path, folder: str, videos: list[Known]) -> None:
    if any(one.compacted for one in videos):
        drop(out, list_tables(out, folder=folder), folder, [one.video_id for one in videos])
    else:
        for one in videos:
            commit(out, one.video_id, (), files_of(out, folder, one.video_id))


def grouped(videos: Iterable[Known]) -> dict[str, list[Known]]:
    """Videos by the partition of their rows: files of many are rewritten once for all of them."""
    by_folder: dict[str, list[Known]] = defaultdict(list)
    for one in videos:
        by_folder[one.in_folder].append(one)
    return by_folder
