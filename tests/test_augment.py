"""Training pictures made different at every look."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.augment import RECIPES, augmented


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


def test_recipes_do_what_they_say() -> None:
    """Nothing at all, or a mirror image of half the pictures and no other change."""
    picture = np.random.default_rng(1).integers(0, 256, (48, 48), np.uint8)
    assert np.array_equal(augmented(picture, np.random.default_rng(2), recipe=RECIPES["none"]), picture)
    flipped = [augmented(picture, np.random.default_rng(seed), recipe=RECIPES["flip"]) for seed in range(40)]
    mirrored = [np.array_equal(one, picture[:, ::-1]) for one in flipped]
    assert 8 < sum(mirrored) < 32
    assert all(mirror or np.array_equal(one, picture) for one, mirror in zip(flipped, mirrored, strict=True))


@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(RECIPES)))
def test_each_recipe_keeps_a_picture_a_picture(seed: int, name: str) -> None:
    """Size and type; one seed gives one picture."""
    picture = np.random.default_rng(1).integers(0, 256, (24, 24), np.uint8)
    once, again = (augmented(picture, np.random.default_rng(seed), recipe=RECIPES[name]) for _ in range(2))
    assert once.shape == picture.shape and once.dtype == np.uint8 and np.array_equal(once, again)


def test_the_usual_recipe_stays_as_it_was() -> None:
    """Trainings that were begun go on with the pictures that they were begun with."""
    picture = np.asarray((np.add.outer(np.arange(48) * 3, np.arange(48) * 2)) % 256, np.uint8)
    sums = [int(augmented(picture, np.random.default_rng(seed)).sum()) for seed in range(6)]
    assert sums == pytest.approx(
        [244751, 178388, 359152, 295604, 247346, 315198], rel=1e-3
    )  # Of the release before there were recipes.
