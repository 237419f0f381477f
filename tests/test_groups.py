"""Accuracy by group: intervals, the gap, groups that are too small, and what nobody looked at."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from models.groups import grouping_of, in_words, not_tested
from tests.command import emobatch


def judged(*groups: tuple[str, int, int]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names, truth and what was said: of each group its name, its size, and how many are right."""
    names = [name for name, n, _ in groups for _ in range(n)]
    said = np.concatenate([np.arange(n) >= right for _, n, right in groups]).astype(np.int64)
    return names, np.zeros(len(names), np.int32), said


def test_the_gap_is_told_with_its_interval() -> None:
    """Worked example of Newcombe (1998), table II (a): 56 of 70 against 48 of 80 differ by 0.2, 0.0524 to 0.3339."""
    grouping = grouping_of(*judged(("b", 80, 48), ("a", 70, 56)), classes=2)
    assert grouping.gap is not None
    assert (grouping.gap.best, grouping.gap.worst) == ("a", "b")
    assert grouping.gap.accuracy == pytest.approx(0.2)
    assert grouping.gap.interval == pytest.approx((0.0524, 0.3339), abs=1e-4)
    assert grouping.gap.p_value < 0.05
    assert grouping.groups["a"].accuracy_interval == pytest.approx((0.6923, 0.8769), abs=1e-3)


def test_small_groups_are_compared_with_none() -> None:
    """29 pictures, all wrong, are no worst group; without two groups there is no gap."""
    grouping = grouping_of(*judged(("few", 29, 0), ("x", 30, 20), ("y", 40, 30)), classes=2)
    assert grouping.too_few == ("few",)
    assert grouping.gap is not None and {grouping.gap.best, grouping.gap.worst} == {"x", "y"}
    assert grouping.gap.p_value > 0.05
    words = in_words({"group_age": grouping}, ("culture", "skin_tone"))
    assert "group_age few: 29 pictures, accuracy 0.000" in words[0] and "compared with none" in words[0]
    assert "so much by chance" in words[3] and words[4] == "never tested here: culture, skin tone"
    assert grouping_of(*judged(("few", 29, 0), ("x", 30, 20)), classes=2).gap is None
    perfect = grouping_of(*judged(("x", 30, 30), ("y", 30, 30)), classes=2).gap
    assert perfect is not None and perfect.p_value == 1.0


def test_what_no_column_tells_was_not_tested() -> None:
    """With and without the mark of group columns."""
    assert not_tested(()) == ("culture", "skin_tone", "age", "camera")
    assert not_tested(("group_age", "camera", "group")) == ("culture", "skin_tone")


def test_several_columns_are_scored_from_outside(tmp_path: Path) -> None:
    """group_… by themselves, others with --group; an unknown column is refused with the ones that there are."""
    cv2.imwrite(str(tmp_path / "a.png"), np.random.default_rng(1).integers(0, 256, (48, 48), np.uint8))
    lines = ["path,label,group_skin_tone,group_age,lens", "a.png,happy,6,,wide", "a.png,sad,2,old,wide"]
    (tmp_path / "list.csv").write_text("\n".join(lines), encoding="utf-8")
    done = emobatch("evaluate", "default", "list.csv", "--group", "lens", "--json", "--out", "page", cwd=tmp_path)
    assert done.code == 0, done.stderr
    groups = done.json["groups"]
    assert {column: {name: one["n"] for name, one in found["groups"].items()} for column, found in groups.items()} == {
        "group_skin_tone": {"2": 1, "6": 1},
        "group_age": {"none": 1, "old": 1},
        "lens": {"wide": 2},
    }
    assert done.json["not_tested"] == ["culture", "camera"]
    page = (tmp_path / "page" / "evaluation.html").read_text("utf-8")
    assert "Never tested here: culture, camera." in page and "too few to compare" in page
    done = emobatch("evaluate", "default", "list.csv", "--group", "zoom", cwd=tmp_path)
    assert done.code == 2
    assert "--group zoom: is no column of list.csv: name one of path, label, group_skin_tone" in done.only_error()
