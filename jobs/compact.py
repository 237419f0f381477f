"""Put the tables of many videos into one file a day and camera."""

import logging
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from analytics.compaction import COMPACTED, DamagedFileError, compact, loose_files, movable_files, videos_together
from analytics.listing import Listing, list_tables
from analytics.tables import UNDATED

_log = logging.getLogger(__name__)

_SHARE: Final = 16
"""A run puts videos together with those that are together already when they are at least this part of them: a new row
never costs the writing of more than 16 old ones, however many nights add to a folder, such as that of undated videos."""


@dataclass(frozen=True)
class Compacted:
    """What was put together."""

    partitions: int = 0
    videos: int = 0
    damaged: tuple[str, ...] = ()
    """Why folders of a day and camera were left as they are."""


def compact_days(out: Path, today: date | None, least: int, dry_run: bool = False) -> Compacted:
    """Put together what is worth it. For whoever holds the lock of OUT.

    Folders with a file that cannot be read are left as they are; pages and `emobatch status` tell of that file.

    Args:
        out: the output folder.
        today: the day that is not over yet, UTC; None where all days are to be put together, however little is new.
        least: files that make it worth it.
        dry_run: only tell.

    Raises:
        OSError: OUT cannot be written; what was put together before stays so.
    """
    listing = list_tables(out)
    partitions = videos = 0
    damaged: list[str] = []
    for folder in sorted(listing.files["videos"]):
        if not _is_over(folder, today):
            continue
        try:
            if _is_worth_it(listing, folder, least, today is None):
                moved = len(movable_files(listing, folder)) if dry_run else compact(out, listing, folder)
                partitions += moved > 0
                videos += moved
        except DamagedFileError as error:
            _log.warning("%s stays in single files: %s", folder, error.strerror)
            damaged.append(str(error.strerror))
    return Compacted(partitions, videos, tuple(damaged))


def _is_worth_it(listing: Listing, folder: str, least: int, however_little: bool) -> bool:
    loose = len(loose_files(listing, folder))
    shared = listing.files["videos"][folder].get(COMPACTED)
    if however_little:
        return loose > 0 and (shared is not None or len(movable_files(listing, folder)) >= least)
    return loose >= least and (shared is None or loose * _SHARE >= videos_together(shared))


def _is_over(folder: str, today: date | None) -> bool:
    """Whether nothing more will be recorded on the day of a partition, wherever its camera stands."""
    day = folder.partition("/")[0].removeprefix("day=")
    if today is None or day == UNDATED:
        return True
    # In the time zone farthest west a day ends 12 hours after that of UTC.
    return day < (today - timedelta(days=1)).isoformat()
