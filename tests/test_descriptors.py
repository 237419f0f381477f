"""Descriptors of faces, each against small pictures whose codes can be worked out by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models.descriptors import DESCRIPTORS, histograms, hog, lbp, nedp, plgf, sector


def picture(*rows: str) -> NDArray[np.uint8]:
    """One picture of a digit a pixel, times twenty."""
    return np.array([[int(digit) * 20 for digit in row] for row in rows], np.uint8)[None]


@pytest.mark.parametrize(
    ("name", "width"), [("hog", 5 * 5 * 4 * 9), ("lbp", 36 * 59), ("plgf", 36 * 264), ("nedp", 36 * 129)]
)
def test_shapes(name: str, width: int) -> None:
    """One row a face, whatever the other faces are; finite, also of a face without any structure."""
    faces = np.random.default_rng(3).integers(0, 256, (3, 48, 48), np.uint8)
    faces[1] = 128
    found = DESCRIPTORS[name](faces)
    assert found.shape == (3, width) and found.dtype == np.float32 and np.isfinite(found).all()
    assert DESCRIPTORS[name](faces[2:]) == pytest.approx(found[2:])
    assert not np.array_equal(found[0], found[2])


@pytest.mark.parametrize("name", ["lbp", "plgf", "nedp"])
def test_each_cell_is_shared_out(name: str) -> None:
    """A histogram adds up to one in each cell; PLGF has two."""
    faces = np.random.default_rng(3).integers(0, 256, (2, 50, 50), np.uint8)
    assert DESCRIPTORS[name](faces).sum(axis=1) == pytest.approx(72 if name == "plgf" else 36, rel=1e-5)


def test_cells_are_counted_apart() -> None:
    """Two rows and two columns of cells, in reading order."""
    codes = np.array([[[0, 0, 1, 1], [0, 1, 1, 1], [2, 2, 0, 1], [2, 2, 2, 2]]], np.intp)
    quarters = [[0.75, 0.25, 0], [0, 1, 0], [0, 0, 1], [0.25, 0.25, 0.5]]
    assert histograms(codes, 3, 2).reshape(4, 3).tolist() == quarters


def test_sectors_go_against_the_clock() -> None:
    """The first begins at the right."""
    around = np.arange(8) * np.pi / 4 + 0.1
    assert sector(np.cos(around), np.sin(around), 8).tolist() == list(range(8))
    assert sector(np.zeros(1), np.zeros(1), 8).tolist() == [0]


def test_lbp_by_hand() -> None:
    """The three on the right are as bright as the middle: bits 0, 1 and 7, a uniform pattern; two corners are none."""
    uniform = [code for code in range(256) if sum((code >> bit ^ code >> (bit + 1) % 8) & 1 for bit in range(8)) <= 2]
    right, corners = lbp(picture("019", "059", "019"), 1)[0], lbp(picture("900", "050", "009"), 1)[0]
    assert len(uniform) == 58
    assert right.argmax() == uniform.index(0b10000011) and right.max() == 1
    assert corners.argmax() == 58


def test_hog_finds_the_orientation() -> None:
    """Upright stripes have all their gradients across, lying ones up and down."""
    upright = np.tile(np.repeat([0, 200], 4).astype(np.uint8), (48, 6))
    across, down = (hog(face[None]).reshape(-1, 9).sum(axis=0).argmax() for face in (upright, upright.T))
    assert abs(int(across) - int(down)) in (4, 5)  # 90 degrees, in bins of 20.


def test_plgf_points_to_the_bright_side() -> None:
    """A single bright neighbour pulls the middle towards itself: the sector of its angle."""
    for sector_of, rows in {
        0: ("000", "009", "000"),
        2: ("090", "000", "000"),
        4: ("000", "900", "000"),
        6: ("000", "000", "090"),
    }.items():
        angles = plgf(picture(*rows), grid=1)[0, 256:]
        assert angles.argmax() in (sector_of, (sector_of - 1) % 8), rows


def test_plgf_is_the_sum_of_forces() -> None:
    """Masses 1 + level, over squared distance: the two of the middle pixel's ring, worked out by hand."""
    angles = plgf(picture("000", "015", "000"), grid=1, angles=360)[0, 256:]
    assert angles.argmax() in (0, 359)
    pulled = plgf(picture("005", "010", "000"), grid=1, angles=360)[0, 256:]
    assert pulled.argmax() == 45 or pulled.argmax() == 44


def test_nedp_of_a_straight_edge() -> None:
    """Bright on the right: the edge runs up, and on ahead and behind; skin without an edge is apart."""
    edge = nedp(picture(*["00999"] * 5), grid=1)[0]
    up_and_on = (2 * 4 + 0) * 4 + 0
    assert edge[up_and_on] == pytest.approx(2 * 3 / 25)
    flat = nedp(picture(*["55555"] * 5), grid=1)[0]
    assert flat[128] == 1 and flat.sum() == 1
    assert edge[128] == pytest.approx(15 / 25)
