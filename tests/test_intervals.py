"""Shares of judged time with their intervals: they add up, hold what was found, and are the same every night."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from reports.intervals import shares_of


def _shares(n: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    random = np.random.default_rng(seed)
    return random.dirichlet(np.ones(4), n), random.exponential(10, n)


@given(st.integers(1, 300), st.integers(0, 1000))
def test_shares_add_up_and_lie_in_their_interval(n: int, seed: int) -> None:
    """One in all, each between its ends, and the same again."""
    shares, weights = _shares(n, seed)
    found = shares_of(shares, weights)
    again = shares_of(shares.copy(), weights.copy())
    assert found is not None and again is not None
    assert found.share.sum() == pytest.approx(1)
    assert (found.low <= found.share).all() and (found.share <= found.high).all()
    assert (found.low >= 0).all() and (found.high <= 1 + 1e-9).all()
    assert found.low.tolist() == again.low.tolist() and found.high.tolist() == again.high.tolist()
    assert found.n_tracks == n and found.seconds == pytest.approx(weights.sum())


def test_more_tracks_make_a_share_surer() -> None:
    """Four times as many tracks halve the interval, about."""
    few, many = (shares_of(*_shares(n, 1)) for n in (100, 1600))
    assert few is not None and many is not None
    assert 2.5 < np.mean((few.high - few.low) / (many.high - many.low)) < 6


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Of tracks drawn from a known mix 95 % of the intervals hold its share, give or take."""
    held = []
    for seed in range(200):
        random = np.random.default_rng(seed)
        shown = random.random(60) < 0.3
        found = shares_of(np.stack([shown, ~shown], axis=1).astype(np.float64), np.full(60, 5.0))
        assert found is not None
        held.append(found.low[0] <= 0.3 <= found.high[0])
    assert 0.88 <= np.mean(held) <= 0.99


def test_time_that_was_not_judged_counts_nothing() -> None:
    """Tracks without weight are not there, whatever their shares say; without any there is no share."""
    shares, weights = _shares(5, 3)
    unjudged = np.full((3, 4), np.nan)
    found = shares_of(np.concatenate([shares, unjudged]), np.concatenate([weights, np.zeros(3)]))
    alone = shares_of(shares, weights)
    assert found is not None and alone is not None
    assert found.share.tolist() == alone.share.tolist() and found.n_tracks == 5
    assert shares_of(unjudged, np.zeros(3)) is None
    assert shares_of(np.zeros((0, 4)), np.zeros(0)) is None


def test_what_no_track_shows_is_not_known_to_be_never_shown() -> None:
    """Twenty tracks without it leave up to some 14 % open, ten times as many 1.5 %; all of the time is treated alike."""
    for n, most in ((20, 0.139), (200, 0.0149)):
        found = shares_of(np.tile([0.0, 1.0], (n, 1)), np.full(n, 3.0))
        assert found is not None
        assert found.high[0] == pytest.approx(most, abs=1e-3) and found.low[0] == 0
        assert found.low[1] == pytest.approx(1 - most, abs=1e-3) and found.high[1] == 1
