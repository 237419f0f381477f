"""Pictures that nobody looks at, and from which nothing is decoded that somebody looks at, are spared; nobody can tell."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from analytics.decode import DecodeOutcome, SampledFrame, decode_samples
from analytics.packets import list_packets
from analytics.plan import VideoPlan, plan_video
from analytics.segments import cut
from tests.clips import write_clip
from tests.footage import Actor, Scene, standing
from tests.reorder import write_unsaid

HALF = Fraction(1, 2)
_SCENE = Scene(192, 112, 25.0, 6.0, 3, (Actor(standing(80, 60, 50)),))


def planned(path: Path, every: Fraction = HALF) -> VideoPlan:
    """How a file is decoded."""
    return plan_video(list_packets(path), every)


def decoded(
    path: Path, plan: VideoPlan, length: int = 3600, every: Fraction = HALF
) -> tuple[list[SampledFrame], list[DecodeOutcome]]:
    """All samples of a file, and what each of its segments told."""
    frames, outcomes = [], []
    for segment in cut(plan, Fraction(length), every):
        outcomes.append(DecodeOutcome(decoded=np.zeros(len(segment), np.bool_)))
        frames += list(decode_samples(path, plan, segment, outcomes[-1]))
    return frames, outcomes


def everything(plan: VideoPlan) -> VideoPlan:
    """The plan in which no picture can be spared."""
    return replace(plan, disposable=np.zeros_like(plan.disposable), beginning=np.zeros_like(plan.beginning))


def assert_same(one: list[SampledFrame], other: list[SampledFrame]) -> None:
    """The same pictures at the same times, to the last bit."""
    assert [(frame.sample, frame.pts_s) for frame in one] == [(frame.sample, frame.pts_s) for frame in other]
    assert all((a.picture == b.picture).all() for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("length", [2, 3600])
@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("clip.mp4", "libx264", {}),
        ("clip.mkv", "libx264", {"x264-params": "b-pyramid=normal:open-gop=1"}),
        ("clip.ts", "libx264", {"slices": "4"}),
        ("clip.mp4", "libx265", {}),
        ("clip.mkv", "libx265", {"x265-params": "log-level=none:temporal-layers=3:b-adapt=0"}),
        ("clip.ts", "libx265", {"x265-params": "log-level=none:open-gop=1"}),
    ],
)
def test_what_is_spared_changes_nothing(
    tmp_path: Path, name: str, codec: str, options: dict[str, str], length: int
) -> None:
    """Whatever container, codec, pyramid of references and cut: many pictures are spared, and all samples the same."""
    path = tmp_path / name
    write_clip(_SCENE, path, codec=codec, bframes=3, options=options)
    plan = planned(path)
    frames, outcomes = decoded(path, plan, length)
    whole, of_all = decoded(path, everything(plan), length)
    assert_same(frames, whole)
    assert sum(int(outcome.spared.sum()) for outcome in outcomes) > len(plan.times_s) / 4
    assert not any(outcome.spared.any() for outcome in of_all)
    assert all(outcome.decoded.all() for outcome in [*outcomes, *of_all])


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("clip.mp4", "libx264", {"x264-params": "intra-refresh=1"}),
        ("clip.avi", "libx264", {"bf": "2"}),
        ("clip.mp4", "mpeg4", {}),
        ("clip.avi", "mjpeg", {}),
    ],
)
def test_nothing_is_spared_where_nobody_can_tell(
    tmp_path: Path, name: str, codec: str, options: dict[str, str]
) -> None:
    """Where pictures are refreshed piece by piece nothing begins anew; AVI has no times, so that its frames are counted."""
    path = tmp_path / name
    write_clip(_SCENE, path, codec=codec, options=options)
    frames, (outcome,) = decoded(path, planned(path))
    assert len(frames) == 12 and outcome.decoded.all() and not outcome.spared.any()


@pytest.mark.parametrize("length", [4, 3600])
@pytest.mark.parametrize("suffix", ["ts", "mkv"])
def test_streams_that_do_not_say_how_far_they_are_reordered(tmp_path: Path, suffix: str, length: int) -> None:
    """No sample depends on how much the decoder could learn from pictures that were spared, or from another segment."""
    path = tmp_path / f"clip.{suffix}"
    write_unsaid(replace(_SCENE, duration_s=14.0), path, plain_s=3)
    plan = planned(path)
    frames, outcomes = decoded(path, plan, length)
    whole, _ = decoded(path, everything(plan))
    assert_same(frames, whole)
    assert all(outcome.decoded.all() for outcome in outcomes)
    assert sum(int(outcome.spared.sum()) for outcome in outcomes) > 50


@pytest.mark.parametrize("length", [2, 3600])
@pytest.mark.parametrize(
    ("name", "codec", "options", "least"),
    [
        ("clip.mp4", "libx264", {}, 0.28),
        ("clip.ts", "libx264", {}, 0.28),
        ("clip.mkv", "libx265", {"x265-params": "log-level=none:open-gop=0"}, 0.28),
        ("clip.mkv", "mjpeg", {}, 0.9),
    ],
)
def test_what_follows_the_last_sample_of_a_group(
    tmp_path: Path, name: str, codec: str, options: dict[str, str], least: float, length: int
) -> None:
    """Without B-frames, too, nearly half a group is spared but in the last two; of pictures that stand for themselves all but samples."""
    path = tmp_path / name
    write_clip(_SCENE, path, codec=codec, options=options)
    plan = planned(path)
    frames, outcomes = decoded(path, plan, length)
    assert_same(frames, decoded(path, everything(plan), length)[0])
    assert sum(int(outcome.spared.sum()) for outcome in outcomes) > least * len(plan.times_s)
    assert all(outcome.decoded.all() for outcome in outcomes)


def broken(path: Path, place: int) -> VideoPlan:
    """The plan of a file in which a packet is overwritten with noughts."""
    content = bytearray(path.read_bytes())
    begin = int(planned(path).position[place]) + 4
    content[begin : begin + 60] = bytes(60)
    path.write_bytes(content)
    return planned(path)


@pytest.mark.parametrize("frame", [30, 90])
def test_damage_ends_it(tmp_path: Path, frame: int) -> None:
    """From a broken packet on everything is decoded, and spared pictures beside it count as lost with it."""
    path = tmp_path / "clip.mp4"
    write_clip(_SCENE, path, bframes=3)
    plan = planned(path)
    place = int(np.flatnonzero(~plan.disposable & ~plan.keyframe & (plan.frame_of_packet >= frame))[0])
    plan = broken(path, place)
    frames, (outcome,) = decoded(path, plan)
    whole, (of_all,) = decoded(path, everything(plan))
    assert_same(frames, whole)
    lost = int(plan.frame_of_packet[place])
    assert outcome.errors == of_all.errors > 0
    assert not outcome.decoded[lost] and not of_all.decoded[lost]
    assert outcome.spared[:lost].any() and not outcome.spared[lost + 4 :].any()
    assert not outcome.decoded[outcome.spared & (np.abs(np.arange(len(outcome.spared)) - lost) <= 1)].any()


@pytest.mark.parametrize("bframes", [0, 3])
def test_a_broken_sample_finds_its_substitute(tmp_path: Path, bframes: int) -> None:
    """What follows the last sample of a group is spared once that is known to be sound: else a later picture stands in."""
    path = tmp_path / "clip.mp4"
    write_clip(_SCENE, path, bframes=bframes)
    plan = planned(path)
    last = 63  # The sample at 2.5 s; the next group begins at frame 75.
    plan = broken(path, int(np.flatnonzero(plan.frame_of_packet == last)[0]))
    frames, (outcome,) = decoded(path, plan)
    assert_same(frames, decoded(path, everything(plan))[0])
    # Without B-frames all others of the group are decoded from it.
    assert [frame.pts_s > last / 25 for frame in frames if frame.sample == 5] == [True] * bool(bframes)
    assert not outcome.decoded[last] and not outcome.spared[last:].any()


def test_damage_on_which_no_sample_hangs(tmp_path: Path) -> None:
    """It is not seen, and no sample is another one for it."""
    path = tmp_path / "clip.mp4"
    write_clip(_SCENE, path)
    sound, _ = decoded(path, planned(path))
    plan = planned(path)
    plan = broken(path, int(np.flatnonzero(plan.frame_of_packet == 70)[0]))
    frames, (outcome,) = decoded(path, plan)
    assert_same(frames, sound)
    assert not outcome.errors and outcome.decoded.all()
    assert decoded(path, everything(plan))[1][0].errors
