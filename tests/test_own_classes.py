"""A user's own network with classes of its own: the tables, the pages and the folder that holds them."""

import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pyarrow.dataset as ds
import pytest
import skimage.data

from analytics.expressions import EXPRESSIONS
from analytics.records import Pulse
from analytics.schema import why_no_classes
from jobs.known import known_faces
from models.classifier import SHIPPED, ModelFacts
from tests.clips import write_clip
from tests.command import emobatch
from tests.footage import Actor, Scene, standing
from tests.test_reports import Reader

OWN = ("contempt", "sad", "neutral", "happy", "angry", "bored", "fear")
"""The shipped network under other names: where it says happy, this one says the same."""


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip with a smiling face and one without any, run with a model of other classes into `out`."""
    folder = tmp_path_factory.mktemp("own")
    shutil.copy(SHIPPED["default"], folder / "own.tflite")
    facts = ModelFacts.beside(SHIPPED["default"])
    replace(facts, name="own", classes=OWN).write_beside(folder / "own.tflite")
    (folder / "footage").mkdir()
    write_clip(Scene(320, 180, 10.0, 3.0, 3, (Actor(standing(160, 90, 90)),)), folder / "footage" / "face.mp4")
    write_clip(Scene(320, 180, 10.0, 2.0, 4, ()), folder / "footage" / "empty.mp4")
    done = emobatch("run", "footage", "--out", "out", "--model", "own.tflite", "--workers", "0", cwd=folder)
    assert done.code == 0, done.stderr
    return folder


def test_other_classes_add_columns_and_missing_ones_are_null(folder: Path) -> None:
    """In every file alike, so that any reader puts them together."""
    faces = ds.dataset(folder / "out" / "faces", partitioning="hive").to_table().to_pandas()
    names = list(faces.columns)
    first = names.index("angry")
    assert names[first : first + 9] == [*EXPRESSIONS, "contempt", "bored"]
    assert len(faces) == 6 and faces[["disgust", "surprise"]].isna().all(axis=None)
    assert faces[list(OWN)].sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-4)
    assert set(faces["expression"]) == {"happy"} and faces["happy"].min() > 0.5
    tracks = pd.read_parquet(folder / "out" / "tracks")
    assert tracks["share_happy"].tolist() == [1.0] and tracks["share_contempt"].tolist() == [0.0]
    assert tracks[["disgust", "share_disgust", "surprise", "share_surprise"]].isna().all(axis=None)


def test_pages_have_the_labels_of_the_model(folder: Path) -> None:
    """Own classes stand in the legend and in the distribution."""
    (page,) = (
        page
        for page in map(Reader, (folder / "out" / "reports" / "videos").glob("*.html"))
        if "figure-distribution" in page.figures
    )
    (bars,) = page.figures["figure-distribution"]["data"]
    assert bars["y"] == [*(name for name in EXPRESSIONS if name in OWN), "contempt", "bored", "uncertain"]
    assert len(set(bars["marker"]["color"])) == 8
    assert "contempt" in page.text and "bored" in page.text and "disgust" not in page.text


def test_copies_are_labelled_with_all_classes(folder: Path) -> None:
    """A share is that of its label, whether that is one of the seven or not."""
    known = known_faces(folder / "footage" / "face.mp4", str(folder / "out"), Pulse())
    assert known.classes == (*EXPRESSIONS, "contempt", "bored") and known.probabilities.shape == (6, 9)
    assert np.nansum(known.probabilities, axis=1) == pytest.approx(1, abs=1e-4)
    assert np.nanmax(known.probabilities, axis=1) == pytest.approx(known.confidence, abs=1e-6)


def test_one_out_holds_one_class_list(folder: Path) -> None:
    """Exit code 2, both lists and the remedy; nothing in OUT changes."""
    before = {path: path.stat().st_mtime_ns for path in (folder / "out").rglob("*")}
    done = emobatch("run", "footage", "--out", "out", "--workers", "0", cwd=folder)
    assert done.code == 2
    said = done.only_error()
    assert said.startswith(
        "emobatch: --out out: holds tables of the classes angry, fear, happy, neutral, sad, contempt"
    )
    assert "name another --out" in said
    assert {path: path.stat().st_mtime_ns for path in (folder / "out").rglob("*")} == before
    assert emobatch("run", "footage", "--out", "out", "--model", "own.tflite", "-q", cwd=folder).code == 0


def test_predict_tells_the_classes_of_the_model(folder: Path) -> None:
    """Those that it knows, and no others."""
    cv2.imwrite(str(folder / "portrait.png"), skimage.data.astronaut()[..., ::-1])  # type: ignore[no-untyped-call]
    done = emobatch("predict", "portrait.png", "--model", "own.tflite", "--json", cwd=folder)
    assert done.code == 0
    (face,) = done.json["pictures"][0]["faces"]
    assert set(face["probabilities"]) == set(OWN) and face["expression"] == "happy"


@pytest.mark.parametrize(
    ("classes", "why"),
    [
        (("happy",), "1 classes"),
        (("happy", "sad", "happy"), "twice"),
        (("happy", "uncertain"), "'uncertain' can be no class"),
        (("happy", "track_id"), "'track_id' can be no class"),
        (("happy", "share_x"), "'share_x' can be no class"),
        (("happy", "a,b"), "'a,b' can be no class"),
        (("happy", "../x"), "can be no class"),
        (("happy", ""), "'' can be no class"),
        (tuple(f"c{k}" for k in range(41)), "41 classes"),
    ],
)
def test_names_that_can_be_no_classes(classes: tuple[str, ...], why: str) -> None:
    """They become columns, so no column may be called so already."""
    assert why in (why_no_classes(classes) or "")
    assert why_no_classes(EXPRESSIONS) is None and why_no_classes(OWN) is None
