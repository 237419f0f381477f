"""Labelled pictures from an npz, class folders and a CSV, all drawn here. The bad ones: test_datasets_bad.py."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.errors import UsageError
from analytics.expressions import EXPRESSIONS
from models.datasets import has_splits, read_labelled
from models.labels import class_index, ferplus_labels, ferplus_targets

# The order of the votes and of the labels in the file, neither of which is that of emobatch.
_VOTED = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF"]
_LABELLED = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]


def votes(**counts: int) -> list[int]:
    """One row of ten people's votes."""
    return [counts.get(name, 0) for name in _VOTED]


def expected(**shares: float) -> list[float]:
    """One row of soft targets."""
    return [shares.get(name, 0.0) for name in EXPRESSIONS]


def as_rows(*rows: list[int]) -> NDArray[np.uint8]:
    """Votes as the file has them, uint8 (n, 10)."""
    return np.array(rows, np.uint8)


def write_npz(path: Path, rows: list[list[int]], **changes: Any) -> Path:
    """A data set of one split, private, picture k all of grey level k; changes replace or (None) remove arrays."""
    n = len(rows)
    arrays: dict[str, Any] = {
        "images": np.arange(n, dtype=np.uint8)[:, None, None] * np.ones((1, 48, 48), np.uint8),
        "labels": np.arange(n) % 7,
        "class_names": np.array(_LABELLED),
        "split": np.array(["private"] * n),
        "ferplus_votes": as_rows(*rows),
        "ferplus_names": np.array(_VOTED),
        "not_a_face_ferplus": np.zeros(n, bool),
        "exact_dup_in_train": np.zeros(n, bool),
    } | changes
    np.savez(path, allow_pickle=False, **{name: array for name, array in arrays.items() if array is not None})
    return path


@pytest.mark.parametrize(
    ("row", "label"),
    [
        (votes(happiness=8, neutral=2), "happy"),
        (votes(anger=5, sadness=4, fear=1), "angry"),
        (votes(sadness=5, anger=5), "sad"),  # A tie goes to the first name of the file, not of emobatch.
        (votes(neutral=5, contempt=5), "neutral"),
        (votes(contempt=6, happiness=4), None),
        (votes(unknown=5, fear=4), None),
        (votes(NF=10), None),
        (votes(fear=4, surprise=3, sadness=3), None),
        (votes(contempt=4, disgust=4, NF=2), None),
    ],
)
def test_majority_of_the_votes(row: list[int], label: str | None) -> None:
    """The largest vote decides if it has five of ten and is one of the seven; ties go to the first name."""
    (found,) = ferplus_labels(as_rows(row), _VOTED)
    assert found == (-1 if label is None else EXPRESSIONS.index(label))


@pytest.mark.parametrize(
    ("row", "target"),
    [
        (votes(happiness=10), expected(happy=1)),
        (votes(happiness=6, neutral=4), expected(happy=0.6, neutral=0.4)),
        (votes(happiness=8, neutral=1, fear=1), expected(happy=1)),
        (votes(sadness=4, anger=3, neutral=2, fear=1), expected(sad=4 / 9, angry=3 / 9, neutral=2 / 9)),
        (votes(happiness=4, contempt=4, neutral=2), expected(happy=4 / 6, neutral=2 / 6)),
        (votes(unknown=6, happiness=4), expected()),
        (votes(NF=10), expected()),
        (votes(contempt=9, neutral=1), expected()),
        (votes(contempt=6, happiness=4), expected()),
    ],
)
def test_targets_are_shares_of_the_votes(row: list[int], target: list[float]) -> None:
    """Single votes are dropped, the rest sums to one; what most call something else teaches nothing."""
    (found,) = ferplus_targets(as_rows(row), _VOTED)
    assert found.tolist() == pytest.approx(target, abs=1e-6)


def test_class_names_as_data_sets_spell_them() -> None:
    """Nouns and capitals are understood, foreign classes are not guessed."""
    spelt = ["Anger", "disgusted", "FEAR", " Happiness ", "neutral", "sadness", "surprised"]
    assert [class_index(name) for name in spelt] == list(range(7))
    assert [class_index(name) for name in ("contempt", "NF", "", "happy face")] == [-1] * 4


