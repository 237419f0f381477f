"""What is known of a long video while its segments are being read: OUT/.unfinished/, removed when it is finished.

A run that is killed leaves it, and the next one reads only the segments that are missing.

Plans and rows go through these files and not through the scheduler, so that its memory stays small and a
worker that dies takes nothing along.
"""

import platform
import shutil
import time
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from analytics.errors import EmobatchError
from analytics.plan import VideoPlan
from analytics.records import FaceRows, SampleRows
from analytics.segments import Segment
from analytics.upright import PictureShape
from analytics.videos import read_videos
from analytics.whole import whole
from jobs.pipeline import SegmentRows

FOLDER: Final = ".unfinished"
_ABANDONED_S: Final = 14 * 86_400
DAMAGED: Final = (OSError, ValueError, KeyError, EOFError, TypeError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What numpy raises for files that are cut off or overwritten; a flipped bit may ask for a password, or a method."""


def save_plan(folder: Path, plan: VideoPlan, segments: list[Segment], shape: PictureShape | None) -> None:
    """Keep the plan of a video.

    Raises:
        OSError: the disk is full or the folder cannot be written.
    """
    columns: dict[str, Any] = {f"plan_{field.name}": getattr(plan, field.name) for field in fields(VideoPlan)}
    columns["segments"] = np.array([[getattr(s, f.name) for f in fields(Segment)] for s in segments], np.int64)
    columns["shape"] = _shape_column(shape)
    folder.mkdir(parents=True, exist_ok=True)
    _save(folder / "plan.npz", columns)


@lru_cache(maxsize=1)
def load_plan(folder: Path) -> tuple[VideoPlan, list[Segment], PictureShape | None]:
    """The plan that was kept; a worker reads that of its video once.

    Raises:
        EmobatchError: it is not here.
    """
    try:
        file = (folder / "plan.npz").open("rb")
    except FileNotFoundError:
        where = f"a worker on {platform.node()} does not find {folder}"
        raise EmobatchError(where, "mount footage and OUT under the same paths everywhere") from None
    with file, np.load(file) as kept:
        columns = {field.name: kept[f"plan_{field.name}"] for field in fields(VideoPlan)}
        plan = VideoPlan(**{name: column if column.ndim else column.item() for name, column in columns.items()})
        segments = [Segment(*row) for row in kept["segments"].tolist()]
        return plan, segments, _shape_of(kept["shape"])


def save_rows(folder: Path, number: int, rows: SegmentRows) -> None:
    """Keep the rows of one segment.

    Raises:
        OSError: the disk is full, the folder cannot be written, or the video has been finished or given up since.
    """
    columns: dict[str, Any] = {
        **{f"samples_{field.name}": getattr(rows.samples, field.name) for field in fields(SampleRows)},
        **{f"faces_{field.name}": getattr(rows.faces, field.name) for field in fields(FaceRows)},
        "decoded": rows.decoded,
        "shape": _shape_column(rows.shape),
        "errors": rows.errors,
        "elapsed_s": rows.elapsed_s,
    }
    _save(folder / f"{number:06}.npz", columns)


def load_rows(folder: Path, number: int) -> SegmentRows:
    """The rows of one segment that were kept."""
    with (folder / f"{number:06}.npz").open("rb") as file, np.load(file) as kept:
        return SegmentRows(
            decoded=kept["decoded"],
            samples=SampleRows(*(kept[f"samples_{field.name}"] for field in fields(SampleRows))),
            faces=FaceRows(*(kept[f"faces_{field.name}"] for field in fields(FaceRows))),
            shape=_shape_of(kept["shape"]),
            errors=int(kept["errors"]),
            elapsed_s=float(kept["elapsed_s"]),
        )


def segments_kept(folder: Path) -> tuple[int, ...] | None:
    """Which segments of a video an interrupted run has read; None where it had not begun.

    What was damaged, as when the power failed, is read again.
    """
    try:
        load_plan(folder)
    except (EmobatchError, *DAMAGED):
        forget(folder)
        return None
    kept = []
    for path in sorted(folder.glob("[0-9]*.npz")):
        number = int(path.stem)
        try:
            load_rows(folder, number)
        except DAMAGED:
            path.unlink(missing_ok=True)
        else:
            kept.append(number)
    return tuple(kept)


def forget_abandoned(folder: Path) -> None:
    """Remove what was kept of videos that no run has touched for two weeks, or whose run was killed when they were done."""
    waiting = list(folder.glob("*"))
    finished = _finished_s(folder.parent) if waiting else {}
    for kept in waiting:
        with suppress(OSError):
            touched_s = kept.stat().st_mtime
            if time.time() - touched_s > _ABANDONED_S or finished.get(_video_of(kept), 0.0) > touched_s:
                forget(kept)
    with suppress(OSError):
        folder.rmdir()  # Only if nothing is left in it.


def forget(folder: Path) -> None:
    """Remove everything that was kept in a folder."""
    shutil.rmtree(folder, ignore_errors=True)


def _finished_s(out: Path) -> dict[str, float]:
    """When each video was finished, by video_id and settings hash."""
    rows = read_videos(out).table.select(["video_id", "settings_hash", "finished_at"])
    columns = (column.to_pylist() for column in rows.columns)
    return {f"{one}-{settings}": moment.timestamp() for one, settings, moment in zip(*columns, strict=True)}


def _video_of(kept: Path) -> str:
    return kept.name.rpartition("-")[0]


def _save(path: Path, columns: Mapping[str, Any]) -> None:
    # Another attempt at the same segment may still be writing: a worker that lost its connection, not its life.
    with whole(path) as file:
        np.savez(file, **columns)


def _shape_column(shape: PictureShape | None) -> "np.ndarray[Any, np.dtype[np.int64]]":
    return np.array(list(asdict(shape).values()) if shape else [], np.int64)


def _shape_of(column: "np.ndarray[Any, np.dtype[np.int64]]") -> PictureShape | None:
    return PictureShape(*column.tolist()) if len(column) else None
