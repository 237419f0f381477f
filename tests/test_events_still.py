"""Whoever hardly moves is left out as a picture: that is counted, told, and can be changed."""

from pathlib import Path

import pytest

from analytics.errors import UsageError
from analytics.events.finding import find_events
from tests.command import emobatch
from tests.test_events import rules_from_text, scene, standing
from tests.test_events_config import read, rule

RULE = 'zone = "shelf"\ndwell = 60'


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    """A poster for six minutes and a guard who stands for one and a half as if he were one; somebody who sways."""
    scene(tmp_path / "out", [standing(10, 400, 450.0, sway=0.0), standing(100, 190, sway=0.0), standing(500, 590)])
    rules_from_text(tmp_path, RULE)
    return tmp_path


def test_what_is_left_out_is_told(folder: Path) -> None:
    """How many, of which camera, and where to look."""
    done = emobatch("events", "out", "--json", cwd=folder)
    told = done.json["still"]
    assert (done.json["events"], told["faces"], told["by_camera"]) == (1, 2, {"shop": 2})
    assert told["tracks"] >= 2
    longest = told["longest"]
    assert (longest["camera"], longest["seconds"]) == ("shop", pytest.approx(390, abs=3))
    line = emobatch("events", "out", "--dry-run", cwd=folder).stdout.splitlines()[-1]
    tracks = f"{told['tracks']} tracks"
    assert line.startswith(
        f"2 faces ({tracks}) that hardly move were left out as still pictures, such as posters: shop 2;"
    )
    assert f"from track {longest['track_id']} of video {longest['video_id']} on, for 6 min " in line
    assert "set still below [events]" in line


def test_nothing_is_told_where_nobody_is_left_out(tmp_path: Path) -> None:
    """A line that is always there would not be read."""
    scene(tmp_path / "out", [standing(500, 590)])
    rules_from_text(tmp_path, RULE)
    done = emobatch("events", "out", "--json", cwd=tmp_path)
    assert done.json["still"] == {"faces": 0, "tracks": 0, "by_camera": {}, "longest": None}
    assert "hardly" not in emobatch("events", "out", cwd=tmp_path).stdout


@pytest.mark.parametrize(("still", "n", "n_left"), [("0", 3, 0), ('"3m"', 2, 1), ('"20s"', 1, 2)])
def test_a_longer_time_or_none_brings_people_back(still: str, n: int, n_left: int, folder: Path) -> None:
    """The guard does not stand for as long as the poster hangs."""
    text = (folder / "emobatch.toml").read_text("utf-8")
    (folder / "emobatch.toml").write_text(f"{text}merge_gap = 0\ncooldown = 0\n[events]\nstill = {still}\n", "utf-8")
    told = emobatch("events", "out", "--dry-run", "--json", cwd=folder).json
    assert (told["events"], told["still"]["faces"]) == (_merged(n), n_left)


def _merged(n: int) -> int:
    return 2 if n == 3 else n  # The guard stands while the poster hangs: one event of both.


def test_tracks_that_no_rule_could_use_are_not_counted(folder: Path) -> None:
    """A rule for the night looks at nobody of the day."""
    rules = rules_from_text(folder, f'{RULE}\nhours = "22-06"')
    assert find_events(folder / "out", rules).still == ()


@pytest.mark.parametrize(("value", "words"), [("3", "3 s: everybody stands still"), ('"8d"', "out of range")])
def test_a_time_that_would_leave_out_everybody(value: str, words: str, tmp_path: Path) -> None:
    """With its line."""
    with pytest.raises(UsageError, match=rf"emobatch.toml:2: events: still: .*{words}"):
        read(f"[events]\nstill = {value}\n{rule(RULE)}", tmp_path)
