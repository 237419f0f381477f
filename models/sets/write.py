"""The file of a data set: a FER-style npz (docs/evaluate.md), its pictures written in blocks. The same arrays give the
same bytes."""

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_BLOCK: Final = 1024
"""Pictures written at once."""
_NO_DAY: Final = (1980, 1, 1, 0, 0, 0)


def write_npz(path: Path, crops: NDArray[np.uint8], rows: NDArray[np.intp], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write the rows of crops as the array `images`, and the other arrays, whole or not at all.

    Args:
        path: of the .npz.
        crops: (many, size, size), may lie in a file.
        rows: which of them.
        arrays: by name, none of them of Python objects.

    Raises:
        OSError: it cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as archive:
            with archive.open(zipfile.ZipInfo("images.npy", _NO_DAY), "w", force_zip64=True) as file:
                shape = (len(rows), *crops.shape[1:])
                header = {"descr": "|u1", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(file, header)
                for start in range(0, len(rows), _BLOCK):
                    file.write(crops[rows[start : start + _BLOCK]].tobytes())
            for name, array in arrays.items():
                with archive.open(zipfile.ZipInfo(f"{name}.npy", _NO_DAY), "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
