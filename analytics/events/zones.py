"""Which faces lie in a zone."""

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from analytics.polygons import Polygon, area

if TYPE_CHECKING:  # A configuration is checked before numpy is needed.
    from numpy.typing import NDArray

LEAST_AREA: Final = 1e-4
"""Share of the picture that a zone must enclose."""
_WHOLE_PICTURE: Final = 0.95


def is_whole_picture(points: Polygon) -> bool:
    """Whether a zone leaves out next to nothing, and so says nothing of where somebody is."""
    return area(points) >= _WHOLE_PICTURE


def inside(points: Polygon, x: "NDArray[Any]", y: "NDArray[Any]") -> "NDArray[Any]":
    """(n,) whether each point lies in the polygon: a ray from it crosses the outline an odd number of times."""
    odd: NDArray[Any] = x < x  # noqa: PLR0124 All False, in the shape of x.
    for (ax, ay), (bx, by) in pairwise([*points, points[0]]):
        if ay != by:
            between = (ay > y) != (by > y)
            odd ^= between & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    return odd
