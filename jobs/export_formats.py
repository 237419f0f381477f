"""How rows look to other programs: CSV, JSON lines, and the CSV files of py-feat and of OpenFace.

Whole columns are turned into text at once, and joined: a Python value a cell would take twenty times as long.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analytics.expressions import EXPRESSIONS
from analytics.schema import tables_for
from analytics.tables import classes_of

FACTS: Final[Mapping[str, pa.DataType]] = {"source": pa.string(), "width": pa.int32(), "height": pa.int32()}
"""What each row is told of its video, by its row in `videos`."""

_FORMULA: Final = tuple("=+-@\t\r\n＝＋－＠")  # noqa: RUF001 Some spreadsheets take the wide ones, too.
"""What a spreadsheet takes for the beginning of a formula, or drops before it looks for one."""
_END: Final = "\r\n"


def schema_of(table: str, classes: tuple[str, ...]) -> pa.Schema:
    """The columns of a table of a classifier of these classes, texts as plain text."""
    fields = tables_for(classes)[table]
    return pa.schema(
        [(one.name, one.type.value_type if pa.types.is_dictionary(one.type) else one.type) for one in fields]
    )


def classes_below(out: Path) -> tuple[tuple[str, ...], dict[str, str]]:
    """The classes that the tables are of, or emobatch's own where none are told; and a file that cannot tell, and why."""
    try:
        return classes_of(out) or EXPRESSIONS, {}
    except OSError as error:
        return EXPRESSIONS, {f"{out}/tracks": f"the classes of the classifier cannot be told ({error.strerror})"}


@dataclass(frozen=True)
class Format:
    """One kind of text."""

    header: Callable[[Sequence[str]], bytes]
    """The text before all rows, of the names of the columns."""
    lines: Callable[[pa.Table, bool], bytes]
    """Rows as text; whether texts are kept from being taken for formulas."""
    shape: Callable[[pa.Table], pa.Table]
    """Rows of a table, with FACTS, to rows with other columns."""
    of_faces: tuple[str, ...] | None = None
    """The columns of the shape, in order, where it is one of faces alone."""
    reads: tuple[str, ...] = ()
    """The columns of faces that it is made of."""


def csv_header(names: Sequence[str]) -> bytes:
    """Names of columns, which are plain words."""
    return (",".join(names) + _END).encode()


def csv_lines(rows: pa.Table, safe: bool) -> bytes:
    """RFC 4180: unknown is nothing, an empty text `""`; numbers as short as they can be, times ISO 8601 in UTC."""
    return _joined([_cells(column, lambda text: _csv_text(text, safe), "") for column in rows.columns], "", ",", _END)


def json_lines(rows: pa.Table, safe: bool) -> bytes:
    """One object a row; unknown is null."""
    cells = [_cells(column, _json_text, "null", '"') for column in rows.columns]
    named = [
        pc.binary_join_element_wise(json.dumps(name), cell, ":")
        for name, cell in zip(rows.column_names, cells, strict=True)
    ]
    return _joined(named, "{", ",", "}\n")


def _joined(cells: Sequence[pa.ChunkedArray], before: str, between: str, after: str) -> bytes:
    lines = pc.binary_join_element_wise(*cells, between)
    return "".join(f"{before}{line}{after}" for line in lines.to_pylist()).encode()


def _cells(
    column: pa.ChunkedArray, quote: Callable[[str], str], unknown: str, around_time: str = ""
) -> pa.ChunkedArray:
    """A column as text, nothing of which is null."""
    kind = column.type
    if pa.types.is_string(kind):
        coded = column.combine_chunks().dictionary_encode()
        cells = pa.array([quote(text) for text in coded.dictionary.to_pylist()], pa.string()).take(coded.indices)
    elif pa.types.is_timestamp(kind):
        text = pc.binary_replace_slice(column.cast(pa.string()), 10, 11, "T")
        cells = pc.binary_join_element_wise(around_time, text, around_time, "")
    elif pa.types.is_list(kind):
        texts = [None if value is None else json.dumps(_finite(value)) for value in column.to_pylist()]
        cells = pa.array([text if text is None or unknown == "null" else quote(text) for text in texts], pa.string())
    elif pa.types.is_floating(kind):
        cells = pc.if_else(pc.is_finite(column), column, None).cast(pa.string())
    else:
        cells = column.cast(pa.string())
    return pc.fill_null(cells, unknown)


def _csv_text(text: str, safe: bool) -> str:
    if safe and text.startswith(_FORMULA):
        text = f"'{text}"
    return '"' + text.replace('"', '""') + '"' if not text or any(c in text for c in '",\r\n') else text


def _json_text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


