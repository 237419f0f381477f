"""Scores of small tables, worked out by hand."""

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.expressions import EXPRESSIONS
from models.classifier import tempered
from models.scores import best_temperature, calibration_error, score, smallest_threshold

_ANGRY, _FEAR, _HAPPY, _SAD = (EXPRESSIONS.index(name) for name in ("angry", "fear", "happy", "sad"))


def said(pairs: list[tuple[int, float]]) -> NDArray[np.float32]:
    """Probabilities (n, 7): the class and how sure, the rest spread evenly."""
    rows = np.zeros((len(pairs), 7), np.float32)
    for row, (label, sure) in zip(rows, pairs, strict=True):
        row[:] = (1 - sure) / 6
        row[label] = sure
    return rows


# Six pictures, four of them right: two of three happy ones, one of two sad ones, the angry one.
_PROBABILITIES = said([(_HAPPY, 0.9), (_HAPPY, 0.8), (_SAD, 0.4), (_SAD, 0.7), (_HAPPY, 0.6), (_ANGRY, 0.5)])
_LABELS = np.array([_HAPPY, _HAPPY, _HAPPY, _SAD, _SAD, _ANGRY], np.int32)


def test_confusion_has_the_truth_in_its_rows() -> None:
    """What was said stands in the columns."""
    confusion = score(_PROBABILITIES, _LABELS, 0.5).confusion
    expected = np.zeros((7, 7), int)
    expected[_HAPPY, _HAPPY], expected[_HAPPY, _SAD] = 2, 1
    expected[_SAD, _SAD], expected[_SAD, _HAPPY] = 1, 1
    expected[_ANGRY, _ANGRY] = 1
    assert np.array_equal(confusion, expected)


def test_accuracy_and_macro_f1() -> None:
    """F1 is 2/3 for happy, 1/2 for sad, 1 for angry; the four classes that nobody shows are left out."""
    scores = score(_PROBABILITIES, _LABELS, 0.5)
    assert scores.n == 6 and scores.accuracy == pytest.approx(4 / 6)
    assert scores.macro_f1 == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)


def test_a_class_that_is_only_claimed_is_no_class_of_the_mean() -> None:
    """Who says fear where there is none pays for it in the class that it was; a single mistake is no class of its own."""
    scores = score(said([(_HAPPY, 0.9), (_FEAR, 0.9)]), np.array([_HAPPY, _HAPPY], np.int32), 0.5)
    assert scores.macro_f1 == pytest.approx(2 / 3)


def test_uncertain_pictures_are_reported_apart() -> None:
    """The threshold decides share and accuracy of the accepted ones, and nothing else."""
    scores = score(_PROBABILITIES, _LABELS, 0.65)
    assert scores.uncertain_share == pytest.approx(3 / 6)
    assert scores.accepted_accuracy == 1.0
    assert scores.accuracy == score(_PROBABILITIES, _LABELS, 0.0).accuracy
    assert score(_PROBABILITIES, _LABELS, 0.0).uncertain_share == 0
    nothing = score(_PROBABILITIES, _LABELS, 0.95)
    assert (nothing.uncertain_share, nothing.accepted_accuracy) == (1.0, None)


def test_calibration_error_by_hand() -> None:
    """Ten pictures at 0.9 of which seven are right, ten at 0.5 of which five are: half of 0.2."""
    sure = np.repeat(np.array([0.9, 0.5], np.float32), 10)
    right = np.array([True] * 7 + [False] * 3 + [True] * 5 + [False] * 5)
    assert calibration_error(sure, right) == pytest.approx(0.1, abs=1e-6)


def test_errors_of_one_bin_cancel_and_of_two_add_up() -> None:
    """Bins are a fifteenth wide; too sure in one and too unsure in another do not make up for each other."""
    right = np.array([True, False])
    assert calibration_error(np.array([0.5, 0.5], np.float32), right) == pytest.approx(0)
    assert calibration_error(np.array([0.3, 0.7], np.float32), right) == pytest.approx(0.7, abs=1e-6)


@pytest.mark.parametrize(("sure", "right", "error"), [(1.0, True, 0.0), (1.0, False, 1.0), (0.0, True, 1.0)])
def test_calibration_error_at_the_ends(sure: float, right: bool, error: float) -> None:
    """A confidence of exactly 1 has a bin as well."""
    assert calibration_error(np.array([sure], np.float32), np.array([right])) == pytest.approx(error)


def test_smallest_threshold_accepts_as_much_as_it_may() -> None:
    """Above 0.4, the one wrong picture left is that at 0.6; without it all are right."""
    assert smallest_threshold(_PROBABILITIES, _LABELS, 0.6) == 0.0
    assert smallest_threshold(_PROBABILITIES, _LABELS, 0.8) == pytest.approx(0.401, abs=0.0011)
    assert smallest_threshold(_PROBABILITIES, _LABELS, 1.0) == pytest.approx(0.601, abs=0.0011)


def test_threshold_keeps_its_promise() -> None:
    """On many pictures whose confidence is honest, the accepted ones are as often right as was asked."""
    draw = np.random.default_rng(5)
    sure = draw.uniform(0.2, 1, 4000)
    probabilities = said([(_HAPPY, float(value)) for value in sure])
    labels = np.where(draw.random(4000) < sure, _HAPPY, _SAD).astype(np.int32)
    threshold = smallest_threshold(probabilities, labels, 0.9)
    kept, lower = (score(probabilities, labels, one).accepted_accuracy for one in (threshold, threshold - 0.001))
    assert kept is not None and lower is not None and lower < 0.9 <= kept
    assert 0.7 < threshold < 0.9


