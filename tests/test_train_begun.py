"""A folder of a training takes up that very training and no other; and conversion refuses what it cannot use."""

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analytics.errors import UsageError
from models.begun import begin_or_go_on
from tests.command import emobatch
from tests.test_datasets import votes, write_npz

_SETTINGS: dict[str, Any] = {"net": "default", "epochs": 24, "batch": 64, "seed": 20, "dataset": "0123456789abcdef" * 4}


def _training(test: Callable[..., None]) -> Callable[..., None]:
    """Marks a test that loads Keras."""
    needed = pytest.mark.skipif(find_spec("keras") is None, reason="needs the train extra")
    marked: Callable[..., None] = pytest.mark.training(needed(test))
    return marked


@pytest.fixture(name="begun")
def _begun(tmp_path: Path) -> Path:
    """A folder with a training that has learned something."""
    out = tmp_path / "begun"
    out.mkdir()
    begin_or_go_on(out, _SETTINGS)
    (out / "history.csv").touch()
    return out


def test_the_same_settings_go_on(begun: Path) -> None:
    """Nothing is written over, and nothing half-written stays."""
    before = (begun / "begun.json").read_bytes()
    begin_or_go_on(begun, dict(reversed(_SETTINGS.items())))
    assert (begun / "begun.json").read_bytes() == before
    assert sorted(path.name for path in begun.iterdir()) == ["begun.json", "history.csv"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"epochs": 48}, "--epochs 24 instead of 48"),
        ({"batch": 32}, "--batch 64 instead of 32"),
        ({"net": "huge", "seed": 1}, "--net default instead of huge, --seed 20 instead of 1"),
        ({"dataset": "f" * 64}, "another data set (SHA-256 0123456789ab… instead of ffffffffffff…)"),
        ({"momentum": 0.9}, "momentum nothing instead of 0.9"),
    ],
)
def test_other_settings_are_refused_and_named(begun: Path, change: dict[str, Any], named: str) -> None:
    """Options by their names on the command line, data by their hash; what may be done; and the folder stays."""
    before = (begun / "begun.json").read_bytes()
    with pytest.raises(UsageError) as caught:
        begin_or_go_on(begun, _SETTINGS | change)
    assert caught.value.problem == f"--out {begun}: holds a training begun with {named}"
    assert "another --out" in caught.value.remedy and f"remove the folder {begun}" in caught.value.remedy
    assert (begun / "begun.json").read_bytes() == before


def test_a_folder_of_an_earlier_release_goes_on(begun: Path) -> None:
    """What could not be chosen then is what it always was; with another choice it is refused by name."""
    usual = {"loss": "soft-labels", "optimizer": "adamw", "schedule": "cosine", "patience": 0, "budget_s": 0.0}
    begin_or_go_on(begun, _SETTINGS | usual)
    with pytest.raises(UsageError, match="--loss soft-labels instead of focal: "):
        begin_or_go_on(begun, _SETTINGS | usual | {"loss": "focal"})


@pytest.mark.parametrize("left", ["history.csv", "best.weights.h5", "resume"])
def test_checkpoints_of_unknown_origin_are_refused(tmp_path: Path, left: str) -> None:
    """They may be of anything."""
    (tmp_path / left).mkdir()
    with pytest.raises(UsageError, match="does not say what it was begun with"):
        begin_or_go_on(tmp_path, _SETTINGS)
    assert not (tmp_path / "begun.json").exists()


@pytest.mark.parametrize("content", [b"", b'{"net": ', b"\xff\xfe", b"[]", b"null"])
def test_a_damaged_record_is_refused(begun: Path, content: bytes) -> None:
    """A record that cannot be read tells nothing, so nothing goes on."""
    (begun / "begun.json").write_bytes(content)
    with pytest.raises(UsageError, match=r"damaged|does not say") as caught:
        begin_or_go_on(begun, _SETTINGS)
    assert str(begun) in caught.value.problem


def test_a_claim_without_checkpoints_binds_nobody(tmp_path: Path) -> None:
    """A training that ended before its first epoch leaves the folder to any other."""
    begin_or_go_on(tmp_path, _SETTINGS)
    begin_or_go_on(tmp_path, _SETTINGS | {"epochs": 2})
    assert json.loads((tmp_path / "begun.json").read_text(encoding="utf-8"))["epochs"] == 2


def small_dataset(path: Path, **changes: Any) -> Path:
    """28 pictures in the splits train and public."""
    parts = {"split": np.array((["train"] * 3 + ["public"]) * 7)}
    return write_npz(path, [votes(happiness=9, neutral=1), votes(sadness=9, fear=1)] * 14, **parts | changes)


