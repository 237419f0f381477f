"""Whoever hardly moves is left out as a picture: that is counted, told, and can be changed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analytics.errors import UsageError
from analytics.events.finding import find_events
from analytics.events.posters import Spot, Still, places
from jobs.events import evaluate
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
    assert (done.json["events"], told["places"], told["stays"], told["by_camera"]) == (1, 2, 2, {"shop": 2})
    assert told["tracks"] >= 2
    longest = told["longest"]
    assert (longest["camera"], longest["seconds"]) == ("shop", pytest.approx(390, abs=3))
    line = emobatch("events", "out", "--dry-run", cwd=folder).stdout.splitlines()[-1]
    stays = f"2 stays, {told['tracks']} tracks"
    words = (
        f"what hardly moves was left out as still pictures, such as posters, at 2 places ({stays}): shop 2; the longest"
    )
    assert line.startswith(words)
    assert f"from track {longest['track_id']} of video {longest['video_id']} on, for 6 min " in line
    assert "set still below [events]" in line


def test_a_poster_that_is_hidden_now_and_then_is_at_one_place(tmp_path: Path) -> None:
    """Its stays are counted as stays; what is elsewhere, bigger, or of another camera is at another place."""
    hung = [standing(10 + 130 * k, 70 + 130 * k, 450.0, sway=0.0) for k in range(4)]
    scene(tmp_path / "out", [*hung, standing(10, 70, 700.0, sway=0.0)])
    told = _told(tmp_path)
    assert (told["places"], told["stays"], told["by_camera"]) == (2, 5, {"shop": 2})
    assert "at 2 places (5 stays, " in emobatch("events", "out", cwd=tmp_path).stdout.splitlines()[-1]


def _told(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = evaluate(folder / "out", rules_from_text(folder, 'zone = "shelf"\ndwell = 20')).to_json()
    return dict(found["still"])


@pytest.mark.parametrize(
    ("other", "camera", "n"),
    [
        (Spot(0.51, 0.5, 0.1), "a", 1),
        (Spot(0.5, 0.54, 0.12), "a", 1),
        (Spot(0.57, 0.5, 0.1), "a", 2),
        (Spot(0.5, 0.5, 0.15), "a", 2),
        (Spot(0.5, 0.5, 0.1), "b", 2),
        (Spot(0.5, 0.5, 0.1), None, 2),
    ],
)
def test_what_is_one_place(other: Spot, camera: str | None, n: int) -> None:
    """Of one camera, within half a face, and as big."""
    one = Still(camera="a", tracks=(("v", 1),), seconds=30.0, spot=Spot(0.5, 0.5, 0.1))
    assert len(places([one, replace(one, camera=camera, spot=other), one])) == n


def test_nothing_is_told_where_nobody_is_left_out(tmp_path: Path) -> None:
    """A line that is always there would not be read."""
    scene(tmp_path / "out", [standing(500, 590)])
    rules_from_text(tmp_path, RULE)
    done = emobatch("events", "out", "--json", cwd=tmp_path)
    assert done.json["still"] == {"places": 0, "stays": 0, "tracks": 0, "by_camera": {}, "longest": None}
    assert "hardly" not in emobatch("events", "out", cwd=tmp_path).stdout


@pytest.mark.parametrize(("still", "n", "n_left"), [("0", 3, 0), ('"3m"', 2, 1), ('"20s"', 1, 2)])
def test_a_longer_time_or_none_brings_people_back(still: str, n: int, n_left: int, folder: Path) -> None:
    """The guard does not stand for as long as the poster hangs."""
    text = (folder / "emobatch.toml").read_text("utf-8")
    (folder / "emobatch.toml").write_text(f"{text}merge_gap = 0\ncooldown = 0\n[events]\nstill = {still}\n", "utf-8")
    told = emobatch("events", "out", "--dry-run", "--json", cwd=folder).json
    assert (told["events"], told["still"]["stays"]) == (_merged(n), n_left)


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
