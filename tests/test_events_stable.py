"""Events depend on what is in their own footage: not on what else is in OUT, nor on what lies about them on the clock."""

from datetime import timedelta
from pathlib import Path

import pytest

from analytics.events.archive import chunks, read_recordings, read_tracks
from analytics.events.finding import find_events
from analytics.events.store import rows_of
from analytics.tables import prepare
from tests.archive import METADATA, video_id_of
from tests.planted import FIRST, Drawer, Filed, _write, write_planted
from tests.test_events import rules_from_text, standing

CHANGE = 'zone = "shelf"\nchange = "surprise"\ncooldown = 0\nmerge_gap = 0'


@pytest.mark.parametrize("every", [0.5, 0.4])
def test_the_same_scene_gives_the_same_events_wherever_its_footage_lies(tmp_path: Path, every: float) -> None:
    """Copies of one file, hours apart on the clock of a camera: each has what the first has."""
    prepare(tmp_path, METADATA)
    drawer = Drawer(1, 0.0)
    drawer.people = [standing(5, 60, moods=[(30.2, 34.2, "surprise", 3.4)])]
    drawer.hours = 0.25
    faces = drawer.faces(every)
    for k in range(12):
        start = FIRST + timedelta(hours=k)
        _write(tmp_path, video_id_of(k), "shop", start, faces, 0.0, 900.0, every, [])
    found = rows_of(find_events(tmp_path, rules_from_text(tmp_path, CHANGE)).items)
    assert len({row["video_id"] for row in found}) == 12
    names = ("start_s", "end_s", "peak_pts_s", "evidence", "tracks", "thresholds")
    assert len({str([row[name] for name in names]) for row in found}) == 1


def test_an_event_does_not_end_after_its_video(tmp_path: Path) -> None:
    """It ends with the last face that was judged."""
    drawer = Drawer(1, 0.0)
    drawer.hours = 0.02
    drawer.people = [standing(5, 72, moods=[(70.2, 80, "surprise", 9.0)])]
    write_planted(tmp_path, "shop", drawer, Filed(file_s=72.0, gap_s=0.0))
    (row,) = rows_of(find_events(tmp_path, rules_from_text(tmp_path, CHANGE)).items)
    assert row["end_s"] <= 72.0


def test_undated_footage_is_read_camera_by_camera(tmp_path: Path) -> None:
    """Video ids of two cameras in turn make one piece a camera, not one a video."""
    for k in range(6):
        drawer = Drawer(1, 0.0)
        drawer.hours, drawer.people = 0.02, [standing(5, 20)]
        write_planted(tmp_path, ("shop", "hall")[k % 2], drawer, Filed(dated=False), first=k)
    recordings = read_recordings(tmp_path)
    assert len(recordings) == 6
    pieces = list(chunks(recordings, read_tracks(tmp_path, recordings), 30.0))
    assert [len(piece.clock.recordings) for piece in pieces] == [3, 3]
