"""The Python API and `emobatch status`: what a run did, and what lies below OUT."""

from pathlib import Path
from typing import Any

import pytest

import emobatch as front_door
from analytics.errors import UsageError
from jobs.options import from_settings
from tests.clips import write_clip
from tests.command import emobatch
from tests.footage import Actor, Scene, standing


@pytest.fixture(scope="module", name="cwd")
def _cwd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a person's clip, a text named .mp4, and a run over both in `out`."""
    cwd = tmp_path_factory.mktemp("api")
    write_clip(Scene(320, 180, 10.0, 2.0, 3, (Actor(standing(160, 90, 80)),)), cwd / "person.mp4")
    (cwd / "text.mp4").write_text("no video " * 100)
    summary = front_door.run([cwd / "person.mp4", str(cwd / "text.mp4")], cwd / "out", every=0.25, workers=0)
    assert (summary.videos["done"], summary.videos["failed"], summary.exit_code) == (1, 1, 3)
    return cwd


def test_results_open_as_frames(cwd: Path) -> None:
    """Four frames: the settings held, and the rows of all videos are there."""
    results = front_door.open_results(cwd / "out")
    assert sorted(results.videos.status.astype(str)) == ["done", "failed"]
    assert results.samples.pts_s.tolist() == pytest.approx([0, 0.3, 0.5, 0.8, 1.0, 1.3, 1.5, 1.8])
    assert len(results.faces) == 8
    assert results.tracks.n_faces.tolist() == [8]


def test_status_tells_what_failed_and_why(cwd: Path) -> None:
    """In words and as an object."""
    told = emobatch("status", "out", cwd=cwd)
    assert told.code == 0
    assert told.stdout.splitlines()[0] == "1 done, 1 failed"
    assert f"  failed {cwd}/text.mp4: is no video that can be opened" in told.stdout
    found = emobatch("status", "out", "--json", cwd=cwd).json
    assert (found["videos"]["done"], found["videos"]["failed"]) == (1, 1)
    assert [video["status"] for video in found["list"]] == ["done", "failed"]
    assert [video["n_faces"] for video in found["list"]] == [8, 0]


@pytest.mark.parametrize("folder", ["nothing", "."])
def test_a_folder_without_results_is_named(folder: str, cwd: Path) -> None:
    """By status, exit 2, and by open_results."""
    assert f"{folder}: holds no results" in emobatch("status", folder, cwd=cwd).only_error()
    with pytest.raises(UsageError, match="holds no results"):
        front_door.open_results(cwd / "nothing")


def test_an_unknown_setting_is_named(cwd: Path) -> None:
    """With those that there are."""
    with pytest.raises(UsageError, match="evry: no such setting: settings are every, "):
        front_door.run("x.mp4", "out", evry=1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("workers", -1),
        ("workers", "2"),
        ("stall_s", "long"),
        ("stall_s", float("nan")),
        ("camera", 5),
        ("min_face", "x"),
        ("min_score", 2),
        ("long_side", 0.5),
        ("segment", 305),
        ("every", None),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: Any, tmp_path: Path) -> None:
    """Before anything is started, and with what would be right."""
    with pytest.raises(UsageError, match=name) as caught:
        from_settings("footage", tmp_path, {name: value})
    assert "give" in caught.value.remedy


def test_numbers_that_are_equal_are_taken_alike(tmp_path: Path) -> None:
    """Python callers write 300.0 as readily as 300."""
    assert from_settings("x", tmp_path, {"segment": 300.0}) == from_settings("x", tmp_path, {"segment": 300})