def test_npz_gives_the_rows_of_its_split(tmp_path: Path) -> None:
    """Pictures, labels and targets stay together, whichever split is read."""
    rows = [votes(happiness=10), votes(anger=10), votes(fear=10), votes(sadness=10)]
    path = write_npz(tmp_path / "faces.npz", rows, split=np.array(["train", "private", "train", "public"]))
    data = read_labelled(path, "train")
    assert [int(picture[0, 0]) for picture in data.pictures] == [0, 2]
    assert [EXPRESSIONS[label] for label in data.labels] == ["happy", "fear"]
    assert np.array_equal(data.targets, np.eye(7, dtype=np.float32)[data.labels])
    assert len(read_labelled(path).labels) == len(read_labelled(path, "public").labels) == 1


def test_flagged_rows_are_left_out(tmp_path: Path) -> None:
    """Copies of training pictures and pictures without a face are not in the data, under either truth."""
    flags = {"exact_dup_in_train": np.array([1, 0, 0, 0], bool), "not_a_face_ferplus": np.array([0, 0, 1, 0], bool)}
    path = write_npz(tmp_path / "faces.npz", [votes(happiness=10)] * 4, **flags)
    for scheme in ("ferplus", "fer2013"):
        assert [int(picture[0, 0]) for picture in read_labelled(path, scheme=scheme).pictures] == [1, 3]


def test_unlabelled_rows_are_kept_and_marked(tmp_path: Path) -> None:
    """A picture without a majority has no label and may still have something to teach."""
    path = write_npz(tmp_path / "faces.npz", [votes(happiness=4, neutral=4, fear=2), votes(happiness=9)])
    data = read_labelled(path)
    assert data.labels.tolist() == [-1, EXPRESSIONS.index("happy")]
    assert data.targets.sum(axis=1) == pytest.approx(1)


def test_fer2013_labels_are_put_into_our_order(tmp_path: Path) -> None:
    """The file's numbers mean its own names: its 4 is sad, ours is neutral."""
    path = write_npz(tmp_path / "faces.npz", [votes(happiness=10)] * 7)
    data = read_labelled(path, scheme="fer2013")
    assert [EXPRESSIONS[label] for label in data.labels] == _LABELLED
    assert np.array_equal(data.targets, np.eye(7, dtype=np.float32)[data.labels])


def test_fer2013_labels_need_no_votes(tmp_path: Path) -> None:
    """A file without the votes has its own labels only."""
    path = write_npz(tmp_path / "faces.npz", [votes()] * 3, ferplus_votes=None, not_a_face_ferplus=None)
    assert len(read_labelled(path, scheme="fer2013").labels) == 3
    with pytest.raises(UsageError, match="ferplus_votes") as caught:
        read_labelled(path)
    assert caught.value.remedy == "use --labels fer2013"


