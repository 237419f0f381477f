"""Pictures of any kind made into gray faces of one size, one at a time, so that memory does not grow with their number."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.errors import UsageError
from models.crop import crop_whole
from models.detectors import FaceDetector
from models.levels import NORMALISED
from models.pictures import LEAST_PX
from models.portraits import boxed_crop, detected_crop, portrait_detectors
from models.sets.copies import difference_hash, is_flat, pixel_hash
from models.sets.pool import Pool
from models.sets.records import SourceSet

_log = logging.getLogger(__name__)
_TOLD: Final = 5000
"""Pictures after which a line says how far it is."""
_NAMED: Final = 20
"""Pictures left out that are named; of more there is the number in the summary."""
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
    """What came of the pictures of a pool; the crops themselves are in a file."""

    hashes: list[bytes] = field(default_factory=list)
    """(n,) of pixel_hash."""
    bits: list[NDArray[np.uint8]] = field(default_factory=list)
    """(n,) of difference_hash."""
    flat: list[bool] = field(default_factory=list)
    """(n,) of is_flat."""
    faceless: list[bool] = field(default_factory=list)
    """(n,) whether no face was found, so that the picture was used whole."""
    bad: list[str] = field(default_factory=list)
    """(n,) what is wrong with a picture; empty where nothing is."""


def prepare(pool: Pool, how: Preparation, file: Path, *, skip_bad: bool) -> Prepared:
    """Prepare all pictures, into a file.

    Args:
        pool: n pictures.
        how: what is done.
        file: to be written, n x size x size bytes and no more.
        skip_bad: mark pictures that cannot be read or are too small instead of ending.

    Raises:
        UsageError: a picture cannot be read or is too small, or the detector is unknown or not installed.
        OSError: the file cannot be written.
    """
    detectors = portrait_detectors(how.detector) if how.detector else ()
    made = Prepared()
    # Not through a map of the file: a disk that is full would end the process without a word.
    with file.open("wb") as crops:
        sets = list(pool.sets.values())
        for place, picture in enumerate(_pictures(pool, skip_bad)):
            one = sets[pool.source[place]]
            crops.write(_add(made, picture, one, pool.item(place).box, how, detectors).tobytes())
            if (place + 1) % _TOLD == 0:
                _log.info("%d of %d pictures prepared", place + 1, len(pool))
    return made


def _add(
    made: Prepared,
    picture: NDArray[np.uint8] | str,
    source: SourceSet,
    box: tuple[float, ...] | None,
    how: Preparation,
    detectors: tuple[FaceDetector, ...],
) -> NDArray[np.uint8]:
    """Prepare one picture, or note what is wrong with it."""
    if isinstance(picture, str):
        crop, faceless = np.zeros((how.size, how.size), np.uint8), False
    else:
        found = None
        if box is not None:
            found = boxed_crop(picture, np.array(box, np.float32), how.size)
        elif detectors:
            found = detected_crop(picture, how.size, detectors)
        faceless = bool(detectors) and found is None
        crop = crop_whole(picture, how.size) if found is None else found
        # Levels that were cut off at 0 and 255 once would be moved a little by the same again.
        as_it_came = bool(source.normalised) and not how.denoise and np.array_equal(crop, picture)
        crop = crop if as_it_came else finished(crop, how)
    made.hashes.append(pixel_hash(crop))
    made.bits.append(difference_hash(crop))
    made.flat.append(is_flat(crop))
    made.faceless.append(faceless)
    made.bad.append(picture if isinstance(picture, str) else "")
    return crop


def _pictures(pool: Pool, skip_bad: bool) -> Iterator[NDArray[np.uint8] | str]:
    """Each picture, or what is wrong with it."""
    sets, left_out = list(pool.sets.values()), 0
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
            left_out += 1
            if left_out <= _NAMED:
                _log.info("left out: %s%s", error.problem, "; more are not named" if left_out == _NAMED else "")
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
