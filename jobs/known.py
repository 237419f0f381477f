"""What is known of the faces of one video, from the tables of an earlier run or from the pipeline itself.

Either way tracks have the numbers that `emobatch run` gives them, so an id means the same face wherever it is named.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.errors import EmobatchError, UsageError
from analytics.expressions import EXPRESSIONS, columns_of
from analytics.fingerprint import fingerprint, id_of_content
from analytics.kept_masks import FOLDER, masks_below
from analytics.listing import TABLES
from analytics.masks import NO_MASKS, Masks
from analytics.records import Pulse

_BOX: Final = ("x", "y", "w", "h")
_COLUMNS: Final = (
    *("pts_s", "track_id", *_BOX, "usable"),
    *("expression", "confidence", "smoothed_expression"),
)


@dataclass(frozen=True, eq=False)
class KnownFaces:
    """Faces of the sampled frames, in order of time; n of them."""

    pts_s: NDArray[np.float64]
    """(n,) seconds from the start of the video stream."""
    boxes: NDArray[np.float32]
    """(n, 4) x, y, width, height in px of the upright picture."""
    track_id: NDArray[np.int32]
    """(n,) from 1; 0 outside any track."""
    usable: NDArray[np.bool_]
    probabilities: NDArray[np.float32]
    """(n, classes) in the order of `classes`; NaN for one that the classifier does not know."""
    expression: tuple[str, ...]
    """What each face alone was called."""
    confidence: NDArray[np.float32]
    smoothed: tuple[str | None, ...]
    """What its track shows around that moment; None where nothing can be said."""
    samples_s: NDArray[np.float64]
    """(m,) times of all frames that were looked at, faces or not, ascending."""
    classes: tuple[str, ...] = EXPRESSIONS
    """The seven, then other classes of the classifier."""
    masks: Masks = NO_MASKS
    """Under which nobody looked."""

    @property
    def tracks(self) -> list[int]:
        """Numbers of all tracks, ascending."""
        return [int(number) for number in np.unique(self.track_id) if number]


def known_faces(path: Path, out: str | None, pulse: Pulse) -> KnownFaces:
    """The faces of a video.

    Args:
        path: the video.
        out: OUT of a run that saw it; None runs the pipeline with the settings of a plain run.
        pulse: beats as the work goes on.

    Raises:
        UsageError: OUT holds no results, or none of this video.
        EmobatchError: its masks cannot be read.
        VideoError: the video cannot be opened.
    """
    return _found_anew(path, pulse) if out is None else _of_tables(path, out)


def _found_anew(path: Path, pulse: Pulse) -> KnownFaces:
    from jobs.options import RunOptions
    from jobs.pipeline import Engines, SegmentRows, finish_video, plan_file, read_segment

    options = RunOptions(sources=(str(path),), out=Path())
    engines = Engines.load(options)
    plan, segments = plan_file(path, options, pulse)
    rows = SegmentRows.joined(read_segment(path, plan, segment, options, engines, pulse) for segment in segments)
    result = finish_video(path, plan, rows, options, engines)
    faces, labels = result.faces, engines.classifier.facts.labels
    return KnownFaces(
        pts_s=faces.pts_s,
        boxes=faces.boxes,
        track_id=result.track_id,
        usable=faces.usable,
        probabilities=faces.probabilities,
        expression=tuple(labels[i] for i in result.labels),
        confidence=faces.probabilities.max(axis=1) if len(faces) else np.empty(0, np.float32),
        smoothed=tuple(labels[i] if i >= 0 else None for i in result.smoothed),
        samples_s=result.samples.pts_s,
        classes=engines.classifier.facts.columns,
    )


def _masks_of(folder: Path, settings_hash: str) -> Masks:
    try:
        return masks_below(folder, settings_hash)
    except OSError as error:
        raise EmobatchError(
            f"{folder}: the masks of these rows cannot be read ({error.strerror or error})", "run again"
        ) from error


def _of_tables(path: Path, out: str) -> KnownFaces:
    from jobs.opened import for_reading
    from jobs.results import Results
    from reports.archive import read_archive, read_classes
    from reports.stored import StoredTables

    folder = for_reading(out, (*TABLES, FOLDER))
    Results.opened(folder)
    video_id = id_of_content(fingerprint(path))
    video = next((one for one in read_archive(folder).videos if one.video_id == video_id), None)
    if video is None:
        raise UsageError(
            f"{out}: holds no rows of {path}",
            f"name the --out of a run that saw it, or: emobatch run {path} --out {out}",
        )
    tables = StoredTables(folder)
    classes = columns_of(read_classes(folder))
    faces = tables.rows("faces", video.folder, video_id, [*_COLUMNS, *classes]).sort_values("pts_s", kind="stable")
    samples = tables.rows("samples", video.folder, video_id, ["pts_s"])
    smoothed = faces["smoothed_expression"].astype(object)
    smoothed = smoothed.where(smoothed.notna(), None)
    return KnownFaces(
        pts_s=faces["pts_s"].to_numpy(np.float64),
        boxes=faces[list(_BOX)].to_numpy(np.float32),
        track_id=faces["track_id"].fillna(0).to_numpy(np.int32),
        usable=faces["usable"].to_numpy(np.bool_),
        probabilities=faces[list(classes)].to_numpy(np.float32),
        expression=tuple(faces["expression"].astype(str)),
        confidence=faces["confidence"].to_numpy(np.float32),
        smoothed=tuple(smoothed),
        samples_s=np.sort(samples["pts_s"].to_numpy(np.float64)),
        classes=classes,
        masks=_masks_of(folder, video.settings_hash),
    )
