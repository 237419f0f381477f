"""`emobatch redact`: nobody can be seen in the copy, and everything else is as it was."""

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.clips import read_times, write_clip
from tests.command import Finished, emobatch, files_below
from tests.damage import set_rotation, shifted_ts, zero_bytes
from tests.films import kinds, mean_difference, packets, pictures, two_lenses, with_extras
from tests.footage import Actor, Box, Scene, standing

_GREY = 72
TIMES = [0.0, 0.1, 0.15, 0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 0.9, 1.0, 1.1, 1.2]
"""A variable frame rate."""
WALKER = Actor(path=((0.0, 70.0, 90.0, 56.0), (1.3, 250.0, 90.0, 56.0)), hidden=((0.55, 0.75),))
"""Crosses the picture, and cannot be seen for two frames on the way."""
FILM = Scene(width=320, height=180, fps=10, duration_s=1.3, actors=(WALKER,))


def _inside(box: Box, picture: NDArray[np.uint8], share: float = 1.0) -> NDArray[np.uint8]:
    """The part of a picture within a box, or within its middle."""
    x, y, w, h = box
    left, top = x + w * (1 - share) / 2, y + h * (1 - share) / 2
    return picture[max(0, round(top)) : round(top + h * share), max(0, round(left)) : round(left + w * share)]


def _is_covered(box: Box, picture: NDArray[np.uint8]) -> bool:
    """Whether a plain box lies over it."""
    return bool(np.abs(_inside(box, picture).astype(int) - _GREY).max() < 24)


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("redact")
    with_extras(folder / "film.mkv", FILM, TIMES)
    return folder


@pytest.fixture(name="done", scope="module")
def _done(folder: Path) -> Finished:
    return emobatch("redact", "film.mkv", "copy.mkv", "--json", cwd=folder)


def test_the_face_is_covered_in_every_frame(folder: Path, done: Finished) -> None:
    """Also where it was hidden for a moment and no detector could find it; elsewhere pixels are nearly equal."""
    assert done.code == 0, done.stderr
    assert done.json["frames"] == done.json["covered_frames"] == len(TIMES)
    assert done.json["frames_not_found"] >= 1
    w, h = 45.0, 56.0
    for (t, before), (_, after) in zip(pictures(folder / "film.mkv"), pictures(folder / "copy.mkv"), strict=True):
        middle = float(np.interp(t, [0.0, 1.3], [70.0, 250.0]))
        assert _is_covered((middle - w / 2, 90 - h / 2, w, h), after), t
        far = np.ones(before.shape[:2], bool)
        far[:, max(0, round(middle - 75)) : round(middle + 75)] = False
        assert mean_difference(before, after, far) < 3


def test_times_are_the_originals(folder: Path, done: Finished) -> None:
    """Frames of a variable rate are shown when they were shown before."""
    assert done.code == 0
    assert read_times(folder / "copy.mkv") == pytest.approx(read_times(folder / "film.mkv"), abs=1e-6)


def test_sound_and_subtitles_are_copied_packet_for_packet(folder: Path, done: Finished) -> None:
    """Nothing is encoded again, and nothing moves."""
    assert done.code == 0
    for kind in ("audio", "subtitle"):
        (before,), (after,) = packets(folder / "film.mkv", kind), packets(folder / "copy.mkv", kind)
        assert before and [one.content for one in after] == [one.content for one in before]
        assert [one.pts_s for one in after] == pytest.approx([one.pts_s for one in before], abs=0.0011)


