"""Score a classifier on labelled video: every second goes through the whole pipeline, as in a run."""

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analytics.aggregate import weights
from analytics.errors import UsageError, VideoError
from analytics.expressions import EXPRESSIONS
from analytics.paths import is_file
from analytics.records import Pulse
from jobs.options import RunOptions
from jobs.pipeline import Engines, SegmentRows, VideoResult, finish_video, plan_file, read_segment
from models.groups import not_tested
from models.labels import class_index
from models.listed import group_columns, list_reader, path_in_list

COLUMNS: Final = ("file", "start_s", "end_s", "label")
_UNCERTAIN: Final = len(EXPRESSIONS)
_NO_FACE: Final = _UNCERTAIN + 1


@dataclass(frozen=True)
class Stretch:
    """A stretch of a video in which the person in view shows one expression."""

    start_s: float
    end_s: float
    label: int
    """Index into EXPRESSIONS."""
    groups: Mapping[str, str] = field(default_factory=dict)
    """What it is counted with besides, by column."""


@dataclass(eq=False)
class Seconds:
    """Labelled seconds, by truth and by what was said."""

    likeliest: NDArray[np.float64] = field(default_factory=lambda: np.zeros((7, 9)))
    """(7, 9) by the largest probability of each face: columns are the seven, uncertain (empty), no face to judge."""
    told: NDArray[np.float64] = field(default_factory=lambda: np.zeros((7, 9)))
    """The same by smoothed_expression of the tables."""

    def to_json(self) -> dict[str, Any]:
        """The figures, by seconds; null where nothing was judged."""
        judged, told = self.likeliest[:, :_UNCERTAIN], self.told[:, :_UNCERTAIN]
        true, said, right = judged.sum(axis=1), judged.sum(axis=0), judged.diagonal()
        claims = true + said
        return {
            "seconds": float(self.likeliest.sum()),
            "no_face": _ratio(self.likeliest[:, _NO_FACE].sum(), self.likeliest.sum()),
            "accuracy": _ratio(right.sum(), judged.sum()),
            "macro_f1": float((2 * right[claims > 0] / claims[claims > 0]).mean()) if claims.any() else None,
            "classes": {
                name: {
                    "precision": _ratio(right[i], said[i]),
                    "recall": _ratio(right[i], true[i]),
                    "seconds": float(true[i]),
                }
                for i, name in enumerate(EXPRESSIONS)
            },
            "confusion": judged.tolist(),
            "uncertain": {
                "share": _ratio(self.told[:, _UNCERTAIN].sum(), judged.sum()),
                "accuracy_of_accepted": _ratio(told.diagonal().sum(), told.sum()),
            },
        }


def is_video_list(path: Path) -> bool:
    """Whether a data set is a CSV of labelled stretches of video."""
    if path.suffix.lower() != ".csv" or not is_file(path):
        return False
    try:
        with path.open(newline="", encoding="utf-8-sig", errors="replace") as lines:
            return set(COLUMNS) <= set(list_reader(lines).fieldnames or ())
    except (OSError, csv.Error):
        return False


def read_stretches(path: Path, groups: Sequence[str] = ()) -> dict[Path, list[Stretch]]:
    """The labelled stretches by video, from a CSV with file,start_s,end_s,label; files relative to it.

    Columns `camera`, `group`, group_… and those named in groups tell what a stretch is counted with besides.

    Raises:
        UsageError: a line is no such stretch, overlaps another one, or names no file; or there is none.
    """
    found: dict[Path, list[Stretch]] = defaultdict(list)
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as lines:
        reader = list_reader(lines)
        columns = group_columns(reader.fieldnames or (), ("camera", *groups))
        if missing := [name for name in groups if name not in columns]:
            raise UsageError(f"--group {missing[0]}: is no column of {path}", "name one of its first line")
        for row in reader:
            where = f"{path}: line {reader.line_num}"
            file = path_in_list(path, row["file"] or "")
            if not is_file(file):
                raise UsageError(f"{where}: {file}: no such video", "mend its path, or remove that line")
            told = {name: row[name].strip() for name in columns if (row[name] or "").strip()}
            stretch = replace(_stretch(row, where), groups=told)
            if any(stretch.start_s < other.end_s and other.start_s < stretch.end_s for other in found[file]):
                raise UsageError(f"{where}: overlaps another stretch of {file}", "give each second one label")
            found[file].append(stretch)
    if not found:
        raise UsageError(f"{path}: has no labelled stretch", f"write one a line: {','.join(COLUMNS)}")
    return found


def _stretch(row: dict[str, Any], where: str) -> Stretch:
    label = class_index(row["label"] or "")
    if label < 0:
        raise UsageError(f"{where}: '{row['label'] or ''}' is no class", f"use one of: {', '.join(EXPRESSIONS)}")
    try:
        start_s, end_s = float(row["start_s"]), float(row["end_s"])
    except (TypeError, ValueError):
        start_s = end_s = np.nan
    if not 0 <= start_s < end_s < np.inf:
        raise UsageError(f"{where}: is no stretch of time", "give start_s and a later end_s, in seconds")
    return Stretch(start_s, end_s, label)


