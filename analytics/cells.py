"""One frame for each sampling cell."""

from collections.abc import Iterator

from av.video.frame import VideoFrame

from analytics.plan import VideoPlan


def one_a_cell(
    came: Iterator[tuple[int, VideoFrame]], plan: VideoPlan, planned: frozenset[int] | None
) -> Iterator[tuple[int, VideoFrame]]:
    """The planned frame of each cell; where that has not come when another cell begins, the first one that did.

    Where times are in disorder, so that nothing is planned (None), the first that comes.
    """
    given: set[int] = set()
    instead: tuple[int, VideoFrame] | None = None
    for number, frame in came:
        cell = int(plan.cells[number])
        if instead is not None and plan.cells[instead[0]] != cell:
            given.add(int(plan.cells[instead[0]]))
            yield instead
            instead = None
        if cell in given:
            continue
        if planned is None or number in planned:
            given.add(cell)
            instead = None
            yield number, frame
        elif instead is None:
            instead = number, frame
    if instead is not None:
        yield instead
