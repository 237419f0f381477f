"""Which releases decide the rows: everything that takes part in a run must have the same."""

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from emobatch import __version__

_DECISIVE: Final = ("av", "opencv-python-headless", "numpy", "scipy", "ai-edge-litert", "onnxruntime", "pyarrow")


def releases() -> dict[str, str]:
    """Releases of everything that decides the rows, in this process."""
    found = {"emobatch": __version__, "python": ".".join(platform.python_version_tuple()[:2])}
    for name in _DECISIVE:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


def differences(theirs: Mapping[str, str], ours: Mapping[str, str]) -> str:
    """In words where two processes differ; empty where they do not."""
    names = [name for name in ours if ours[name] != theirs.get(name)]
    return ", ".join(f"{name} {theirs.get(name)} instead of {ours[name]}" for name in names)
