"""The masks that rows were made with: OUT/masks/<settings_hash>.json, which a run leaves, and the pages read.

{"masks": [[[0, 0], [0.3, 0], [0.3, 1], [0, 1]]]}
"""

import json
from pathlib import Path
from typing import Final

from analytics.errors import UsageError
from analytics.masks import NO_MASKS, Masks
from analytics.paths import exists
from analytics.whole import whole

FOLDER: Final = "masks"


def write_masks(out: Path, settings_hash: str, masks: Masks) -> None:
    """Keep the masks of some settings.

    Raises:
        OSError: OUT cannot be written.
    """
    path = out / FOLDER / f"{settings_hash}.json"
    if exists(path):  # The hash is of the masks, too.
        return
    path.parent.mkdir(exist_ok=True)
    with whole(path) as file:
        file.write((json.dumps({"masks": masks.told()}) + "\n").encode())


def masks_below(out: Path, settings_hash: str) -> Masks:
    """The masks that rows with these settings were made with; none where there were none.

    Raises:
        OSError: they cannot be read, or are damaged.
    """
    path = out / FOLDER / f"{settings_hash}.json"
    try:
        return Masks.of(json.loads(path.read_text(encoding="utf-8"))["masks"])
    except FileNotFoundError:
        return NO_MASKS
    except (ValueError, KeyError, TypeError, UsageError) as error:
        raise OSError(f"{path}: is damaged; remove it and run again") from error