def evaluate_videos(labels: Path, options: RunOptions, groups: Sequence[str] = ()) -> dict[str, Any]:
    """Run the pipeline over labelled videos and compare by seconds.

    At each sampled moment the best face of a track that can be judged speaks for the time until the next sample; where
    there is none, the seconds are told apart. Accuracy is by its largest probability, `uncertain` by what the tables
    have as its smoothed expression.

    Args:
        labels: a CSV with file,start_s,end_s,label.
        options: sampling, detector, model.
        groups: columns that are groups besides `camera`, `group` and group_….

    Returns:
        Figures over all videos, under `files` those of each, and under `groups` those of each group by column. Seconds of
        one video are no independent samples, so there are no intervals; `videos` says how many there were.

    Raises:
        UsageError: a wrong list or setting.
        VideoError: a video cannot be read. A score over the others would be another one.
    """
    stretches = read_stretches(labels, groups)
    engines = Engines.load(options)
    if engines.classifier.facts.columns != EXPRESSIONS:
        raise UsageError(f"MODEL {options.model}: has classes of its own", "score it on still pictures")
    total, files = Seconds(), {}
    by_group: dict[str, dict[str, Seconds]] = defaultdict(lambda: defaultdict(Seconds))
    videos: dict[tuple[str, str], set[Path]] = defaultdict(set)
    for file, labelled in stretches.items():
        try:
            result = _through_the_pipeline(file, options, engines)
        except VideoError as error:
            raise UsageError(error.problem, f"{error.remedy}; or remove it from {labels}") from None
        own = Seconds()
        _add(own, labelled, result)
        total.likeliest += own.likeliest
        total.told += own.told
        files[str(file)] = own.to_json()
        for stretch in labelled:
            for column, name in stretch.groups.items():
                _add(by_group[column][name], [stretch], result)
                videos[column, name].add(file)
    told = {
        column: {name: {"videos": len(videos[column, name])} | found[name].to_json() for name in sorted(found)}
        for column, found in by_group.items()
    }
    return total.to_json() | {"files": files, "groups": told, "not_tested": list(not_tested(tuple(told)))}


def _through_the_pipeline(file: Path, options: RunOptions, engines: Engines) -> VideoResult:
    plan, segments = plan_file(file, options, Pulse())
    parts: list[SegmentRows] = []
    for segment in segments:
        shape = parts[0].shape if parts else None
        parts.append(read_segment(file, plan, segment, options, engines, Pulse(), shape))
    return finish_video(file, plan, SegmentRows.joined(parts), options, engines)


def _add(seconds: Seconds, labelled: list[Stretch], result: VideoResult) -> None:
    moments_s = result.samples.pts_s
    until_s = np.append(moments_s[1:], result.plan.duration_s)
    likeliest = _spoken(result, result.faces.probabilities.argmax(axis=1))
    told = _spoken(result, result.smoothed)
    for stretch in labelled:
        shared_s = np.minimum(until_s, stretch.end_s) - np.maximum(moments_s, stretch.start_s)
        for moment in np.flatnonzero(shared_s > 0):
            seconds.likeliest[stretch.label, likeliest[moment]] += shared_s[moment]
            seconds.told[stretch.label, told[moment]] += shared_s[moment]


def _spoken(result: VideoResult, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """(samples,) the label, of those of all faces, of the best face of a track that can be judged; or _NO_FACE."""
    worth = np.where(result.smoothed >= 0, weights(result.faces), 0.0)
    said = np.full(len(result.samples), _NO_FACE, np.int64)
    place = {sample: k for k, sample in enumerate(result.samples.sample.tolist())}
    for row in np.argsort(worth, kind="stable"):
        if worth[row] > 0:
            said[place[int(result.faces.sample[row])]] = labels[row]
    return said


def _ratio(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None


def in_words(result: dict[str, Any]) -> str:
    """The result as lines for a person."""

    def shown(value: float | None) -> str:
        return "-" if value is None else f"{value:.3f}"

    uncertain = result["uncertain"]
    lines = [
        f"{result['seconds']:.1f} labelled seconds, without a face to judge {shown(result['no_face'])} of them",
        f"of the others: accuracy {shown(result['accuracy'])}, macro-F1 {shown(result['macro_f1'])}",
        f"uncertain {shown(uncertain['share'])}, accuracy of the rest {shown(uncertain['accuracy_of_accepted'])}",
        f"{'':10}{'seconds':>9}{'precision':>11}{'recall':>8}",
    ]
    for name, row in result["classes"].items():
        lines.append(f"{name:10}{row['seconds']:>9.1f}{shown(row['precision']):>11}{shown(row['recall']):>8}")
    for name, own in result["files"].items():
        lines.append(f"{name}: {own['seconds']:.1f} s, accuracy {shown(own['accuracy'])}")
    for column, found in result["groups"].items():
        for name, own in found.items():
            seen = f"{own['seconds']:.1f} s of {own['videos']} video{'' if own['videos'] == 1 else 's'}"
            lines.append(f"{column} {name}: {seen}, accuracy {shown(own['accuracy'])}, no face {shown(own['no_face'])}")
    if result["not_tested"]:
        lines.append(f"never tested here: {', '.join(name.replace('_', ' ') for name in result['not_tested'])}")
    return "\n".join(lines)
