"""What OUT knows of every video, and what that means for a file that is found again."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from functools import cached_property
from typing import Final

from analytics.compaction import COMPACTED
from analytics.kept_masks import MASKED
from analytics.listing import Listing
from analytics.recorders import CONTAINER, Recorded
from analytics.tables import Place
from analytics.videos import PROMISED, StoredVideos

_COLUMNS: Final = (
    "video_id", "source", "camera", "start_time", "start_time_source", "time_zone", "status", "settings_hash",
    "duplicate_of", "transient", "in_folder",
)  # fmt: skip
_FINISHED: Final = ("done", "partial")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What OUT says of one video."""

    video_id: str
    source: str
    camera: str | None
    start_time: datetime | None
    start_time_source: str
    time_zone: str | None
    status: str
    settings_hash: str
    duplicate_of: str | None
    transient: bool
    """It failed for a reason that may have passed."""
    in_folder: str
    """Partition of its rows."""
    compacted: bool
    """Its rows lie in files that they share with others."""
    lost: bool = False
    """There is no file that could hold the rows that its row in `videos` promises."""


class Need(Enum):
    """What is to be done for a file whose content is known."""

    PROCESS = "process"
    """Decode it: it is new, or was decoded with other settings, or failed for a reason that may have passed."""
    REFILE = "refile"
    """Its rows belong under another name, camera or time; nothing is decoded."""
    NOTHING = "nothing"
    PURGED = "purged"
    """It was, and was removed on purpose."""
    NOT_POSSIBLE = "not possible"
    """Its older rows cannot be replaced."""
    COMPARE = "compare"
    """Its fingerprint is that of another file: compare all of both."""
    NOTE_COPY = "note copy"
    """It is a copy of another file, which stands for both."""


@dataclass
class Ledger:
    """All videos that OUT knows, by id and by source."""

    by_id: dict[str, Known]
    purged: Mapping[str, str | None] = field(default_factory=dict)
    """Videos that were removed on purpose, and their cameras."""
    doubles: tuple[Known, ...] = ()
    """Other rows of the same videos, in other partitions, as a worker leaves them that was cut off meanwhile."""
    _ids: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _folders: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    @staticmethod
    def of(
        videos: StoredVideos, purged: Mapping[str, str | None] | None = None, listing: Listing | None = None
    ) -> "Ledger":
        """The ledger of what was read; of two rows of one video the younger counts, but none before one that is finished.

        Args:
            videos: all rows of `videos`.
            purged: ids of videos that are not to come back, and their cameras.
            listing: of all tables; None where it is not asked whether there are rows for each video.
        """
        columns = [*_COLUMNS, "in_file", *PROMISED.values()]
        rows = videos.table.sort_by("finished_at").select(columns).to_pydict()
        known: dict[str, Known] = {}
        doubles: list[Known] = []
        for row in zip(*rows.values(), strict=True):
            values, (file, *promised) = row[: len(_COLUMNS)], row[len(_COLUMNS) :]
            told = dict(zip(_COLUMNS, values, strict=True))
            lost = listing is not None and _is_lost(listing, told["in_folder"], file, promised)
            one = Known(**told, compacted=file == COMPACTED, lost=lost)
            other = known.get(one.video_id)
            if other and other.status in _FINISHED and one.status not in _FINISHED:
                one, other = other, one
            known[one.video_id] = one
            if other and other.in_folder != one.in_folder:
                doubles.append(other)
        ledger = Ledger(known, dict(purged or {}), tuple(doubles))
        for one in known.values():
            ledger._ids[one.source].add(one.video_id)
        return ledger

    @cached_property
    def cameras(self) -> frozenset[str]:
        """Cameras of all videos, also of those that failed or were removed on purpose."""
        there = {one.camera for one in self.by_id.values()}
        return frozenset(camera for camera in there | set(self.purged.values()) if camera)

    @property
    def seen_cameras(self) -> frozenset[str]:
        """Cameras of the videos that were looked at, at least in part, and are there."""
        return frozenset(camera for camera, _ in self._seen)

    @property
    def masked_cameras(self) -> frozenset[str]:
        """Cameras of which rows are there that were made with masks."""
        return frozenset(camera for camera, masked in self._seen if masked)

    @cached_property
    def _seen(self) -> frozenset[tuple[str, bool]]:
        """Cameras of the videos that were looked at, and whether that was with masks; of both where there are both."""
        return frozenset(
            (one.camera, one.settings_hash.endswith(MASKED))
            for one in self.by_id.values()
            if one.camera and one.status in _FINISHED
        )

    def ids_of(self, source: str) -> frozenset[str]:
        """Videos that were found under this path."""
        return frozenset(self._ids.get(source, ()))

    def compacted_in(self, folder: str) -> list[Known]:
        """Videos of a partition that share their files with others."""
        if not self._folders:
            for one in self.by_id.values():
                self._folders[one.in_folder].append(one.video_id)
        return [one for video_id in self._folders[folder] if (one := self.by_id[video_id]).compacted]

    def loosened(self, video_ids: Iterable[str]) -> None:
        """Some videos have files of their own again."""
        for video_id in video_ids:
            self.by_id[video_id] = replace(self.by_id[video_id], compacted=False)


def need_of(known: Known | None, source: str, recorded: Recorded, settings_hash: str, again: bool) -> Need:
    """What is to be done for a file that is no copy of another one.

    Args:
        known: what OUT says of its content.
        source: where it lies.
        recorded: what is to be said of camera and time.
        settings_hash: of the settings that are to decide its rows.
        again: whether videos that failed or are partial are to be tried again.
    """
    if known is None or known.settings_hash != settings_hash or known.status == "duplicate":
        return Need.PROCESS
    if known.lost:
        return Need.PROCESS
    if known.status in ("failed", "partial") and (again or known.transient):
        return Need.PROCESS
    return Need.REFILE if is_misfiled(known, source, recorded) else Need.NOTHING


def _is_lost(listing: Listing, folder: str, file: str, promised: Iterable[int]) -> bool:
    """Whether a table lacks the file that lies beside that of `videos` wherever there are rows for it."""
    return any(
        n > 0 and file not in listing.files[table].get(folder, {}) for table, n in zip(PROMISED, promised, strict=True)
    )


def is_misfiled(known: Known, source: str, recorded: Recorded) -> bool:
    """Whether the rows of a video say another path, camera or time than they are to say now."""
    if (known.source, known.camera, known.time_zone) != (source, recorded.camera, recorded.timezone):
        return True
    if recorded.start is None and known.start_time_source == CONTAINER:
        # No rule gives a time, and that of the file itself stays. Its day may be another one in another time zone.
        recorded = replace(recorded, start=known.start_time, start_source=CONTAINER)
    told = known.start_time, known.start_time_source, known.in_folder
    return told != (recorded.start, recorded.start_source, Place(recorded.day, recorded.camera).partition)
