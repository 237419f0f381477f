"""Files as PyTorch before 1.6 wrote them, drawn without PyTorch: what `torch.save(network.state_dict(), …)` leaves."""

import io
import pickle
import struct
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MAGIC: Final = 0x1950A86A20F9469CFC6C
_NAMES: Final = {
    "FloatStorage": ("torch", "FloatStorage"),
    "LongStorage": ("torch", "LongStorage"),
    "rebuild_tensor": ("torch._utils", "_rebuild_tensor_v2"),
}
"""What this module stands in for."""


class FloatStorage:
    """Stands in for `torch.FloatStorage`, of which a pickle holds the name alone."""


class LongStorage:
    """Stands in for `torch.LongStorage`."""


def rebuild_tensor() -> None:
    """Stands in for `torch._utils._rebuild_tensor_v2`."""


class _Tensor:
    """A tensor over a storage of its own."""

    def __init__(self, name: str, values: NDArray[Any]) -> None:
        self.values = values
        self.storage = (FloatStorage if values.dtype == np.float32 else LongStorage, name, values.size)

    def __reduce__(self) -> tuple[Any, ...]:
        strides = tuple(stride // self.values.itemsize for stride in self.values.strides)
        return rebuild_tensor, (Storage(self.storage), 0, self.values.shape, strides, False, OrderedDict())


class Storage(tuple[Any, ...]):
    """Kind, name and length."""


class _Pickler(pickle.Pickler):
    def persistent_id(self, obj: Any) -> Any:
        if not isinstance(obj, Storage):
            return None
        kind, name, length = obj
        return ("storage", kind, name, "cpu", length, None)


def state_dict_file(tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """The file of these tensors, float32 or int64, each in a storage of its own, with strides as they are."""
    drawn = OrderedDict(
        (name, _Tensor(str(9_000 + place), array)) for place, (name, array) in enumerate(tensors.items())
    )
    drawn._metadata = {"": {"version": 1}}  # type: ignore[attr-defined]  # As PyTorch's state_dict() has it.
    storages = sorted(tensor.storage[1] for tensor in drawn.values())
    by_name = {tensor.storage[1]: tensor.values for tensor in drawn.values()}
    return file_of(drawn, storages) + b"".join(
        struct.pack("<q", by_name[name].size) + _in_memory(by_name[name]) for name in storages
    )


def _in_memory(values: NDArray[Any]) -> bytes:
    """The values in the order in which they lie there, whichever way the array is turned."""
    return values.transpose(sorted(range(values.ndim), key=lambda axis: -values.strides[axis])).tobytes()


def file_of(held: Any, storages: list[str]) -> bytes:
    """The five pickles at the beginning of a file."""
    sizes = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    file = io.BytesIO()
    for part in (MAGIC, 1001, sizes, held, storages):
        _Pickler(file, protocol=2).dump(part)
    pickled = file.getvalue()
    for ours, theirs in _NAMES.items():
        # A pickle of protocol 2 names what it calls in two lines.
        pickled = pickled.replace(f"c{__name__}\n{ours}\n".encode(), "c{}\n{}\n".format(*theirs).encode())
    return pickled
