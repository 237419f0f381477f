"""What a data set is read to: its pictures, and what names, folders and lists say of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.pictures import Pictures


@dataclass(frozen=True, kw_only=True)
class Item:
    """One labelled picture of a data set."""

    label: str
    """As the set spells it."""
    name: str
    """Which picture of the set it is, for people: its path below the set, or its row."""
    subject: str = ""
    """Whose face it is, within the set; empty where nobody says."""
    split: str = ""
    """One of SPLITS; empty where the set has none."""
    box: tuple[float, ...] | None = None
    """Where the face is: x, y, width, height in px."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SourceSet:
    """One data set as it was brought."""

    kind: str
    """The key in FORMATS."""
    items: Sequence[Item]
    pictures: Pictures
    """As many, in the same order; files are not opened before they are asked for."""
    votes: NDArray[np.integer] | None = None
    """(n, names) of FER+; None where the set has none."""
    vote_names: tuple[str, ...] = ()
    spare: tuple[str, ...] = ()
    """Labels that are left out unless somebody asks for them."""
    normalised: str = ""
    """What was done to the grey levels already, one of models.levels.NORMALISED, or nothing."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Pictures that are no part of it, by reason."""


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """What of a set is read."""

    labels: str = "fer2013"
    """Truth of FER2013 where there are votes, too: fer2013 or ferplus."""
    last: int = 3
    """Frames at the end of a sequence of CK+ that show its expression."""
    first: int = 1
    """Frames at its beginning that are neutral."""
    angles: tuple[str, ...] = ("S",)
    """Of KDEF."""
