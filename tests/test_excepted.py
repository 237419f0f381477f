"""Who stays visible: covers are lifted where a face of the tables is under them, frame by frame, and nowhere else."""

import time

import numpy as np
import pytest

from analytics.cover import regions_of
from analytics.doubts import unsure_of
from analytics.errors import UsageError
from analytics.plan import VideoPlan, plan_video
from analytics.strands import SEEN, Sightings
from jobs.excepted import check_tracks, without_excepted
from jobs.known import KnownFaces
from tests.test_plan import HALF, listed, packet

RATE = 10


def _plan(n: int = 60) -> VideoPlan:
    return plan_video(listed([packet(k, duration=1) for k in range(n)], RATE), HALF)


def _sightings(frames: range, *more: range, x: float = 100.0) -> Sightings:
    """One strand that stands still in some frames."""
    sightings = Sightings()
    for number in [number for part in (frames, *more) for number in part]:
        sightings.add(number, 0, np.array([x, 50.0, 20, 20]), 0.9, SEEN)
    return sightings


def _known(tracks: dict[float, int], every_s: float = 0.5, until_s: float = 6.0) -> KnownFaces:
    """Faces of the tables where the strand is: track by time."""
    n = len(tracks)
    return KnownFaces(
        pts_s=np.array(list(tracks)),
        boxes=np.tile(np.array([[100, 50, 20, 20]], np.float32), (n, 1)),
        track_id=np.array(list(tracks.values()), np.int32),
        usable=np.ones(n, np.bool_),
        probabilities=np.zeros((n, 7), np.float32),
        expression=("neutral",) * n,
        confidence=np.ones(n, np.float32),
        smoothed=(None,) * n,
        samples_s=np.arange(0, until_s, every_s),
    )


def _lifted(sightings: Sightings, known: KnownFaces, wanted: tuple[int, ...] = (1,)) -> list[int]:
    plan = _plan()
    regions = regions_of(sightings, plan.times_s, np.array([0]))
    excepted = without_excepted(regions, sightings, known, plan, wanted)
    assert len(excepted.covered) + len(excepted.lifted) == len(regions)
    return [int(number) for number in excepted.lifted.number]


def test_a_face_that_is_seen_all_along_is_visible_all_along() -> None:
    """From the first sample to the last, and half a step (and half a frame) beyond where a detector sees it."""
    times = {0.5: 1, 1.0: 1, 1.5: 1}
    assert _lifted(_sightings(range(2, 30)), _known(times)) == list(range(2, 19))


def test_whoever_takes_the_place_between_two_samples_stays_covered() -> None:
    """A face is lost and another one found where it was: the strand goes on, and no sample tells that it is another."""
    sightings = _sightings(range(13), range(16, 20))
    assert _lifted(sightings, _known({0.0: 1, 0.5: 1, 1.0: 1})) == list(range(13))
    again = _sightings(range(12), range(13, 14), range(15, 21))
    assert _lifted(again, _known({0.0: 1, 0.5: 1, 1.0: 1, 2.0: 1})) == [*range(12), *range(17, 21)]


def test_towards_somebody_else_nothing_is_lifted() -> None:
    """Two people passed each other between these samples."""
    known = _known({0.0: 1, 0.5: 1, 1.0: 2, 1.5: 2})
    assert _lifted(_sightings(range(20)), known) == list(range(6))
    assert _lifted(_sightings(range(20)), known, (1, 2)) == list(range(19))


def test_what_stays_covered_is_told() -> None:
    """A gap in a strand, most of which is lifted, is a moment to look at; what is visible is none."""
    plan = _plan()
    sightings = _sightings(range(12), range(16, 60))
    known = _known({0.5 * k: 1 for k in range(12)})
    regions = regions_of(sightings, plan.times_s, np.array([0]))
    covered = without_excepted(regions, sightings, known, plan, (1,)).covered
    told = unsure_of(covered, sightings, plan.times_s, np.array([0]), (200, 300))
    assert [at_s for one in told for at_s in (one.start_s, one.end_s)] == pytest.approx([1.2, 1.5])


def test_tables_with_few_samples_are_refused() -> None:
    """Between samples four seconds apart one person may go and another one come."""
    with pytest.raises(UsageError, match="a sample every 4 s"):
        check_tracks((1,), _known({0.0: 1}, every_s=4.0, until_s=9.0), _plan())
    check_tracks((1,), _known({0.0: 1}), _plan())


def test_a_long_video_takes_no_longer_for_each_face() -> None:
    """A day has millions of sightings and hundreds of thousands of faces in the tables."""
    n = 100_000
    sightings = _sightings(range(n))
    known = _known({0.5 * k: 1 for k in range(n // 5)})
    plan = _plan(n)
    regions = regions_of(sightings, plan.times_s, np.array([0]))
    started = time.monotonic()
    assert len(without_excepted(regions, sightings, known, plan, (1,)).lifted) >= n - 5
    assert time.monotonic() - started < 10
