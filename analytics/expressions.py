"""The class lists. Their order is the order of every array, column and page of emobatch."""

from collections.abc import Sequence
from typing import Final

EXPRESSIONS: Final = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
"""The seven apparent expressions: the six basic ones of Ekman (1992) and neutral."""

UNCERTAIN: Final = "uncertain"
"""The label of a face whose largest probability is below the classifier's threshold."""


def columns_of(classes: Sequence[str]) -> tuple[str, ...]:
    """The columns of a classifier's probabilities: the seven, then its other classes in its own order.

    Those of the seven that it does not know are null in every row.
    """
    return (*EXPRESSIONS, *(name for name in classes if name not in EXPRESSIONS))


def labels_for(classes: Sequence[str]) -> tuple[str, ...]:
    """All labels that a face can have: the columns, and uncertain last."""
    return (*columns_of(classes), UNCERTAIN)
