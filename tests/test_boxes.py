"""The boxes of a page lie where the faces lay, in as few numbers as the eye needs."""

from itertools import accumulate

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from analytics.records import Gap
from reports.boxes import TOLERANCE_OF_SIDE, TOLERANCE_PX, Boxes, boxes_of, captions_of
from reports.timeline import LABELS, Run


def frame(rows: list[tuple[float, int | None, float, float, float, float]]) -> pd.DataFrame:
    """Faces from time, track, x, y, width and height, in order of time."""
    return pd.DataFrame(sorted(rows), columns=["pts_s", "track_id", "x", "y", "w", "h"])


def walking(n: int, jitter: float = 0.0, track_id: int = 1, seed: int = 1) -> pd.DataFrame:
    """A face that crosses the picture in a curve, two samples a second."""
    shake = np.random.default_rng(seed).normal(0, jitter, (n, 2)) if jitter else np.zeros((n, 2))
    return frame(
        [(k / 2, track_id, 10 * k + dx, 200 + 80 * np.sin(k / 9) + dy, 60, 80) for k, (dx, dy) in enumerate(shake)]
    )


def shown(boxes: Boxes, track_id: int, pts_s: float) -> NDArray[np.float64] | None:
    """Where the page draws the box of a track at a moment, (4,) edges; None where it draws none. As boxes.js does."""
    ms = round(pts_s * 1000)
    for row in boxes.encoded():
        track, end_ms, *steps = row
        rows = np.cumsum(np.array(steps).reshape(-1, 5), axis=0)
        if track == track_id and rows[0, 0] <= ms <= end_ms:
            return np.array([np.interp(ms, rows[:, 0], rows[:, k]) for k in range(1, 5)])
    return None


@st.composite
def faces(draw: st.DrawFn) -> pd.DataFrame:
    """Up to three tracks that come and go, walk, jump and grow."""
    rows: list[tuple[float, int | None, float, float, float, float]] = []
    for track_id in range(1, draw(st.integers(1, 3)) + 1):
        x, y, side = (draw(st.floats(0, 1000)) for _ in range(3))
        for k in range(draw(st.integers(1, 25))):
            x += draw(st.sampled_from([0.0, 0.3, 12.0, -250.0]))
            y += draw(st.sampled_from([0.0, -0.7, 5.0]))
            side = max(8.0, side + draw(st.sampled_from([0.0, 0.4, -3.0])))
            if draw(st.integers(0, 9)):
                rows.append((k / 2, track_id, x, y, side, side * 1.25))
    return frame(rows) if rows else walking(3)


@given(faces())
def test_every_face_lies_in_its_box(found: pd.DataFrame) -> None:
    """Faces that were left out lie where the line between their neighbours has them, within the tolerance."""
    moments = np.arange(0, 13, 0.5)
    boxes = boxes_of(found, moments, 13.0, [])
    assert boxes.tolerance == 1 and boxes.n_left_out == 0
    for pts_s, track_id, x, y, w, h in found.to_numpy(np.float64).tolist():
        drawn = shown(boxes, int(track_id), pts_s)
        assert drawn is not None
        most = max(TOLERANCE_PX, TOLERANCE_OF_SIDE * min(w, h))
        assert np.abs(drawn - [x, y, x + w, y + h]).max() <= most + 1e-6


def test_what_a_line_tells_is_left_out() -> None:
    """A face that stands still for an hour is two faces."""
    boxes = boxes_of(frame([(k / 2, 1, 100.2, 50.7, 40, 50) for k in range(7200)]), np.arange(0, 3600, 0.5), 3600, [])
    (sighting,) = boxes.sightings
    assert sighting.times_ms.tolist() == [0, 3_599_500]
    assert sighting.edges_px.tolist() == [[100, 51, 140, 101]] * 2
    assert boxes.encoded() == [[1, 3_599_750, 0, 100, 51, 140, 101, 3_599_500, 0, 0, 0, 0]]


