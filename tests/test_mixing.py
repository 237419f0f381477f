"""Two heads' probabilities become one: fair to rare classes, at a price that is bounded."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.mixing import PRICE, Mix, best_mix


def said_of(truth: list[int], sure: float, classes: int = 3) -> NDArray[np.float32]:
    """Probabilities with a peak at the truth."""
    said = np.full((len(truth), classes), (1 - sure) / (classes - 1), np.float32)
    said[np.arange(len(truth)), truth] = sure
    return said


def test_what_the_second_head_alone_knows_is_heard() -> None:
    """A class that the first head never names is found where hearing the second one costs nothing."""
    truth = np.array([0] * 20 + [1] * 20 + [2] * 4, np.int32)
    first = said_of([0] * 20 + [1] * 24, 0.6)
    second = said_of(truth.tolist(), 0.9)
    mix = best_mix([(first, second)], (truth, truth))
    assert mix.share > 0
    assert (mix.of(first, second).argmax(axis=1) == truth).all()


def test_a_rare_class_is_weighed_up() -> None:
    """A class to which the heads lean, but never enough, is named once its rarity is made up for."""
    truth = np.array([0] * 50 + [1] * 50 + [2] * 4, np.int32)
    shy = said_of(truth.tolist(), 0.9)
    shy[100:] = (0.42, 0.18, 0.40)
    mix = best_mix([(shy, shy)], (truth, truth))
    assert mix.weights[2] > max(mix.weights[:2])
    assert (mix.of(shy, shy).argmax(axis=1) == truth).all()


def test_nothing_is_bought_at_a_higher_price() -> None:
    """However rare classes are weighed, no more than PRICE of accuracy is given up."""
    draw = np.random.default_rng(2)
    truth = draw.choice(3, 2000, p=(0.6, 0.38, 0.02)).astype(np.int32)
    noise = draw.gumbel(0, 0.4, (2000, 3)).clip(-0.4, 2).astype(np.float32)
    noisy: NDArray[np.float32] = said_of(truth.tolist(), 0.5) + noise + np.float32(0.5)
    noisy /= noisy.sum(axis=1, keepdims=True)
    mix = best_mix([(noisy, noisy)], (truth, truth))
    alone = (noisy.argmax(axis=1) == truth).mean()
    assert (mix.of(noisy, noisy).argmax(axis=1) == truth).mean() >= alone - PRICE


def test_pictures_without_a_label_do_not_count() -> None:
    """-1 is no class: such pictures change neither accuracy nor recall."""
    truth = np.array([0] * 50 + [1] * 50 + [2] * 4, np.int32)
    shy = said_of(truth.tolist(), 0.9)
    shy[100:] = (0.42, 0.18, 0.40)
    # Were they pictures of the last class, or of the first, weighing that one up would cost too much.
    blank = np.concatenate([truth, np.full(300, -1, np.int32)])
    said = np.concatenate([shy, np.tile(np.array([0.36, 0.32, 0.32], np.float32), (300, 1))])
    mix = best_mix([(said, said)], (blank, blank))
    assert (mix.of(shy, shy).argmax(axis=1) == truth).all()


def test_views_are_averaged_after_they_are_mixed() -> None:
    """A face and its mirror image count as they do in use: the mean of two mixes."""
    truth = np.array([0] * 50 + [1] * 50 + [2] * 4, np.int32)
    shy = said_of(truth.tolist(), 0.9)
    shy[100:] = (0.42, 0.18, 0.40)
    mirrored = shy.copy()
    mirrored[100:] = (0.40, 0.20, 0.40)
    mix = best_mix([(shy, shy), (mirrored, mirrored)], (truth, truth))
    both = (mix.of(shy, shy) + mix.of(mirrored, mirrored)) / 2
    assert (both.argmax(axis=1) == truth).all()


@given(
    st.floats(0, 0.5),
    st.lists(st.floats(0.1, 10), min_size=3, max_size=3),
    st.lists(st.floats(0.01, 1), min_size=6, max_size=6),
)
def test_a_mix_gives_probabilities(share: float, weights: list[float], numbers: list[float]) -> None:
    """They are not negative and add up to one."""
    first, second = np.asarray(numbers, np.float32).reshape(2, 1, 3)
    mixed = Mix(share, tuple(weights)).of(first / first.sum(), second / second.sum())
    assert (mixed >= 0).all() and mixed.sum(axis=1) == pytest.approx(1, abs=1e-5)
