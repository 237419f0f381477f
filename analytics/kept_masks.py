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
MASKED: Final = "m"
"""What a settings_hash ends in that is of masks, too: so rows tell that there must be a file of theirs."""


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
        OSError: they cannot be read, are damaged, or are missing though there were some.
    """
    path = out / FOLDER / f"{settings_hash}.json"
    try:
        return Masks.of(json.loads(path.read_text(encoding="utf-8"))["masks"])
    except FileNotFoundError:
        if settings_hash.endswith(MASKED):
            raise OSError(
                f"{path}: is missing, and rows were made with the masks in it; take it from a backup, or run again "
                "with these masks"
            ) from None
        return NO_MASKS
    except (ValueError, KeyError, TypeError, UsageError) as error:
        raise OSError(f"{path}: is damaged; remove it and run again") from error
