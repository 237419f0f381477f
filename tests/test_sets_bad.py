"""Data sets that cannot be made: what is wrong with which file or setting, and what to do; nothing is written."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from analytics.errors import UsageError
from models.sets.prepare import Preparation, finished
from tests import faces
from tests.command import emobatch
from tests.test_sets import made

TWO = ("happy", "sad")


def _tiny(folder: Path) -> None:
    faces.write(folder / "sad" / "9.png", faces.drawn(1, 5))


def _damaged(folder: Path) -> None:
    (folder / "sad" / "9.png").write_bytes(b"no picture")


def _foreign(folder: Path) -> None:
    faces.class_folders(folder, ("bored", "tired"), each=2)


@pytest.mark.parametrize(
    ("spoil", "options", "problem", "remedy"),
    [
        (None, {}, "set: no picture shows angry or disgust or fear or neutral or surprise", "--classes happy,sad"),
        (None, {"classes": ("happy", "fear")}, "--classes fear,happy: no picture shows fear", "they show: happy, sad"),
        (None, {"classes": ("happy",)}, "--classes happy: has 1 classes, not 2 to", "name two classes"),
        (None, {"classes": ("happy", "so sad")}, "--classes happy,so sad: has 'so sad' can be no class", "name two"),
        (None, {"classes": ("fear", "angry")}, "--classes angry,fear: no picture shows angry or fear", "happy, sad"),
        (_foreign, {}, "set: 'bored', 'tired' are none of the seven expressions", "--map bored=CLASS"),
        (None, {"mapping": {"glad": "happy"}}, "--map glad: no picture is labelled so", "labels are: happy, sad"),
        (_tiny, {"classes": TWO}, "set/sad/9.png: is 5 x 5 px, too small", "or give --skip-bad"),
        (_damaged, {"classes": TWO}, "9.png: cannot be read as a picture", "or give --skip-bad"),
        (None, {"classes": TWO, "shares": (0.0, 50.0, 50.0)}, "--shares 0,50,50: leave nothing to train", "80,10,10"),
        (None, {"classes": TWO, "shares": (80.0, 10.0, 5.0)}, "come to 95 and not to 100", "such as 80,10,10"),
        (None, {"classes": TWO, "shares": (110.0, -10.0, 0.0)}, "a share is 0 or more", "such as 80,10,10"),
        (None, {"classes": TWO, "skip_faceless": True}, "--skip-faceless: no face is looked for", "--detect yunet"),
        (None, {"classes": TWO, "drop": "all"}, "--drop all: unknown", "choose one of: none, leaks, exact, near"),
        (None, {"classes": TWO, "distance": 65}, "--near 65: is no distance", "24 is usual"),
        (None, {"classes": TWO, "prepare": Preparation(detector="eyes")}, "--detect eyes: no such", "yunet, haar"),
        (None, {"classes": TWO, "prepare": Preparation(normalised="z")}, "--normalise z: unknown", "min-max, mean-std"),
        (None, {"classes": TWO, "seed": -1}, "--seed -1: out of range", "give a number from 0"),
    ],
)
def test_what_cannot_be_made_is_said(
    tmp_path: Path, spoil: Callable[[Path], None] | None, options: dict[str, Any], problem: str, remedy: str
) -> None:
    """Neither the file nor anything half-done is there afterwards."""
    folder = faces.class_folders(tmp_path / "set", TWO, each=4)
    if spoil is not None:
        spoil(folder)
    with pytest.raises(UsageError) as caught:
        made(tmp_path / "set.npz", folder, **options)
    assert problem in caught.value.problem and remedy in caught.value.remedy
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_bad_pictures_may_be_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """They are counted and named, by us alone; the rest is made."""
    folder = faces.class_folders(tmp_path / "set", TWO, each=4)
    _tiny(folder)
    cut = next((folder / "happy").iterdir()).read_bytes()
    (folder / "happy" / "8.png").write_bytes(cut[: len(cut) // 2])
    with caplog.at_level("INFO"):
        _, told, arrays = made(tmp_path / "set.npz", folder, classes=TWO, skip_bad=True)
    assert [line.split("set/")[1].split(":")[0] for line in caplog.messages] == ["happy/8.png", "sad/9.png"]
    assert capfd.readouterr().err == ""
    assert len(arrays["labels"]) == 8
    assert told["left_out"] == [{"source": "set", "reason": "cannot be read or too small", "n": 2}]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("8,0 0 0 0,Training", "line 2: '8' is no emotion"),
        ("0,0 0 0,Training", "line 2: has 3 pixels, which make no square"),
        ("0,0 0 0 256,Training", "line 2: its pixels are no numbers from 0 to 255"),
        ("0,a b c d,Training", "line 2: its pixels are no numbers from 0 to 255"),
        ("0,0 0 0 0,Holdout", "line 2: 'Holdout' is no Usage"),
        ("0,0 0 0 0,Training\n1,0,Training", "line 3: has 1 pixels, not 4"),
        ("", "holds no labelled pictures"),
    ],
)
def test_a_broken_row_of_fer2013_is_named(tmp_path: Path, row: str, problem: str) -> None:
    """By its line."""
    (tmp_path / "fer2013.csv").write_text(f"emotion,pixels,Usage\n{row}\n", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        made(tmp_path / "set.npz", tmp_path / "fer2013.csv")
    assert problem in caught.value.problem and caught.value.remedy


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("gone", "--out", "set.npz"), "gone: no data set here: name a FER-style .npz"),
        (("set", "--out", "set.bin"), "--out set.bin: is no name of an .npz file: name it set.bin.npz"),
        (("set", "--out", "set.npz", "--map", "happy"), "--map happy: is no LABEL=CLASS"),
        (("set", "--out", "set.npz", "--map", "a=sad,A=happy"), "--map A=happy: 'A' is mapped twice"),
        (("set", "--out", "set.npz", "--shares", "80,20"), "--shares 80,20: are no three numbers"),
        (("votes.csv", "--out", "set.npz"), "votes.csv: is no data set of a known kind: these are votes of FER+"),
        (("jaffe:set", "--out", "set.npz"), "set: holds no labelled pictures (names that are not JAFFE's: 8)"),
    ],
)
def test_errors_are_one_line_and_exit_2(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    """Nothing is written."""
    faces.class_folders(tmp_path / "set", TWO, each=4)
    (tmp_path / "votes.csv").write_text("Usage,Image name,neutral,happiness\n", encoding="utf-8")
    done = emobatch("dataset", *arguments, cwd=tmp_path)
    assert done.code == 2 and done.only_error().startswith(f"emobatch: {said}")
    assert {path.name for path in tmp_path.iterdir()} == {"set", "votes.csv"}


def test_too_few_people_for_three_splits(tmp_path: Path) -> None:
    """Whole people cannot be divided; what may have made one unit of them is named."""
    faces.jaffe(tmp_path / "jaffe", ("KA", "KL"))
    with pytest.raises(UsageError, match=r"2 subjects or pictures cannot be divided into 3 splits: .*--near 0"):
        made(tmp_path / "set.npz", tmp_path / "jaffe")


def test_faces_are_prepared_as_asked() -> None:
    """Noise is less, grey levels reach both ends or have their mean; nothing asked for changes nothing."""
    clean = cv2.GaussianBlur(faces.drawn(3, 48), (0, 0), 3) // 2 + 60
    noisy = np.clip(clean + np.random.default_rng(1).normal(0, 12, clean.shape), 0, 255).astype(np.uint8)
    assert np.array_equal(finished(noisy, Preparation()), noisy)
    less = finished(noisy, Preparation(denoise=15))
    assert np.abs(less.astype(int) - clean).mean() < 0.7 * np.abs(noisy.astype(int) - clean).mean()
    stretched = finished(noisy, Preparation(normalised="min-max"))
    assert (stretched.min(), stretched.max()) == (0, 255)
    level = finished(noisy, Preparation(normalised="mean-std"))
    assert level.mean() == pytest.approx(127.5, abs=1.5) and level.std() == pytest.approx(64, abs=3)


def test_a_set_is_not_written_over_its_own_source(tmp_path: Path) -> None:
    """By whatever name the file is called."""
    folder = faces.class_folders(tmp_path / "set", TWO, each=6)
    source, _, _ = made(tmp_path / "set.npz", folder, classes=TWO)
    before = source.options.out.read_bytes()
    with pytest.raises(UsageError, match=r"--out .*: is one of the sets that are read: name another file"):
        made(tmp_path / "set" / ".." / "set.npz", source.options.out, classes=TWO)
    assert (tmp_path / "set.npz").read_bytes() == before


def test_kinds_that_are_no_folder_and_texts_of_other_codes_are_named(tmp_path: Path) -> None:
    """Spreadsheets write UTF-16 where nobody chose it."""
    listed = tmp_path / "list.csv"
    listed.write_text("path,label\n", encoding="utf-16")
    for source, problem in ((str(listed), "text in UTF-16"), (f"folders:{listed}", "is no folder")):
        with pytest.raises(UsageError) as caught:
            made(tmp_path / "made.npz", source)
        assert problem in f"{caught.value.problem}: {caught.value.remedy}"
