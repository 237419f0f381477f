"""An archive of as many videos as wanted, as tables alone: made from numbers, fast, and always the same."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from analytics.expressions import EXPRESSIONS, UNCERTAIN
from analytics.listing import TABLES as OF_VIDEOS
from analytics.schema import TABLES
from analytics.tables import Place, prepare
from tests.archive import METADATA, video_id_of
from tests.test_report_data import Row, video_row

FIRST: Final = datetime(2026, 10, 12, 22, 0, tzinfo=UTC)
"""Midnight in Berlin."""
ZONE: Final = "Europe/Berlin"
EVERY_S: Final = 2.0
_PLACES: Final = ("gate", "yard", "lobby", "hall", "dock", "stairs", "ramp", "corridor")
_MIX: Final = np.array([0.04, 0.02, 0.02, 0.22, 0.5, 0.08, 0.04, 0.08])
"""How frequent each label is."""
_REASONS: Final = ("moov atom not found", "moov atom not found", "cannot be opened (Permission denied)", "is empty")


def make_archive(out: Path, n_videos: int, n_cameras: int, n_days: int, duration_s: float = 300.0) -> None:
    """Write the tables of videos that are spread evenly over cameras and days: one file a table, day and camera.

    One in a hundred has failed, one in fifty is partial; nobody is seen in a fifth, and most people come by day.
    """
    prepare(out, METADATA)
    random = np.random.default_rng(n_videos)
    cells = [(day, camera) for day in range(n_days) for camera in range(n_cameras)]
    number = 0
    for k, (day, camera) in enumerate(cells):
        n = n_videos // len(cells) + (k < n_videos % len(cells))
        if n:
            _write_cell(
                out, day, f"{_PLACES[camera % len(_PLACES)]}-{camera:02}", range(number, number + n), duration_s, random
            )
            number += n


def _write_cell(
    out: Path, day: int, camera: str, numbers: range, duration_s: float, random: np.random.Generator
) -> None:
    starts_s = np.sort(random.uniform(0, 86400 - duration_s, len(numbers)))
    parts: dict[str, list[Any]] = {table: [] for table in OF_VIDEOS}
    for number, start_s in zip(numbers, starts_s, strict=True):
        start = FIRST + timedelta(days=day, seconds=float(round(start_s)))
        rows = _video(video_id_of(number), camera, start, duration_s, random)
        for table, part in rows.items():
            parts[table].append(part)
    date = (FIRST + timedelta(days=day, hours=3)).date().isoformat()
    for table, found in parts.items():
        file = Place(date, camera).folder(out, table) / "compacted.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        merged = pa.concat_tables(
            [part.cast(TABLES[table]) for part in found if len(part)] or [TABLES[table].empty_table()]
        )
        pq.write_table(merged, file)


def _video(
    video_id: str, camera: str, start: datetime, duration_s: float, random: np.random.Generator
) -> dict[str, pa.Table]:
    hour = (start + timedelta(hours=2)).hour
    busy = 0.2 + 4.5 * np.exp(-(((hour - 14) / 5) ** 2))
    kind = random.random()
    local = start + timedelta(hours=2)
    facts: Row = {
        "camera": camera,
        "start_time": start,
        "time_zone": ZONE,
        "start_time_source": "pattern",
        "source": f"/archive/{camera}/{local:%Y%m%d_%H%M%S}.mp4",
        "duration_s": duration_s,
        "decoded_s": duration_s,
        "n_samples": int(duration_s / EVERY_S),
    }
    if kind < 0.01:
        unread = dict.fromkeys(("duration_s", "decoded_s", "coverage", "codec", "width", "height", "fps"))
        reason = _REASONS[int(random.integers(len(_REASONS)))]
        return {
            "videos": _table(
                "videos",
                [video_row(video_id, **facts | unread | {"status": "failed", "reason": reason, "n_samples": 0})],
            )
        }
    if kind < 0.03:
        lost = float(random.uniform(0.03, 0.5)) * duration_s
        begin = float(random.uniform(0, duration_s - lost))
        holes = [{"start_s": begin, "end_s": begin + lost, "kind": "hole", "cause": "corrupt packets"}]
        facts |= {"status": "partial", "reason": f"{lost:.1f} s missing: corrupt packets", "holes": holes}
        facts |= {"decoded_s": duration_s - lost, "coverage": 1 - lost / duration_s}
    n_tracks = int(random.poisson(busy)) if random.random() > 0.1 else 0
    faces = [_faces(video_id, camera, track, duration_s, random) for track in range(1, n_tracks + 1)]
    tracks = [_track(video_id, camera, track, face) for track, face in enumerate(faces, 1)]
    facts |= {"n_tracks": n_tracks, "n_faces": sum(len(face["pts_s"]) for face in faces)}
    times = np.arange(facts["n_samples"]) * EVERY_S
    samples = {"video_id": [video_id] * len(times), "sample": np.arange(len(times)), "pts_s": times}
    samples |= {"n_faces": np.zeros(len(times), int), "gate": ["detected"] * len(times)}
    joined = {name: np.concatenate([face[name] for face in faces]) for name in faces[0]} if faces else {}
    return {
        "videos": _table("videos", [video_row(video_id, **facts)]),
        "samples": _columns("samples", samples),
        "faces": _columns("faces", joined) if faces else TABLES["faces"].empty_table(),
        "tracks": _table("tracks", tracks),
    }


def _faces(video_id: str, camera: str, track: int, duration_s: float, random: np.random.Generator) -> dict[str, Any]:
    """The faces of one track, whose label changes now and then."""
    n = int(random.integers(3, 30))
    begin = float(random.uniform(0, max(duration_s - n * EVERY_S, 1)))
    begin = round(begin / EVERY_S) * EVERY_S
    labels = np.array((*EXPRESSIONS, UNCERTAIN))
    first, second = random.choice(8, 2, p=_MIX)
    codes = np.full(n, first)
    if random.random() < 0.3:
        codes[int(random.integers(1, n)) :] = second
    n_faces = {"video_id": video_id, "camera": camera, "expression": "neutral"}
    numbers = dict.fromkeys(("x", "y", "w", "h"), 40.0)
    numbers |= dict.fromkeys(("score", "sharpness", "brightness", "yaw_deg", "pitch_deg"), 0.5)
    numbers |= dict.fromkeys(EXPRESSIONS, 1 / 7)
    pts_s = begin + np.arange(n) * EVERY_S
    return {
        **{name: np.full(n, text, object) for name, text in n_faces.items()},
        **{name: np.full(n, number) for name, number in numbers.items()},
        "sample": np.rint(pts_s / EVERY_S).astype(int),
        "pts_s": pts_s,
        "track_id": np.full(n, track),
        "usable": random.random(n) < 0.9,
        "confidence": np.full(n, random.uniform(0.4, 0.95)),
        "smoothed_expression": labels[codes].astype(object),
    }


def _track(video_id: str, camera: str, track: int, faces: dict[str, Any]) -> Row:
    usable = faces["usable"]
    labels = (*EXPRESSIONS, UNCERTAIN)
    shown = faces["smoothed_expression"][usable]
    shares = {label: float(np.mean(shown == label)) for label in labels} if len(shown) else dict.fromkeys(labels)
    return {
        "video_id": video_id,
        "camera": camera,
        "track_id": track,
        "start_s": float(faces["pts_s"][0]),
        "end_s": float(faces["pts_s"][-1]),
        "n_faces": len(usable),
        "n_usable": int(usable.sum()),
        "median_face_px": 48.0,
        **dict.fromkeys(EXPRESSIONS, 1 / 7),
        **{f"share_{label}": share for label, share in shares.items()},
        "expression": max(shares, key=lambda label: shares[label] or 0.0),
        "confidence": 0.6 if len(shown) else None,
        "best_pts_s": float(faces["pts_s"][0]),
    }


def _table(name: str, rows: list[Row]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=TABLES[name])


def _columns(name: str, columns: dict[str, Any]) -> pa.Table:
    """A table of these columns; those that are not given are null."""
    n = len(next(iter(columns.values())))
    arrays = []
    for field in TABLES[name]:
        values = columns.get(field.name)
        if values is None:
            arrays.append(pa.nulls(n, field.type))
        elif pa.types.is_dictionary(field.type):
            arrays.append(pa.array(list(values), pa.string()).cast(field.type))
        else:
            arrays.append(pa.array(values).cast(field.type))
    return pa.table(arrays, schema=TABLES[name])
