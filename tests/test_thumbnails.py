"""Pictures of people: none unless asked for, and then nobody can be recognised, unless that is asked for, too."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.detectors import DETECTORS
from tests.clips import write_clip
from tests.command import emobatch, files_below, rows
from tests.footage import Actor, Scene, crossing, standing

PICTURES = (".jpg", ".jpeg", ".png", ".webp")


@pytest.fixture(scope="module", name="footage")
def _footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("footage")
    write_clip(crossing(), folder / "clip.mp4")
    return folder


def thumbnails(out: Path) -> dict[str, Path]:
    """Pictures below OUT by their place there."""
    return {name: out / name for name in sorted(files_below(out)) if name.endswith(PICTURES)}


def faces_in(picture: Path) -> int:
    """Faces that a detector finds in a thumbnail, enlarged."""
    shown = cv2.imread(str(picture))
    assert shown is not None
    return len(DETECTORS["yunet"](min_score=0.5).detect(np.asarray(cv2.resize(shown, None, fx=3, fy=3), np.uint8)))


def test_no_picture_of_anybody_is_written_unless_asked_for(tmp_path: Path, footage: Path) -> None:
    """A run leaves tables and pages."""
    assert emobatch("run", footage, "--out", "out", cwd=tmp_path).code == 0
    assert rows(tmp_path / "out", "tracks")
    assert thumbnails(tmp_path / "out") == {}


def test_thumbnails_are_blurred_until_clear_faces_are_asked_for_and_again_after(tmp_path: Path, footage: Path) -> None:
    """One for each track, drawn without decoding anything for the tables again; what is clear goes when it is not wanted."""
    out = tmp_path / "out"
    assert emobatch("run", footage, "--out", "out", cwd=tmp_path).code == 0
    before = {row["video_id"]: row["finished_at"] for row in rows(out, "videos")}
    [video_id] = before
    expected = {f"reports/thumbnails/{video_id}/{row['track_id']}.jpg" for row in rows(out, "tracks")}
    for clear in (False, True, False):
        options = ("--thumbnails", "--clear-faces") if clear else ("--thumbnails",)
        assert emobatch("run", footage, "--out", "out", *options, cwd=tmp_path).code == 0
        found = thumbnails(out)
        assert set(found) == expected
        assert [faces_in(picture) > 0 for picture in found.values()] == [clear] * len(expected)
    assert {row["video_id"]: row["finished_at"] for row in rows(out, "videos")} == before
    page = (out / "reports" / "videos" / f"{video_id}.html").read_text("utf-8")
    assert all(f"../{name.removeprefix('reports/')}" in page for name in expected)


def test_what_was_blurred_otherwise_is_drawn_again(tmp_path: Path, footage: Path) -> None:
    """As of an earlier release; a run that draws none leaves no weaker blur."""
    command = ("run", footage, "--out", "out")
    assert emobatch(*command, "--thumbnails", cwd=tmp_path).code == 0
    drawn = {name: path.read_bytes() for name, path in thumbnails(tmp_path / "out").items()}
    [marker] = (tmp_path / "out" / "reports" / "thumbnails").rglob("made*")
    noted = json.loads(marker.read_text("utf-8"))
    assert "3 cells" in noted["faces"]

    def be_earlier() -> None:
        marker.write_text(json.dumps({key: value for key, value in noted.items() if key != "faces"}), "utf-8")
        for name in drawn:
            (tmp_path / "out" / name).write_bytes(b"a weaker blur")

    be_earlier()
    assert emobatch(*command, "--thumbnails", cwd=tmp_path).code == 0
    assert {name: path.read_bytes() for name, path in thumbnails(tmp_path / "out").items()} == drawn
    be_earlier()
    assert emobatch(*command, cwd=tmp_path).code == 0
    assert thumbnails(tmp_path / "out") == {}


def test_thumbnails_go_with_their_video(tmp_path: Path, footage: Path) -> None:
    """What is purged leaves no picture behind; the page of no other video lacks one."""
    assert emobatch("run", footage, "--out", "out", "--thumbnails", cwd=tmp_path).code == 0
    assert thumbnails(tmp_path / "out")
    assert emobatch("purge", "out", "--older-than", "0d", "--force", cwd=tmp_path).code == 0
    assert thumbnails(tmp_path / "out") == {}


def test_footage_that_is_away_costs_its_thumbnails_alone(tmp_path: Path) -> None:
    """The run goes on; its log says what is missing, and the next run tries again."""
    clip = tmp_path / "clip.mp4"
    write_clip(crossing(), clip)
    assert emobatch("run", clip, "--out", "out", cwd=tmp_path).code == 0
    other = tmp_path / "other.mp4"
    write_clip(crossing(4.0), other)
    clip.rename(tmp_path / "away")
    done = emobatch("run", other, "--out", "out", "--thumbnails", cwd=tmp_path)
    assert done.code == 0
    [video_id] = {row["video_id"] for row in rows(tmp_path / "out", "videos") if row["source"] == str(other)}
    assert {name.split("/")[2] for name in thumbnails(tmp_path / "out")} == {video_id}
    (tmp_path / "away").rename(clip)
    assert emobatch("run", clip, other, "--out", "out", "--thumbnails", cwd=tmp_path).code == 0
    assert len({name.split("/")[2] for name in thumbnails(tmp_path / "out")}) == 2


def test_another_file_at_the_place_of_one_is_not_shown(tmp_path: Path) -> None:
    """A recorder used the name again: boxes of the old footage would hide nothing of the new one."""
    clip, other = tmp_path / "clip.mp4", tmp_path / "other.mp4"
    write_clip(crossing(), clip)
    assert emobatch("run", clip, "--out", "out", cwd=tmp_path).code == 0
    write_clip(crossing(4.0), other)
    write_clip(Scene(duration_s=6.0, actors=(Actor(standing(300, 100, 90)),)), clip)
    assert emobatch("run", other, "--out", "out", "--thumbnails", cwd=tmp_path).code == 0
    [video_id] = {row["video_id"] for row in rows(tmp_path / "out", "videos") if row["source"] == str(other)}
    assert {name.split("/")[2] for name in thumbnails(tmp_path / "out")} == {video_id}


def test_pictures_of_other_tracks_go(tmp_path: Path, footage: Path) -> None:
    """Other settings number tracks anew; nobody's picture stands beside somebody else's row."""
    assert emobatch("run", footage, "--out", "out", "--thumbnails", cwd=tmp_path).code == 0
    assert thumbnails(tmp_path / "out")
    assert emobatch("run", footage, "--out", "out", "--every", "0.25", cwd=tmp_path).code == 0
    assert thumbnails(tmp_path / "out") == {}
    [page] = (tmp_path / "out" / "reports" / "videos").glob("*.html")
    assert "thumbnails/" not in page.read_text("utf-8")


def test_clear_faces_alone_is_a_contradiction(tmp_path: Path, footage: Path) -> None:
    """It says nothing without thumbnails, and who gives it expects pictures."""
    done = emobatch("run", footage, "--out", "out", "--clear-faces", cwd=tmp_path)
    assert done.code == 2
    assert "--thumbnails" in done.only_error()
    assert json.dumps(sorted(files_below(tmp_path))) == "[]"


@pytest.mark.parametrize("options", [("--thumbnails", "--clear-faces"), ()])
@pytest.mark.parametrize("is_away", [pytest.param(False, marks=pytest.mark.slow), True])
def test_masks_that_come_later_hold_for_thumbnails_of_earlier_footage(
    tmp_path: Path, footage: Path, options: tuple[str, ...], is_away: bool
) -> None:
    """They are drawn again with them, and gone where they cannot be, or where nobody asks for any."""
    clip, other = tmp_path / "clip.mp4", tmp_path / "other.mp4"
    clip.write_bytes((footage / "clip.mp4").read_bytes())
    write_clip(Scene(duration_s=1.0, seed=7), other)
    common = ("--out", "out", "--camera", "till")
    assert emobatch("run", clip, *common, "--thumbnails", "--clear-faces", cwd=tmp_path).code == 0
    before = {name: path.read_bytes() for name, path in thumbnails(tmp_path / "out").items()}
    assert before
    if is_away:
        clip.unlink()
    half = "[[0.5, 0], [1, 0], [1, 1], [0.5, 1]], [[0, 0], [0.49, 0], [0.49, 1], [0, 1]]"
    (tmp_path / "emobatch.toml").write_text(f"[camera.till]\nmasks = [{half}]\n")
    assert emobatch("run", other, *common, *options, cwd=tmp_path).code == 0
    after = thumbnails(tmp_path / "out")
    if is_away or not options:
        assert not after
        return
    assert after.keys() == before.keys()
    for picture in after.values():
        assert np.ptp(np.asarray(cv2.imread(str(picture)), np.int16)[20:90, 20:90]) < 150 and faces_in(picture) == 0
