"""Which faces lie in a zone."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from analytics.polygons import Polygon, area

if TYPE_CHECKING:  # A configuration is checked before numpy is needed.
    from numpy.typing import NDArray

LEAST_AREA: Final = 1e-4
"""Share of the picture that a zone must enclose."""
_CELLS: Final = 250
"""Rows and columns of points that the picture is looked at by."""


def share_of(zones: Sequence[Polygon]) -> float:
    """The share of the picture that zones cover together, 0 to 1; of several to about 1 %."""
    if len(zones) == 1:
        return area(zones[0])
    import numpy as np

    middles = (np.arange(_CELLS) + 0.5) / _CELLS
    x, y = (one.ravel() for one in np.meshgrid(middles, middles))
    return float(np.any([inside(points, x, y) for points in zones], axis=0).mean())


def inside(points: Polygon, x: "NDArray[Any]", y: "NDArray[Any]") -> "NDArray[Any]":
    """(n,) whether each point lies in the polygon: a ray from it crosses the outline an odd number of times."""
    odd: NDArray[Any] = x < x  # noqa: PLR0124 All False, in the shape of x.
    for (ax, ay), (bx, by) in pairwise([*points, points[0]]):
        if ay != by:
            between = (ay > y) != (by > y)
            odd ^= between & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    return odd
