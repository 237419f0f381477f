"""Events depend on what is in their own footage: not on what else is in OUT, nor on what lies about them on the clock."""

from datetime import timedelta
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest

from analytics.events.archive import chunks, read_recordings, read_tracks
from analytics.events.finding import find_events
from analytics.events.hits import Hit, Line, _followed
from analytics.events.store import rows_of
from analytics.tables import prepare
from jobs.events import compared
from jobs.opened import alone
from tests.archive import METADATA, video_id_of
from tests.planted import FIRST, Drawer, Filed, _write, write_planted
from tests.test_events import rules_from_text, scene, standing

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


def many(n: int, moved_s: float) -> list[dict[str, object]]:
    """Events of one rule and camera, a minute apart."""
    rows: list[dict[str, object]] = []
    for k in range(n):
        start = FIRST + timedelta(seconds=60 * k + moved_s)
        rows.append(
            {"event_id": f"{moved_s}-{k}", "rule": "r", "camera": "c", "video_id": f"{k}", "start_s": 60.0 * k + moved_s,
             "end_s": 60.0 * k + moved_s + 20, "time": start, "end_time": start + timedelta(seconds=20)}
        )  # fmt: skip
    return rows


def test_events_that_moved_are_paired_without_holding_all_against_all() -> None:
    """Eight seconds of twenty still are the same event, twelve are not; twenty thousand take a moment."""
    n = 20_000
    begin = perf_counter()
    added, removed, changed = compared(many(n, 0.0), many(n, 8.0))
    assert (len(added), len(removed), len(changed)) == (0, 0, n)
    assert [other["video_id"] for one, other in changed] == [one["video_id"] for one, other in changed]
    added, removed, changed = compared(many(n, 0.0), many(n, 12.0))
    assert (len(added), len(removed), len(changed)) == (n, n, 0)
    assert perf_counter() - begin < 10


def test_what_follows_is_told_from_the_latest_that_was_ready() -> None:
    """As by looking at each of them; and many take a moment."""
    random = np.random.default_rng(3)

    def hits(n: int, until_s: float) -> list[Hit]:
        starts = np.sort(random.uniform(0, until_s, n)).round(1).tolist()
        return [Hit(start=s, end=s + 5, ripe=s + 3, peak=s, worth=1.0, facts=()) for s in starts]

    first, second = hits(60, 600.0), hits(60, 600.0)
    found = list(_followed(Line(first), Line(second), 8.0, 1))
    plain = []
    for after in second:
        ready = [one for one in first if one.ripe <= after.start]
        if ready and after.ripe - min(max(one.end for one in ready), after.start) <= 8.0:
            plain.append(after.end)
    assert 0 < len(plain) < len(second)
    assert [one.end for one in found] == plain
    begin = perf_counter()
    assert list(_followed(Line(hits(20_000, 1e6)), Line(hits(20_000, 1e6)), 8.0, 1))
    assert perf_counter() - begin < 5


def test_what_a_kill_left_half_written_goes_with_the_next_command(tmp_path: Path) -> None:
    """It may hold rows of videos that are to be purged."""
    scene(tmp_path / "out", [standing(5, 20)])
    half = tmp_path / "out" / "events" / "day=2026-05-04" / "cam=shop" / "events.parquet.0123.tmp"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"rows")
    with alone(str(tmp_path / "out"), "emobatch purge") as folder:
        assert not list(folder.rglob("*.tmp"))
