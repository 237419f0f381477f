"""What lies under a mask is seen by nobody: not by the detector, nor by any measure, table or picture."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.errors import UsageError
from analytics.kept_masks import masks_below, write_masks
from analytics.masks import PAINT, Masks
from analytics.records import Detections, Picture, Pulse
from analytics.stills import stills
from jobs.masked import masks_for
from jobs.options import RunOptions
from jobs.pipeline import Engines, plan_file, read_segment
from jobs.releases import releases
from jobs.task import VideoTask
from jobs.work import begin
from models.detectors.yunet import YuNet
from tests.clips import write_clip
from tests.command import emobatch, rows
from tests.damage import set_rotation
from tests.films import pictures
from tests.footage import Actor, Scene, standing

MASK: Final = [[0.62, 0.0], [1.0, 0.0], [1.0, 1.0], [0.55, 1.0]]
MASKS: Final = Masks.of([MASK])
OPTIONS: Final = RunOptions(sources=(), out=Path("out"), masks=MASKS)
# One sways beside the mask, so that crops and searched parts reach into it.
SWAYS: Final = Actor(tuple((k / 2, 300.0 + 12 * (k % 2), 180.0, 110.0) for k in range(9)))


def under(width: int, height: int) -> NDArray[np.bool_]:
    """(h, w) the px whose middle lies in MASK."""
    y, x = (np.mgrid[0:height, 0:width] + 0.5) / [[[height]], [[width]]]
    return np.asarray(x > 0.62 - 0.07 * y)


@dataclass(frozen=True)
class Two(Scene):
    """What is under the mask differs by `seed_below`: people who stand and walk, grain, or a plain wall."""

    below: int = 0

    def picture_at(self, t: float) -> Picture:
        """As the scene, but for what is under the mask."""
        picture, other = super().picture_at(t), _BELOW[self.below].picture_at(t)
        hidden = under(self.width, self.height)
        picture[hidden] = other[hidden]
        return picture


_WALKS: Final = Actor(((0.0, 420.0, 120.0, 90.0), (4.0, 600.0, 250.0, 90.0)), mirrored=True)
_BELOW: Final = (
    Scene(seed=9),
    Scene(actors=(_WALKS, Actor(standing(415, 200, 120)), Actor(standing(560, 80, 60))), noise=60, seed=3),
)


def scene(below: int) -> Two:
    """Four seconds, 640x360."""
    return Two(fps=8, duration_s=4, actors=(SWAYS,), below=below)


@dataclass(eq=False)
class Spy:
    """YuNet that keeps all pictures that it is given."""

    detector: YuNet = field(default_factory=YuNet)
    name: str = YuNet.name
    sha256: str = YuNet.sha256
    given: list[Picture] = field(default_factory=list)

    def detect(self, picture: Picture) -> Detections:
        """As YuNet."""
        self.given.append(picture.copy())
        return self.detector.detect(picture)

    def detect_at(self, picture: Picture, scale: float) -> Detections:
        """As YuNet."""
        self.given.append(picture.copy())
        return self.detector.detect_at(picture, scale)


@pytest.fixture(scope="module", name="engines")
def _engines() -> Engines:
    return Engines.load(OPTIONS)


@pytest.fixture(scope="module", name="clips")
def _clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """Pairs of clips without loss that differ under the mask alone: upright, turned, and in pixels that are no squares."""
    folder = tmp_path_factory.mktemp("masked")
    lossless = {"qp": "0"}
    found = {}
    for kind, options, turned in (
        ("upright", lossless, 0),
        ("turned", lossless, 90),
        ("wide", {**lossless, "x264-params": "sar=16/11"}, 0),
    ):
        pair = []
        for below in (0, 1):
            path = folder / f"{kind}{below}.mp4"
            write_clip(scene(below), path, options=options, turned=turned, gop=8)
            if turned:
                set_rotation(path, turned)
            pair.append(path)
        found[kind] = (pair[0], pair[1])
    return found


def searched(path: Path, engines: Engines, **settings: Any) -> tuple[Spy, list[bytes]]:
    """What the detector was given, and all columns of the faces and samples of a clip."""
    options, spy = replace(OPTIONS, **settings), Spy()
    plan, [segment] = plan_file(path, options, Pulse())
    read = read_segment(path, plan, segment, options, replace(engines, detector=spy), Pulse())
    columns = [*vars(read.faces).values(), *vars(read.samples).values()]
    assert len(read.faces) >= 4
    return spy, [column.tobytes() for column in columns]


@pytest.mark.parametrize("gate", [True, False])
@pytest.mark.parametrize("kind", ["upright", "turned", "wide"])
def test_nothing_under_a_mask_reaches_the_detector_or_any_row(
    kind: str, gate: bool, clips: dict[str, tuple[Path, Path]], engines: Engines
) -> None:
    """Whole pictures hold one grey level there; parts that are searched, and all columns, are the same to the byte."""
    (spy, columns), (other, others) = (searched(path, engines, gate=gate) for path in clips[kind])
    height, width = spy.given[0].shape[:2]
    for picture in spy.given + other.given:
        if picture.shape[:2] == (height, width):
            assert (picture[under(width, height)] == PAINT).all()
    assert [picture.tobytes() for picture in spy.given] == [picture.tobytes() for picture in other.given]
    assert any(picture.shape[:2] != (height, width) for picture in spy.given) == gate
    assert columns == others


def test_without_the_mask_it_would(clips: dict[str, tuple[Path, Path]], engines: Engines) -> None:
    """What the test above compares does differ."""
    first, second = (searched(path, engines, masks=Masks(), gate=False)[1] for path in clips["upright"])
    assert first != second


def test_all_tables_are_the_same_to_the_byte(clips: dict[str, tuple[Path, Path]], tmp_path: Path) -> None:
    """Files of Parquet of one path and one content that differs under the mask; `videos` but for its clock."""
    written = []
    for number, clip in enumerate(clips["upright"]):
        path = tmp_path / "clip.mp4"
        path.unlink(missing_ok=True)
        path.symlink_to(clip)
        options = replace(OPTIONS, out=tmp_path / str(number))
        options.out.mkdir()
        settings_hash = Engines.load(options).settings_hash
        task = VideoTask(
            path=path, options=options, settings_hash=settings_hash, releases=releases(), digest="0123456789abcdef" * 4
        )
        assert begin(Pulse(), task).status == "done"
        files = sorted(file for file in options.out.rglob("*.parquet") if "videos" not in file.parts)
        [video] = rows(options.out, "videos")
        told = {name: value for name, value in video.items() if name not in ("elapsed_s", "finished_at")}
        written.append(([file.read_bytes() for file in files], told))
    assert len(written[0][0]) == 3
    assert written[0] == written[1]


def test_no_still_shows_what_is_under_a_mask(clips: dict[str, tuple[Path, Path]]) -> None:
    """Thumbnails are cut out of these."""
    first, second = (
        [picture.tobytes() for _, picture in stills(path, [0.5, 2.0], Pulse(), MASKS)] for path in clips["upright"]
    )
    assert len(first) == 2 and first == second


def test_a_face_that_reaches_under_a_mask_is_not_judged() -> None:
    """From a tenth of its box on."""
    masks = Masks.of([[[0.5, 0], [1, 0], [1, 1], [0.5, 1]]])
    boxes = np.array([[100, 20, 80, 80], [420, 20, 82, 80], [420, 20, 100, 80], [600, 20, 80, 80]], np.float32)
    assert masks.hide(boxes, 1000, 500).tolist() == [False, False, True, True]
    assert not Masks().hide(boxes, 1000, 500).any()


def test_a_mask_is_painted_whatever_its_shape() -> None:
    """A px that it touches is painted; one that is far from it is not."""
    picture = np.zeros((100, 200, 3), np.uint8)
    Masks.of([[[0.5, 0.5], [0.6, 0.5], [0.5, 0.9]], [[0.1, 0.1], [0.101, 0.1], [0.101, 0.101]]]).paint(picture)
    assert (picture[51:80, 101:104] == PAINT).all() and (picture[10, 20] == PAINT).all()
    assert not picture[:40, 60:].any() and not picture[:, 130:].any()


@pytest.mark.parametrize(
    "polygon, problem",
    [
        ("[[0, 0], [1, 1], [1, 0], [0, 1]]", "its edges 1 and 3 cross or touch"),
        ("[[0, 0], [0.5, 0], [640, 360]]", "corner 3 (640, 360) lies outside the picture"),
        ("[[0, 0], [0.5, -0.1], [1, 1]]", "corner 2 (0.5, -0.1) lies outside the picture"),
        ("[[0, 0], [0.5, 0.5], [0, 0]]", "has 2 corners"),
        ("[[0, 0], [0.5, 0.5], [1, 1]]", "its edges 1 and 3 cross or touch"),
        ("[[0, 0], [0.5], [1, 1]]", "is no list of [x, y]"),
        ("[[0, 0], [true, 1], [1, 0]]", "is no list of [x, y]"),
        ('"staff"', "is no list of [x, y]"),
        ("[[0, 0], [1, 0], [1, 1], [0, 1]]", "its masks cover the whole picture"),
    ],
)
def test_a_mask_that_cannot_be_names_camera_and_line(polygon: str, problem: str, tmp_path: Path) -> None:
    """Before anything is looked at."""
    from jobs.config import read_config

    text = f'[[recorder]]\npattern = "{{camera}}/*"\n\n[camera."Tor 3"]\nmasks = [\n  {polygon},\n]\n'
    (tmp_path / "emobatch.toml").write_text(text)
    with pytest.raises(UsageError) as raised:
        read_config(tmp_path / "emobatch.toml", {})
    line = 5 if "whole" in problem else 6
    assert raised.value.problem == f'{tmp_path}/emobatch.toml:{line}: camera."Tor 3".masks: {problem}'


def test_python_callers_are_told_the_same() -> None:
    """By the name of the camera."""
    with pytest.raises(UsageError, match="camera door: mask 1: has 2 corners"):
        RunOptions(sources=(), out=Path("out"), cameras={"door": {"masks": [[[0, 0], [1, 1]]]}})


CONFIG: Final = """
[run]
sources = ["footage"]
[[recorder]]
pattern = "footage/{{camera}}/*.mp4"
[camera.door]
masks = [{door}]
"""
YARD: Final = """
[camera.yard]
masks = [[[0, 0], [0.05, 0], [0.05, 1], [0, 1]]]
"""


def test_a_run_sees_nothing_under_masks_and_redoes_a_camera_whose_masks_changed(tmp_path: Path) -> None:
    """From outside: no face is found there; only the videos of that camera are done again; the pages draw the outline."""
    for camera in ("door", "yard"):
        (tmp_path / "footage" / camera).mkdir(parents=True)
        actors = (Actor(standing(330, 160, 90)), Actor(standing(540, 160, 80 if camera == "door" else 90)))
        write_clip(Scene(fps=4, duration_s=2, actors=actors), tmp_path / "footage" / camera / "a.mp4")
    config = tmp_path / "emobatch.toml"
    config.write_text(CONFIG.format(door=MASK) + YARD)
    assert emobatch("run", "--thumbnails", "--clear-faces", cwd=tmp_path).code == 0
    out = tmp_path / "out"
    middles = {
        camera: sorted({round(row["x"] + row["w"] / 2, -2) for row in rows(out, "faces") if row["camera"] == camera})
        for camera in ("door", "yard")
    }
    assert middles == {"door": [300], "yard": [300, 500]}
    [video] = [row for row in rows(out, "videos") if row["camera"] == "door"]
    page = (out / "reports" / "videos" / f"{video['video_id']}.html").read_text("utf-8")
    assert '<polygon points="0.62,0.0 1.0,0.0 1.0,1.0 0.55,1.0 "/>' in page

    [thumbnail] = (out / "reports" / "thumbnails" / video["video_id"]).glob("*.jpg")
    shown = np.asarray(cv2.imread(str(thumbnail)), np.int16)
    assert shown[40:70, 88:110] == pytest.approx(PAINT, abs=4) and np.ptp(shown[40:70, 30:70]) > 60

    config.write_text(CONFIG.format(door="[[0, 0], [0.6, 0], [0.6, 1], [0, 1]]") + YARD)
    done = emobatch("run", "--json", cwd=tmp_path)
    assert (done.json["videos"]["done"], done.json["videos"]["unchanged"]) == (1, 1)
    faces = [row for row in rows(out, "faces") if row["camera"] == "door"]
    assert faces and all(row["x"] > 400 for row in faces)


def test_masks_never_fail_in_silence(tmp_path: Path) -> None:
    """A camera that no rule can give, one that is written otherwise, and files of which nobody knows the camera."""
    footage = tmp_path / "footage" / "door"
    footage.mkdir(parents=True)
    write_clip(Scene(fps=4, duration_s=1), footage / "a.mp4")
    config = tmp_path / "emobatch.toml"
    config.write_text(CONFIG.format(door=MASK).replace("{camera}", "door"))
    done = emobatch("run", cwd=tmp_path)
    assert done.code == 2
    assert done.only_error().startswith(
        "emobatch: emobatch.toml:7: camera door: has masks, and no rule can give a file"
    )

    config.write_text(CONFIG.format(door=MASK).replace("[camera.door]", "[camera.Door]"))
    done = emobatch("run", cwd=tmp_path)
    assert done.code == 2
    assert done.only_error().startswith("emobatch: camera door: its masks are given for Door, which no file is from")

    config.write_text(CONFIG.format(door=MASK))
    write_clip(Scene(fps=4, duration_s=1, seed=5), tmp_path / "footage" / "stray.mp4")
    done = emobatch("run", "--json", cwd=tmp_path)
    assert done.code == 3 and done.json["videos"]["done"] == 1
    [failure] = done.json["failures"]
    assert failure["source"].endswith("stray.mp4") and "there are cameras with masks" in failure["reason"]
    assert len(rows(tmp_path / "out", "videos")) == 1


def test_pictures_are_drawn_with_all_masks_that_there_are_and_were(tmp_path: Path) -> None:
    """Rows that were made with masks keep them, whatever configuration a later run has."""
    write_masks(tmp_path, "cafe", MASKS)
    other = [[0.0, 0.0], [0.2, 0.0], [0.2, 0.2]]
    now = RunOptions(sources=(), out=tmp_path, cameras={"door": {"masks": [other]}})
    assert masks_for(tmp_path, now, "cafe", "yard") == MASKS
    assert masks_for(tmp_path, now, "cafe", "door").told() == [MASK, other]
    assert masks_for(tmp_path, now, "beef", None) == Masks()
    (tmp_path / "masks" / "cafe.json").write_text(json.dumps({"masks": [[[0, 0]]]}))
    with pytest.raises(OSError, match="is damaged"):
        masks_below(tmp_path, "cafe")


def test_masks_that_are_missing_are_not_taken_for_none(tmp_path: Path) -> None:
    """Rows tell by their settings_hash that they were made with some."""
    settings_hash = OPTIONS.settings_hash("detector", ["model"])
    with pytest.raises(OSError, match="is missing, and rows were made with the masks in it"):
        masks_below(tmp_path, settings_hash)
    write_masks(tmp_path, settings_hash, MASKS)
    assert masks_below(tmp_path, settings_hash) == MASKS
    assert masks_below(tmp_path, replace(OPTIONS, masks=Masks()).settings_hash("detector", ["model"])) == Masks()


def test_an_annotated_copy_shows_nothing_under_masks(tmp_path: Path) -> None:
    """Those that the rows were made with; the colleague behind the till is in no frame of it."""
    (tmp_path / "footage" / "door").mkdir(parents=True)
    clip = tmp_path / "footage" / "door" / "a.mp4"
    write_clip(Scene(fps=4, duration_s=1, actors=(Actor(standing(330, 160, 90)), Actor(standing(540, 160, 80)))), clip)
    (tmp_path / "emobatch.toml").write_text(CONFIG.format(door=MASK))
    assert emobatch("run", cwd=tmp_path).code == 0
    assert emobatch("annotate", clip, "copy.mkv", "--tracks", "out", cwd=tmp_path).code == 0
    for _, picture in pictures(tmp_path / "copy.mkv"):
        hidden = picture[40:280, 490:]  # Of 360 x 640, beside what is written about the other face.
        assert np.abs(hidden.astype(np.int16) - PAINT).max() < 12
