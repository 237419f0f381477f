"""The clip of `emobatch demo`, which comes with emobatch so that the demo needs no network."""

import shutil
from pathlib import Path

from analytics.errors import UsageError


def copy_demo_clip(folder: Path) -> Path:
    """Put the demo clip into a folder, which is made where it is missing, and return its path.

    Raises:
        UsageError: the folder cannot be written.
    """
    clip = folder / "demo.mp4"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(__file__).parent / "assets" / "demo.mp4", clip)
    except OSError as error:
        raise UsageError(
            f"--out {folder.parent}: cannot be written ({error.strerror})", "name another folder"
        ) from None
    return clip
