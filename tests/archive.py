"""Tables of many videos without the videos: rows as emobatch writes them, made fast and always the same."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from analytics.schema import TABLES
from analytics.tables import Place, prepare, write_video
from tests.test_report_data import START, Row, face_row, sample_rows, track_row, video_row

METADATA: Final = {"emobatch.version": "1", "emobatch.settings_hash": "cafe"}
DOOR: Final = Place("2026-03-01", "door")


def video_id_of(number: int) -> str:
    """An id as that of a fingerprint: in no order."""
    return f"{(number + 1) * 0x9E3779B97F4A7C15 % 2**64:016x}"


def tables_of(number: int, camera: str = "door", faces: int | None = None, **facts: Any) -> dict[str, pa.Table]:
    """The rows of one video by table; those of failed videos and copies are in `videos` alone.

    Args:
        number: of the video; decides everything that is not given.
        camera: in the columns.
        faces: how many, in one track.
        facts: of the `videos` row.
    """
    one, random = video_id_of(number), np.random.default_rng(number)
    n = int(random.integers(0, 4)) if faces is None else faces
    start = facts.pop("start_time", START + timedelta(minutes=int(random.integers(0, 60))))
    of_video: Row = {"camera": camera, "start_time": start, "source": f"/archive/{number:06}.mp4", **facts}
    if of_video.get("status", "done") in ("failed", "duplicate"):
        return {"videos": _table("videos", [video_row(one, **of_video)])}
    rows: dict[str, Sequence[Row]] = {
        "faces": [
            face_row(one, k / 2, 1, "happy", camera=camera, score=float(random.random()), time=_time(start, k))
            for k in range(n)
        ],
        "samples": [row | {"time": _time(start, row["sample"])} for row in sample_rows(one, 4)],
        "tracks": [track_row(one, 1, 0.0, n / 2, happy=1.0) | {"camera": camera}] if n else [],
        "videos": [video_row(one, **{"n_samples": 4, "n_faces": n, "n_tracks": int(n > 0), **of_video})],
    }
    return {name: _table(name, of_table) for name, of_table in rows.items()}


def fill(out: Path, numbers: Sequence[int], place: Place = DOOR, **facts: Any) -> None:
    """Write the rows of some videos into files of their own."""
    prepare(out, METADATA)
    for number in numbers:
        tables = tables_of(number, camera=place.camera or "none", **facts)
        write_video(out, place, video_id_of(number), tables, METADATA)


def fill_mixed(out: Path) -> None:
    """Two cameras, one of which looks like a number, and one that nobody knows; a failure, a copy, nobody in sight."""
    fill(out, range(12))
    fill(out, [20], status="failed", reason="moov atom not found")
    fill(out, [21], status="duplicate", duplicate_of=video_id_of(3))
    fill(out, [22], faces=0)
    fill(out, range(30, 34), Place("2026-03-02", "01"))
    fill(out, range(40, 43), Place(None, None), start_time=None)


def _table(name: str, rows: Sequence[Row]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=TABLES[name])


def _time(start: datetime | None, sample: int) -> datetime | None:
    return start + timedelta(seconds=sample / 2) if start else None