def write_picture(path: Path, grey: int) -> Path:
    """A small picture file of one grey level; also where its path is not ASCII."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _, content = cv2.imencode(path.suffix, np.full((20, 30, 3), grey, np.uint8))
    path.write_bytes(content.tobytes())
    return path


def test_class_folders(tmp_path: Path) -> None:
    """Folders name the classes, in any usual spelling, at any depth; other files and empty folders are no matter."""
    write_picture(tmp_path / "Happiness" / "b" / "Zoë.PNG", 10)
    write_picture(tmp_path / "anger" / "1.bmp", 20)
    (tmp_path / "anger" / "notes.txt").write_text("by hand")
    (tmp_path / "readme.md").write_text("faces")
    (tmp_path / "contempt").mkdir()
    data = read_labelled(tmp_path)
    assert [(EXPRESSIONS[i], int(p[0, 0, 0])) for i, p in zip(data.labels, data.pictures, strict=True)] == [
        ("happy", 10),
        ("angry", 20),
    ]
    assert data.pictures[0].shape == (20, 30, 3)


def test_class_folders_below_folders_of_splits(tmp_path: Path) -> None:
    """A split is chosen as of an npz, by whatever its folder is called; one that is not there is refused."""
    for grey, split in enumerate(("train", "Test")):
        write_picture(tmp_path / split / "happy" / "1.png", 10 * grey)
    assert [int(picture[0, 0, 0]) for picture in read_labelled(tmp_path).pictures] == [10]
    assert [int(picture[0, 0, 0]) for picture in read_labelled(tmp_path, "train").pictures] == [0]
    with pytest.raises(UsageError, match="has no split 'public'") as caught:
        read_labelled(tmp_path, "public")
    assert caught.value.remedy == "choose one of: private, train"


def test_csv_of_paths_and_labels(tmp_path: Path) -> None:
    """Paths are relative to the list or absolute; more columns and a byte order mark do no harm."""
    near, far = write_picture(tmp_path / "a, b.png", 1), write_picture(tmp_path / "far" / "c.png", 2)
    listed = tmp_path / "list.csv"
    listed.write_text(f'\ufeffpath,who,label\n"{near.name}",x,Sad\n{far},y,fear\n', encoding="utf-8")
    data = read_labelled(listed)
    assert [EXPRESSIONS[label] for label in data.labels] == ["sad", "fear"]
    assert [int(picture[0, 0, 0]) for picture in data.pictures] == [1, 2]


def write_csv(folder: Path, lines: list[str]) -> Path:
    """A list of pictures, and the pictures that it names."""
    for line in lines[1:]:
        cv2.imwrite(str(folder / line.split(",")[0]), np.full((60, 80, 3), 90, np.uint8))
    path = folder / "list.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_groups_and_boxes_of_a_csv(tmp_path: Path) -> None:
    """Both columns may be left out, and left empty in a line."""
    path = write_csv(
        tmp_path, ["path,label,group,box", "a.png,happy,north,10 5 30 40", "b.png,sad,,", "c.png,sad,north,"]
    )
    data = read_labelled(path)
    assert data.groups == {"group": ("north", "none", "north")}
    assert data.boxes is not None and data.boxes[0].tolist() == [10, 5, 30, 40] and np.isnan(data.boxes[1:]).all()
    kept = data.only(np.array([False, True, True]))
    assert kept.groups == {"group": ("none", "north")} and kept.boxes is not None and len(kept.boxes) == 2
    plain = read_labelled(write_csv(tmp_path, ["path,label", "a.png,happy"]))
    assert plain.groups == {} and plain.boxes is None


def test_a_list_that_names_splits_is_read_by_them(tmp_path: Path) -> None:
    """What trained is not scored by the way; a list that names none is read whole."""
    lines = ["path,label,split", "a.png,happy,train", "b.png,sad,Test", "c.png,fear,", "d.png,angry,test"]
    data = read_labelled(write_csv(tmp_path, lines))
    assert [EXPRESSIONS[label] for label in data.labels] == ["sad", "angry"] and has_splits(tmp_path / "list.csv")
    assert len(read_labelled(tmp_path / "list.csv", "train").labels) == 1
    assert len(read_labelled(tmp_path / "list.csv", "test").labels) == 2  # As other people call it.
    with pytest.raises(UsageError, match=r"list\.csv: has no split 'public': choose one of: private, train"):
        read_labelled(tmp_path / "list.csv", "public")
    write_csv(tmp_path, ["path,label,split", "a.png,happy,mine"])
    with pytest.raises(UsageError, match=r"list\.csv: line 2: 'mine' is no split: call it train, public, private"):
        read_labelled(tmp_path / "list.csv")
    assert len(read_labelled(write_csv(tmp_path, ["path,label,split", "a.png,happy,", "b.png,sad,"])).labels) == 2
    assert not has_splits(tmp_path / "list.csv")


def test_a_list_as_spreadsheets_of_many_countries_save_it(tmp_path: Path) -> None:
    """Semicolons or tabs, a mark of the encoding, capitals, and paths of Windows."""
    for name, grey in (("happy", 200), ("sad", 20)):
        write_picture(tmp_path / "faces" / f"{name}.png", grey)
    for between in (";", "\t", ","):
        lines = [
            between.join(row) for row in (("Path", "Label"), ("faces\\happy.png", "happy"), ("faces\\sad.png", "sad"))
        ]
        (tmp_path / "list.csv").write_text("\r\n".join(lines), encoding="utf-8-sig", newline="")
        data = read_labelled(tmp_path / "list.csv")
        assert [EXPRESSIONS[label] for label in data.labels] == ["happy", "sad"]
        assert [int(np.asarray(picture).mean()) for picture in data.pictures] == [200, 20]


def test_what_systems_lay_into_folders_is_no_class_and_no_picture(tmp_path: Path) -> None:
    """__MACOSX of an archive, hidden folders, and what a Mac lays beside each file."""
    write_picture(tmp_path / "set" / "happy" / "a.png", 200)
    for foreign in ("__MACOSX/happy/._a.png", ".git/a.png", "happy/._a.png", "happy/Thumbs.db"):
        (tmp_path / "set" / foreign).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / foreign).write_bytes(b"no picture")
    data = read_labelled(tmp_path / "set")
    assert len(data.labels) == 1 and int(np.asarray(data.pictures[0]).mean()) == 200