@_training
def test_a_folder_is_not_taken_over(tmp_path: Path) -> None:
    """Other options and other data are refused with exit code 2; the same command goes on."""
    small_dataset(tmp_path / "one.npz")
    small_dataset(tmp_path / "two.npz", images=np.zeros((28, 48, 48), np.uint8))
    command = ("train", "one.npz", "--net", "lenet", "--out", "t", "--epochs", "1")
    first = emobatch(*command, cwd=tmp_path)
    assert first.code == 0, first.stderr
    weights = (tmp_path / "t" / "best.weights.h5").read_bytes()
    for changed, named in (
        (("train", "one.npz", "--net", "lenet", "--out", "t", "--epochs", "2"), "--epochs 1 instead of 2: "),
        (("train", "two.npz", "--net", "lenet", "--out", "t", "--epochs", "1"), "another data set (SHA-256 "),
    ):
        done = emobatch(*changed, cwd=tmp_path)
        assert done.code == 2
        # A note on classes that are not shown, and the error; nothing that TensorFlow says of itself.
        note, error = done.stderr.splitlines()
        assert "shows no angry" in note and done.stdout == ""
        assert error.startswith(f"emobatch: --out t: holds a training begun with {named}")
    assert (tmp_path / "t" / "best.weights.h5").read_bytes() == weights
    (tmp_path / "one.npz").rename(tmp_path / "moved.npz")
    assert emobatch("train", "moved.npz", *command[2:], cwd=tmp_path).code == 0


@_training
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"net": "huge"}, r"^--net huge: no such network: choose one of: .*default"),
        ({"seed": -1}, r"^--seed -1: out of range: give a number from 0"),
        ({"labels": "mine"}, r"^--labels mine: no such labels: choose one of: ferplus"),
        ({"dataset": "list.csv"}, r"list\.csv: has no splits: train on a FER-style \.npz"),
        ({"dataset": "gone.csv"}, r"gone\.csv: no data set here"),
        ({"dataset": "none.npz"}, r"none\.npz: has no split 'train': choose one of: public"),
        ({"dataset": "unclear.npz"}, r"unclear\.npz: no picture of its split 'train' has a label"),
        ({"dataset": "cut.npz"}, r"cut\.npz: is no npz, or was cut off"),
        ({"out": "good.npz"}, r"^--out .*good\.npz: cannot be written \(File exists\): name another folder"),
    ],
)
def test_what_cannot_be_trained_is_said(tmp_path: Path, change: dict[str, str], said: str) -> None:
    """Before anything is written."""
    from models.train import train
    from models.train_options import TrainOptions

    content = small_dataset(tmp_path / "good.npz").read_bytes()
    small_dataset(tmp_path / "none.npz", split=np.array(["public"] * 28))
    write_npz(tmp_path / "unclear.npz", [votes(NF=9)] * 4, split=np.array(["train", "public"] * 2))
    (tmp_path / "cut.npz").write_bytes(content[: len(content) // 2])
    (tmp_path / "list.csv").write_text("path,label\n", encoding="utf-8")
    before = set(tmp_path.iterdir())
    given: dict[str, Any] = {"dataset": "good.npz", "out": "t", "begin": "nothing"} | change
    with pytest.raises(UsageError, match=said):
        train(TrainOptions(**given | {name: tmp_path / given[name] for name in ("dataset", "out")}))
    assert set(tmp_path.iterdir()) == before


@_training
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("gone.keras", "x.tflite", "good.npz"), "gone.keras: no such network"),
        (("good.npz", "x.bin", "good.npz"), "x.bin: is no name of a .tflite file"),
        (("good.npz", "x.tflite", "gone.npz"), "gone.npz: no data set here"),
    ],
)
def test_what_cannot_be_converted_is_said(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    """Before a file is written that would run with the wrong threshold."""
    from models.convert import convert

    good = small_dataset(tmp_path / "good.npz")
    with pytest.raises(UsageError) as caught:
        convert(*(tmp_path / name for name in arguments))
    assert caught.value.problem.startswith(f"{tmp_path}/{said}")
    assert list(tmp_path.iterdir()) == [good]


@_training
def test_conversion_ends_in_one_line(tmp_path: Path) -> None:
    """An error of use is exit code 2 and no traceback there, too."""
    done = emobatch("models", "convert", "gone.keras", "x.tflite", "--dataset", "gone.npz", cwd=tmp_path)
    assert done.code == 2
    assert done.stderr.splitlines()[-1].startswith("emobatch: gone.keras: no such network: ")
