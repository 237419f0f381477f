"""From the results of a video to its rows in the tables."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from analytics.recorders import Recorded
from analytics.records import GATES
from analytics.tables import column_of, to_table
from jobs.pipeline import Engines, VideoResult
from models.classifier import ModelFacts

_HOLES_TOLD: Final = 3
"""Holes that a reason spells out; the column `holes` has them all."""
_DAMAGE_TOLD: Final = 0.01


@dataclass(frozen=True)
class VideoKey:
    """Which video a row is about."""

    video_id: str
    source: str
    """Path as text that any reader can take."""
    recorded: Recorded

    @property
    def camera(self) -> str | None:
        """Who recorded it."""
        return self.recorded.camera

    def times(self, seconds: Sequence[float] | NDArray[np.float64]) -> pa.Array | None:
        """Wall-clock time of moments of the video, to the microsecond; None where its start is unknown."""
        if self.recorded.start is None:
            return None
        start_us = round(self.recorded.start.timestamp() * 1e6)
        stamps = start_us + np.round(np.asarray(seconds, np.float64) * 1e6).astype(np.int64)
        return pa.array(stamps, pa.int64()).cast(pa.timestamp("us", tz="UTC"))


def tables_of(key: VideoKey, result: VideoResult, engines: Engines) -> dict[str, pa.Table]:
    """The rows of a video that was decoded, by table."""
    return {
        "tracks": _tracks(key, result, engines.classifier.facts),
        "samples": _samples(key, result),
        "faces": _faces(key, result, engines.classifier.facts),
        "videos": _videos_row(key, engines, **_video_columns(result)),
    }


def table_of_failure(key: VideoKey, engines: Engines, reason: str, elapsed_s: float) -> dict[str, pa.Table]:
    """The `videos` row of a file that could not be processed."""
    return {"videos": _videos_row(key, engines, status="failed", reason=reason, elapsed_s=elapsed_s)}


def table_of_duplicate(key: VideoKey, engines: Engines, first: VideoKey) -> dict[str, pa.Table]:
    """The `videos` row of a true copy."""
    return {
        "videos": _videos_row(
            key, engines, status="duplicate", reason=f"a copy of {first.source}", duplicate_of=first.video_id
        )
    }


def refiled(tables: Mapping[str, pa.Table], key: VideoKey) -> dict[str, pa.Table]:
    """The rows of a video under another path, camera or start."""
    return {name: _refiled(name, table, key) for name, table in tables.items()}


def _refiled(name: str, table: pa.Table, key: VideoKey) -> pa.Table:
    def times(column: str) -> pa.Array | None:
        return key.times(table[column].to_pylist())

    cameras = [key.camera] * len(table)
    new: dict[str, Any] = {}
    if name == "videos":
        new = {column: [value] * len(table) for column, value in _of_the_key(key).items()}
    elif name == "samples":
        new = {"time": times("pts_s")}
    elif name == "faces":
        new = {"camera": cameras, "time": times("pts_s")}
    else:
        new = {"camera": cameras, "start_time": times("start_s"), "end_time": times("end_s")}
    for column, values in new.items():
        at = table.schema.get_field_index(column)
        kind = table.schema.field(at)
        array = pa.nulls(len(table), kind.type) if values is None else column_of(values, kind.type)
        table = table.set_column(at, kind, array)
    return table


def in_words(result: VideoResult) -> str | None:
    """Why a video is partial, and what else was odd about it."""
    holes = [gap for gap in result.coverage.gaps if gap.kind == "hole"]
    longest = sorted(holes, key=lambda gap: gap.start_s - gap.end_s)[:_HOLES_TOLD]
    words = [f"no frame from {gap.start_s:.1f} to {gap.end_s:.1f} s: {gap.cause}" for gap in longest]
    if len(holes) > len(longest):
        words.append(f"and {len(holes) - len(longest)} shorter holes")
    frames = len(result.decoded)
    if (damaged := frames - int(result.decoded.sum())) > _DAMAGE_TOLD * frames:
        words.append(f"{damaged} of {frames} frames are damaged or missing")
    if result.errors:
        words.append(f"{result.errors} packet{'' if result.errors == 1 else 's'} could not be decoded")
    if not words and result.status == "partial":
        lost_s = result.plan.duration_s - result.coverage.decoded_s
        words.append(f"{lost_s:.1f} s are missing, in stretches too short to be listed")
    return "; ".join(words) or None


def _video_columns(result: VideoResult) -> dict[str, Any]:
    return {
        "pts_source": result.plan.pts_source,
        "duration_s": result.plan.duration_s,
        "decoded_s": result.coverage.decoded_s,
        "coverage": result.coverage.share,
        "holes": [asdict(gap) for gap in result.coverage.gaps],
        "width": result.shape.width,
        "height": result.shape.height,
        "rotation": result.shape.rotation,
        "codec": result.plan.codec,
        "fps": result.plan.fps,
        "n_samples": len(result.samples),
        "n_faces": len(result.faces),
        "n_tracks": len(result.tracks),
        "status": result.status,
        "reason": in_words(result),
        "elapsed_s": result.elapsed_s,
    }


def _videos_row(key: VideoKey, engines: Engines, **known: Any) -> pa.Table:
    facts = engines.classifier.facts
    row: dict[str, Any] = {
        **_of_the_key(key),
        "pts_source": None,
        "duration_s": None,
        "decoded_s": None,
        "coverage": None,
        "holes": [],
        "duplicate_of": None,
        "width": None,
        "height": None,
        "rotation": None,
        "codec": None,
        "fps": None,
        "n_samples": 0,
        "n_faces": 0,
        "n_tracks": 0,
        "reason": None,
        "elapsed_s": 0.0,
        "model": f"{facts.name} {facts.sha256[:12]}",
        "detector": f"{engines.detector.name} {engines.detector.sha256[:12]}",
        "settings_hash": engines.settings_hash,
        "finished_at": datetime.now(UTC),
    }
    return to_table("videos", {name: [value] for name, value in (row | known).items()})


def _of_the_key(key: VideoKey) -> dict[str, Any]:
    return {
        "video_id": key.video_id,
        "source": key.source,
        "camera": key.camera,
        "start_time": key.recorded.start,
        "start_time_source": key.recorded.start_source,
        "time_zone": key.recorded.timezone,
    }


def _samples(key: VideoKey, result: VideoResult) -> pa.Table:
    rows = result.samples
    return to_table(
        "samples",
        {
            "video_id": _named(np.zeros(len(rows), np.int32), (key.video_id,)),
            "sample": rows.sample,
            "pts_s": rows.pts_s,
            "time": key.times(rows.pts_s),
            "n_faces": rows.n_faces,
            "gate": _named(rows.gate, GATES),
        },
    )


def _faces(key: VideoKey, result: VideoResult, facts: ModelFacts) -> pa.Table:
    faces, n = result.faces, len(result.faces)
    return to_table(
        "faces",
        {
            "video_id": _named(np.zeros(n, np.int32), (key.video_id,)),
            "camera": pa.repeat(pa.scalar(key.camera, pa.string()), n),
            "sample": faces.sample,
            "pts_s": faces.pts_s,
            "time": key.times(faces.pts_s),
            "track_id": pa.array(result.track_id, mask=result.track_id == 0),
            **{name: faces.boxes[:, i] for i, name in enumerate("xywh")},
            "score": faces.score,
            "sharpness": faces.sharpness,
            "yaw_deg": faces.yaw_deg,
            "pitch_deg": faces.pitch_deg,
            "brightness": faces.brightness,
            "usable": faces.usable,
            **{name: faces.probabilities[:, i] if known else None for i, name, known in _columns(facts)},
            "expression": _named(result.labels, facts.labels),
            "confidence": faces.probabilities.max(axis=1) if n else np.empty(0, np.float32),
            "smoothed_expression": _named(result.smoothed, facts.labels),
        },
        facts.known,
    )


def _named(labels: NDArray[np.integer], names: Sequence[str]) -> pa.Array:
    """The names of labels, coded; null for -1. Not a list of Python's, nor the names written out: there may be a million."""
    used = pa.array(labels, pa.int32(), mask=labels < 0).dictionary_encode()
    return pa.DictionaryArray.from_arrays(used.indices, pa.array(names, pa.string()).take(used.dictionary))


