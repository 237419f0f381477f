"""Polygons in the picture: what is wrong with one, and which faces lie within."""

from collections.abc import Sequence
from itertools import combinations, pairwise
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:  # A configuration is checked before numpy is needed.
    from numpy.typing import NDArray

Point = tuple[float, float]
_LEAST_AREA: Final = 1e-4
_WHOLE_PICTURE: Final = 0.95
MOST_POINTS: Final = 100


def why_no_zone(points: Sequence[Point]) -> tuple[str, str] | None:
    """What is wrong with the corners of a zone and what to do, or None where nothing is."""
    if not 3 <= len(points) <= MOST_POINTS:
        return f"has {len(points)} corners", f"give 3 to {MOST_POINTS}, as [[0.1, 0.2], [0.5, 0.2], [0.5, 0.9]]"
    for number, (x, y) in enumerate(points, 1):
        if not (isfinite(x) and isfinite(y) and 0 <= x <= 1 and 0 <= y <= 1):
            hint = "divide px by width and height of the picture" if max(abs(x), abs(y)) > 2 else "keep to 0 to 1"
            return f"corner {number} ({x:g}, {y:g}) lies outside the picture", f"give shares of it; {hint}"
    edges = list(pairwise([*points, points[0]]))
    for number, (start, end) in enumerate(edges, 1):
        if start == end:
            return f"corner {number} is there twice in a row", "leave one of them out"
    for (i, one), (j, other) in combinations(enumerate(edges), 2):
        neighbours = j - i == 1 or j - i == len(edges) - 1
        if _turns_back(one, other) if neighbours else _touch(one, other):
            return f"its edges {i + 1} and {j + 1} cross or touch", "give the corners in the order around the zone"
    if area(points) < _LEAST_AREA:
        return "encloses next to nothing", "give corners that lie apart"
    return None


def area(points: Sequence[Point]) -> float:
    """Share of the picture that a polygon encloses, by the shoelace formula."""
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise([*points, points[0]]))) / 2


def is_whole_picture(points: Sequence[Point]) -> bool:
    """Whether a zone leaves out next to nothing, and so says nothing of where somebody is."""
    return area(points) >= _WHOLE_PICTURE


def inside(points: Sequence[Point], x: "NDArray[Any]", y: "NDArray[Any]") -> "NDArray[Any]":
    """(n,) whether each point lies in the polygon: a ray from it crosses the outline an odd number of times."""
    odd: NDArray[Any] = x < x  # noqa: PLR0124 All False, in the shape of x.
    for (ax, ay), (bx, by) in pairwise([*points, points[0]]):
        if ay != by:
            between = (ay > y) != (by > y)
            odd ^= between & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    return odd


def _cross(o: Point, a: Point, b: Point) -> float:
    return (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0])


def _within(a: Point, b: Point, p: Point) -> bool:
    return min(a[0], b[0]) <= p[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= p[1] <= max(a[1], b[1])


def _touch(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    (a, b), (c, d) = one, other
    sides = _cross(a, b, c), _cross(a, b, d), _cross(c, d, a), _cross(c, d, b)
    if sides[0] * sides[1] < 0 and sides[2] * sides[3] < 0:
        return True
    ends = ((a, b, c), (a, b, d), (c, d, a), (c, d, b))
    return any(side == 0 and _within(*end) for side, end in zip(sides, ends, strict=True))


def _turns_back(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    """Whether two edges with a common corner lie on each other."""
    if {*one} == {*other}:
        return True
    (corner,) = {*one} & {*other}
    a = one[0] if one[1] == corner else one[1]
    b = other[0] if other[1] == corner else other[1]
    along = (a[0] - corner[0]) * (b[0] - corner[0]) + (a[1] - corner[1]) * (b[1] - corner[1])
    return _cross(corner, a, b) == 0 and along > 0
