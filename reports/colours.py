"""One colour a label, on every page and sheet."""

from collections.abc import Sequence
from typing import Final

from analytics.expressions import UNCERTAIN

COLOURS: Final[dict[str, str]] = {
    "angry": "#D55E00",
    "disgust": "#009E73",
    "fear": "#CC79A7",
    "happy": "#E69F00",
    "neutral": "#56B4E9",
    "sad": "#0072B2",
    "surprise": "#F0E442",
    UNCERTAIN: "#999999",
}
"""Okabe and Ito (2008): told apart with every common kind of colour blindness."""

_OF_OTHERS: Final = ("#882255", "#332288", "#117733", "#AA4499", "#999933", "#661100", "#44AA99", "#6699CC")
"""After Tol (2021), for classes of a user's own; a ninth has the first one's colour again."""


def colours_of(labels: Sequence[str]) -> dict[str, str]:
    """A colour for each label: always the same for the seven, in turn for others."""
    others = [label for label in labels if label not in COLOURS]
    return COLOURS | {label: _OF_OTHERS[k % len(_OF_OTHERS)] for k, label in enumerate(others)}
