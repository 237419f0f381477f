"""Descriptors of faces from before networks learned them: HOG, LBP, PLGF, NEDP. Arrays in, arrays out.

Each takes gray faces, uint8 (n, size, size), and gives float32 (n, features). The last three give each pixel a code and
count the codes in the cells of a grid, because where on a face something is says as much as what it is (Ahonen et al.
2006, "Face Description with Local Binary Patterns"). A cell's counts are divided by its pixels.
"""

from collections.abc import Callable
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

Faces = NDArray[np.uint8]
Features = NDArray[np.float32]
Codes = NDArray[np.intp]
Reals = NDArray[np.float64]

GRID: Final = 6
"""Cells in a row and in a column: of 8 px on faces of 48 px."""
RING: Final = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))
"""The eight neighbours as rows and columns from the pixel: right, then against the clock, one every 45 degrees."""


def hog(faces: Faces, cell: int = 8) -> Features:
    """Histograms of oriented gradients (Dalal and Triggs 2005), OpenCV's.

    Nine orientations in cells of `cell` px, normalised in blocks of 2x2 cells that move on by one cell. Faces whose side
    is no multiple of the cell lose what is left over on the right and below.
    """
    side = faces.shape[1] // cell * cell
    size, block = (side, side), (2 * cell, 2 * cell)
    descriptor = cv2.HOGDescriptor(size, block, (cell, cell), (cell, cell), 9)
    rows = [np.asarray(descriptor.compute(np.ascontiguousarray(face[:side, :side]))) for face in faces]
    return np.stack(rows).reshape(len(faces), -1).astype(np.float32)


def lbp(faces: Faces, grid: int = GRID) -> Features:
    """Uniform local binary patterns of the 3x3 ring (Ojala et al. 2002, "Multiresolution Gray-Scale ... Texture").

    A neighbour that is no darker than the pixel sets its bit. The 58 patterns with at most two changes along the ring
    count by themselves, all others together. Neighbours are the pixels themselves; the paper interpolates the diagonal
    ones on a circle.
    """
    middle = faces[:, 1:-1, 1:-1]
    bits = np.stack([_shifted(faces, step) >= middle for step in RING], axis=-1)
    codes = bits @ (1 << np.arange(8))
    return histograms(_UNIFORM[codes], 59, grid)


def plgf(faces: Faces, grid: int = GRID, angles: int = 8) -> Features:
    """Pattern of local gravitational force (Bhattacharjee and Roy 2021, IEEE TPAMI 43(2), 595-607).

    Grey levels are masses, and the pixel is pulled by each neighbour of its 3x3 ring by the law of gravitation, their
    product over the squared distance. The sum of these forces has a magnitude and an angle. The magnitude is coded by the
    differences of the neighbours to the centre (the paper's NCDBP), 256 patterns; the angle by its sector; both
    histograms are put one after the other.

    The paper could be had in its abstract alone, so these are readings of it: the ring is 3x3 and the constant of
    gravitation 1; the mass of the centre counts as a factor of all forces; a neighbour sets its bit where its difference
    to the centre is at least the mean of the eight differences, which is what resists noise; sectors are eight, the
    first from 0 to 45 degrees. A pixel without force is in the first.
    """
    # A mass of zero would hide its neighbours.
    mass = faces.astype(np.float64) + 1
    across, down = (np.zeros(mass[:, 1:-1, 1:-1].shape) for _ in range(2))
    for y, x in RING:
        force = mass[:, 1:-1, 1:-1] * _shifted(mass, (y, x)) / (y * y + x * x)
        across += force * x / np.hypot(y, x)
        down += force * y / np.hypot(y, x)
    magnitude = np.pad(np.hypot(across, down), ((0, 0), (1, 1), (1, 1)), mode="edge")
    differences = np.stack([_shifted(magnitude, step) for step in RING], axis=-1) - magnitude[:, 1:-1, 1:-1, None]
    patterns = (differences >= differences.mean(axis=-1, keepdims=True)) @ (1 << np.arange(8))
    sectors = sector(across, -down, angles)
    return np.concatenate([histograms(patterns, 256, grid), histograms(sectors, angles, grid)], axis=1)


