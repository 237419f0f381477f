"""What has not changed is not searched: faces, rows and tracks stay as they are, and whatever is new is found."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from av.video.frame import VideoFrame
from hypothesis import given
from hypothesis import strategies as st

from analytics.decode import SampledFrame
from analytics.errors import UsageError
from analytics.gate import Rect
from analytics.records import GATES, Detections, FaceRows, Picture, SampleRows
from analytics.upright import PictureShape
from jobs.options import RunOptions
from jobs.pipeline import Engines, read_faces
from jobs.search import disjoint
from models.detectors import DETECTORS
from models.detectors.yunet import YuNet
from tests.clips import write_clip
from tests.command import emobatch, rows
from tests.footage import Actor, Scene, standing

OPTIONS = RunOptions(sources=(), out=Path("out"))
SEATED = Actor(standing(150, 150, 60))
COMES = Actor(((2.0, 450, 200, 40), (4.0, 480, 200, 40)), mirrored=True)


@dataclass(eq=False)
class Counted:
    """YuNet that notes the px of all that it searches."""

    detector: YuNet = field(default_factory=YuNet)
    name: str = YuNet.name
    sha256: str = YuNet.sha256
    searched_px: list[int] = field(default_factory=list)

    def detect(self, picture: Picture) -> Detections:
        """As YuNet."""
        self.searched_px.append(picture.shape[0] * picture.shape[1])
        return self.detector.detect(picture)

    def detect_at(self, picture: Picture, scale: float) -> Detections:
        """As YuNet."""
        self.searched_px.append(picture.shape[0] * picture.shape[1])
        return self.detector.detect_at(picture, scale)


class Whole(Counted):
    """One that cannot search parts."""

    detect_at = None  # type: ignore[assignment]


@pytest.fixture(name="engines", scope="module")
def _engines() -> Engines:
    return Engines.load(OPTIONS)


def frames(scene: Scene, every: float = 0.5) -> Iterator[SampledFrame]:
    """The sampled frames of a scene that was never encoded."""
    shape = PictureShape(scene.width, scene.height, 0)
    for k in range(int(scene.duration_s / every)):
        frame = VideoFrame.from_ndarray(scene.picture_at(k * every), format="bgr24").reformat(format="yuv420p")
        yield SampledFrame(k, k * every, frame, shape)


def searched(
    scene: Scene, engines: Engines, detector: Counted, **settings: Any
) -> tuple[SampleRows, FaceRows, list[int]]:
    """Rows of a scene, and the px of each search."""
    options = replace(OPTIONS, **settings)
    samples, faces = read_faces(frames(scene, float(options.every)), options, replace(engines, detector=detector))
    return samples, faces, detector.searched_px


def gates(samples: SampleRows) -> list[str]:
    """By their names."""
    return [GATES[gate] for gate in samples.gate]


def test_what_does_not_change_is_searched_every_ten_seconds(engines: Engines) -> None:
    """All rows of the still face are there, and in between they repeat the first, probabilities and all."""
    scene = Scene(duration_s=22, actors=(SEATED,), noise=4)
    samples, faces, searches = searched(scene, engines, Counted())
    assert [k for k, gate in enumerate(gates(samples)) if gate == "detected"] == [0, 20, 40]
    assert len(searches) == 3
    assert samples.n_faces.tolist() == [1] * 44
    assert faces.sample.tolist() == list(range(44)) and faces.pts_s.tolist() == [k / 2 for k in range(44)]
    for name in ("boxes", "probabilities", "sharpness", "yaw_deg", "usable"):
        column = getattr(faces, name)
        assert (column[:20] == column[0]).all(), name


def test_an_empty_scene_stays_empty(engines: Engines) -> None:
    """Grain is no change."""
    samples, faces, searches = searched(Scene(duration_s=9, noise=8), engines, Counted())
    assert (len(faces), len(searches)) == (0, 1)
    assert gates(samples) == ["detected", *["held"] * 17]


def test_who_comes_and_goes_is_found_while_there(engines: Engines) -> None:
    """The same samples show them as without the gate, and much less than a whole picture is searched for it."""
    scene = Scene(duration_s=6, actors=(SEATED, COMES))
    samples, faces, searches = searched(scene, engines, Counted())
    whole, every_face, all_searches = searched(scene, engines, Counted(), gate=False)
    assert samples.n_faces.tolist() == whole.n_faces.tolist() == [len(scene.truth_at(k / 2)) for k in range(12)]
    assert set(gates(whole)) == {"detected"} and len(all_searches) == 12
    assert sum(searches) < sum(all_searches) / 4
    assert np.abs(faces.boxes - every_face.boxes).max() < 4


@pytest.mark.parametrize("from_s", [1.5, 2.0])
def test_who_appears_is_found_from_the_first_sample_on(engines: Engines, from_s: float) -> None:
    """Also in a sample that waits for the next one: then it is searched as well, and is in its place among the rows."""
    comes = Actor(((from_s - 0.2, 430.0, 200.0, 40.0), (6.0, 480.0, 200.0, 40.0)), mirrored=True)
    scene = Scene(duration_s=6, actors=(SEATED, comes))
    samples, faces, _ = searched(scene, engines, Counted())
    assert samples.n_faces.tolist() == [1 + (k / 2 >= from_s) for k in range(12)]
    assert faces.sample.tolist() == sorted(faces.sample.tolist())
    assert [len(set(faces.boxes[faces.sample == k, 0])) for k in range(12)] == samples.n_faces.tolist()


def test_nothing_waits_over_a_pause_of_the_recorder(engines: Engines) -> None:
    """What moves in the last sample before it is searched there: the next one is seconds away and shows something else."""
    scene = Scene(
        duration_s=9, actors=(SEATED, Actor(((2.3, 430.0, 200.0, 40.0), (2.9, 440.0, 200.0, 40.0)), mirrored=True))
    )
    kept = [frame for frame in frames(scene, 0.5) if not 2.6 < frame.pts_s < 8]
    samples, faces = read_faces(iter(kept), OPTIONS, engines)
    assert dict(zip(samples.sample.tolist(), samples.n_faces.tolist(), strict=True))[5] == 2
    assert samples.sample.tolist() == [0, 1, 2, 3, 4, 5, 16, 17] and (faces.sample == 5).sum() == 2


@pytest.mark.parametrize("height", [28, 40, 150])
def test_a_face_of_any_size_that_moves_stays_found(engines: Engines, height: int) -> None:
    """Half its own width from sample to sample."""
    path = ((0.0, 200.0, 180.0, float(height)), (6.0, 200.0 + 4.8 * height * 0.5, 180.0, float(height)))
    scene = Scene(duration_s=6, actors=(Actor(path),), width=960, height=540)
    samples, faces, _ = searched(scene, engines, Counted())
    assert samples.n_faces.tolist() == [1] * 12
    middle = faces.boxes[:, 0] + faces.boxes[:, 2] / 2
    assert np.abs(middle - [scene.truth_at(t)[0][1][0] + 0.4 * height for t in faces.pts_s]).max() < 0.25 * height


@pytest.mark.parametrize("height", [40, 80])
def test_who_walks_beside_a_large_face_is_found(engines: Engines, height: int) -> None:
    """A large face is searched scaled down; what moves beside it may be somebody else."""
    sways = Actor(tuple((k / 2, 420.0 + (8 if k % 2 else -8), 150.0, 250.0) for k in range(17)))
    walks = Actor(((1.0, 657.0, 300.0, float(height)), (7.5, 732.0, 300.0, float(height))), mirrored=True)
    scene = Scene(1280, 720, 25.0, 8.0, actors=(sways, walks))
    counts = [searched(scene, engines, Counted(), gate=gate)[1].boxes[:, 3].tolist() for gate in (True, False)]
    small = [sum(h < 150 for h in heights) for heights in counts]
    assert small[1] == 14 and small[0] >= 13


def test_a_change_of_light_searches_everything(engines: Engines) -> None:
    """Another brightness is a change of the whole picture."""

    @dataclass(frozen=True)
    class Lamp(Scene):
        def picture_at(self, t: float) -> Picture:
            picture = super().picture_at(t)
            return picture if t < 2 else (picture * 0.7).astype(np.uint8)

    samples, _, searches = searched(Lamp(duration_s=4, actors=(SEATED,)), engines, Counted())
    assert [k for k, gate in enumerate(gates(samples)) if gate == "detected"] == [0, 4]
    assert searches == [640 * 360] * 2


def test_a_detector_that_searches_no_parts_searches_everything(engines: Engines) -> None:
    """Where anything has changed; what has not is held all the same."""
    scene = Scene(duration_s=6, actors=(SEATED, COMES))
    samples, _, searches = searched(scene, engines, Whole())
    assert set(searches) == {640 * 360}
    assert gates(samples)[1:4] == ["held"] * 3 and samples.n_faces.tolist()[4:9] == [2] * 5


def test_samples_far_apart_are_searched_whole(engines: Engines) -> None:
    """At more than ten seconds between them there is nothing to hold on to."""
    samples, _, searches = searched(Scene(duration_s=60, fps=1), engines, Counted(), every=Fraction(12))
    assert set(gates(samples)) == {"detected"} and len(searches) == 5


def test_cuts_change_nothing(tmp_path: Path) -> None:
    """Twenty-five seconds as a whole and in tens: equal tables, held samples among them."""
    walks = Actor(((3.0, 200, 150, 50), (14.0, 500, 150, 50)))
    write_clip(Scene(duration_s=25, fps=8, actors=(walks,)), tmp_path / "a.mp4", gop=16)
    for length in ("10", "300"):
        done = emobatch("run", "a.mp4", "--segment", length, "--workers", "0", "--out", length, cwd=tmp_path)
        assert done.code == 0, done.stderr
    for table in ("samples", "faces", "tracks"):
        assert rows(tmp_path / "10", table) == rows(tmp_path / "300", table)
    assert {"held", "detected"} == {row["gate"] for row in rows(tmp_path / "10", "samples")}


def test_gate_off_searches_everything(tmp_path: Path) -> None:
    """From the command line; another word is refused."""
    write_clip(Scene(duration_s=2, fps=8), tmp_path / "a.mp4")
    assert emobatch("run", "a.mp4", "--gate", "off", "--workers", "0", cwd=tmp_path).code == 0
    assert {row["gate"] for row in rows(tmp_path / "out", "samples")} == {"detected"}
    done = emobatch("run", "a.mp4", "--gate", "maybe", cwd=tmp_path)
    assert done.code == 2
    assert done.only_error() == "emobatch: --gate maybe: is neither on nor off: give on or off"


def test_the_gate_decides_rows(engines: Engines) -> None:
    """Another setting is another hash, so that nobody mixes both."""
    with_it, without = (replace(OPTIONS, gate=gate).settings_hash("d", ["m"]) for gate in (True, False))
    assert with_it != without
    with pytest.raises(UsageError, match="gate 'on'"):
        RunOptions(sources=(), out=Path("out"), gate="on")  # type: ignore[arg-type]
    assert set(DETECTORS) == {"yunet", "haar", "mtcnn"}


@given(st.lists(st.tuples(*[st.integers(0, 60)] * 2, *[st.integers(1, 30)] * 2), max_size=12))
def test_parts_never_overlap_and_leave_nothing_out(boxes: list[tuple[int, int, int, int]]) -> None:
    """Whatever boxes come together."""
    before, after = np.zeros((100, 100), int), np.zeros((100, 100), int)
    for x, y, w, h in boxes:
        before[y : y + h, x : x + w] = 1
    for rect in disjoint([Rect(*map(float, box)) for box in boxes]):
        rows_, columns = rect.within(100, 100)
        after[rows_, columns] += 1
    assert after.max(initial=0) <= 1
    assert (after >= before).all()
