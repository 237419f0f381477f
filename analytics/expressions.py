"""The class list. Its order is the order of every array, column and page of emobatch."""

from typing import Final

EXPRESSIONS: Final = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
"""The seven apparent expressions: the six basic ones of Ekman (1992) and neutral."""

UNCERTAIN: Final = "uncertain"
"""The label of a face whose largest probability is below the classifier's threshold."""
