"""Weights that other packages bring along: found without an import, trusted by their SHA-256 alone.

Nothing is ever downloaded here. Why: docs/decisions/0003-third-party-weights.md.
"""

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from analytics.errors import UsageError

REINSTALL: Final = "install emobatch and what it needs again: pip install --force-reinstall emobatch"
"""The remedy where a caller knows of no smaller one."""


def package_file(package: str, name: str, *, remedy: str = REINSTALL) -> Path:
    """Path of a file inside an installed package, which is not imported.

    Args:
        package: top-level import name; the parents of a dotted name would be imported.
        name: path of the file relative to the package's folder, with forward slashes.
        remedy: what the user can do where it is missing.

    Raises:
        UsageError: the package is not installed, or has no such file.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise UsageError(f"the package {package} is not installed, so its file {name} is missing", remedy)
    paths = [Path(folder, name) for folder in spec.submodule_search_locations]
    for path in paths:
        if path.is_file():
            return path
    raise UsageError(f"{paths[0]}: no such file in the installed package {package}", remedy)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, 64 lower-case hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verified(path: Path, sha256: str, *, remedy: str = REINSTALL) -> Path:
    """The same path, once its content is known to be the expected one.

    Raises:
        UsageError: the file cannot be read, or its SHA-256 is another one.
    """
    try:
        found = sha256_of(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})", remedy) from error
    if found != sha256:
        raise UsageError(f"{path}: not the expected weights, SHA-256 is {found} instead of {sha256}", remedy)
    return path
