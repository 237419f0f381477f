"""Bad data sets, from outside and in: the file, what is wrong with it and what to do, never an internal error."""

import csv
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from analytics.errors import UsageError
from models.datasets import read_labelled
from tests.command import emobatch, without_override
from tests.test_datasets import votes, write_npz, write_picture

_HAPPY = votes(happiness=10)


def problem_of(path: Path, scheme: str = "ferplus") -> UsageError:
    """The error of reading the data set and all its pictures; it names the file and a remedy."""
    with pytest.raises(UsageError) as caught:
        list(read_labelled(path, scheme=scheme).pictures)
    assert str(path.parent) in caught.value.problem and caught.value.remedy
    return caught.value


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("file,label\na.png,sad\n", "list.csv: has no columns path,label"),
        ("", "list.csv: has no columns path,label"),
        ("path,label\n", "list.csv: holds no pictures"),
        ("path,label\na.png,bored\n", "list.csv: 'bored' is no class"),
        ("path,label\na.png\n", "list.csv: '' is no class"),
        ("path,label\nb.png,sad\n", "b.png: no such picture"),
        ("path,label\na\0.png,sad\n", "a\0.png: no such picture"),
        (f"path,label\n{'x' * 500}.png,sad\n", "x.png: no such picture"),
        ("path,label\n,sad\n", ": no such picture"),
        ("path,label\nempty.png,sad\n", "empty.png: cannot be read as a picture"),
        ("path,label\nlist.csv,sad\n", "list.csv: cannot be read as a picture"),
        ("path,label\nhalf.jpg,sad\n", "half.jpg: cannot be read as a picture"),
        ("path,label\nvast.bmp,sad\n", "vast.bmp: cannot be read as a picture"),
        (f'path,label\na.png,"{"x" * csv.field_size_limit()}x', "list.csv: line 1 is no CSV (field larger than"),
    ],
)
def test_what_is_wrong_with_a_csv_is_said(tmp_path: Path, text: str, problem: str) -> None:
    """The list itself, or a picture that it names."""
    picture = write_picture(tmp_path / "a.png", 1)
    _, content = cv2.imencode(".jpg", cv2.resize(cv2.imread(str(picture)), (200, 200)))  # type: ignore[arg-type]
    (tmp_path / "half.jpg").write_bytes(content.tobytes()[: len(content) // 2])
    (tmp_path / "empty.png").touch()
    header = bytearray(write_picture(tmp_path / "vast.bmp", 1).read_bytes())
    header[18:26] = (60_000).to_bytes(4, "little") * 2  # Width and height.
    (tmp_path / "vast.bmp").write_bytes(header)
    (tmp_path / "list.csv").write_text(text, encoding="utf-8")
    assert problem in problem_of(tmp_path / "list.csv").problem


def test_a_missing_picture_is_found_in_its_line(tmp_path: Path) -> None:
    """A list of thousands is mended fastest by the number of the line."""
    write_picture(tmp_path / "a.png", 1)
    (tmp_path / "list.csv").write_text("path,label\na.png,sad\nb.png,sad\n", encoding="utf-8")
    assert f"line 3 of {tmp_path / 'list.csv'}" in problem_of(tmp_path / "list.csv").remedy


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_csv_of_another_encoding_is_said(tmp_path: Path, encoding: str) -> None:
    """Spreadsheets of the past write it, and its names cannot be guessed."""
    write_picture(tmp_path / "Zoë.png", 1)
    (tmp_path / "list.csv").write_bytes("path,label\nZoë.png,sad\n".encode(encoding))
    problem = problem_of(tmp_path / "list.csv")
    assert "list.csv: is not encoded as UTF-8" in problem.problem and problem.remedy == "save it as UTF-8"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        *(({name: None}, f"has no array '{name}'") for name in ("images", "labels", "class_names", "split")),
        ({"images": np.zeros((3, 48, 48))}, "'images' is float64 (3, 48, 48) instead of uint8 (any, any, any)"),
        ({"images": np.zeros((3, 2304), np.uint8)}, "'images' is uint8 (3, 2304) instead of"),
        ({"images": np.zeros((0, 48, 48), np.uint8)}, "holds no pictures"),
        ({"images": np.zeros((3, 0, 48), np.uint8)}, "holds no pictures"),
        ({"labels": np.arange(2)}, "'labels' is int64 (2,) instead of integers (3)"),
        ({"labels": np.zeros(3)}, "'labels' is float64 (3,) instead of integers (3)"),
        ({"labels": np.array([0, 7, 1])}, "has 'labels' from 0 to 7 for 7 'class_names'"),
        ({"labels": np.array([0, -1, 1])}, "has 'labels' from -1 to 1 for 7 'class_names'"),
        ({"class_names": np.array(["angry", "sad"], object)}, "'class_names' holds Python objects"),
        ({"class_names": np.arange(7)}, "'class_names' is int64 (7,) instead of text (any)"),
        ({"split": np.array(["private"])}, "'split' is <U7 (1,) instead of text (3)"),
        ({"split": np.array([b"private"] * 3)}, "'split' is |S7 (3,) instead of text (3)"),
        ({"classes": np.array(["happy"])}, "'classes' has 1 classes, not 2 to"),
        ({"normalised": np.array(["z"])}, "'normalised' says 'z'"),
        ({"normalised": np.array("min-max")}, "'normalised' is <U7 () instead of text (1)"),
        ({"exact_dup_in_train": np.zeros(2, bool)}, "'exact_dup_in_train' is bool (2,) instead of flags (3)"),
        ({"ferplus_votes": np.zeros((3, 9), int)}, "'ferplus_votes' is int64 (3, 9) instead of integers (3, 10)"),
    ],
)
def test_what_is_wrong_with_an_array_is_said(tmp_path: Path, changes: dict[str, Any], problem: str) -> None:
    """Missing arrays and those of other shapes and types are refused, whatever truth is asked for."""
    path = write_npz(tmp_path / "faces.npz", [_HAPPY] * 3)
    with np.load(path) as data:
        arrays = {name: data[name] for name in data} | changes
    np.savez(path, allow_pickle=True, **{name: array for name, array in arrays.items() if array is not None})
    assert f"{path}: " in problem_of(path, "fer2013").problem
    assert problem in problem_of(path, "fer2013").problem


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_damaged_npz_is_said(tmp_path: Path, save: Any) -> None:
    """Cut anywhere or overwritten anywhere: it is read whole, or refused with its name."""
    good = tmp_path / "good.npz"
    with np.load(write_npz(good, [_HAPPY] * 40)) as data:
        arrays = dict(data)
    arrays["images"] = np.random.default_rng(4).integers(0, 256, (40, 48, 48), dtype=np.uint8)
    save(good, **arrays)
    content, bad = good.read_bytes(), tmp_path / "bad.npz"
    draw = np.random.default_rng(5)
    for cut in (0, 3, 100, len(content) // 2, len(content) - 1, *draw.integers(len(content), size=10).tolist()):
        bad.write_bytes(content[:cut])
        problem_of(bad)
    refused = 0
    for start in (*range(0, 200, 9), *draw.integers(len(content), size=150).tolist()):
        bad.write_bytes(content[:start] + draw.bytes(40) + content[start + 40 :])
        try:
            read_labelled(bad)
        except UsageError as error:
            refused += str(bad) in error.problem
    assert refused > 100


def test_what_is_no_npz_is_said(tmp_path: Path) -> None:
    """A single array, a pickle, text and nothing under that name, and an archive of other files."""
    np.save(tmp_path / "one.npy", np.zeros((3, 48, 48), np.uint8))
    (tmp_path / "one.npy").rename(tmp_path / "one.npz")
    (tmp_path / "text.npz").write_text("no arrays")
    (tmp_path / "empty.npz").touch()
    with zipfile.ZipFile(tmp_path / "other.npz", "w") as archive:
        archive.writestr("images", "no array")
    for name in ("one", "text", "empty"):
        assert f"{name}.npz: is no npz, or was cut off" in problem_of(tmp_path / f"{name}.npz").problem
    assert "'images' in it is no array" in problem_of(tmp_path / "other.npz").problem


def test_unknown_splits_and_labels_are_said(tmp_path: Path) -> None:
    """With those that there are."""
    path = write_npz(tmp_path / "faces.npz", [_HAPPY])
    with pytest.raises(UsageError, match=r"has no split 'mine': choose one of: private"):
        read_labelled(path, "mine")
    assert len(read_labelled(path, "test").labels) == 1  # As other people call it.
    named = write_npz(tmp_path / "named.npz", [_HAPPY, _HAPPY], split=np.array(["test", "private"]))
    assert len(read_labelled(named, "test").labels) == 1
    with pytest.raises(UsageError, match=r"--labels mine: no such labels: choose one of: ferplus, fer2013"):
        read_labelled(path, scheme="mine")


@pytest.mark.parametrize("name", ["gone.npz", "gone.csv", "gone", "notes.txt"])
def test_what_is_no_data_set_is_said(tmp_path: Path, name: str) -> None:
    """The error names the path and the three kinds of data set."""
    (tmp_path / "notes.txt").write_text("no data")
    with pytest.raises(UsageError, match=r"no data set here.*class folders.*npz.*csv") as caught:
        read_labelled(tmp_path / name)
    assert name in caught.value.problem


def test_a_folder_without_pictures_is_said(tmp_path: Path) -> None:
    """An empty folder, and one whose classes are foreign."""
    with pytest.raises(UsageError, match="holds no pictures"):
        read_labelled(tmp_path)
    write_picture(tmp_path / "contempt" / "a.png", 1)
    with pytest.raises(UsageError, match=r"'contempt' is no class: use one of: angry"):
        read_labelled(tmp_path)


def test_the_command_says_it_in_one_line(tmp_path: Path) -> None:
    """Exit code 2, and nothing on stdout: from the kinds of error above one each, and files that may not be read."""
    (tmp_path / "empty.npz").touch()
    (tmp_path / "latin.csv").write_bytes("path,label\nZoë.png,sad\n".encode("latin-1"))
    write_npz(tmp_path / "good.npz", [_HAPPY])
    write_npz(tmp_path / "unclear.npz", [votes(NF=10)])
    write_picture(tmp_path / "faces" / "sad" / "a.png", 1).chmod(0o000)
    write_picture(tmp_path / "hidden" / "sad" / "below" / "a.png", 1).parent.chmod(0o000)
    for arguments, said in {
        ("empty.npz",): "empty.npz: is no npz, or was cut off: copy or write it again",
        ("latin.csv",): "latin.csv: is not encoded as UTF-8",
        ("good.npz", "--split", "train"): "good.npz: has no split 'train': choose one of: private",
        ("unclear.npz",): "unclear.npz: no picture has a label",
        ("faces",): "faces/sad/a.png: cannot be read (Permission denied): let this user read it",
        ("hidden",): "hidden/sad/below: cannot be read (Permission denied): let this user read it",
    }.items():
        done = emobatch("evaluate", "default", *arguments, cwd=tmp_path, before=without_override())
        assert done.code == 2
        assert done.only_error().startswith(f"emobatch: {said}")
    (tmp_path / "hidden" / "sad" / "below").chmod(0o700)


@pytest.mark.parametrize("box", ["1 2 3", "1 2 3 x", "1 2 0 4", "1 2 -3 4", "nan 2 3 4", "1 2 inf 4"])
def test_a_box_that_is_none_is_named_with_its_line(tmp_path: Path, box: str) -> None:
    """Four numbers, the last two above zero."""
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((9, 9), np.uint8))
    (tmp_path / "list.csv").write_text(f"path,label,box\na.png,happy,{box}\n", encoding="utf-8")
    found = problem_of(tmp_path / "list.csv")
    assert found.problem == f"{tmp_path / 'list.csv'}: line 2: '{box}' is no box" and found.remedy


def test_a_tiny_picture_of_a_folder_is_refused_when_it_is_looked_at(tmp_path: Path) -> None:
    """By its file, as one that is damaged."""
    (tmp_path / "happy").mkdir()
    cv2.imwrite(str(tmp_path / "happy" / "dot.png"), np.zeros((40, 7, 3), np.uint8))
    with pytest.raises(UsageError, match=r"dot\.png: is 7 x 40 px, too small for a face: remove it from "):
        list(read_labelled(tmp_path).pictures)
