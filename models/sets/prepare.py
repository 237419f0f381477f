"""Pictures of any kind made into gray faces of one size, one at a time, so that memory does not grow with their number."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.errors import UsageError
from models.crop import crop_whole
from models.levels import NORMALISED
from models.portraits import boxed_crop, detected_crop, portrait_detectors
from models.sets.copies import difference_hash, pixel_hash
from models.sets.pool import Pool

LEAST_PX: Final = 8
"""Pictures with a shorter side than that show no face."""
_PATCH, _SEARCH = 7, 21
"""Sides, in px, of what is compared and of where it is looked for by denoising, as the paper's authors advise."""


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """What is done to each picture, in this order."""

    detector: str = ""
    """One of DETECTORS, that finds the face first; empty takes pictures whole. A box of the set goes before it."""
    size: int = 48
    """Side of the faces in px."""
    denoise: float = 0.0
    """Strength, in grey levels, of non-local means (Buades et al. 2005); 0 leaves the noise."""
    normalised: str = ""
    """One of models.levels.NORMALISED, or nothing."""


@dataclass(eq=False)
class Prepared:
    """What came of the pictures of a pool."""

    crops: NDArray[np.uint8]
    """(n, size, size), in a file."""
    hashes: list[bytes] = field(default_factory=list)
    """(n,) of pixel_hash."""
    bits: list[NDArray[np.uint8]] = field(default_factory=list)
    """(n,) of difference_hash."""
    faceless: list[bool] = field(default_factory=list)
    """(n,) whether no face was found, so that the picture was used whole."""
    bad: list[str] = field(default_factory=list)
    """(n,) what is wrong with a picture; empty where nothing is."""


def prepare(pool: Pool, how: Preparation, file: Path, *, skip_bad: bool) -> Prepared:
    """Prepare all pictures, into a file.

    Args:
        pool: n pictures.
        how: what is done.
        file: to be written, n x size x size bytes.
        skip_bad: mark pictures that cannot be read or are too small instead of ending.

    Raises:
        UsageError: a picture cannot be read or is too small, or the detector is unknown or not installed.
        OSError: the file cannot be written.
    """
    detectors = portrait_detectors(how.detector) if how.detector else ()
    crops = np.lib.format.open_memmap(file, "w+", np.uint8, (len(pool), how.size, how.size))
    made = Prepared(crops)
    for place, picture in enumerate(_pictures(pool, skip_bad)):
        crop: NDArray[np.uint8] | None = None
        box = pool.item(place).box
        if isinstance(picture, str):
            crop = np.zeros((how.size, how.size), np.uint8)
        elif box is not None:
            crop = boxed_crop(picture, np.array(box, np.float32), how.size)
        elif detectors:
            crop = detected_crop(picture, how.size, detectors)
        made.faceless.append(bool(detectors) and crop is None)
        if crop is None:
            assert not isinstance(picture, str)
            crop = crop_whole(picture, how.size)
        crops[place] = finished(crop, how)
        made.hashes.append(pixel_hash(crops[place]))
        made.bits.append(difference_hash(crops[place]))
        made.bad.append(picture if isinstance(picture, str) else "")
    return made


def _pictures(pool: Pool, skip_bad: bool) -> Iterator[NDArray[np.uint8] | str]:
    """Each picture, or what is wrong with it."""
    sets = list(pool.sets.values())
    for place in range(len(pool)):
        source = sets[pool.source[place]]
        try:
            picture = source.pictures[int(pool.row[place])]
            height, width = picture.shape[:2]
            if min(height, width) < LEAST_PX:
                where = f"{pool.names[pool.source[place]]}: {pool.item(place).name}"
                raise UsageError(f"{where}: is {width} x {height} px, too small for a face", "remove it")
        except UsageError as error:
            if not skip_bad:
                raise UsageError(error.problem, f"{error.remedy}, or give --skip-bad") from None
            yield error.problem
        else:
            yield picture


def finished(crop: NDArray[np.uint8], how: Preparation) -> NDArray[np.uint8]:
    """A gray crop, uint8 (size, size), without its noise and at other levels, where that is asked for."""
    if how.denoise:
        clean = cv2.fastNlMeansDenoising(crop, None, h=how.denoise, templateWindowSize=_PATCH, searchWindowSize=_SEARCH)
        crop = np.asarray(clean, np.uint8)
    if how.normalised:
        levelled = NORMALISED[how.normalised](crop[None, :, :, None].astype(np.float32))
        crop = np.rint(levelled[0, :, :, 0]).astype(np.uint8)
    return crop
