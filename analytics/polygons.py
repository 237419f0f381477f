"""Polygons in a camera's picture, for zones and masks alike: lists of [x, y] in shares of the upright picture.

0, 0 is its upper left corner, 1, 1 the lower right one.
"""

from collections.abc import Sequence
from itertools import combinations, pairwise
from math import isfinite
from typing import Final

Point = tuple[float, float]
Polygon = tuple[Point, ...]
MOST_POINTS: Final = 100


def corners_of(points: object) -> Polygon | None:
    """The corners in a list of [x, y], each once where it is closed as GeoJSON has it; None where it is no such list."""
    if not isinstance(points, list | tuple) or not all(_is_point(point) for point in points):
        return None
    corners = tuple((float(x), float(y)) for x, y in points)
    return corners[:-1] if len(corners) > 1 and corners[0] == corners[-1] else corners


def _is_point(point: object) -> bool:
    return isinstance(point, list | tuple) and len(point) == 2 and all(type(value) in (int, float) for value in point)


def why_no_polygon(points: Sequence[Point], least_area: float = 0.0) -> tuple[str, str] | None:
    """What is wrong with the corners of a polygon and what to do, or None where nothing is.

    Args:
        points: its corners.
        least_area: share of the picture that it must enclose more than.
    """
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
            return (
                f"its edges {i + 1} and {j + 1} cross or touch",
                "give the corners in the order in which one walks around it",
            )
    if area(points) <= least_area:
        return "encloses next to nothing", "give corners that lie apart"
    return None


def area(points: Sequence[Point]) -> float:
    """Share of the picture that a polygon encloses, by the shoelace formula."""
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise([*points, points[0]]))) / 2


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
