"""A classifier and a data set that tell other things apart: what cannot be scored is said."""

import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from models.classifier import SHIPPED, ModelFacts
from tests.command import emobatch


def test_classes_that_the_classifier_does_not_know_are_told(tmp_path: Path) -> None:
    """They are left out of the score, and named in words, JSON and page."""
    images = np.random.default_rng(2).integers(0, 256, (9, 48, 48), np.uint8)
    names = np.array(["happy", "bored"])
    labels = np.array([0, 1, 1] * 3, np.uint8)
    np.savez(
        tmp_path / "own.npz",
        images=images,
        labels=labels,
        class_names=names,
        classes=names,
        split=np.array(["private"] * 9),
    )
    command = ("evaluate", "default", "own.npz", "--labels", "fer2013")
    done = emobatch(*command, "--out", "page", cwd=tmp_path)
    assert done.code == 0, done.stderr
    assert done.stdout.startswith("3 pictures: ")
    assert "6 left out, of classes that the classifier does not know: bored 6" in done.stdout
    assert "does not know these classes" in (tmp_path / "page" / "evaluation.html").read_text(encoding="utf-8")
    told = emobatch(*command, "--json", cwd=tmp_path).json
    assert told["left_out"] == {"bored": 6} and "never_said" not in told and len(told["classes"]) == 7


def test_expressions_that_the_classifier_never_names_are_told(tmp_path: Path) -> None:
    """They count as wrong; those of the seven that are neither said nor seen stand in no table."""
    model = tmp_path / "mine.tflite"
    shutil.copy(SHIPPED["small"], model)
    facts = ModelFacts.beside(SHIPPED["small"])
    replace(facts, classes=("cross", "repelled", *facts.classes[2:])).write_beside(model)
    for name in ("angry", "happy"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for k in range(2):
            picture = np.random.default_rng(k).integers(0, 256, (48, 48), np.uint8)
            cv2.imwrite(str(tmp_path / "set" / name / f"{k}.png"), picture)
    done = emobatch("evaluate", "mine.tflite", "set", cwd=tmp_path)
    assert done.code == 0, done.stderr
    assert "2 counted as wrong, of expressions that the classifier never names: angry 2" in done.stdout
    told = emobatch("evaluate", "mine.tflite", "set", "--json", cwd=tmp_path).json
    assert told["never_said"] == {"angry": 2} and told["classes"]["angry"]["recall"] == 0
    assert "disgust" not in told["classes"] and "cross" in told["classes"] and len(told["confusion"]) == 8
