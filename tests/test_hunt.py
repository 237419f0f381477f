"""The search of every frame: who is out of sight for a moment is followed, bridged and looked for, real faces and all."""

from pathlib import Path

import av
import numpy as np
import pytest

from analytics.cover import regions_of
from analytics.every_frame import decode_every, outcome_for
from analytics.plan import VideoPlan
from analytics.records import Pulse
from analytics.rewrite import Copying
from analytics.strands import Sightings
from jobs.copying import original_of
from jobs.hunt import Hunt, Hunted
from jobs.recheck import Recheck
from jobs.redact import Redacted
from models.detectors.dense import DenseSearch
from tests.footage import Actor, Scene, standing

HIDDEN = 4
"""The frame in which the face cannot be seen."""
FRAMES = 8


def _hunted(folder: Path, fps: int, flash: int = 0) -> tuple[VideoPlan, Hunted]:
    """A face that stands still, hidden in one frame, which may be brighter by so many grey levels."""
    hidden = ((HIDDEN - 0.5) / fps, (HIDDEN + 0.5) / fps)
    scene = Scene(320, 180, fps=fps, duration_s=FRAMES / fps, actors=(Actor(standing(160, 90, 60), hidden=(hidden,)),))
    with av.open(folder / "film.mkv", "w") as film:
        stream = film.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number, t in enumerate(scene.times()):
            picture = scene.picture_at(t).astype(int) + (flash if number == HIDDEN else 0)
            frame = av.VideoFrame.from_ndarray(picture.clip(0, 255).astype(np.uint8), format="bgr24")
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    original = original_of(str(folder / "film.mkv"), folder / "copy.mkv", Copying(), force=False)
    plan = original.plan
    frames = decode_every(original.path, plan, outcome_for(plan, Pulse()))
    return plan, Hunt(DenseSearch(), interval_s=plan.interval_s).through(frames)


@pytest.mark.parametrize(("fps", "flash"), [(1, 0), (10, 60), (1, 60)], ids=["one a second", "a flash", "both"])
def test_a_face_that_is_hidden_for_one_frame(tmp_path: Path, fps: int, flash: int) -> None:
    """It is covered there, too, however seldom frames come, and whether a flash makes this one look like another shot."""
    plan, hunted = _hunted(tmp_path, fps, flash)
    assert hunted.cuts.tolist() == [0]
    regions = regions_of(hunted.sightings, plan.times_s, hunted.cuts, interval_s=plan.interval_s)
    for number in range(FRAMES):
        assert regions.covers(number, np.array([[136, 60, 48, 60]], np.float32))[0] == 1, number


def test_what_is_left_in_the_last_copy_is_told(tmp_path: Path) -> None:
    """The copy is searched as the original was, faces on their heads too; what no round can cover is an exit code of its own."""
    scene = Scene(320, 180, fps=5, duration_s=1, actors=(Actor(standing(160, 90, 24)),))
    with av.open(tmp_path / "copy.mkv", "w") as film:
        stream = film.add_stream("libx264", rate=5)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        turned = np.ascontiguousarray(scene.picture_at(0)[::-1, ::-1])
        for _ in scene.times():
            film.mux(stream.encode(av.VideoFrame.from_ndarray(turned, format="bgr24")))
        film.mux(stream.encode(None))
    plan = original_of(str(tmp_path / "copy.mkv"), tmp_path / "other.mkv", Copying(), force=False).plan
    nothing = regions_of(Sightings(), plan.times_s, np.array([0]))
    recheck = Recheck(DenseSearch(), plan, np.array([0]), lambda _: Pulse())
    whole = np.ones(len(plan.times_s), np.bool_)
    for _ in range(2):
        more = recheck.more(tmp_path / "copy.mkv", whole, nothing, nothing)
        assert more is not None and more.covers(0, np.array([[152, 80, 16, 20]], np.float32))[0] == 1
        assert not recheck.left
    assert recheck.more(tmp_path / "copy.mkv", whole, nothing, nothing) is None
    assert [one.start_s for one in recheck.left] == [0.0]
    done = Redacted(
        file=tmp_path / "copy.mkv",
        how="box",
        frames=5,
        covered=5,
        unfound=0,
        added=0,
        unsure=recheck.left,
        still_seen=recheck.left,
        cuts_s=[],
        visible={},
        left_behind=(),
        dropped=0,
        lost=[],
        elapsed_s=1.0,
        regions=nothing,
    )
    assert done.exit_code == 3 and done.to_json()["still_seen"] == [0.0]
