"""What is done to grey levels before a network sees them, and that a run is done again where it changes."""

from dataclasses import replace

import numpy as np
import pytest

from models.classifier import SHIPPED, ModelFacts
from models.levels import NORMALISED, levels_of


@pytest.mark.parametrize("name", sorted(NORMALISED))
def test_light_and_contrast_do_not_matter_any_more(name: str) -> None:
    """The same face in other light is the same; each face is judged alone; a flat one stays finite."""
    crops = np.random.default_rng(1).uniform(60, 120, (3, 16, 16, 1)).astype(np.float32)
    level = NORMALISED[name](crops)
    assert level.dtype == np.float32 and level.min() >= 0 and level.max() < 255.01
    assert NORMALISED[name](crops * 1.5 + 20) == pytest.approx(level, abs=0.01)
    assert np.array_equal(NORMALISED[name](crops[1:2]), level[1:2])
    assert np.isfinite(NORMALISED[name](np.full((1, 8, 8, 1), 90, np.float32))).all()
    assert NORMALISED[name](level) == pytest.approx(level, abs=2)


def test_what_is_done_in_use() -> None:
    """A name goes before evening; without both levels stay."""
    crops = np.random.default_rng(1).uniform(0, 30, (1, 16, 16, 1)).astype(np.float32)
    assert np.array_equal(levels_of("", False)(crops), crops)
    assert levels_of("min-max", True)(crops).max() == pytest.approx(255)
    assert not np.array_equal(levels_of("", True)(crops), crops)


def test_normalisation_decides_the_rows_of_a_video() -> None:
    """With it videos are done anew; without it nothing that was done before it came is."""
    facts = ModelFacts.beside(SHIPPED["default"])
    assert replace(facts, normalised="min-max").decisive == (*facts.decisive, "min-max")
