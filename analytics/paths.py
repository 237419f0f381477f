"""Questions about paths that are answered, not raised: Path's own raise where they may not look, and for long names."""

import os
from pathlib import Path


def exists(path: Path) -> bool:
    """Whether there is something that this user can see."""
    return os.path.exists(path)  # noqa: PTH110


def is_file(path: Path) -> bool:
    """Whether there is a regular file that this user can see."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: Path) -> bool:
    """Whether there is a folder that this user can see."""
    return os.path.isdir(path)  # noqa: PTH112


def absolute(path: Path) -> Path:
    """The path from the root, links kept: a recorder's links may name the camera."""
    return Path(os.path.abspath(path))  # noqa: PTH100 resolve() would follow links
