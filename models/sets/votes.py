"""The votes of FER+ in a data set that is made: of several sets, and under the names that its labels have."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.labels import class_name
from models.sets.pool import Pool, called
from models.sets.records import SourceSet

_MOST: Final = 255


def votes_of(pool: Pool) -> dict[str, NDArray[Any]]:
    """The arrays `ferplus_votes`, uint8 (n, names), and `ferplus_names`; none where no set has votes.

    Votes are called as labels are: the columns that the mapping makes one class are added up. The names are those of the
    first set with votes; pictures of sets without have none.
    """
    voted = [(place, one) for place, one in enumerate(pool.sets.values()) if one.votes is not None]
    if not voted:
        return {}
    names = _names(pool, voted[0][1])
    columns = {class_name(name): column for column, name in enumerate(names)}
    votes = np.zeros((len(pool), len(names)), np.int64)
    for place, one in voted:
        assert one.votes is not None
        inside = np.flatnonzero(pool.source == place)
        cast = one.votes[pool.row[inside]]
        for own, name in enumerate(one.vote_names):
            if (column := columns.get(called(name, pool.renamed)[0])) is not None:
                votes[inside, column] += cast[:, own]
    return {"ferplus_votes": np.minimum(votes, _MOST).astype(np.uint8), "ferplus_names": np.array(names)}


def _names(pool: Pool, first: SourceSet) -> list[str]:
    """What the columns are called: as the set spells it, or as the mapping does."""
    names: dict[str, str] = {}
    for name in first.vote_names:
        ours, by = called(name, pool.renamed)
        names.setdefault(ours, ours if by else name)
    return list(names.values())