def test_threshold_where_nothing_is_right() -> None:
    """What cannot be had is not promised: everything is uncertain."""
    assert smallest_threshold(said([(_SAD, 0.9)] * 3), np.array([_HAPPY] * 3, np.int32), 0.5) == 1.0


def test_json_has_the_stable_keys() -> None:
    """The object can be written as JSON, and what has no value is null, not a number."""
    found = json.loads(json.dumps(score(_PROBABILITIES, _LABELS, 0.65).to_json()))
    stable = {"n", "accuracy", "macro_f1", "ece", "classes", "confusion", "uncertain"}
    assert stable <= set(found)
    assert list(found["classes"]) == list(EXPRESSIONS)
    assert found["classes"]["happy"] == {"precision": pytest.approx(2 / 3), "recall": pytest.approx(2 / 3), "n": 3}
    assert found["classes"]["fear"] == {"precision": None, "recall": None, "n": 0}
    assert found["uncertain"] == {"threshold": 0.65, "share": 0.5, "accuracy_of_accepted": 1.0}
    assert np.array(found["confusion"]).shape == (7, 7)


@pytest.mark.parametrize("truth", [0.5, 1.0, 2.0])
def test_temperature_is_found_again(truth: float) -> None:
    """Labels that fall as often as tempered probabilities say have that temperature."""
    draw = np.random.default_rng(5)
    probabilities = draw.dirichlet(np.full(7, 0.6), 20_000).astype(np.float32)
    real = tempered(probabilities, truth).astype(np.float64)
    chances = np.cumsum(real, axis=1) / real.sum(axis=1, keepdims=True)
    labels = (draw.random((len(real), 1)) > chances).sum(axis=1).astype(np.int32)
    assert best_temperature(probabilities, labels) == pytest.approx(truth, rel=0.05)
    found = tempered(probabilities, best_temperature(probabilities, labels))
    assert calibration_error(found.max(axis=1), found.argmax(axis=1) == labels) < 0.01


def test_intervals_hold_the_figure_and_shrink_with_the_pictures() -> None:
    """Always the same for the same pictures."""
    few = score(_PROBABILITIES, _LABELS, 0.5)
    many = score(np.tile(_PROBABILITIES, (50, 1)), np.tile(_LABELS, 50), 0.5)
    for found in (few, many):
        assert found.accuracy_interval[0] <= found.accuracy <= found.accuracy_interval[1]
    width = [high - low for low, high in (few.accuracy_interval, many.accuracy_interval)]
    assert width[1] < width[0] / 4
    # Of 300 independent pictures, four of six right: 1.96 standard deviations to either side.
    assert width[1] == pytest.approx(2 * 1.96 * (4 / 6 * 2 / 6 / 300) ** 0.5, rel=0.15)
    assert many.macro_f1_interval is not None
    assert many.macro_f1_interval[0] <= many.macro_f1 <= many.macro_f1_interval[1]
    again = score(np.tile(_PROBABILITIES, (50, 1)), np.tile(_LABELS, 50), 0.5)
    assert again.macro_f1_interval == many.macro_f1_interval


@pytest.mark.parametrize(("n", "low"), [(4, 0.51), (40, 0.912)])
def test_all_right_is_not_sure(n: int, low: float) -> None:
    """Four pictures of four leave room for a classifier that is right half the time; bootstrap would tell 1 to 1."""
    found = score(said([(_HAPPY, 0.9)] * n), np.full(n, _HAPPY, np.int32), 0.5)
    assert list(found.accuracy_interval) == pytest.approx([low, 1.0], abs=0.001)
    assert found.macro_f1_interval is None


def test_a_rare_class_stays_in_the_interval() -> None:
    """Two pictures that are always missed: pictures drawn anew without them would promise a perfect classifier."""
    labels = np.array([_HAPPY] * 60 + [_FEAR] * 2, np.int32)
    found = score(said([(_HAPPY, 0.9)] * 62), labels, 0.5)
    wrong = score(said([(_HAPPY, 0.9)] * 59 + [(_FEAR, 0.9)] + [(_HAPPY, 0.9)] * 2), labels, 0.5)
    assert found.macro_f1 < 0.5 and found.macro_f1_interval is None
    assert wrong.macro_f1_interval is not None and wrong.macro_f1_interval[1] < 0.55


def test_few_pictures_have_no_interval_of_macro_f1() -> None:
    """Six pictures drawn anew are much the same six."""
    assert score(_PROBABILITIES, _LABELS, 0.5).macro_f1_interval is None


def test_risk_falls_from_all_pictures_to_the_surest() -> None:
    """The first point is all pictures, and each one leaves out those of which the classifier is least sure."""
    curve = score(_PROBABILITIES, _LABELS, 0.5).risk_coverage
    assert curve[0].coverage == 1.0 and curve[0].accuracy == pytest.approx(4 / 6)
    assert [point.threshold for point in curve] == sorted(point.threshold for point in curve)
    assert curve[-1].accuracy == 1.0 and curve[-1].threshold == pytest.approx(0.9)