def test_a_track_out_of_sight_has_no_box() -> None:
    """The last box stands for half the distance of two samples, and none is drawn over time in between or a gap."""
    found = frame([(t, 1, 10 * t, 0, 40, 40) for t in (0.0, 0.5, 1.0, 3.0, 3.5, 5.0, 5.5)])
    gap = Gap(3.6, 4.9, "hole", "lost")
    moments = np.array([t for t in np.arange(0, 6, 0.5) if not 3.6 < t < 4.9])
    boxes = boxes_of(found, moments, 6.0, [gap])
    assert [(s.times_ms[0], s.end_s) for s in boxes.sightings] == [(0, 1.25), (3000, 3.6), (5000, 5.75)]
    assert shown(boxes, 1, 2.0) is None and shown(boxes, 1, 4.5) is None
    assert shown(boxes, 2, 0.5) is None


def test_faces_outside_tracks_have_no_box() -> None:
    """Nor have faces whose place is no number; their frames were sampled all the same."""
    found = frame([(0.0, 1, 0, 0, 9, 9), (0.5, None, 0, 0, 9, 9), (1.0, 1, 0, 0, 9, 9), (1.5, 1, np.nan, 0, 9, 9)])
    boxes = boxes_of(found, np.array([]), 2.0, [])
    assert [(s.times_ms.tolist(), s.end_s) for s in boxes.sightings] == [([0], 0.25), ([1000], 1.25)]


def test_more_than_a_page_may_hold_costs_exactness() -> None:
    """The tolerance grows as far as it must, and holds; nobody loses a box."""
    parts = [walking(400, jitter=9, track_id=k, seed=k) for k in (1, 2, 3)]
    found = pd.concat(parts).sort_values("pts_s", kind="stable")
    boxes = boxes_of(found, np.arange(0, 200, 0.5), 200, [], most=300)
    assert sum(len(s.times_ms) for s in boxes.sightings) == 300
    assert boxes.tolerance > 1 and boxes.n_left_out == 0
    for pts_s, track_id, x, y, _, _ in found.to_numpy(np.float64).tolist():
        drawn = shown(boxes, int(track_id), pts_s)
        assert drawn is not None
        assert np.abs(drawn[:2] - [x, y]).max() <= boxes.tolerance * TOLERANCE_PX + 1e-6


def test_the_shortest_sightings_go_where_even_they_are_too_many() -> None:
    """Their number is told; the longest stay."""
    found = frame([(2 * k + j / 2, 1, 0, 0, 40, 40) for k in range(50) for j in range(2 if k else 3)])
    boxes = boxes_of(found, np.arange(0, 100, 0.5), 100, [], most=20)
    assert boxes.n_left_out == 40 and len(boxes.sightings) == 10
    assert boxes.sightings[0].times_ms[0] == 0


def run(start_s: float, end_s: float, label: str | None, confidence: float, track_id: int = 1) -> Run:
    """A run of a track."""
    return Run(track_id, start_s, end_s, label, 2, 2 if label else 0, end_s - start_s, confidence)


def test_captions_change_where_the_expression_does() -> None:
    """Time in ms, place of the label, percent rounded down; not judged is a place of its own."""
    runs = [run(0, 2, "happy", 0.999), run(2, 3, None, 0), run(3, 4, "sad", 0.5), run(1, 2, "fear", 0.29, 2)]
    assert captions_of(runs, LABELS) == [
        [1, 0, LABELS.index("happy"), 99, 2000, len(LABELS), 0, 3000, LABELS.index("sad"), 50],
        [2, 1000, LABELS.index("fear"), 29],
    ]


@pytest.mark.parametrize("most", [0, 1, 5, 50])
def test_too_many_captions_leave_out_the_shortest(most: int) -> None:
    """Stretches that are not told say so; no stretch says what another one showed."""
    lengths = [1 + k % 7 for k in range(50)]
    starts = [0, *accumulate(lengths)]
    runs = [run(starts[k], starts[k + 1], LABELS[k % 3], 0.5) for k in range(50)]
    ((_, *told),) = captions_of(runs, LABELS, most)
    rows = [told[k : k + 3] for k in range(0, len(told), 3)]
    assert sum(label >= 0 for _, label, _ in rows) <= max(most, 0)
    for each in runs:
        label = [label for ms, label, _ in rows if ms <= each.start_s * 1000][-1]
        assert label in (-1, LABELS.index(each.label or ""))
