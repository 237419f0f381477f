"""How a classifier does in groups of people: each with its interval, the gap between them, and what nobody looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, chi2_contingency

from models.scores import confusion_of, macro_f1

LEAST: Final = 30
"""Pictures of a group below which its accuracy is told and compared with no other's."""
MARK: Final = "group_"
"""How columns of a list begin that are groups; `group` alone is one, too."""
ASKED: Final = ("culture", "skin_tone", "age", "camera")
"""What is to be looked at before a classifier is trusted with people; what a list has none of was not tested."""


@dataclass(frozen=True)
class GroupScore:
    """Scores of the pictures of one group."""

    n: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    """95 %, by Wilson's score (1927)."""
    macro_f1: float


@dataclass(frozen=True)
class Gap:
    """Between the group with the highest and that with the lowest accuracy, of those that are large enough."""

    best: str
    worst: str
    accuracy: float
    """By how much they differ."""
    interval: tuple[float, float]
    """95 %, by Newcombe's hybrid score (1998), "Interval estimation for the difference between independent proportions",
    method 10. The two were chosen for being furthest apart, so with many groups it is too narrow."""
    p_value: float
    """Of a chi-squared test of whether accuracy differs among all of these groups at all."""


@dataclass(frozen=True)
class Grouping:
    """All groups of one column."""

    groups: dict[str, GroupScore]
    gap: Gap | None
    """None where fewer than two groups are large enough."""
    too_few: tuple[str, ...]
    """Groups with fewer than LEAST pictures."""

    def to_json(self) -> dict[str, Any]:
        """With stable keys."""
        return {
            "groups": {name: vars(found) for name, found in self.groups.items()},
            "gap": vars(self.gap) if self.gap else None,
            "least_n": LEAST,
            "too_few": list(self.too_few),
        }


def grouping_of(names: Sequence[str], labels: NDArray[np.int32], said: NDArray[np.integer], classes: int) -> Grouping:
    """Scores by group.

    Args:
        names: (n,) the group of each picture.
        labels: (n,) the truth.
        said: (n,) what was said.
        classes: how many there are.
    """
    each = np.array(names)
    found: dict[str, GroupScore] = {}
    right: dict[str, int] = {}
    for name in sorted(set(names)):
        inside = each == name
        confusion = confusion_of(labels[inside], said[inside], classes)
        n, right[name] = int(inside.sum()), int(confusion.trace())
        interval = binomtest(right[name], n).proportion_ci(method="wilson")
        found[name] = GroupScore(n, right[name] / n, (float(interval.low), float(interval.high)), macro_f1(confusion))
    enough = [name for name, score in found.items() if score.n >= LEAST]
    gap = _gap({name: found[name] for name in enough}, right) if len(enough) > 1 else None
    return Grouping(found, gap, tuple(name for name in found if name not in enough))


def _gap(found: Mapping[str, GroupScore], right: Mapping[str, int]) -> Gap:
    best, worst = (pick(found, key=lambda name: found[name].accuracy) for pick in (max, min))
    high, low = found[best], found[worst]
    difference = high.accuracy - low.accuracy
    below = np.hypot(high.accuracy - high.accuracy_interval[0], low.accuracy_interval[1] - low.accuracy)
    above = np.hypot(high.accuracy_interval[1] - high.accuracy, low.accuracy - low.accuracy_interval[0])
    table = np.array([[right[name], found[name].n - right[name]] for name in found])
    # Where all are right, or none is, nothing differs.
    p_value = float(chi2_contingency(table).pvalue) if table.sum(axis=0).all() else 1.0
    return Gap(best, worst, difference, (float(difference - below), float(difference + above)), p_value)


def not_tested(columns: Sequence[str]) -> tuple[str, ...]:
    """What of ASKED no column of a list tells."""
    told = {column.removeprefix(MARK) for column in columns}
    return tuple(name for name in ASKED if name not in told)


def in_words(groupings: Mapping[str, Grouping], untested: Sequence[str]) -> list[str]:
    """The groups as lines for a person, with a line on what was never tested."""
    lines = []
    for column, grouping in groupings.items():
        for name, found in grouping.groups.items():
            few = f"; fewer than {LEAST}, compared with none" if name in grouping.too_few else ""
            low, high = found.accuracy_interval
            lines.append(
                f"{column} {name}: {found.n} pictures, accuracy {found.accuracy:.3f} ({low:.3f} to {high:.3f}), "
                f"macro-F1 {found.macro_f1:.3f}{few}"
            )
        if gap := grouping.gap:
            chance = "" if gap.p_value < 0.05 else "; groups as alike as these differ so much by chance"
            lines.append(
                f"{column}: {gap.best} is ahead of {gap.worst} by {gap.accuracy:.3f} "
                f"({gap.interval[0]:.3f} to {gap.interval[1]:.3f}){chance}"
            )
    if untested:
        lines.append(f"never tested here: {', '.join(name.replace('_', ' ') for name in untested)}")
    return lines
