"""Evaluations side by side: from the command to the page."""

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analytics.errors import UsageError
from models.evaluate import Evaluation, Part
from models.scores import score
from reports.comparison import read_evaluation, write_comparison
from reports.evaluation import write_evaluation
from tests.command import emobatch


def evaluated(folder: Path, model: str, right: float, **about: str) -> Path:
    """What `emobatch evaluate --out` leaves of a classifier that is right in this share of 210 pictures."""
    random = np.random.default_rng(len(model))
    labels = np.arange(210, dtype=np.int32) % 7
    probabilities = random.dirichlet(np.ones(7), 210).astype(np.float32)
    said = np.where(random.random(210) < right, labels, (labels + 1) % 7)
    probabilities[np.arange(210), said] += 1
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    part = Part(n=210, accuracy=right, macro_f1=right)
    result = Evaluation(score(probabilities, labels, 0.4), {24: part}, {}, None).to_json()
    write_evaluation(folder, {"model": model, "data set": "drawn", **about}, result)
    return folder


def test_the_better_classifier_comes_first_in_all_three_files(tmp_path: Path) -> None:
    """Page, CSV and JSON hold one row for each evaluation, as the evaluations have them."""
    poor, good = evaluated(tmp_path / "poor", "poor", 0.5), evaluated(tmp_path / "good", "good", 0.9)
    done = emobatch("compare", "evaluations", poor, good, "--out", "both", "--json", cwd=tmp_path)
    assert done.code == 0
    assert [row["model"] for row in done.json["rows"]] == ["poor", "good"]
    kept = json.loads((tmp_path / "both" / "comparison.json").read_text())["rows"]
    assert [row["model"] for row in kept] == ["good", "poor"]
    alone: dict[str, Any] = json.loads((good / "evaluation.json").read_text())
    assert kept[0]["accuracy"] == alone["accuracy"]
    assert kept[0]["recall_fear"] == alone["classes"]["fear"]["recall"]
    with (tmp_path / "both" / "comparison.csv").open(encoding="utf-8") as file:
        assert [float(row["macro_f1"]) for row in csv.DictReader(file)] == [row["macro_f1"] for row in kept]


def test_what_cannot_be_compared_is_said(tmp_path: Path) -> None:
    """On the page and on stderr."""
    one, two = (
        evaluated(tmp_path / "1", "one", 0.5, split="public"),
        evaluated(tmp_path / "2", "two", 0.9, split="private"),
    )
    done = emobatch("compare", "evaluations", one, two, "--out", "both", cwd=tmp_path)
    assert done.code == 0
    assert "not comparable: the split differs (private, public)" in done.stderr
    other = evaluated(tmp_path / "3", "one", 0.9, split="public", faces="found first")
    again = emobatch("compare", "evaluations", one, other, "--out", "ways", cwd=tmp_path)
    assert "not comparable: the way to the faces differs (found first, unknown)" in again.stderr
    assert "the split differs (private, public)" in (tmp_path / "both" / "comparison.html").read_text()


@pytest.mark.parametrize("content", [None, "", "{}", '{"model": "x", "n": 3}', "[1, 2]"])
def test_what_is_no_evaluation_is_refused(tmp_path: Path, content: str | None) -> None:
    """The error names the file and how to make one; nothing is written."""
    (tmp_path / "bad").mkdir()
    if content is not None:
        (tmp_path / "bad" / "evaluation.json").write_text(content)
    done = emobatch("compare", "evaluations", "bad", "--out", "both", cwd=tmp_path)
    assert done.code == 2
    assert "evaluation.json" in done.only_error() and "emobatch evaluate MODEL DATASET --out" in done.only_error()
    assert not (tmp_path / "both").exists()


def without(key: str) -> Callable[[dict[str, Any]], None]:
    """Forget a part of an evaluation."""
    return lambda told: told.pop(key)


@pytest.mark.parametrize(
    "spoil",
    [
        without("risk_coverage"),
        without("calibration"),
        lambda told: told.update(accuracy=math.nan),
        lambda told: told.update(accuracy=None),
        lambda told: told.update(macro_f1="high"),
        lambda told: told["risk_coverage"][0].update(accuracy=math.nan),
        lambda told: told["calibration"][0].pop("confidence"),
        lambda told: told["face_px"]["24"].update(accuracy=math.inf),
        lambda told: told.update(classes={"fear": {"recall": "much"}}),
    ],
    ids=map(str, range(9)),
)
def test_an_evaluation_that_lacks_something_is_refused(tmp_path: Path, spoil: Callable[[dict[str, Any]], None]) -> None:
    """One that an older version wrote, or that was damaged: the error names it, and nothing is written."""
    good, bad = evaluated(tmp_path / "good", "good", 0.9), evaluated(tmp_path / "bad", "bad", 0.5)
    told = json.loads((bad / "evaluation.json").read_text())
    spoil(told)
    (bad / "evaluation.json").write_text(json.dumps(told))
    with pytest.raises(UsageError, match=r"bad/evaluation\.json: is no evaluation"):
        read_evaluation(bad)
    write_comparison(tmp_path / "both", [read_evaluation(good)])


def test_a_comparison_that_cannot_be_drawn_leaves_no_file(tmp_path: Path) -> None:
    """All of it is there before the first file is written."""
    good = read_evaluation(evaluated(tmp_path / "good", "good", 0.9))
    del good.result["risk_coverage"]
    with pytest.raises(KeyError):
        write_comparison(tmp_path / "both", [good])
    assert not (tmp_path / "both").exists()
