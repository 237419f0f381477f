"""Recordings on one clock: which follow each other, what was not recorded, and when it is night."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analytics.events.clock import CUT_S, LANE_S, OVERLAP_S, Clock, Recording, joined, lanes_of, lies_in
from analytics.events.zones import inside

BEGIN = datetime(2026, 10, 24, 18, 0, tzinfo=UTC)
ONE = Recording(
    video_id="0" * 16,
    camera="door",
    folder="day=2026-10-24/cam=door",
    begin=BEGIN,
    zone=ZoneInfo("Europe/Berlin"),
    duration_s=3600.0,
    holes=(),
    width=640,
    height=360,
    n_faces=0,
)


def at(number: int, since_s: float, **changes: object) -> Recording:
    """One that begins so many seconds after the first."""
    return replace(ONE, video_id=f"{number:016}", begin=BEGIN + timedelta(seconds=since_s), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("since_s", "lanes"),
    [(3600, 1), (3600 + CUT_S, 1), (3601 + CUT_S, 2), (3600 - OVERLAP_S, 1), (3599 - OVERLAP_S, 2), (0, 2)],
)
def test_which_files_follow_each_other(since_s: float, lanes: int) -> None:
    """Up to ten seconds apart, or five that both have; two files of the same time are looked at apart."""
    assert len(lanes_of([at(2, since_s), at(1, 0)])) == lanes


def test_others_never_do() -> None:
    """Of another camera, of none, or of unknown time."""
    unknown = replace(at(2, 0), begin=None)
    nameless = at(3, 3600, camera=None)
    assert len(lanes_of([at(1, 0), at(4, 3600, camera="hall"), unknown, nameless])) == 4


def test_moments_tell_their_recording_and_time() -> None:
    """On a clock of two lanes, the first of two files with a gap and a hole."""
    first, second = at(1, 0, holes=((10.0, 12.0),)), at(2, 3604)
    clock = Clock.of([[first, second], [replace(at(3, 0), begin=None)]])
    assert [clock.at(moment) for moment in (0.0, 3602.0, 3604.0, LANE_S)] == [0, 0, 1, 2]
    assert clock.blind.tolist() == [[10.0, 12.0], [3600.0, 3604.0]]
    assert clock.blind_between(11.0, 3602.0) == pytest.approx(3.0)
    assert clock.blind_between(12.0, 3600.0) == 0.0
    assert clock.blind_s(np.array([0.0, 11.0]), np.array([9.0, 9999.0])).tolist() == pytest.approx([0.0, 5.0])


def test_the_night_in_which_the_clocks_go_back_has_an_hour_more() -> None:
    """22:00 to 06:00 in Berlin on 24 October 2026 lasts nine hours; Friday's would not reach it."""
    lane = [at(k, k * 3600.0) for k in range(14)]
    clock = Clock.of([lane])
    saturday = clock.when((22 * 3600.0, 6 * 3600.0), frozenset({5}))
    assert saturday.tolist() == [[2 * 3600.0, 11 * 3600.0]]
    assert len(clock.when((22 * 3600.0, 6 * 3600.0), frozenset({4}))) == 0
    assert clock.when(None, frozenset({6})).tolist() == [[4 * 3600.0, 14 * 3600.0]]


def test_stretches() -> None:
    """Those that touch are one; a moment at the end of one lies outside."""
    stretches = joined([(5.0, 6.0), (0.0, 2.0), (1.0, 3.0), (3.0, 4.0), (9.0, 9.0)])
    assert stretches.tolist() == [[0.0, 4.0], [5.0, 6.0]]
    assert lies_in(stretches, np.array([-1.0, 0.0, 3.9, 4.0, 5.5, 7.0])).tolist() == [
        False,
        True,
        True,
        False,
        True,
        False,
    ]


def test_who_is_in_a_zone() -> None:
    """A zone with a bay: its inside is what the outline encloses."""
    bay = ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.5, 0.3), (0.1, 0.9))
    x, y = np.array([0.5, 0.5, 0.2, 0.95]), np.array([0.2, 0.6, 0.5, 0.5])
    assert inside(bay, x, y).tolist() == [True, False, True, False]


@pytest.mark.parametrize(
    ("begin", "hours", "shown"),
    [
        ((2026, 3, 28, 20), (2.25, 2.75), []),  # The clock leaps from 02:00 to 03:00.
        ((2026, 3, 28, 20), (1.0, 2.5), [("01:00+0100", "03:00+0200")]),
        ((2026, 3, 28, 20), (2.5, 6.0), [("03:00+0200", "06:00+0200")]),
        ((2026, 3, 28, 20), (22.0, 2.5), [("22:00+0100", "03:00+0200")]),
        ((2026, 10, 24, 20), (1.0, 2.5), [("01:00+0200", "02:30+0100")]),  # It shows 02:00 to 03:00 twice.
        ((2026, 10, 24, 20), (2.5, 6.0), [("02:30+0200", "06:00+0100")]),
        ((2026, 10, 24, 20), (22.0, 2.5), [("22:00+0200", "02:30+0100")]),
    ],
)
def test_hours_that_begin_or_end_where_summer_time_does(
    begin: tuple[int, int, int, int], hours: tuple[float, float], shown: list[tuple[str, str]]
) -> None:
    """A time that the clock leaves out is that of the leap; one that it shows twice begins at the first."""
    one = replace(ONE, begin=datetime(*begin, tzinfo=UTC), duration_s=12 * 3600.0)
    assert one.begin is not None
    stretches = Clock.of([[one]]).when((hours[0] * 3600, hours[1] * 3600), None).tolist()
    told = [
        tuple((one.begin + timedelta(seconds=s)).astimezone(one.zone).strftime("%H:%M%z") for s in stretch)
        for stretch in stretches
    ]
    assert [one for one in told if one[0] != one[1]] == shown
