"""Data sets of the literature, read by their file names, merged and divided. All are drawn (tests/faces.py)."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data

from analytics.errors import UsageError
from models.crop import crop_whole
from models.datasets import read_labelled
from models.sets.formats import read_source
from models.sets.make import Made, SetOptions, make_dataset, scratch_beside
from models.sets.prepare import Preparation
from models.sets.records import ReadOptions, SourceSet
from models.sets.summary import summary_of
from tests import faces
from tests.command import emobatch


def read(source: Path | str, **options: Any) -> SourceSet:
    """One set as it is read."""
    return read_source(str(source), ReadOptions(**options))[1]


def made(out: Path, *sources: Path | str, **options: Any) -> tuple[Made, dict[str, Any], dict[str, Any]]:
    """A data set, what is told of it, and its file's arrays."""
    chosen: dict[str, Any] = {"read": ReadOptions(), "mapping": {}, "prepare": Preparation(size=32)} | options
    with scratch_beside(out) as scratch:
        found = make_dataset(SetOptions(sources=tuple(map(str, sources)), out=out, **chosen), Path(scratch))
        told = summary_of(found)
    with np.load(out) as data:
        return found, told, {name: data[name] for name in data}


def by_subject(one: SourceSet) -> dict[str, list[str]]:
    """Labels by subject."""
    return {item.subject: [other.label for other in one.items if other.subject == item.subject] for item in one.items}


def test_jaffe_is_read_by_its_names(tmp_path: Path) -> None:
    """Subject and expression; what else lies there is counted."""
    faces.jaffe(tmp_path, ("KA", "YM"))
    faces.write(tmp_path / "cover.png", faces.drawn(1))
    found = read(tmp_path)
    assert found.kind == "jaffe" and found.left_out == {"names that are not JAFFE's": 1}
    assert by_subject(found) == {name: [label for label in faces.CLASSES for _ in "12"] for name in ("KA", "YM")}


def test_kdef_is_read_by_its_names(tmp_path: Path) -> None:
    """Straight faces unless others are asked for; the sessions of a person are one subject, and men and women differ."""
    found = read(faces.kdef(tmp_path))
    assert found.kind == "kdef" and len(found.items) == 4 * 2 * 7
    assert found.left_out == {"other angles": 56, "names that are not KDEF's": 1}
    assert set(by_subject(found)) == {"F01", "F02", "M01", "M02"}
    assert by_subject(found)["M02"] == [*faces.CLASSES[2:3], *faces.CLASSES[:2], *faces.CLASSES[3:]] * 2
    assert len(read(tmp_path, angles=("S", "hl")).items) == 2 * 56
    with pytest.raises(UsageError, match="--angles X: no such angle"):
        read(tmp_path, angles=("X",))


def test_ckplus_is_read_by_its_names(tmp_path: Path) -> None:
    """The last frames bear the label, the first one is neutral, and sequences without a label are left out."""
    faces.write(faces.ckplus(tmp_path, subjects=2) / "cover.png", faces.drawn(1))
    found = read(tmp_path, last=2)
    assert found.left_out == {"sequences without a label": 2, "names that are not CK+'s": 1}
    assert [(Path(item.name).name[9:17], item.label) for item in found.items[:6]] == [
        *(("00000001", "neutral"), ("00000005", "angry"), ("00000006", "angry")),
        *(("00000001", "neutral"), ("00000005", "contempt"), ("00000006", "contempt")),
    ]
    assert set(by_subject(found)) == {"S005", "S006"} and (found.kind, found.spare) == ("ckplus", ("contempt",))
    assert [item.label for item in read(tmp_path, last=1, first=0).items[:3]] == ["angry", "contempt", "disgust"]


def test_a_broken_label_of_ckplus_is_named(tmp_path: Path) -> None:
    """So are label files without their pictures."""
    faces.ckplus(tmp_path, subjects=1)
    label = next((tmp_path / "Emotion").rglob("*_emotion.txt"))
    label.write_text("9.0", encoding="utf-8")
    with pytest.raises(UsageError, match=r"_emotion\.txt: '9\.0' is no label of CK\+"):
        read(tmp_path)
    with pytest.raises(UsageError, match="has no frames in"):
        read(f"ckplus:{tmp_path / 'Emotion'}")


