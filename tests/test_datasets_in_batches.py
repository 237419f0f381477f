"""Folders and lists of any length are scored in the memory of a few pictures, and as if they were held at once."""

import tracemalloc
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

from analytics.errors import UsageError
from analytics.expressions import EXPRESSIONS
from models.classifier import ExpressionClassifier
from models.crop import crop_whole
from models.datasets import LabelledPictures, read_labelled
from models.detectors.yunet import YuNet
from models.evaluate import crop_batches, evaluate, scaled_down
from models.scores import score


def drawn(folder: Path, n: int) -> Path:
    """Class folders with n different pictures of noise in all."""
    draw = np.random.default_rng(8)
    for i in range(n):
        (folder / EXPRESSIONS[i % 7]).mkdir(parents=True, exist_ok=True)
        picture = draw.integers(0, 256, (40 + i % 3, 30, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / EXPRESSIONS[i % 7] / f"{i}.png"), picture)
    return folder


def test_only_keeps_rows_together() -> None:
    """Picture, label and targets of the same row stay the same row."""
    pictures = [np.full((4, 4), k, np.uint8) for k in range(3)]
    data = LabelledPictures(pictures, np.arange(3, dtype=np.int32), np.eye(3, 7, dtype=np.float32))
    kept = data.only(np.array([True, False, True]))
    assert [int(picture[0, 0]) for picture in kept.pictures] == kept.labels.tolist() == [0, 2]
    assert kept.targets.argmax(axis=1).tolist() == [0, 2]


@pytest.mark.parametrize("most", [1, 4, 9, 10, 256])
def test_batches_hold_all_pictures_in_order(tmp_path: Path, most: int) -> None:
    """Whatever their size, joined they are the crops of all pictures with their labels."""
    data = read_labelled(drawn(tmp_path, 9))
    batches = list(crop_batches(data, 48, most=most))
    assert max(len(batch.crops) for batch in batches) == min(most, 9)
    assert np.array_equal(
        np.concatenate([batch.crops for batch in batches]), [crop_whole(picture, 48) for picture in data.pictures]
    )
    assert np.array_equal(np.concatenate([batch.labels for batch in batches]), data.labels)


def test_scores_are_those_of_all_pictures_at_once(tmp_path: Path) -> None:
    """More pictures than a batch has give the figures of one great batch, to the last bit."""
    folder = drawn(tmp_path, 300)
    classifier = ExpressionClassifier()
    data = read_labelled(folder)
    crops = np.stack([crop_whole(picture, 48) for picture in data.pictures])
    whole = score(classifier.classify(crops), data.labels, classifier.facts.threshold)
    assert evaluate(classifier, folder).scores.to_json() == whole.to_json()


def test_memory_does_not_grow_with_the_pictures(tmp_path: Path) -> None:
    """200 pictures of 0.75 MB and a folder's worth of crops: held at once they would be 150 MB."""
    cv2.imwrite(str(tmp_path / "a.png"), np.full((500, 500, 3), 90, np.uint8))
    (tmp_path / "list.csv").write_text("path,label\n" + "a.png,sad\n" * 200, encoding="utf-8")
    classifier = ExpressionClassifier()
    tracemalloc.start()
    try:
        assert evaluate(classifier, tmp_path / "list.csv").scores.n == 200
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 10_000_000


def test_a_damaged_picture_ends_the_evaluation_with_its_name(tmp_path: Path) -> None:
    """Also where it comes after others that are sound."""
    bad = drawn(tmp_path, 9) / "surprise" / "x.png"
    bad.write_bytes(b"no picture")
    with pytest.raises(UsageError, match="cannot be read as a picture") as caught:
        evaluate(ExpressionClassifier(), tmp_path)
    assert str(bad) in caught.value.problem


def test_pictures_without_a_face_are_counted_over_all_batches(tmp_path: Path) -> None:
    """One portrait and three pictures of noise, two in a batch."""
    portrait = skimage.data.astronaut()[:256, 96:352, ::-1]  # type: ignore[no-untyped-call]
    cv2.imwrite(str(drawn(tmp_path, 3) / "happy.png"), portrait)
    (tmp_path / "happy").mkdir()
    (tmp_path / "happy.png").rename(tmp_path / "happy" / "a.png")
    batches = list(crop_batches(read_labelled(tmp_path), 48, (YuNet(long_side=384),), most=2))
    assert [batch.whole for batch in batches] == [2, 1]
    assert evaluate(ExpressionClassifier(), tmp_path, detect=True).whole == 3


def test_groups_are_scored_apart_and_boxes_are_cut_out(tmp_path: Path) -> None:
    """The face in a box is judged like the same face cut out by the same framing; each group has its own figures."""
    face = cv2.cvtColor(skimage.data.astronaut()[0:300, 100:350], cv2.COLOR_RGB2BGR)  # type: ignore[no-untyped-call]
    wide = np.full((600, 800, 3), 70, np.uint8)
    wide[200:500, 300:550] = face
    cv2.imwrite(str(tmp_path / "wide.png"), wide)
    cv2.imwrite(str(tmp_path / "noise.png"), np.random.default_rng(2).integers(0, 256, (60, 60, 3), np.uint8))
    lines = [
        "path,label,group,box",
        "wide.png,happy,boxed,380 260 110 140",
        "noise.png,disgust,noise,",
        "noise.png,fear,noise,",
    ]
    (tmp_path / "list.csv").write_text("\n".join(lines), encoding="utf-8")
    found = evaluate(ExpressionClassifier(), tmp_path / "list.csv")
    assert {name: part.n for name, part in found.groups["group"].groups.items()} == {"boxed": 1, "noise": 2}
    assert found.groups["group"].groups["boxed"].accuracy == 1.0
    assert set(found.face_px) == {32, 24, 20, 16} and all(part.n == 3 for part in found.face_px.values())


def test_small_faces_lose_what_scaling_takes(tmp_path: Path) -> None:
    """Scaled down and up again a picture keeps its size and its mean, and loses its fine structure."""
    crops = np.random.default_rng(4).integers(0, 256, (3, 48, 48), np.uint8)
    small = scaled_down(crops, 16)
    assert small.shape == crops.shape and small.dtype == np.uint8
    assert small.mean() == pytest.approx(crops.mean(), abs=2) and small.std() < crops.std() / 2
    assert np.array_equal(scaled_down(crops, 48), crops)