def _columns(facts: ModelFacts) -> list[tuple[int, str, bool]]:
    """Place and name of each probability, and whether the classifier knows it."""
    return [(i, name, name in facts.classes) for i, name in enumerate(facts.columns)]


def _tracks(key: VideoKey, result: VideoResult, facts: ModelFacts) -> pa.Table:
    tracks = result.tracks

    def of(name: str) -> list[Any]:
        return [getattr(track, name) for track in tracks]

    def element(arrays: Sequence[Any], i: int) -> NDArray[np.float64]:
        return np.array([np.nan if array is None else array[i] for array in arrays], np.float64)

    return to_table(
        "tracks",
        {
            "video_id": [key.video_id] * len(tracks),
            "camera": [key.camera] * len(tracks),
            "start_time": key.times(of("start_s")),
            "end_time": key.times(of("end_s")),
            **{name: of(name) for name in ("track_id", "start_s", "end_s", "n_faces", "n_usable", "median_face_px")},
            **{name: element(of("probabilities"), i) if known else None for i, name, known in _columns(facts)},
            **{f"share_{name}": element(of("shares"), i) if known else None for i, name, known in _columns(facts)},
            "share_uncertain": element(of("shares"), len(facts.columns)),
            **{name: of(name) for name in ("expression", "confidence", "best_pts_s")},
        },
        facts.known,
    )
