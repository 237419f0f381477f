"""From a data set that was made to its page: which of its pictures are shown."""

from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from analytics.errors import UsageError
from models.sets.make import Made
from models.sets.summary import listed_groups
from reports.contact_sheet import Tile
from reports.dataset import COLUMNS, write_dataset_page

_GROUPS: Final = 30
"""Groups of copies of which two pictures are shown."""


def draw(folder: Path, made: Made, told: dict[str, Any]) -> Path:
    """Write the page of a data set, with faces of it: somebody has asked for them.

    Raises:
        UsageError: the folder cannot be written.
    """
    random = np.random.default_rng(made.options.seed)
    samples = []
    for label in range(len(made.pool.classes)):
        rows = np.flatnonzero(made.kept & (made.pool.labels == label))
        chosen = random.permutation(rows)[:COLUMNS]
        samples.append([_tile(made, row) for row in chosen.tolist()])
    copies = [[_tile(made, row) for row in rows[:2].tolist()] for rows in listed_groups(made)[:_GROUPS]]
    how = made.options.prepare
    about = {
        "data set": made.options.out.name,
        "faces": f"{how.size} px, {f'found by {how.detector}' if how.detector else 'pictures as they are'}",
        "grey levels": how.normalised or "as they are",
    }
    if how.denoise:
        about["noise"] = f"taken away by non-local means, strength {how.denoise:g}"
    try:
        return write_dataset_page(folder, about, told, samples, copies)
    except OSError as error:
        raise UsageError(f"--report {folder}: cannot be written ({error.strerror})", "name another folder") from None


def _tile(made: Made, row: int) -> Tile:
    pool, split = made.pool, str(made.splits[row]) if made.kept[row] else "dropped"
    crop = made.crops[made.rows[row]]
    picture = np.asarray(cv2.cvtColor(crop, cv2.COLOR_GRAY2BGR), np.uint8)
    return Tile(picture, None, pool.classes[pool.labels[row]], f"{split}, {Path(pool.item(row).name).name}")