def nedp(faces: Faces, grid: int = GRID, threshold: float = 60.0) -> Features:
    """Neighbourhood-aware edge directional pattern (Iqbal et al. 2020, IEEE Trans. Affective Computing 11(1), 125-137).

    The gradient of the pixel says in which of eight directions its edge runs. Of its neighbours those two count that lie
    along this edge, ahead and behind: each has an edge that runs on as the pixel's own does (at most one direction away),
    that turns left, that turns right, or none. So an edge has 8x4x4 codes; a pixel without an edge has one more, which
    keeps featureless skin apart.

    The paper could be had in its abstract alone, so these are readings of it: gradients are Sobel's; "template
    orientations" are the three that a neighbour may have; an edge is a gradient of at least `threshold` (0..1,443); turned
    by three or more directions is no consistent edge and counts as none.
    """
    gray = np.pad(faces.astype(np.float64), ((0, 0), (1, 1), (1, 1)), mode="edge")
    around = {step: _shifted(gray, step) for step in RING}
    across = _side(around, 1, axis=1) - _side(around, -1, axis=1)
    up = _side(around, -1, axis=0) - _side(around, 1, axis=0)
    strong = np.hypot(across, up) >= threshold
    # The edge stands across the gradient, with the brighter side on its right.
    direction = (np.rint(np.arctan2(up, across) / (np.pi / 4)).astype(np.intp) + 2) % 8
    padded = np.pad(np.where(strong, direction, -1), ((0, 0), (1, 1), (1, 1)), constant_values=-1)
    centre = direction
    codes = centre.copy()
    for turn in (0, 4):
        there = np.stack([_shifted(padded, step) for step in RING], axis=-1)
        neighbour = np.take_along_axis(there, ((centre + turn) % 8)[..., None], axis=-1)[..., 0]
        codes = codes * 4 + np.where(neighbour < 0, 3, _TURNS[(neighbour - centre) % 8])
    return histograms(np.where(strong, codes, 128), 129, grid)


def histograms(codes: Codes, bins: int, grid: int) -> Features:
    """Shares of each code in each cell of a grid, (n, grid * grid * bins), of codes (n, height, width) below bins."""
    rows = np.array_split(np.arange(codes.shape[1]), grid)
    columns = np.array_split(np.arange(codes.shape[2]), grid)
    cells = []
    for row in rows:
        for column in columns:
            cell = codes[:, row[0] : row[-1] + 1, column[0] : column[-1] + 1].reshape(len(codes), -1)
            counts = np.bincount((cell + bins * np.arange(len(codes))[:, None]).ravel(), minlength=bins * len(codes))
            cells.append(counts.reshape(len(codes), bins) / cell.shape[1])
    return np.concatenate(cells, axis=1).astype(np.float32)


def sector(across: Reals, up: Reals, sectors: int) -> Codes:
    """In which sector of the circle a vector points; the first begins at the right and goes against the clock."""
    turned = np.mod(np.arctan2(up, across), 2 * np.pi) / (2 * np.pi)
    return np.minimum((turned * sectors).astype(np.intp), sectors - 1)


def _shifted(pictures: NDArray[Any], step: tuple[int, int]) -> NDArray[Any]:
    """The neighbour of each inner pixel, (n, height - 2, width - 2)."""
    y, x = step
    height, width = pictures.shape[1:]
    return pictures[:, 1 + y : height - 1 + y, 1 + x : width - 1 + x]


def _side(around: dict[tuple[int, int], Reals], where: int, axis: int) -> Reals:
    """Sobel's weighted sum of the three neighbours on one side: rows at `where` for axis 0, columns for axis 1."""
    weighed = [(2 - abs(step[1 - axis])) * grey for step, grey in around.items() if step[axis] == where]
    return np.asarray(np.sum(weighed, axis=0), np.float64)


def _uniform() -> Codes:
    """The bin of each of 256 patterns: 0 to 57 of those that change twice at most, 58 of the others."""
    bins = np.full(256, 58, np.intp)
    patterns = np.arange(256)
    changes = np.bitwise_count((patterns ^ ((patterns >> 1) | ((patterns & 1) << 7))).astype(np.uint8))
    bins[changes <= 2] = np.arange((changes <= 2).sum())
    return bins


_UNIFORM: Final = _uniform()
_TURNS: Final = np.array([0, 0, 1, 3, 3, 3, 2, 0], np.intp)
"""By how far a neighbour's direction is from the pixel's: on, left, right, none."""

DESCRIPTORS: Final[dict[str, Callable[[Faces], Features]]] = {"hog": hog, "lbp": lbp, "plgf": plgf, "nedp": nedp}
"""Name -> function of gray faces."""
