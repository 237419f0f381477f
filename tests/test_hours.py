"""Judged time by hour: none is lost, none is made, and it stands in the hour that the camera's clock showed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.expressions import EXPRESSIONS
from reports.archive import read_archive
from reports.hours import cells_of, judged_s, pieces_of
from reports.timeline import LABELS
from tests.test_report_data import WHOLE, track_row, video_row, write_rows

AB = ("a", "b")
# 2026-10-25 00:00, where the day is 25 hours long.
MIDNIGHT = datetime(2026, 10, 25, tzinfo=UTC).timestamp()


def frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Tracks as read_tracks gives them, as far as cells need them."""
    columns = ["camera", "local_start", "start_s", "end_s", "judged_s", "share_a", "share_b"]
    return pd.DataFrame(rows, columns=columns).astype({name: float for name in columns[1:]})


tracks = st.lists(
    st.builds(
        lambda camera, start, length, judged, share: {
            "camera": camera,
            "local_start": start,
            "start_s": 5.0,
            "end_s": 5.0 + length,
            "judged_s": judged,
            "share_a": share,
            "share_b": 1 - share,
        },
        st.sampled_from(["x", "y", None]),
        st.one_of(st.just(float("nan")), st.floats(MIDNIGHT - 90_000, MIDNIGHT + 90_000)),
        st.floats(0, 100_000),
        st.floats(0, 1000),
        st.floats(0, 1),
    ),
    max_size=20,
)


@given(tracks, st.sampled_from([300.0, 3600.0]))
def test_judged_time_is_conserved(rows: list[dict[str, Any]], bucket_s: float) -> None:
    """All judged time of tracks with a known start is in some cell, by camera and label, within its day."""
    told = frame(rows)
    cells = cells_of(told, AB, bucket_s)
    known = told[told["local_start"].notna()]
    for label in AB:
        for camera in ("x", "y", None):
            mine = known[known["camera"].isna() if camera is None else known["camera"] == camera]
            found = cells[cells["camera"].isna() if camera is None else cells["camera"] == camera]
            assert found[label].sum() == pytest.approx((mine["judged_s"] * mine[f"share_{label}"]).sum(), abs=1e-6)
    assert cells["hour"].between(0, 86400 / bucket_s - 1).all()
    assert not cells.duplicated(["camera", "day", "hour"]).any()
    assert (cells[list(AB)].to_numpy() >= 0).all()


@given(tracks)
def test_every_piece_lies_in_its_bucket(rows: list[dict[str, Any]]) -> None:
    """A piece begins where its day and hour say, and its row is the track that it is of."""
    told = frame(rows)
    pieces = pieces_of(told, AB)
    for piece in pieces.to_dict("records"):
        assert piece["begins"] // 3600 % 24 == piece["hour"]
        assert datetime.fromtimestamp(piece["begins"], UTC).date().isoformat() == piece["day"]
        assert piece["begins"] >= told["local_start"].iloc[piece["row"]]


def test_a_track_over_midnight_is_divided_among_both_days() -> None:
    """A minute before and three after, judged half of the time."""
    row = {"camera": "x", "local_start": MIDNIGHT - 60, "start_s": 0.0, "end_s": 240.0, "judged_s": 120.0}
    cells = cells_of(frame([row | {"share_a": 1.0, "share_b": 0.0}]), AB)
    found = cells[["day", "hour", "n_tracks", "a", "b"]].to_numpy().tolist()
    assert found == [
        ["2026-10-24", 23, 1, pytest.approx(30), 0],
        ["2026-10-25", 0, 1, pytest.approx(90), 0],
    ]


def test_what_ends_with_the_hour_reaches_into_no_other() -> None:
    """No cell without judged time is made."""
    row = {"camera": "x", "local_start": MIDNIGHT + 3540, "start_s": 0.0, "end_s": 60.0, "judged_s": 60.0}
    assert cells_of(frame([row | {"share_a": 1.0, "share_b": 0.0}]), AB)["hour"].tolist() == [0]


@pytest.mark.parametrize(
    ("start", "hours"),
    [
        (datetime(2026, 10, 24, 23, 30, tzinfo=UTC), [1, 2, 2, 3]),  # 01:30 in summer time; 2:00 comes twice
        (datetime(2026, 3, 29, 0, 30, tzinfo=UTC), [1, 3, 4, 5]),  # 01:30 in winter time; 2:00 is skipped
    ],
)
def test_summer_time_that_begins_or_ends_within_a_video(tmp_path: Path, start: datetime, hours: list[int]) -> None:
    """A track stands in the hour that the camera's clock showed then, not in that since the start of the video."""
    video = video_row(WHOLE, start_time=start, duration_s=4 * 3600.0, n_faces=40, n_tracks=4)
    write_rows(tmp_path, "videos", [video], WHOLE)
    # One at the full hour and forty minutes each hour.
    times = [k * 3600.0 + 10 for k in range(4)]
    rows = [track_row(WHOLE, k + 1, at, at + 20, happy=1.0) for k, at in enumerate(times)]
    write_rows(tmp_path, "tracks", rows, WHOLE)
    found = read_archive(tmp_path).tracks["local_start"].to_numpy()
    clock = [datetime.fromtimestamp(at, UTC) for at in found]
    assert [at.hour for at in clock] == hours
    assert {at.minute for at in clock} == {30}
    assert start + timedelta(hours=3, seconds=10) == video["start_time"] + timedelta(seconds=times[-1])


def test_a_track_counts_for_the_time_of_its_usable_faces() -> None:
    """Ten faces a half second apart stand for five seconds; eight of them are usable."""
    rows = pd.DataFrame([track_row(WHOLE, 1, 0.0, 4.5, happy=1.0)])
    assert judged_s(rows).tolist() == [pytest.approx(4.0)]


def test_no_track_gives_no_cell() -> None:
    """Neither an archive without tracks nor one without starts has cells."""
    assert len(cells_of(frame([]), AB)) == 0
    row = {"camera": "x", "local_start": np.nan, "start_s": 0.0, "end_s": 60.0, "judged_s": 60.0}
    assert len(cells_of(frame([row | {"share_a": 1.0, "share_b": 0.0}]), AB)) == 0
    assert set(EXPRESSIONS) < set(LABELS)