def test_contempt_is_there_only_where_it_is_asked_for(tmp_path: Path) -> None:
    """Otherwise it is told as left out; it may also be called otherwise."""
    folder = faces.ckplus(tmp_path / "ck")
    _, told, arrays = made(tmp_path / "seven.npz", folder)
    assert arrays["class_names"].tolist() == list(faces.CLASSES)
    assert {"source": "ck", "reason": "class contempt", "n": 21} in told["left_out"]
    eight = (*faces.CLASSES, "contempt")
    _, told, arrays = made(tmp_path / "eight.npz", folder, classes=eight)
    assert arrays["classes"].tolist() == list(eight) and told["sources"]["ck"]["classes"]["contempt"] == 21
    _, told, _ = made(tmp_path / "less.npz", folder, mapping={"contempt": "disgust"})
    assert told["sources"]["ck"]["classes"]["disgust"] == 42


def test_fer2013_with_the_votes_beside_it(tmp_path: Path) -> None:
    """The splits are those of the challenge; the file is read back as one that was always an npz."""
    out = tmp_path / "fer.npz"
    _, told, arrays = made(out, faces.fer_csv(tmp_path), prepare=Preparation())
    assert [sum(told["splits"][split].values()) for split in ("train", "public", "private")] == [42, 14, 14]
    assert np.array_equal(arrays["images"][3], faces.drawn(40_003, 48)) and "normalised" not in arrays
    assert arrays["ferplus_votes"].shape == (70, 10)
    for scheme in ("ferplus", "fer2013"):
        data = read_labelled(out, "public", scheme)
        order = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"] * 2
        assert [data.classes[label] for label in data.labels] == order
    _, again, same = made(tmp_path / "again.npz", out, prepare=Preparation())
    assert again["splits"] == told["splits"]
    assert all(np.array_equal(same[name], arrays[name]) for name in ("images", "labels", "split", "ferplus_votes"))


def test_votes_are_called_as_labels_are(tmp_path: Path) -> None:
    """Both heads learn the same classes: columns that become one are added up, and none is lost."""
    csv = faces.fer_csv(tmp_path)
    votes = (tmp_path / "fer2013new.csv").read_text(encoding="utf-8").splitlines()
    votes[1] = "Training,fer0000000.png,2,0,0,0,4,4,0,0,0,0"  # Neither anger nor disgust alone has five.
    (tmp_path / "fer2013new.csv").write_text("\n".join(votes), encoding="utf-8")
    six = ("angry", "fear", "happy", "neutral", "sad", "surprise")
    _, _, arrays = made(tmp_path / "six.npz", csv, classes=six, mapping={"disgust": "angry"})
    assert arrays["ferplus_names"].tolist()[4:7] == ["anger", "fear", "contempt"]
    assert arrays["ferplus_votes"][0].tolist() == [2, 0, 0, 0, 8, 0, 0, 0, 0]
    ferplus, fer2013 = (read_labelled(tmp_path / "six.npz", "train", scheme) for scheme in ("ferplus", "fer2013"))
    assert np.array_equal(ferplus.labels, fer2013.labels) and ferplus.labels.min() >= 0
    bad = dict.fromkeys(("angry", "disgust", "fear", "sad"), "negative")
    classes = ("negative", "positive", "neutral")
    mapping = bad | {"happy": "positive", "surprise": "positive"}
    _, _, arrays = made(tmp_path / "three.npz", csv, classes=classes, mapping=mapping)
    assert arrays["ferplus_names"].tolist() == ["neutral", "positive", "negative", "contempt", "unknown", "NF"]
    ferplus, fer2013 = (read_labelled(tmp_path / "three.npz", "private", scheme) for scheme in ("ferplus", "fer2013"))
    assert np.array_equal(ferplus.labels, fer2013.labels) and ferplus.targets.sum() == len(ferplus.labels)