def test_what_may_tell_stays_behind(folder: Path, done: Finished) -> None:
    """Chapters, language and the time of recording stay; attachments, title and place do not, and a line says so."""
    assert kinds(folder / "copy.mkv") == ["video", "audio", "subtitle"]
    with av.open(folder / "copy.mkv") as copy:
        told = {name.lower(): text for name, text in copy.metadata.items()}
        assert [chapter["metadata"]["title"] for chapter in copy.chapters()] == ["first"]
        assert copy.streams[2].metadata["language"] == "deu"
    assert told["creation_time"].startswith("2026-11-01T10:00:00")
    assert not {"title", "location"} & set(told)
    assert done.json["left_behind"] == ["stream 3: a cover picture or thumbnail"]
    assert "not in the copy: stream 3: a cover picture or thumbnail" in done.stderr
    assert files_below(folder) >= {"copy.mkv", "film.mkv"} and not [f for f in files_below(folder) if "half" in f]


@pytest.mark.parametrize(
    "turn", [90, pytest.param(270, marks=pytest.mark.slow), pytest.param(180, marks=pytest.mark.slow)]
)
def test_a_turned_film_stays_turned(tmp_path: Path, turn: int) -> None:
    """The stored picture keeps its turn, and the face is covered where a person sees it."""
    actor = Actor(standing(100, 80, 60))
    write_clip(Scene(320, 180, fps=10, duration_s=0.5, actors=(actor,)), tmp_path / "film.mp4", turned=turn, audio=True)
    set_rotation(tmp_path / "film.mp4", turn)
    done = emobatch("redact", "film.mp4", "copy.mp4", "--quiet", cwd=tmp_path)
    assert (done.code, done.stderr) == (0, "")
    with av.open(tmp_path / "film.mp4") as film, av.open(tmp_path / "copy.mp4") as copy:
        before, after = (next(file.decode(video=0)) for file in (film, copy))
        assert (after.rotation, after.width, after.height) == (before.rotation, before.width, before.height)
    box = actor.box_at(0)
    assert box is not None
    for _, picture in pictures(tmp_path / "copy.mp4"):
        assert picture.shape == (180, 320, 3) and _is_covered(box, picture)
    (sound,), (copied) = packets(tmp_path / "film.mp4", "audio"), packets(tmp_path / "copy.mp4", "audio")[0]
    assert copied == sound
    assert read_times(tmp_path / "copy.mp4") == read_times(tmp_path / "film.mp4")


def test_a_transport_stream_of_a_recorder(tmp_path: Path) -> None:
    """Its clock had been running for hours: MP4 begins at zero, sound and picture as far apart as they were.

    A face that comes in at the edge is covered as soon as a third of it can be seen.
    """
    actor = Actor(path=((0.0, -30.0, 90.0, 60.0), (1.2, 150.0, 90.0, 60.0)))
    scene = Scene(320, 180, fps=10, duration_s=1.2, actors=(actor,))
    write_clip(scene, tmp_path / "film.ts", audio=True, bframes=2)
    shifted_ts(tmp_path / "film.ts", 5000)
    done = emobatch("redact", "film.ts", "copy.mp4", "--no-check", "--quiet", cwd=tmp_path)
    assert (done.code, done.stderr) == (0, "")
    before, after = (read_times(tmp_path / name) for name in ("film.ts", "copy.mp4"))
    assert before[0] > 5000 and after[0] < 0.1
    assert [t - after[0] for t in after] == pytest.approx([t - before[0] for t in before], abs=1e-4)
    (sound,), (copied,) = (packets(tmp_path / name, "audio") for name in ("film.ts", "copy.mp4"))
    # The headers of 7 bytes that a transport stream puts before each packet of sound are MP4's index.
    assert [one.content for one in copied] == [one.content[7:] for one in sound]
    assert copied[0].pts_s - after[0] == pytest.approx(sound[0].pts_s - before[0], abs=1e-3)
    for (_, picture), t in zip(pictures(tmp_path / "copy.mp4"), scene.times(), strict=True):
        for _, box in scene.truth_at(t, visible=0.35):
            assert _is_covered((max(box[0], 0.0), *box[1:]), picture), t


