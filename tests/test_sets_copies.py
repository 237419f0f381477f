"""Copies and leaks of data sets: found, told, dropped; and the page that shows them."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.sets.copies import difference_hash, equal_groups, near_groups, pixel_hash, repeated
from models.sets.divide import divided, units_of
from tests import faces
from tests.command import emobatch
from tests.test_reports import Reader
from tests.test_sets import made


def test_hashes_tell_equal_and_nearly_equal_pictures() -> None:
    """Another size, light and coding are near; another picture is not."""
    one = faces.drawn(1, 48)
    _, code = cv2.imencode(".jpg", cv2.resize(one, (64, 64)), [cv2.IMWRITE_JPEG_QUALITY, 60])
    coded = cv2.resize(np.asarray(cv2.imdecode(code, cv2.IMREAD_GRAYSCALE)), (48, 48))
    lighter = (one * 0.7 + 60).astype(np.uint8)
    crops = [one, faces.drawn(2, 48), one.copy(), np.asarray(coded, np.uint8), lighter]
    equal = equal_groups([pixel_hash(crop) for crop in crops])
    assert equal.tolist() == [0, 1, 0, 2, 3]
    near = near_groups(np.stack([difference_hash(crop) for crop in crops]), equal, 24)
    assert [rows.tolist() for rows in repeated(near)] == [[0, 2, 3, 4]]
    alone = near_groups(np.stack([difference_hash(crop) for crop in crops]), equal, 0)
    assert {0, 2} <= {row for rows in repeated(alone) for row in rows.tolist()}


def test_near_groups_do_not_depend_on_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures in several blocks are held against each other as those in one."""
    bits = np.stack([difference_hash(faces.drawn(k % 40)) for k in range(100)])
    equal = np.arange(100, dtype=np.int32)
    expected = near_groups(bits, equal, 10)
    monkeypatch.setattr("models.sets.copies._BLOCK", 16)
    found = near_groups(bits, equal, 10)
    assert len(repeated(found)) == 40
    assert [rows.tolist() for rows in repeated(found)] == [rows.tolist() for rows in repeated(expected)]


def test_copies_and_subjects_bind_each_other() -> None:
    """Two people in one picture that is there twice stay on one side; strangers without copies are free."""
    units = units_of(["a", "b", "b", "", "", "c"], np.array([0, 0, 1, 2, 2, 3], np.int32))
    assert units[0] == units[1] == units[2] and units[3] == units[4]
    assert len({int(units[0]), int(units[3]), int(units[5])}) == 3


def test_a_copy_follows_the_split_of_its_original() -> None:
    """What a set without splits has in common with one that has some goes there."""
    given = np.array(["train", "public", "private", "", "", ""])
    units, source = np.array([0, 1, 2, 2, 3, 4], np.int32), np.array([0, 0, 0, 1, 1, 1], np.intp)
    splits = divided(np.zeros(6, np.int32), given, units, source, (100.0, 0.0, 0.0), 20)
    assert splits.tolist() == ["train", "public", "private", "private", "train", "train"]


def leaky(folder: Path) -> Path:
    """Folders with splits: one test picture equals one of train under another label, one nearly does."""
    for place, split in enumerate(("train", "val", "test")):
        faces.class_folders(folder / split, ("happy", "sad"), each=5, first=1000 * place)
    copied = cv2.imread(str(folder / "train" / "happy" / "0.png"))
    assert copied is not None
    faces.write(folder / "test" / "sad" / "copy.png", np.asarray(copied, np.uint8))
    large = cv2.resize(copied, (90, 90), interpolation=cv2.INTER_CUBIC)
    faces.write(folder / "test" / "happy" / "large.jpg", np.asarray(large, np.uint8))
    faces.write(folder / "train" / "happy" / "again.png", np.asarray(copied, np.uint8))
    return folder


@pytest.mark.parametrize(
    ("drop", "dropped", "leaks", "left"),
    [
        ("none", 0, 1, (11, 10, 12)),
        ("leaks", 2, 0, (11, 10, 10)),
        ("exact", 2, 1, (10, 10, 11)),
        ("near", 3, 0, (10, 10, 10)),
    ],
)
def test_copies_are_told_and_dropped(
    tmp_path: Path, drop: str, dropped: int, leaks: int, left: tuple[int, ...]
) -> None:
    """Of copies the one in the first split stays; `leaks` leaves those of one split alone."""
    _, told, arrays = made(tmp_path / "set.npz", leaky(tmp_path / "set"), classes=("happy", "sad"), drop=drop)
    copies = told["copies"]
    assert (copies["equal_groups"], copies["equal_pictures"]) == (1, 3)
    assert (copies["near_groups"], copies["near_pictures"], copies["labelled_differently"]) == (1, 4, 1)
    assert (copies["dropped"], copies["leaks"]) == (dropped, leaks)
    assert tuple(int((arrays["split"] == split).sum()) for split in ("train", "public", "private")) == left
    (group,) = told["groups"]
    assert not group["equal"] and group["leaks"] == bool(leaks)
    assert {one["name"] for one in group["pictures"]} >= {"train/happy/0.png", "test/sad/copy.png"}


def test_dividing_anew_leaves_no_leak(tmp_path: Path) -> None:
    """Copies are kept together."""
    _, told, _ = made(tmp_path / "set.npz", leaky(tmp_path / "set"), classes=("happy", "sad"), resplit=True)
    assert told["copies"]["leaks"] == 0 and told["copies"]["near_groups"] == 1 and told["n"] == 33


def test_the_page_shows_what_is_in_the_set(tmp_path: Path) -> None:
    """Bars, tables, samples and copies; leaks in words; names of files become no markup."""
    leaky(tmp_path / "set")
    (tmp_path / "set" / "test" / "sad" / "copy.png").rename(tmp_path / "set" / "test" / "sad" / "<b>&.png")
    command = ("dataset", "set", "--out", "set.npz", "--classes", "happy,sad", "--report", "page", "--size", "32")
    done = emobatch(*command, cwd=tmp_path)
    assert done.code == 0, done.stderr
    assert "leaks: 1 group of copies in several splits, 4 pictures" in done.stdout
    assert done.stderr.splitlines()[-1] == "page: page/dataset.html"
    page = Reader(tmp_path / "page" / "dataset.html")
    bars = page.figures["figure-classes"]["data"]
    assert {bar["name"]: dict(zip(bar["x"], bar["y"], strict=True)) for bar in bars} == {
        "train": {"happy": 6, "sad": 5},
        "public": {"happy": 5, "sad": 5},
        "private": {"happy": 6, "sad": 6},
    }
    assert "1 group of copies, 4 pictures, is in several splits." in page.text
    assert "set: test/sad/<b>&.png (sad, private)" in page.text
    kept = json.loads((tmp_path / "page" / "dataset.json").read_text(encoding="utf-8"))
    assert kept["copies"]["leaks"] == 1 and kept["n"] == 33
    for name, rows in (("samples", 2), ("copies", 1)):
        sheet = cv2.imread(str(tmp_path / "page" / f"{name}.png"))
        assert sheet is not None and sheet.shape[0] // rows in range(200, 240)
