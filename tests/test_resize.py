"""Pictures of another size: their brightness where it was, and no noise of px that are picked."""

import cv2
import numpy as np
import pytest

from analytics.resize import resized

_SIZES = [
    ((1280, 720), (960, 540)),
    ((1600, 1200), (960, 720)),
    ((1919, 1079), (960, 540)),
    ((704, 288), (320, 131)),
    ((768, 432), (320, 180)),
    ((637, 359), (156, 88)),
    ((640, 360), (960, 540)),
]


@pytest.mark.parametrize(("size", "wanted"), _SIZES)
def test_places_stay(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    """A ramp across and down, read at a place of the new picture, is that of the old one at the place times the factor."""
    width, height = size
    for axis, length in ((1, width), (0, height)):
        ramp = np.broadcast_to(np.expand_dims(np.linspace(0, 255, length), 1 - axis), (height, width))
        small, shown = resized(np.ascontiguousarray(ramp).astype(np.uint8), wanted)
        factor = shown[1 - axis] / wanted[1 - axis]
        assert length - factor <= shown[1 - axis] <= length
        places = (np.arange(wanted[1 - axis]) + 0.5) * factor - 0.5
        expected = places / (length - 1) * 255
        found = small.astype(float).mean(axis=1 - axis)
        assert np.abs(found - expected)[2:-2].max() < 2  # Rounded twice.


@pytest.mark.parametrize(("size", "wanted"), _SIZES[:-1])
def test_noise_is_averaged(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    """At most a quarter more of it is left than by means over all px, which is the slow way."""
    drawn = np.random.default_rng(1).normal(128, 40, (size[1], size[0])).clip(0, 255).astype(np.uint8)
    left = resized(drawn, wanted)[0].std()
    assert left < 1.25 * np.asarray(cv2.resize(drawn, wanted, interpolation=cv2.INTER_AREA)).std()