@pytest.fixture(name="pair", scope="module")
def _pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people, and the tables of a run over them."""
    folder = tmp_path_factory.mktemp("pair")
    actors = (Actor(standing(80, 90, 60)), Actor(standing(240, 90, 60), mirrored=True))
    write_clip(Scene(320, 180, fps=8, duration_s=1.25, actors=actors), folder / "film.mp4")
    assert emobatch("run", "film.mp4", "--out", "out", "--quiet", cwd=folder).code == 0
    return folder


@pytest.mark.parametrize(
    "tracks", [pytest.param((), marks=pytest.mark.slow), ("--tracks", "out")], ids=["worked out", "of tables"]
)
def test_a_track_can_stay_visible(pair: Path, tracks: tuple[str, ...]) -> None:
    """The numbers are those of the tables, whether they are there or not; the other person is covered."""
    done = emobatch("redact", "film.mp4", "copy.mp4", "--force", "--except-track", "2", *tracks, "--json", cwd=pair)
    assert done.code == 0, done.stderr
    assert done.json["visible"] == {"2": 10}
    before = pictures(pair / "film.mp4")
    for (_, original), (_, copy) in zip(before, pictures(pair / "copy.mp4"), strict=True):
        assert _is_covered((56, 60, 48, 60), copy)
        seen = np.zeros(copy.shape[:2], bool)
        seen[60:120, 216:264] = True
        assert mean_difference(original, copy, seen) < 6


def test_a_track_that_is_not_there(pair: Path) -> None:
    """The error names those that are."""
    done = emobatch("redact", "film.mp4", "none.mp4", "--except-track", "7", "--tracks", "out", cwd=pair)
    assert done.code == 2
    assert "--except-track 7: the video has no such track (it has 1, 2): emobatch annotate" in done.only_error()
    assert not (pair / "none.mp4").exists()


@pytest.mark.parametrize("words", ["1,2", "1 2", "#1 and 2"])
def test_several_tracks_in_one_word(pair: Path, words: str) -> None:
    """The error has the form that is right."""
    done = emobatch("redact", "film.mp4", "none.mp4", "--except-track", words, cwd=pair)
    right = "give one each time: --except-track 1 --except-track 2"
    assert (
        done.code == 2
        and done.only_error() == f"emobatch: --except-track {words}: is no id of a track: {right}\n".strip()
    )


def test_the_last_line_asks_for_a_person_and_quiet_says_nothing(pair: Path) -> None:
    """Whoever reads one line alone reads that the machine has not decided."""
    done = emobatch("redact", "film.mp4", "told.mp4", "--no-check", cwd=pair)
    assert done.code == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "told.mp4: a person must look at it before it is handed on"
    for command in ("redact", "annotate"):
        done = emobatch(command, "film.mp4", "told.mp4", "--force", "--quiet", cwd=pair)
        assert (done.code, done.stdout, done.stderr) == (0, "", "")


def test_numbers_of_tracks_that_masks_may_have_changed(pair: Path) -> None:
    """The same number may be somebody else where a run has masks; then only the run's own rows will do."""
    (pair / "emobatch.toml").write_text("[camera.door]\nmasks = [[[0, 0], [0.3, 0], [0, 1]]]\n")
    done = emobatch("redact", "film.mp4", "none.mp4", "--except-track", "1", cwd=pair)
    (pair / "emobatch.toml").unlink()
    assert done.code == 2 and "has settings of cameras" in done.only_error() and "--tracks OUT" in done.only_error()
    assert not (pair / "none.mp4").exists()


@pytest.mark.slow
def test_tables_of_another_video(pair: Path, folder: Path) -> None:
    """The remedy is the command that would make them."""
    done = emobatch("redact", folder / "film.mkv", "none.mkv", "--except-track", "1", "--tracks", "out", cwd=pair)
    assert done.code == 2 and "out: holds no rows of" in done.only_error()


