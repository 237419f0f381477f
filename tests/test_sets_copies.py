"""Copies and leaks of data sets: found, told, dropped; and the page that shows them."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models.sets.copies import (
    difference_hash,
    equal_groups,
    is_flat,
    near_groups,
    near_links,
    pixel_hash,
    repeated,
    without_copies,
)
from models.sets.divide import divided, units_of
from tests import faces
from tests.command import emobatch
from tests.test_reports import Reader
from tests.test_sets import made


def near(crops: list[NDArray[np.uint8]], distance: int) -> NDArray[np.int32]:
    """The groups of some pictures."""
    equal = equal_groups([pixel_hash(crop) for crop in crops])
    bits, flat = np.stack([difference_hash(crop) for crop in crops]), np.array([is_flat(crop) for crop in crops])
    return near_groups(equal, near_links(bits, equal, flat, distance))


def test_hashes_tell_equal_and_nearly_equal_pictures() -> None:
    """Another size, light and coding are near; another picture is not."""
    one = faces.drawn(1, 48)
    _, code = cv2.imencode(".jpg", cv2.resize(one, (64, 64)), [cv2.IMWRITE_JPEG_QUALITY, 60])
    coded = cv2.resize(np.asarray(cv2.imdecode(code, cv2.IMREAD_GRAYSCALE)), (48, 48))
    lighter = (one * 0.7 + 60).astype(np.uint8)
    crops = [one, faces.drawn(2, 48), one.copy(), np.asarray(coded, np.uint8), lighter]
    equal = equal_groups([pixel_hash(crop) for crop in crops])
    assert equal.tolist() == [0, 1, 0, 2, 3]
    assert [rows.tolist() for rows in repeated(near(crops, 24))] == [[0, 2, 3, 4]]
    assert {0, 2} <= {row for rows in repeated(near(crops, 0)) for row in rows.tolist()}


def portrait(k: int) -> NDArray[np.uint8]:
    """A plain head on a plain ground, at a place and of a size of its own."""
    picture = np.full((48, 48), 200, np.uint8)
    cv2.ellipse(picture, (23 + k % 3, 23 + k // 3 % 3), (13 + k // 9 % 3, 17 + k // 27), 0, 0, 360, 120, -1)
    return picture


def test_flat_pictures_are_no_copies_of_each_other() -> None:
    """Nor are those that grow lighter to one side, or plain heads on a plain ground; equal ones are."""
    ramp = np.arange(48, dtype=np.uint8)
    flat = [np.full((48, 48), level, np.uint8) for level in (0, 90, 91, 255)]
    sloping = [np.tile(ramp * step, (48, 1)) for step in (2, 3, 4)]
    falling = [np.ascontiguousarray(one[:, ::-1]) for one in sloping]
    crops = [*flat, *sloping, *falling, *(portrait(k) for k in range(54)), flat[1].copy()]
    assert [rows.tolist() for rows in repeated(near(crops, 24))] == [[1, len(crops) - 1]]


@pytest.mark.parametrize(
    ("drop", "splits", "kept"),
    [
        ("near", "train train train train", [0, 2, 3]),
        ("near", "private train public private", [1, 3]),
        ("near", "private private train private", [0, 2, 3]),
        ("exact", "train train train train", [0, 1, 2, 3]),
        ("leaks", "train private private private", [0, 2, 3]),
        ("leaks", "train public private train", [0, 2, 3]),
    ],
)
def test_what_is_dropped_is_near_what_is_kept(drop: str, splits: str, kept: list[int]) -> None:
    """Not only linked with it by others: of a chain of four pictures, each near the next, several stay."""
    equal, links = np.arange(4, dtype=np.int32), np.array([[0, 1], [1, 2]], np.intp)
    keep = without_copies(drop, equal, links, np.array(splits.split()))
    assert np.flatnonzero(keep).tolist() == kept


def test_near_groups_do_not_depend_on_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures in several blocks are held against each other as those in one."""
    bits = np.stack([difference_hash(faces.drawn(k % 40)) for k in range(100)])
    equal = np.arange(100, dtype=np.int32)
    none_flat = np.zeros(100, np.bool_)
    expected = near_groups(equal, near_links(bits, equal, none_flat, 10))
    monkeypatch.setattr("models.sets.copies._BLOCK", 16)
    found = near_groups(equal, near_links(bits, equal, none_flat, 10))
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


def test_public_is_dealt_of_what_no_other_set_has() -> None:
    """Of a set without it: what another one trains or is judged on stays, and what is public there becomes it."""
    given = np.array([*("train", "public", "private"), *["train"] * 7, "private"])
    units = np.array([0, 1, 2, 0, 1, 2, 3, 4, 5, 6, 7], np.int32)
    source = np.array([0] * 3 + [1] * 8, np.intp)
    splits = divided(np.zeros(11, np.int32), given, units, source, (50.0, 50.0, 0.0), 20)
    assert splits[:6].tolist() == ["train", "public", "private", "train", "public", "train"]
    assert sorted(splits[6:10].tolist()) == ["public", "public", "train", "train"] and splits[10] == "private"


def test_two_sets_without_public_agree() -> None:
    """A picture that both train on is public in both or in neither; so is one that only the later one is judged on."""
    one, other = [*range(10), 20], [*range(14, 4, -1), 0]
    given = np.array([*["train"] * 10, "private"] * 2)
    source, units = np.repeat(np.array([0, 1], np.intp), 11), np.array(one + other, np.int32)
    splits = divided(np.zeros(22, np.int32), given, units, source, (50.0, 50.0, 0.0), 20)
    chosen = dict(zip(one, splits[:11].tolist(), strict=True))
    assert all(chosen.get(unit, split) == split for unit, split in zip(other[:10], splits[11:21].tolist(), strict=True))
    assert chosen[0] == "train" and list(chosen.values()).count("public") in (4, 5)
    assert splits[11:16].tolist().count("public") in (2, 3)  # Of what the other one alone has.


def test_people_who_train_and_judge_may_choose() -> None:
    """In a set that has everybody in both splits something has to."""
    given, units = np.array(["train", "train", "private", "private"]), np.array([0, 1, 0, 1], np.int32)
    splits = divided(np.zeros(4, np.int32), given, units, np.zeros(4, np.intp), (50.0, 50.0, 0.0), 20)
    assert sorted(splits[:2].tolist()) == ["public", "train"] and splits[2:].tolist() == ["private"] * 2


@pytest.mark.parametrize("drop", ["none", "leaks"])
def test_sets_that_share_pictures_do_not_leak_by_the_dealing(tmp_path: Path, drop: str) -> None:
    """One with three splits, and the same pictures of it as others give them out, without a public one."""
    for place, split in enumerate(("train", "val", "test")):
        faces.class_folders(tmp_path / "one" / split, ("happy", "sad"), each=8, first=1000 * place)
        if split != "val":
            faces.class_folders(tmp_path / "two" / split, ("happy", "sad"), each=8, first=1000 * place)
    sets = (tmp_path / "one", tmp_path / "two")
    _, told, arrays = made(tmp_path / "set.npz", *sets, classes=("happy", "sad"), drop=drop)
    copies = told["copies"]
    assert (copies["equal_groups"], copies["leaks"], copies["dropped"]) == (32, 0, 0)
    assert set(arrays["sources"][arrays["split"] == "public"]) == {"one"}


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
