"""What is in front of a face is seen, and the face counts in nothing then; a face with nothing before it stays."""

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from analytics.records import Picture
from benchmarks.occluders import OCCLUDERS, covered, over
from models.crop import crop_faces, crop_whole
from models.detectors.yunet import YuNet
from models.obstruction import features, obstructed
from tests.clips import write_clip
from tests.command import emobatch, rows
from tests.footage import Actor, Scene, standing


@pytest.fixture(scope="module", name="face")
def _face() -> NDArray[np.uint8]:
    """The crop of the portrait as a run cuts it out."""
    portrait = np.asarray(cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR), np.uint8)  # type: ignore[no-untyped-call]
    return np.asarray(crop_faces(portrait, YuNet().detect(portrait), 48)[0], np.uint8)


def test_a_mask_or_a_scarf_is_seen_and_a_face_is_a_face(face: NDArray[np.uint8]) -> None:
    """Also where it is small, blurred, mirrored or darker; turned contrast is no face that can be judged either."""
    draw = np.random.default_rng(3)
    things = [OCCLUDERS[kind](face, 0.4, draw, ()) for kind in ("surgical mask", "scarf") for _ in range(5)]
    assert obstructed(np.stack([over(face, thing) for thing in things])).mean() >= 0.8
    small = cv2.resize(crop_whole(face, 20), (48, 48), interpolation=cv2.INTER_LINEAR)
    seen = (face, face[:, ::-1], small, cv2.GaussianBlur(face, (0, 0), 1.0), (face * 0.25).astype(np.uint8))
    assert not obstructed(np.stack(seen)).any()
    assert obstructed(255 - face[None]).all()


def test_a_face_is_judged_by_itself_and_at_any_size(face: NDArray[np.uint8]) -> None:
    """Its neighbours change nothing; crops of other classifiers are scaled; none is none."""
    crops = np.stack([face, 255 - face, face[:, ::-1]])
    alone = [bool(obstructed(crop[None])[0]) for crop in crops]
    assert obstructed(crops).tolist() == alone == [False, True, False]
    large = cv2.resize(crops.transpose(1, 2, 0), (96, 96), interpolation=cv2.INTER_CUBIC).transpose(2, 0, 1)
    assert obstructed(np.ascontiguousarray(large)).tolist() == alone
    assert obstructed(np.empty((0, 48, 48), np.uint8)).shape == (0,)
    assert np.isfinite(features(np.zeros((1, 48, 48), np.uint8))).all()


@pytest.mark.parametrize("kind", list(OCCLUDERS))
def test_drawn_things_cover_what_they_say(kind: str, face: NDArray[np.uint8]) -> None:
    """The measurement stands on it."""
    for share in (0.15, 0.3):
        drawn = OCCLUDERS[kind](face, share, np.random.default_rng(1), ("mouth", "left eye"))
        assert covered(drawn[0]) == pytest.approx(share, abs=0.06)


@dataclass(frozen=True)
class Masked(Scene):
    """The mouth of each actor is covered by a flat cloth."""

    def picture_at(self, t: float) -> Picture:
        """As the scene."""
        picture = super().picture_at(t)
        for _, (x, y, w, h) in self.truth_at(t):
            top, bottom = round(y + 0.52 * h), round(y + 1.05 * h)
            picture[top:bottom, round(x - 0.05 * w) : round(x + 1.05 * w)] = (190, 180, 150)
        return picture


def test_a_covered_mouth_counts_in_no_figure_of_a_run(tmp_path: Path) -> None:
    """The row is kept, and not usable."""
    plain = Scene(fps=4, duration_s=2, actors=(Actor(standing(300, 180, 120)),))
    write_clip(plain, tmp_path / "plain.mp4")
    write_clip(Masked(**vars(replace(plain))), tmp_path / "masked.mp4")
    assert emobatch("run", "plain.mp4", "masked.mp4", cwd=tmp_path).code == 0
    of = {row["video_id"]: Path(row["source"]).stem for row in rows(tmp_path / "out", "videos")}
    usable = {
        stem: [row["usable"] for row in rows(tmp_path / "out", "faces") if of[row["video_id"]] == stem]
        for stem in of.values()
    }
    assert usable["plain"] == [True] * 4
    assert not any(usable["masked"])
