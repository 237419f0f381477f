"""Tensors in a file of torch.save, read without PyTorch and without trusting the file.

The format is that of PyTorch before 1.6 (torch/serialization.py, `_legacy_save`): five pickles one after the other, which
are a magic number, the format's version, sizes of types, a dictionary of tensors that name their storages, and the
storages' names; then for each storage the number of its values, int64, and these, the lowest byte first. A pickle may run
anything; here it may name tensors, and nothing else.
"""

import io
import pickle
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

_MAGIC: Final = b"\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20j\xa8P\x19."
"""How such a file begins: the first pickle, of 0x1950a86a20f9469cfc6c."""
_VERSION: Final = 1001


class _Tensor(NamedTuple):
    """What `torch._utils._rebuild_tensor_v2` is called with: a view of a storage, counted in values."""

    storage: Any
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]
    requires_grad: bool
    hooks: Any


class _Storage(NamedTuple):
    name: str
    dtype: str
    length: int


_KNOWN: Final[dict[tuple[str, str], Any]] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _Tensor,
    ("torch", "FloatStorage"): "<f4",
    ("torch", "LongStorage"): "<i8",
}
"""All that a file may call, and what it gets."""


class _TensorsOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _KNOWN:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, and may name tensors only")
        return _KNOWN[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        _, dtype, name, _, length, _ = pid
        return _Storage(name, dtype, length)


def read_state_dict(data: bytes) -> dict[str, NDArray[Any]]:
    """The tensors of a network that torch.save wrote, by their names.

    Args:
        data: the file.

    Returns:
        Arrays float32 and int64, which cannot be written to: they lie in `data`.

    Raises:
        ValueError: it is no such file, or ends too early.
        Exception: whatever a pickle that is damaged, or asks for more than tensors, makes the reader raise.
    """
    if not data.startswith(_MAGIC):
        raise ValueError("no file of torch.save in the format of before PyTorch 1.6")
    file = io.BytesIO(data)
    file.seek(len(_MAGIC))
    if (version := _load(file)) != _VERSION:
        raise ValueError(f"format {version} instead of {_VERSION}")
    _load(file)  # Sizes of types, of which none is used.
    found, names = _load(file), _load(file)
    if not isinstance(found, Mapping) or not all(isinstance(tensor, _Tensor) for tensor in found.values()):
        raise ValueError("no dictionary of tensors")
    storages = {tensor.storage.name: tensor.storage for tensor in found.values()}
    places = {}
    for name in names:
        length = int.from_bytes(file.read(8), "little")
        if length != storages[name].length:
            raise ValueError(f"storage {name} holds {length} values instead of {storages[name].length}")
        places[name] = file.tell()
        if file.seek(length * np.dtype(storages[name].dtype).itemsize, io.SEEK_CUR) > len(data):
            raise ValueError(f"it ends in storage {name}")
    return {name: _array(tensor, data, places[tensor.storage.name]) for name, tensor in found.items()}


def _load(file: io.BytesIO) -> Any:
    return _TensorsOnly(file).load()


def _array(tensor: _Tensor, data: bytes, place: int) -> NDArray[Any]:
    """A tensor whose storage begins at a place of the file."""
    _, first, size, stride, *_ = tensor
    last = first + sum((length - 1) * step for length, step in zip(size, stride, strict=True))
    # NumPy looks only whether a view lies in the file, and not even that of one without a byte.
    if min((first, *size, *stride)) < 0 or (0 not in size and last >= tensor.storage.length):
        raise ValueError(f"a tensor of {size} lies outside its storage")
    dtype = np.dtype(tensor.storage.dtype)
    strides = [step * dtype.itemsize for step in stride]
    return np.ndarray(size, dtype, data, place + first * dtype.itemsize, strides)
