"""Changes of expression within a track: the moments that a person may want to look at. Pure functions."""

import math
from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
from operator import attrgetter
from typing import Any, Final

from analytics.expressions import UNCERTAIN
from reports.records import Change
from reports.timeline import Run

LEAST_S: Final = 1.0
"""Seconds that an expression lasts before and after, at least: what is shorter may be a flicker."""
MOST_BETWEEN_S: Final = 3.0
"""Seconds of uncertain or unjudged time that may lie between both sides."""
MOST_OF_A_VIDEO: Final = 40


def changes_of(video_id: str, runs: Sequence[Run]) -> tuple[Change, ...]:
    """The changes of one video, the strongest first.

    An expression goes on over uncertain or unjudged time of up to MOST_BETWEEN_S where it is the same again behind it.

    Args:
        video_id: of the video.
        runs: by track and time.
    """
    found: list[Change] = []
    for track_id, of_track in groupby(runs, key=attrgetter("track_id")):
        for before, after in pairwise(_stretches(of_track)):
            lasting = min(before.judged_s, after.judged_s) >= LEAST_S
            if lasting and before.label and after.label and after.start_s - before.end_s <= MOST_BETWEEN_S:
                found.append(
                    Change(
                        video_id=video_id,
                        track_id=track_id,
                        at_s=after.start_s,
                        before=before.label,
                        after=after.label,
                        before_s=before.end_s - before.start_s,
                        after_s=after.end_s - after.start_s,
                        confidence=min(before.confidence, after.confidence),
                    )
                )
    return strongest(found)[:MOST_OF_A_VIDEO]


def strongest(changes: Iterable[Change]) -> tuple[Change, ...]:
    """All of them, the strongest first; of equal ones by video and time."""
    return tuple(sorted(changes, key=lambda change: (-change.strength, change.video_id, change.at_s, change.track_id)))


def encoded(changes: Sequence[Change]) -> list[list[Any]]:
    """As the last line of a page carries them."""
    return [
        [
            c.track_id,
            round(c.at_s, 3),
            c.before,
            c.after,
            round(c.before_s, 2),
            round(c.after_s, 2),
            round(c.confidence, 3),
        ]
        for c in changes
    ]


def decoded(video_id: str, told: Any, labels: Sequence[str]) -> list[Change]:
    """From the last line of a page; none where it says anything else, as that may come from anybody."""
    try:
        changes = [
            Change(video_id, int(track), float(at_s), before, after, float(before_s), float(after_s), float(sure))
            for track, at_s, before, after, before_s, after_s, sure in told
        ]
    except (TypeError, ValueError):
        return []
    return [change for change in changes if {change.before, change.after} <= set(labels) and _is_finite(change)]


def _is_finite(change: Change) -> bool:
    return all(map(math.isfinite, (change.at_s, change.before_s, change.after_s, change.confidence)))


def _stretches(runs: Iterable[Run]) -> list[Run]:
    """Runs with a label, those of the same one joined over what little lies between them."""
    joined: list[Run] = []
    for run in runs:
        if run.label is None or run.label == UNCERTAIN:
            continue
        last = joined[-1] if joined else None
        if last and last.label == run.label and run.start_s - last.end_s <= MOST_BETWEEN_S:
            joined[-1] = _joined(last, run)
        else:
            joined.append(run)
    return joined


def _joined(first: Run, second: Run) -> Run:
    n_usable = first.n_usable + second.n_usable
    sure = first.confidence * first.n_usable + second.confidence * second.n_usable
    return Run(
        track_id=first.track_id,
        start_s=first.start_s,
        end_s=second.end_s,
        label=first.label,
        n_faces=first.n_faces + second.n_faces,
        n_usable=n_usable,
        judged_s=first.judged_s + second.judged_s,
        confidence=sure / n_usable if n_usable else 0.0,
    )