def test_votes_of_several_sets_have_the_names_of_the_first(tmp_path: Path) -> None:
    """Sets without votes have none."""
    one, other = faces.fer_csv(tmp_path / "one"), faces.fer_csv(tmp_path / "other")
    swapped = (other.parent / "fer2013new.csv").read_text(encoding="utf-8")
    named = swapped.replace("neutral,happiness,", "happy,neutral,", 1)
    (other.parent / "fer2013new.csv").write_text(named, encoding="utf-8")
    folders = faces.class_folders(tmp_path / "folders", each=3)
    _, _, arrays = made(tmp_path / "all.npz", one, other, folders)
    assert arrays["ferplus_names"].tolist()[:2] == ["neutral", "happiness"]
    votes = arrays["ferplus_votes"]
    assert np.array_equal(votes[70:140], votes[:70][:, [1, 0, *range(2, 10)]]) and not votes[140:].any()


def test_the_majority_of_the_votes_as_labels(tmp_path: Path) -> None:
    """Rows without a clear one are left out and told; without votes that is refused."""
    csv = faces.fer_csv(tmp_path)
    votes = (tmp_path / "fer2013new.csv").read_text(encoding="utf-8").splitlines()
    votes[1] = "Training,fer0000000.png,0,0,0,0,0,0,0,0,0,10"
    votes[2] = "Training,fer0000001.png,0,9,0,0,1,0,0,0,0,0"
    (tmp_path / "fer2013new.csv").write_text("\n".join(votes), encoding="utf-8")
    found = read(csv, labels="ferplus")
    assert len(found.items) == 69 and found.items[0].label == "happy"
    assert found.left_out == {"no clear majority": 1}
    (tmp_path / "fer2013new.csv").write_text("\n".join(votes[:-1]), encoding="utf-8")
    with pytest.raises(UsageError, match=r"fer2013new\.csv: has 69 rows for the 70 of fer2013\.csv"):
        read(csv)
    (tmp_path / "fer2013new.csv").unlink()
    assert read(csv).votes is None
    with pytest.raises(UsageError, match=r"has no votes of FER\+"):
        read(csv, labels="ferplus")


def test_normalised_sets_stay_so(tmp_path: Path) -> None:
    """Read again they are the same and say so; cut to another size they are normalised again."""
    folder = faces.class_folders(tmp_path / "own", each=4)
    _, _, once = made(tmp_path / "norm.npz", folder, prepare=Preparation(size=32, normalised="mean-std"))
    for name, prepare in (("again", Preparation(size=32)), ("named", Preparation(size=32, normalised="mean-std"))):
        _, _, again = made(tmp_path / f"{name}.npz", tmp_path / "norm.npz", prepare=prepare)
        assert again["normalised"].tolist() == ["mean-std"] and np.array_equal(again["images"], once["images"])
    _, _, small = made(tmp_path / "small.npz", tmp_path / "norm.npz", prepare=Preparation(size=16))
    assert small["images"].std(axis=(1, 2)) == pytest.approx(64, abs=4)
    assert json.loads(small["made_with"][0])["normalised"] == "mean-std"


def test_normalised_and_raw_sets_are_not_mixed(tmp_path: Path) -> None:
    """Unless the raw ones are normalised alike."""
    folder = faces.class_folders(tmp_path / "own", each=4)
    other = faces.class_folders(tmp_path / "other", each=4, first=30_000)
    made(tmp_path / "mean.npz", folder, prepare=Preparation(size=32, normalised="mean-std"))
    made(tmp_path / "least.npz", folder, prepare=Preparation(size=32, normalised="min-max"))
    mean, least, out = tmp_path / "mean.npz", tmp_path / "least.npz", tmp_path / "set.npz"
    for sources, asked, said in (
        (
            (other, mean),
            "",
            "mean: its faces are normalised by mean-std, those of other are not: give --normalise mean",
        ),
        ((mean, least), "", "least: its faces are normalised by min-max, not by mean-std: make it anew"),
        ((mean,), "min-max", "mean: its faces are normalised by mean-std, not by min-max: make it anew"),
    ):
        with pytest.raises(UsageError) as caught:
            made(out, *sources, prepare=Preparation(size=32, normalised=asked))
        assert str(caught.value).startswith(said) and not out.exists()
    _, _, arrays = made(out, other, mean, prepare=Preparation(size=32, normalised="mean-std"))
    assert arrays["normalised"].tolist() == ["mean-std"]
    assert arrays["images"].mean(axis=(1, 2)) == pytest.approx(127.5, abs=4)


