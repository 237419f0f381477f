"""Single frames by their times, and faces that nobody can recognise."""

from pathlib import Path

import numpy as np
import pytest

from analytics.conceal import blurred
from analytics.errors import VideoError
from analytics.records import Pulse
from analytics.stills import stills
from models.detectors import DETECTORS
from tests.clips import write_clip
from tests.damage import set_rotation
from tests.footage import Scene, crossing
from tests.test_decode import Clock, time_shown


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "ts"])
def test_stills_are_the_frames_that_were_asked_for(tmp_path: Path, suffix: str) -> None:
    """Whatever the order they are asked in and the distance between them, each shows its own time."""
    clip = tmp_path / f"clip.{suffix}"
    write_clip(Clock(duration_s=40.0, fps=10.0), clip)
    asked = [33.3, 0.0, 12.5, 12.6, 39.9]
    found = {time: time_shown(picture) for time, picture in stills(clip, asked, Pulse())}
    assert sorted(found) == sorted(asked)
    assert all(abs(shown - time) < 0.06 for time, shown in found.items())


def test_stills_of_a_turned_video_are_upright(tmp_path: Path) -> None:
    """Boxes of tables are in px of the upright picture, and so are these."""
    clip = tmp_path / "clip.mp4"
    write_clip(Clock(duration_s=2.0, fps=10.0), clip)
    set_rotation(clip, 90)
    [(_, picture)] = stills(clip, [1.0], Pulse())
    assert picture.shape == (192, 112, 3)


def test_stills_of_what_is_no_video_are_refused(tmp_path: Path) -> None:
    """With the error that a run gives."""
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"no video" * 100)
    with pytest.raises(VideoError, match=r"clip\.mp4"):
        list(stills(clip, [0.0], Pulse()))


def test_no_detector_finds_a_blurred_face() -> None:
    """Not in the picture and not in one of its double size; what lies apart from faces stays as it is."""
    scene: Scene = crossing()
    detector = DETECTORS["yunet"](min_score=0.5, long_side=1280)
    for t in (1.0, 2.5, 3.5, 5.0):
        picture = scene.picture_at(t)
        faces = detector.detect(picture).boxes
        assert len(faces) == len(scene.truth_at(t)) > 0
        hidden = blurred(picture, faces)
        assert len(detector.detect(hidden)) == 0
        assert len(detector.detect(np.ascontiguousarray(np.kron(hidden, np.ones((2, 2, 1), np.uint8))))) == 0
        changed = (hidden != picture).any(axis=2)
        for x, y, w, h in faces:
            changed[int(y - 0.5 * h) : int(y + 1.4 * h), int(x - 0.4 * w) : int(x + 1.4 * w)] = False
        assert not changed.any()


def test_faces_that_overlap_do_not_show_each_other() -> None:
    """Of two boxes one upon the other neither brings back what the other hid; a box may reach out of the picture."""
    random = np.random.default_rng(1)
    picture = random.integers(0, 255, (120, 160, 3), np.uint8)
    boxes = np.array([[20, 20, 60, 60], [40, 30, 60, 60], [-30, 90, 60, 60], [500, 500, 10, 10]], np.float32)
    hidden = blurred(picture, boxes)
    # The noise of single pixels is gone where a face was: neighbours differ little.
    inside = hidden[40:70, 45:75].astype(int)
    assert np.abs(np.diff(inside, axis=1)).mean() < 4
    assert (hidden[5:15, 125:155] == picture[5:15, 125:155]).all()
