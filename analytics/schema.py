"""The tables, column by column. docs/data-dictionary.md is drawn from here and a test compares them."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Final

import pyarrow as pa

from analytics.expressions import EXPRESSIONS, UNCERTAIN, columns_of, labels_for

SCHEMA_VERSION: Final = 2
"""Rises when a column changes its name, type or meaning."""

_MOST_CLASSES: Final = 40
_CLASS_NAME: Final = re.compile("[a-z][a-z0-9_]{0,39}")

_TEXT = pa.string()
_LABEL = pa.dictionary(pa.int32(), pa.string())
_COUNT = pa.int32()
_SECONDS = pa.float64()
_SCORE = pa.float32()
_CLOCK = pa.timestamp("us", tz="UTC")
_GAPS = pa.list_(
    pa.struct([("start_s", _SECONDS), ("end_s", _SECONDS), ("kind", _TEXT), ("cause", _TEXT)]),
)


def _column(name: str, kind: pa.DataType, description: str, *, nullable: bool = False) -> pa.Field:
    return pa.field(name, kind, nullable=nullable, metadata={"description": description})


def _probabilities(what: str, classes: tuple[str, ...], *, nullable: bool) -> list[pa.Field]:
    return [
        _column(name, _SCORE, f"{what} of {name}, 0 to 1", nullable=nullable or name not in classes)
        for name in columns_of(classes)
    ]


_VIDEO_ID = _column(
    "video_id",
    _LABEL,
    "16 hex digits of the content's fingerprint; of the path for a copy, an empty or an unreadable file",
)
_CAMERA = _column("camera", _LABEL, "camera that recorded the video; null where unknown", nullable=True)
_TIME = "wall-clock time, UTC; null where the start of the video is unknown"

VIDEOS: Final = pa.schema(
    [
        _VIDEO_ID,
        _column("source", _TEXT, "path of the file as it was found"),
        _CAMERA,
        _column("start_time", _CLOCK, "when the recording began, UTC; null where unknown", nullable=True),
        _column(
            "start_time_source",
            _LABEL,
            "where start_time comes from: unknown, pattern, preset:NAME or container; ends with :ambiguous or :skipped where summer time makes it a judgement",
        ),
        _column(
            "time_zone",
            _LABEL,
            "time zone of the camera's clock (Europe/Berlin, UTC+02:00), in which days and hours are counted; null where unknown",
            nullable=True,
        ),
        _column(
            "pts_source",
            _LABEL,
            "container: times are presentation timestamps; rate: index times declared frame rate; null where nothing was read",
            nullable=True,
        ),
        _column("duration_s", _SECONDS, "expected duration of the video stream, seconds", nullable=True),
        _column("decoded_s", _SECONDS, "duration less what could not be decoded, seconds", nullable=True),
        _column(
            "coverage",
            _SCORE,
            "share of the expected duration that has decodable frames, 0 to 1; pauses do not lower it",
            nullable=True,
        ),
        _column(
            "holes",
            _GAPS,
            "stretches without a frame: start_s, end_s, kind (hole: damage; paused: nothing was recorded) and cause",
        ),
        _column("duplicate_of", _TEXT, "video_id of the file that this one is a true copy of", nullable=True),
        _column("width", _COUNT, "width of the upright picture, px", nullable=True),
        _column("height", _COUNT, "height of the upright picture, px", nullable=True),
        _column(
            "rotation",
            _COUNT,
            "clockwise turn that makes the stored picture upright, degrees: 0, 90, 180 or 270",
            nullable=True,
        ),
        _column("codec", _LABEL, "name of the video codec", nullable=True),
        _column("fps", _SCORE, "frames a second, from the median frame interval", nullable=True),
        _column("n_samples", _COUNT, "rows in samples"),
        _column("n_faces", _COUNT, "rows in faces"),
        _column("n_tracks", _COUNT, "rows in tracks"),
        _column("status", _LABEL, "done, partial, failed or duplicate"),
        _column("reason", _TEXT, "why the video is not done, or what was odd about it", nullable=True),
        _column("elapsed_s", _SECONDS, "time spent on the video, seconds"),
        _column("model", _LABEL, "name and first 12 digits of the SHA-256 of the classifier"),
        _column("detector", _LABEL, "name and first 12 digits of the SHA-256 of the detector"),
        _column("settings_hash", _LABEL, "hash of the settings that decide the rows"),
        _column("finished_at", _CLOCK, "when this row was written, UTC"),
    ]
)

SAMPLES: Final = pa.schema(
    [
        _VIDEO_ID,
        _column("sample", _COUNT, "number of the grid point: it stands at sample times `every` seconds"),
        _column("pts_s", _SECONDS, "presentation time of the frame, seconds from the start of the video stream"),
        _column("time", _CLOCK, _TIME, nullable=True),
        _column("n_faces", _COUNT, "faces found in the frame"),
        _column(
            "gate",
            _LABEL,
            "detected: searched; held: faces inherited, as nothing has changed or what has shows no face in the next sample; skipped: not searched; corrupt: the frame could not be decoded",
        ),
    ]
)


def _faces(classes: tuple[str, ...]) -> pa.Schema:
    return pa.schema(
        [
            _VIDEO_ID,
            _CAMERA,
            _column("sample", _COUNT, "number of the grid point, as in samples"),
            _column("pts_s", _SECONDS, "presentation time of the frame, seconds from the start of the video stream"),
            _column("time", _CLOCK, _TIME, nullable=True),
            _column(
                "track_id", _COUNT, "the same face within this one video, from 1; null outside any track", nullable=True
            ),
            _column("x", _SCORE, "left edge of the box, px of the upright picture"),
            _column("y", _SCORE, "upper edge of the box, px of the upright picture"),
            _column("w", _SCORE, "width of the box, px"),
            _column("h", _SCORE, "height of the box, px"),
            _column("score", _SCORE, "the detector's confidence, 0 to 1"),
            _column(
                "sharpness",
                _SCORE,
                "variance of the Laplacian of the contrast-normalised crop; below 0.03 too blurred to judge",
            ),
            _column(
                "yaw_deg",
                _SCORE,
                "turn of the head, degrees, positive toward the person's left; null without landmarks",
                nullable=True,
            ),
            _column(
                "pitch_deg", _SCORE, "nod of the head, degrees, positive upward; null without landmarks", nullable=True
            ),
            _column("brightness", _SCORE, "mean luma of the face, 0 to 1"),
            _column(
                "usable",
                pa.bool_(),
                "big, sharp, lit, frontal and uncovered enough to judge; others count in no aggregate",
            ),
            *_probabilities("probability", classes, nullable=False),
            _column("expression", _LABEL, "apparent expression with the largest probability, or uncertain"),
            _column("confidence", _SCORE, "the largest probability; calibrated on stills, not on video"),
            _column(
                "smoothed_expression",
                _LABEL,
                "apparent expression of the track around this moment, or uncertain; null outside tracks and where no usable face is near",
                nullable=True,
            ),
        ]
    )


def _tracks(classes: tuple[str, ...]) -> pa.Schema:
    return pa.schema(
        [
            _VIDEO_ID,
            _CAMERA,
            _column("track_id", _COUNT, "number within the video, by first time, then left to right"),
            _column("start_s", _SECONDS, "time of the first face, seconds from the start of the video stream"),
            _column("end_s", _SECONDS, "time of the last face, seconds from the start of the video stream"),
            _column("start_time", _CLOCK, _TIME, nullable=True),
            _column("end_time", _CLOCK, _TIME, nullable=True),
            _column("n_faces", _COUNT, "faces in the track, at least two"),
            _column("n_usable", _COUNT, "usable faces in the track"),
            _column("median_face_px", _SCORE, "median of the shorter side of the box, px"),
            *_probabilities("quality-weighted mean probability over the usable faces", classes, nullable=True),
            *[
                _column(
                    f"share_{name}", _SCORE, f"share of the judged time with the label {name}, 0 to 1", nullable=True
                )
                for name in labels_for(classes)
            ],
            _column(
                "expression",
                _LABEL,
                "apparent expression with the largest mean probability, if that reaches the threshold or if it is shown for half of the judged time; else uncertain",
            ),
            _column("confidence", _SCORE, "the largest mean probability; null without usable faces", nullable=True),
            _column("best_pts_s", _SECONDS, "time of the face that can be judged best, seconds"),
        ]
    )


SEVERITIES: Final = ("low", "medium", "high")
"""How urgent an event is to be looked at, as its rule says."""

EVENTS: Final = pa.schema(
    [
        _column(
            "event_id", _TEXT, "16 hex digits: hash of rule, camera (video where no camera or time is known) and start"
        ),
        _column("video_id", _LABEL, "the video in which it begins"),
        _CAMERA,
        _column(
            "track_id",
            _COUNT,
            "the one track of video_id that it is about; null where it is about several or none",
            nullable=True,
        ),
        _column("rule", _LABEL, "name of the rule in emobatch.toml that picked it out"),
        _column("severity", _LABEL, f"as the rule says: {', '.join(SEVERITIES)}"),
        _column("start_s", _SECONDS, "where it begins, seconds from the start of the video stream of video_id"),
        _column(
            "end_s",
            _SECONDS,
            "where it ends, seconds on the same scale: beyond the end of that video where it goes on in the next files",
        ),
        _column("time", _CLOCK, f"start as {_TIME}", nullable=True),
        _column("end_time", _CLOCK, f"end as {_TIME}", nullable=True),
        _column(
            "evidence", _TEXT, "what was seen, in words and figures; an apparent expression is what a face looks like"
        ),
        _column(
            "tracks",
            pa.list_(_COUNT),
            "tracks of video_id that it is about, ascending; those of the videos after it stand in figures",
        ),
        _column("videos", pa.list_(_TEXT), "ids of all videos that it spans, in order of time; the first is video_id"),
        _column("peak_video_id", _LABEL, "the video to open it in: the one that peak_pts_s is a second of"),
        _column("peak_pts_s", _SECONDS, "the second to open it at, from the start of the video stream"),
        _column(
            "thresholds",
            _TEXT,
            "what the rule asks for, as a JSON object; zones holds the corners of the zones that it names, as shares of the "
            "picture",
        ),
        _column("figures", _TEXT, "what was measured, as a JSON object; tracks holds the tracks by video_id"),
    ]
)


@cache
def tables_for(classes: tuple[str, ...]) -> dict[str, pa.Schema]:
    """The schemas of the tables of a classifier of these classes."""
    return {
        "videos": VIDEOS,
        "samples": SAMPLES,
        "faces": _faces(classes),
        "tracks": _tracks(classes),
        "events": EVENTS,
    }


TABLES: Final = tables_for(EXPRESSIONS)
"""Of the classifiers that come with emobatch."""


def why_no_classes(classes: Sequence[str]) -> str | None:
    """What keeps a list of names from being the classes of a classifier, or None where nothing does."""
    if not 2 <= len(classes) <= _MOST_CLASSES:
        return f"{len(classes)} classes, not 2 to {_MOST_CLASSES}"
    taken = {name for schema in TABLES.values() for name in schema.names} - set(EXPRESSIONS) | {UNCERTAIN}
    for name in classes:
        if not _CLASS_NAME.fullmatch(name) or name in taken or name.startswith("share_"):
            return f"'{name[:40]}' can be no class: take small letters, digits and _, and no name of a column"
    return "a class that is there twice" if len(set(classes)) < len(classes) else None


def data_dictionary() -> str:
    """docs/data-dictionary.md's tables, as Markdown."""
    lines = []
    for table, schema in TABLES.items():
        lines += [f"## {table}", "", "| column | type | null | meaning |", "|---|---|---|---|"]
        for field in schema:
            null = "yes" if field.nullable else ""
            kind = str(field.type).replace("dictionary<values=string, indices=int32, ordered=0>", "dictionary string")
            lines.append(f"| {field.name} | {kind} | {null} | {field.metadata[b'description'].decode()} |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    print(data_dictionary(), end="")