def test_folders_with_and_without_splits(tmp_path: Path) -> None:
    """val and test are called public and private; classes in any usual spelling, others by a mapping."""
    for place, split in enumerate(("train", "val", "test")):
        faces.class_folders(tmp_path / "raf" / split, ("1", "Happiness"), each=2, first=1000 * place)
    found, told, _ = made(
        tmp_path / "raf.npz", tmp_path / "raf", classes=("happy", "surprise"), mapping={"1": "surprise"}
    )
    assert told["splits"] == {split: {"happy": 2, "surprise": 2} for split in ("train", "public", "private")}
    assert {item.split for item in found.pool.sets["raf"].items} == {"train", "public", "private"}


def test_what_was_sorted_into_folders_is_a_set_of_folders(tmp_path: Path) -> None:
    """Whatever the files are called; and a name before the path says it otherwise."""
    faces.write(tmp_path / "sad" / "AF01HAS.JPG", faces.drawn(1))
    assert [(one.label, one.subject) for one in read(tmp_path).items] == [("sad", "")]
    assert [(one.label, one.subject) for one in read(f"kdef:{tmp_path}").items] == [("happy", "F01")]


def test_one_name_in_two_lists_is_one_person(tmp_path: Path) -> None:
    """Who is in both stays in one split."""
    for place in range(2):
        lines = ["path,label,subject"]
        for k in range(24):
            name = f"{place}-{k}.png"
            faces.write(tmp_path / name, faces.drawn(100 * place + k))
            lines.append(f"{name},{'sad' if k % 2 else 'fear'},p{k // 2}")
        (tmp_path / f"{place}.csv").write_text("\n".join(lines), encoding="utf-8")
    lists = (tmp_path / "0.csv", tmp_path / "1.csv")
    _, told, arrays = made(tmp_path / "both.npz", *lists, classes=("sad", "fear"))
    assert set(arrays["subjects"].tolist()) == {f"p{k}" for k in range(12)}
    assert not told["subjects"]["in_several"] and sum(told["subjects"]["splits"].values()) == 12


def test_a_manifest_may_say_everything(tmp_path: Path) -> None:
    """Split, subject and box; pictures in colour become gray."""
    lines = ["path,label,split,subject,box"]
    for k in range(12):
        colour = np.repeat(faces.drawn(k)[..., None], 3, axis=2)
        faces.write(tmp_path / f"{k}.png", colour)
        lines.append(f"{k}.png,{'sad' if k % 2 else 'fear'},{'test' if k > 8 else 'train'},p{k // 2},4 4 30 30")
    (tmp_path / "list.csv").write_text("\n".join(lines), encoding="utf-8")
    _, told, arrays = made(tmp_path / "list.npz", tmp_path / "list.csv", classes=("sad", "fear"))
    assert told["sources"]["list"]["kind"] == "manifest" and arrays["images"].shape == (12, 32, 32)
    assert arrays["subjects"].tolist() == [f"p{k // 2}" for k in range(12)]
    assert arrays["split"][9:].tolist() == ["private"] * 3
    # Nothing was brought to choose on, so a part of train is taken for it, whole people.
    assert sum(told["splits"]["public"].values()) in (2, 1)
    assert "p4" in told["subjects"]["in_several"]  # As the list itself has it.


