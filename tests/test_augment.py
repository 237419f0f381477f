"""Training pictures made different at every look."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.augment import augmented


@given(st.integers(0, 2**32 - 1), st.sampled_from([16, 48]), st.floats(0, 2))
def test_a_picture_stays_a_picture(seed: int, size: int, degraded: float) -> None:
    """The same size and type, whatever is drawn; one seed gives one picture; the original is left alone."""
    picture = np.random.default_rng(1).integers(0, 256, (size, size), np.uint8)
    before = picture.copy()
    once, again = (augmented(picture, np.random.default_rng(seed), degraded) for _ in range(2))
    assert once.shape == picture.shape and once.dtype == np.uint8
    assert np.array_equal(once, again) and np.array_equal(picture, before)


@pytest.mark.parametrize(("degraded", "least", "most"), [(0.0, 0, 0), (0.5, 70, 180), (1.0, 160, 300)])
def test_how_often_pictures_are_degraded(degraded: float, least: int, most: int) -> None:
    """A plain picture stays plain under what is done to all, and does not where it is hidden, noisy or coded.

    At the usual shares a rectangle, noise or both fall on 0.40 of the pictures, at half of them on 0.21.
    """
    draw = np.random.default_rng(4)
    changed = [augmented(np.full((48, 48), 128, np.uint8), draw, degraded) for _ in range(500)]
    assert least <= sum(int(picture.max()) - int(picture.min()) > 1 for picture in changed) <= most
