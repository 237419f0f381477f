"""How a long video is cut, and that every part of the work on a segment shows that it is alive."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from analytics.decode import DecodeOutcome, decode_samples, look
from analytics.fingerprint import full_hash
from analytics.packets import list_packets
from analytics.plan import VideoPlan, plan_video
from analytics.records import Pulse
from analytics.segments import Segment, cut
from tests.clips import write_clip
from tests.damage import zero_bytes
from tests.footage import Scene
from tests.seen import HALF

TEN = Fraction(10)


def made(tmp_path: Path, gop: int) -> tuple[Path, VideoPlan, list[Segment]]:
    """A clip of 40 s with a keyframe every so many frames, cut into tens of seconds."""
    path = tmp_path / "clip.mp4"
    write_clip(Scene(192, 112, 10.0, 40.0, 3, noise=6), path, gop=gop)
    plan = plan_video(list_packets(path), HALF)
    return path, plan, cut(plan, TEN, HALF)


@pytest.mark.parametrize(("gop", "segments"), [(10, 4), (60, 4), (150, 2), (1000, 2)])
def test_what_would_be_decoded_twice_is_not_cut(tmp_path: Path, gop: int, segments: int) -> None:
    """With a keyframe every 15 or 100 s a segment of 10 s would lead in for longer than it lasts."""
    _, plan, found = made(tmp_path, gop)
    assert len(found) == segments
    assert [s.number for s in found] == list(range(segments))
    assert (found[0].first, found[-1].until) == (0, 400)
    assert all(before.until == after.first for before, after in pairwise(found))
    lead_s = [plan.times_s[s.first] - plan.times_s[plan.frame_of_packet[s.start]] for s in found]
    assert max(lead_s) <= 10


def test_leading_in_is_work_and_can_be_stopped(tmp_path: Path) -> None:
    """The watchdog sees the packets before the first frame that counts; a stop ends them."""
    path, plan, found = made(tmp_path, 60)
    last = found[-1]
    outcome = DecodeOutcome(np.zeros(len(last), np.bool_))
    next(iter(decode_samples(path, plan, last, outcome)))
    assert plan.times_s[last.first] - plan.times_s[last.start] >= 6
    assert outcome.pulse.beats >= last.first - last.start
    outcome = DecodeOutcome(np.zeros(len(last), np.bool_), pulse=Pulse(stopped=True))
    with pytest.raises(InterruptedError):
        next(iter(decode_samples(path, plan, last, outcome)))


def test_damage_is_work_too(tmp_path: Path) -> None:
    """Where no frame comes out for long, packets still beat."""
    path, plan, _ = made(tmp_path, 1000)
    size = path.stat().st_size
    zero_bytes(path, size // 20, size * 8 // 10)
    pulse = Pulse()
    outcome = DecodeOutcome(np.zeros(len(plan.times_s), np.bool_), pulse=pulse)
    whole = Segment(0, 0, len(plan.times_s), 0, len(plan.frame_of_packet) - 1)
    list(decode_samples(path, plan, whole, outcome))
    assert outcome.decoded.sum() < 200
    assert pulse.beats >= 400


def test_looking_and_hashing_can_be_stopped(tmp_path: Path) -> None:
    """What comes before and beside the segments beats as well."""
    path, plan, _ = made(tmp_path, 60)
    alive, stopped = Pulse(), Pulse(stopped=True)
    assert look(path, plan, alive) is not None
    full_hash(path, alive)
    assert alive.beats > 1
    with pytest.raises(InterruptedError):
        look(path, plan, stopped)
    with pytest.raises(InterruptedError):
        full_hash(path, stopped)
    with pytest.raises(InterruptedError):
        list_packets(path, stopped)