def test_faces_are_found_first(tmp_path: Path) -> None:
    """In pictures of any size; those without a face are used whole and told, or left out."""
    portrait = np.asarray(skimage.data.astronaut()[..., ::-1], np.uint8)  # type: ignore[no-untyped-call]
    for k in range(4):
        faces.write(tmp_path / "set" / "happy" / f"{k}.png", portrait[: 500 - 10 * k])
        faces.write(tmp_path / "set" / "sad" / f"{k}.png", np.full((40, 60), 50 * k, np.uint8))
    faces.write(tmp_path / "set" / "happy" / "none.png", np.full((40, 60), 255, np.uint8))
    chosen: dict[str, Any] = {"classes": ("happy", "sad"), "shares": (100.0, 0.0, 0.0)}
    chosen["prepare"] = Preparation(detector="yunet", size=32)
    _, told, arrays = made(tmp_path / "set.npz", tmp_path / "set", **chosen)
    assert told["used_whole"] == 5 and told["n"] == 9
    found = arrays["images"][arrays["names"] == "happy/1.png"][0]
    whole = crop_whole(portrait[:490], 32)
    assert np.abs(found.astype(int) - whole).mean() > 20
    with pytest.raises(UsageError, match=r"the pictures show one class alone \(happy\)"):
        made(tmp_path / "less.npz", tmp_path / "set", **chosen, skip_faceless=True)


def test_nobody_is_in_two_splits(tmp_path: Path) -> None:
    """Of several sets whose people are called alike; the shares are kept as far as whole people allow, by the seed."""
    jaffe, kdef = faces.jaffe(tmp_path / "jaffe"), faces.kdef(tmp_path / "kdef", ("F01", "F02", "M01", "M02", "M03"))
    _, told, arrays = made(tmp_path / "one.npz", jaffe, kdef)
    people = {split: set(arrays["subjects"][arrays["split"] == split]) for split in ("train", "public", "private")}
    assert sum(map(len, people.values())) == 15 and not told["subjects"]["in_several"]
    assert told["subjects"]["splits"] == {split: len(found) for split, found in people.items()}
    assert {"jaffe/KA", "kdef/F01"} <= set.union(*people.values())
    share = {split: (arrays["split"] == split).mean() for split in people}
    assert share["train"] == pytest.approx(0.8, abs=0.08) and min(share.values()) > 0.04
    _, _, same = made(tmp_path / "two.npz", jaffe, kdef)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    _, _, other = made(tmp_path / "three.npz", jaffe, kdef, seed=21)
    assert np.array_equal(same["split"], arrays["split"]) and not np.array_equal(other["split"], arrays["split"])


def test_without_subjects_each_class_is_divided(tmp_path: Path) -> None:
    """Every split has its share of every class."""
    folder = faces.class_folders(tmp_path / "set", each=20)
    _, told, _ = made(tmp_path / "set.npz", folder, shares=(60.0, 20.0, 20.0))
    assert told["splits"] == {
        split: dict.fromkeys(faces.CLASSES, n) for split, n in (("train", 12), ("public", 4), ("private", 4))
    }


def test_one_command_makes_the_file(tmp_path: Path) -> None:
    """From two sets, a part of the classes; figures on stdout, and a file that is read again."""
    faces.jaffe(tmp_path / "jaffe")
    faces.class_folders(tmp_path / "own", ("happy", "disgusting", "neutral", "bored"))
    command = ("dataset", "jaffe", "folders:own", "--out", "out/set.npz", "--size", "24", "--map", "disgusting=disgust")
    done = emobatch(*command, "--classes", "neutral,happy,disgust", "--json", cwd=tmp_path)
    assert done.code == 0, done.stderr
    assert done.json["classes"] == ["disgust", "happy", "neutral"] and done.json["n"] == 90
    assert {"source": "own", "reason": "class bored", "n": 10} in done.json["left_out"]
    data = read_labelled(tmp_path / "out" / "set.npz", "train", "fer2013")
    assert data.classes == ("disgust", "happy", "neutral") and data.targets.shape[1] == 3
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["set.npz"]
    with np.load(tmp_path / "out" / "set.npz") as arrays:
        assert json.loads(arrays["made_with"][0])["size"] == 24