@pytest.mark.parametrize("how", ["pixelate", pytest.param("blur", marks=pytest.mark.slow)])
def test_other_ways(pair: Path, how: str) -> None:
    """Cells and soft cells hide a face as well: no detail of it is left, and none of the eyes' contrast."""
    done = emobatch("redact", "film.mp4", f"{how}.mp4", "--how", how, "--no-check", "--json", cwd=pair)
    assert done.code == 0 and done.json["how"] == how
    (_, original), (_, copy) = pictures(pair / "film.mp4")[4], pictures(pair / f"{how}.mp4")[4]
    for box in ((56.0, 60.0, 48.0, 60.0), (216.0, 60.0, 48.0, 60.0)):
        before, after = (_inside(box, picture, 0.8).mean(axis=2) for picture in (original, copy))
        fine = [np.abs(np.diff(part, axis=1)).mean() for part in (before, after)]
        assert fine[1] < fine[0] / 3


def test_what_cannot_be_decoded_is_not_shown(tmp_path: Path) -> None:
    """The stretch is named, the exit code is 3, and the copy holds what there is."""
    scene = Scene(320, 180, fps=10, duration_s=3, actors=(Actor(standing(100, 80, 60)),), noise=20)
    write_clip(scene, tmp_path / "film.mkv", gop=5)
    size = (tmp_path / "film.mkv").stat().st_size
    zero_bytes(tmp_path / "film.mkv", size // 2, size // 5)
    done = emobatch("redact", "film.mkv", "copy.mkv", "--no-check", "--json", cwd=tmp_path)
    assert done.code == 3
    (lost,) = done.json["lost"]
    assert 0.8 < lost["start_s"] < 2 and lost["end_s"] > lost["start_s"] + 0.3
    assert f"not in the copy: {lost['start_s']:.2f} to {lost['end_s']:.2f} s" in done.stderr
    assert 10 < done.json["frames"] < 30
    assert all(_is_covered((76, 50, 48, 60), picture) for _, picture in pictures(tmp_path / "copy.mkv"))


def test_a_second_picture_is_left_out(tmp_path: Path) -> None:
    """Nobody looked for faces in it."""
    scene = Scene(320, 180, fps=5, duration_s=0.6, actors=(Actor(standing(100, 80, 60)),))
    two_lenses(tmp_path / "film.mkv", scene, scene)
    done = emobatch("redact", "film.mkv", "copy.mkv", "--no-check", cwd=tmp_path)
    assert done.code == 0 and kinds(tmp_path / "copy.mkv") == ["video"]
    assert "not in the copy: stream 1: a second picture, in which nobody looked for faces" in done.stderr
    assert done.stdout.startswith("copy.mkv: faces covered in 3 of 3 frames (box)")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("nowhere.mp4", "new.mp4"), "nowhere.mp4: there is no such file"),
        (("film.mkv", "film.mkv"), "film.mkv: is the video itself"),
        (("film.mkv", "there.mkv"), "there.mkv: is there already"),
        (("film.mkv", "copy.avi"), "copy.avi: is no name of a video that can be written"),
        pytest.param(("film.mkv", "none/copy.mkv"), "none/copy.mkv: its folder is not there", marks=pytest.mark.slow),
        (("film.mkv", "new.mp4"), "new.mp4: its kind of file cannot hold stream 2 of the video (subtitle, srt)"),
        pytest.param(("film.mkv", "new.mkv", "--how", "smudge"), "--how smudge: no such", marks=pytest.mark.slow),
        (("s3://bucket/film.mkv", "new.mkv"), "s3://bucket/film.mkv: this command reads files of this machine alone"),
        pytest.param(("there.mkv", "new.mkv"), "there.mkv: is no video", marks=pytest.mark.slow),
    ],
)
def test_bad_input(folder: Path, arguments: tuple[str, ...], problem: str) -> None:
    """One line says what is wrong and what to do; nothing is written."""
    (folder / "there.mkv").write_text("no video")
    before = files_below(folder)
    done = emobatch("redact", *arguments, cwd=folder)
    assert done.code in (2, 3)
    assert problem in done.only_error()
    assert files_below(folder) == before and (folder / "there.mkv").read_text() == "no video"