_EMOTIONS: Final = {
    "anger": "angry",
    "disgust": "disgust",
    "fear": "fear",
    "happiness": "happy",
    "sadness": "sad",
    "surprise": "surprise",
    "neutral": "neutral",
}
"""py-feat's columns in its order, and ours."""
_SEVEN: Final = tuple(sorted(_EMOTIONS.values()))


def _to_feat(faces: pa.Table) -> pa.Table:
    """As Detectorv1 of py-feat 2.1 saves faces. Its angles are radians, up and to the person's right positive."""
    nothing = pa.nulls(len(faces), pa.float64())
    seconds = pc.floor(faces["pts_s"]).cast(pa.int64())
    minutes = pc.divide(seconds, 60)
    clock = [_two_digits(minutes), _two_digits(pc.subtract(seconds, pc.multiply(minutes, 60)))]
    track = faces["track_id"].cast(pa.string())
    return pa.table(
        {
            "FaceRectX": faces["x"],
            "FaceRectY": faces["y"],
            "FaceRectWidth": faces["w"],
            "FaceRectHeight": faces["h"],
            "FaceScore": faces["score"],
            "Pitch": _radians(faces["pitch_deg"], 1),
            "Roll": nothing,
            "Yaw": _radians(faces["yaw_deg"], -1),
            **dict.fromkeys("XYZ", nothing),
            **{name: faces[ours] for name, ours in _EMOTIONS.items()},
            "FrameHeight": faces["height"],
            "FrameWidth": faces["width"],
            "input": faces["source"],
            "frame": faces["sample"],
            "approx_time": pc.binary_join_element_wise(*clock, ":"),
            # One file may hold many videos, and the same number is another person in each.
            "Identity": pc.binary_join_element_wise(faces["video_id"], track, "_"),
            **{name: faces[name] for name in ("video_id", "pts_s", "time", "usable")},
        }
    )


def _to_openface(faces: pa.Table) -> pa.Table:
    """As OpenFace 2 writes sequences. Its angles are radians, down and to the person's right positive."""
    nothing = pa.nulls(len(faces), pa.float64())
    return pa.table(
        {
            "frame": pc.add(faces["sample"], 1),  # It counts from 1.
            "face_id": faces["track_id"],
            "timestamp": faces["pts_s"],
            "confidence": faces["score"],
            "success": faces["usable"].cast(pa.int8()),
            **dict.fromkeys(("pose_Tx", "pose_Ty", "pose_Tz"), nothing),
            "pose_Rx": _radians(faces["pitch_deg"], -1),
            "pose_Ry": _radians(faces["yaw_deg"], -1),
            "pose_Rz": nothing,
            **{name: faces[name] for name in ("video_id", "source", "x", "y", "w", "h", *_SEVEN, "expression")},
        }
    )


def _radians(degrees: pa.ChunkedArray, sign: int) -> pa.ChunkedArray:
    """In float, as the angles were measured; -0 becomes 0."""
    scale = pa.scalar(sign * np.pi / 180, pa.float32())
    return pc.add(pc.multiply(degrees, scale), pa.scalar(0, pa.float32()))


def _two_digits(numbers: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.utf8_lpad(numbers.cast(pa.string()), width=2, padding="0")


_FEAT_COLUMNS: Final = (
    *("FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight", "FaceScore"),
    *("Pitch", "Roll", "Yaw", "X", "Y", "Z", *_EMOTIONS),
    *("FrameHeight", "FrameWidth", "input", "frame", "approx_time", "Identity"),
    *("video_id", "pts_s", "time", "usable"),
)
_OPENFACE_COLUMNS: Final = (
    *("frame", "face_id", "timestamp", "confidence", "success"),
    *("pose_Tx", "pose_Ty", "pose_Tz", "pose_Rx", "pose_Ry", "pose_Rz"),
    *("video_id", "source", "x", "y", "w", "h", *_SEVEN, "expression"),
)
_FACES: Final = (
    "video_id",
    "sample",
    "pts_s",
    "track_id",
    "x",
    "y",
    "w",
    "h",
    "score",
    "yaw_deg",
    "pitch_deg",
    "usable",
)


def _as_they_are(rows: pa.Table) -> pa.Table:
    return rows


FORMATS: Final = {
    "csv": Format(csv_header, csv_lines, _as_they_are),
    "jsonl": Format(lambda names: b"", json_lines, _as_they_are),
    "feat": Format(csv_header, csv_lines, _to_feat, _FEAT_COLUMNS, (*_FACES, "time", *_SEVEN)),
    "openface": Format(csv_header, csv_lines, _to_openface, _OPENFACE_COLUMNS, (*_FACES, *_SEVEN, "expression")),
}
