"""Put the tables of many videos into one file a day and camera."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from analytics.compaction import compact, loose_files
from analytics.listing import list_tables
from analytics.tables import UNDATED


@dataclass(frozen=True)
class Compacted:
    """What was put together."""

    partitions: int = 0
    videos: int = 0


def compact_days(out: Path, today: date | None, least: int, dry_run: bool = False) -> Compacted:
    """Put together what is worth it. For whoever holds the lock of OUT.

    Args:
        out: the output folder.
        today: the day that is not over yet, UTC; None where all days are to be put together.
        least: videos with files of their own that make it worth it.
        dry_run: only tell.

    Raises:
        OSError: OUT cannot be written, or a file cannot be read; what was put together before stays so.
    """
    listing = list_tables(out)
    partitions = videos = 0
    for folder in sorted(listing.files["videos"]):
        loose = len(loose_files(listing, folder))
        if loose >= least and _is_over(folder, today):
            moved = loose if dry_run else compact(out, listing, folder)
            partitions += moved > 0
            videos += moved
    return Compacted(partitions, videos)


def _is_over(folder: str, today: date | None) -> bool:
    """Whether nothing more will be recorded on the day of a partition, wherever its camera stands."""
    day = folder.partition("/")[0].removeprefix("day=")
    if today is None or day == UNDATED:
        return True
    # In the time zone farthest west a day ends 12 hours after that of UTC.
    return day < (today - timedelta(days=1)).isoformat()
