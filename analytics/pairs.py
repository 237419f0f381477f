"""Which of some and which of others belong together, where each pair has its cost."""

import numpy as np
from numpy.typing import NDArray


def lightest(cost: NDArray[np.float64]) -> list[tuple[int, int]]:
    """The pairs of row and column, each in one pair at most, that cost least together.

    Args:
        cost: (rows, columns), finite; neither is 0.
    """
    if min(cost.shape) == 1:
        row, column = divmod(int(cost.argmin()), cost.shape[1])
        return [(row, column)]
    # Here, because it takes half a second to load, and most footage shows one person at a time or none.
    from scipy.optimize import linear_sum_assignment

    return [(int(row), int(column)) for row, column in zip(*linear_sum_assignment(cost), strict=True)]
