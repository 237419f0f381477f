"""How sure shares are: intervals by bootstrap over tracks (Efron, 1979), since the faces of a track are not independent."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

DRAWS: Final = 400
_CHUNK: Final = 20_000
_SEED: Final = 20_260
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, eq=False)
class Shares:
    """How judged time divides among the labels."""

    share: NDArray[np.float64]
    """(labels,) 0 to 1."""
    low: NDArray[np.float64]
    """(labels,) lower end of the 95 % interval."""
    high: NDArray[np.float64]
    seconds: float
    """Judged time of all tracks."""
    n_tracks: int
    """Judged ones."""


def shares_of(shares: NDArray[np.float64], weights: NDArray[np.float64]) -> Shares | None:
    """Shares over all tracks and the interval of each.

    What no track shows, none of the draws shows either, which says nothing of how sure that is: there the interval
    ends where so many tracks would all have missed it once in twenty times (the rule of three; Hanley and
    Lippman-Hand, 1983), and likewise for what all of the time was.

    Each draw counts every track as often as a Poisson variable of mean one says, which is the bootstrap for many
    tracks (Hanley and MacGibbon, 2006) and needs them in parts only.

    Args:
        shares: (tracks, labels) of each track's judged time.
        weights: (tracks,) judged seconds of each.

    Returns:
        None where no time was judged.
    """
    judged = weights > 0
    shares, weights = np.nan_to_num(shares[judged]), weights[judged]
    if not len(weights):
        return None
    seconds = shares * weights[:, None]
    random = np.random.default_rng(_SEED)
    drawn = np.zeros((DRAWS, shares.shape[1]))
    for start in range(0, len(weights), _CHUNK):
        part = seconds[start : start + _CHUNK]
        drawn += random.poisson(1.0, (DRAWS, len(part))).astype(np.float64) @ part
    totals = drawn.sum(axis=1, keepdims=True)
    drawn = (drawn / np.where(totals > 0, totals, 1))[totals[:, 0] > 0]
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0) if len(drawn) else (np.zeros(shares.shape[1]), np.ones(1))
    share = seconds.sum(axis=0) / seconds.sum()
    # Tracks as long as one another that would say as much as these.
    n_alike = weights.sum() ** 2 / (weights**2).sum()
    missed = 0.05 ** (1 / n_alike)
    low, high = np.where(share >= 1 - _ROUNDING, missed, low), np.where(share <= _ROUNDING, 1 - missed, high)
    # With few tracks the interval may miss what was found, which would read as an error.
    return Shares(share, np.minimum(low, share), np.maximum(high, share), float(weights.sum()), len(weights))
