"""Where a classifier looks: a network that sees one corner alone, and the sheet of a command."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.errors import UsageError
from models.occlusion import occlusion_map
from tests.command import emobatch
from tests.test_train_begun import small_dataset

_training = [
    pytest.mark.training,
    pytest.mark.skipif(find_spec("keras") is None, reason="needs the train extra"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras' matter with numpy.
]
SIZE: Final = 24
CORNER: Final = 8
"""Px of the upper left corner, the only ones that decide."""


def corner_network(channels: int = 1, classes: int = 7) -> Any:
    """A network that calls a face happy the more, the brighter its corner is: pixels elsewhere are taken away at once."""
    import keras
    from keras import layers

    picture = keras.Input((SIZE, SIZE, channels))
    seen = layers.Flatten()(layers.Conv2D(1, 1, use_bias=False, name="gray")(picture))
    seen = layers.Reshape((SIZE, SIZE, 1))(layers.Dense(SIZE**2, use_bias=False, name="mask")(seen))
    seen = layers.AveragePooling2D(2)(layers.Conv2D(1, 1, activation="relu", use_bias=False, name="map")(seen))
    given = layers.Dense(classes, activation="softmax", name="given")(layers.GlobalAveragePooling2D()(seen))
    network = keras.Model(picture, given)
    mask = np.zeros((SIZE, SIZE), np.float32)
    mask[:CORNER, :CORNER] = 1
    network.get_layer("gray").kernel.assign(np.full((1, 1, channels, 1), 1 / channels))
    network.get_layer("mask").kernel.assign(np.diag(mask.ravel()))
    network.get_layer("map").kernel.assign(np.ones((1, 1, 1, 1)))
    network.get_layer("given").kernel.assign(np.eye(1, classes, 3) * 0.2)
    return network


def bright(n: int = 2) -> NDArray[np.uint8]:
    """Faces that are bright all over."""
    return np.random.default_rng(4).integers(180, 220, (n, SIZE, SIZE), np.uint8)


def share_in_corner(heat: NDArray[np.float32]) -> float:
    """How much of all heat is in the corner and what is hidden or blurred together with it."""
    warm = np.maximum(heat, 0)
    return float(warm[: CORNER + 3, : CORNER + 3].sum() / warm.sum())


def test_hiding_finds_the_corner() -> None:
    """With any function; a square that is no part of the face says nothing, one that is too large is refused."""
    mask = np.zeros((SIZE, SIZE), bool)
    mask[:CORNER, :CORNER] = True

    def judge(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        bright = crops[:, mask].mean(axis=1) / 255
        return np.stack([bright, 1 - bright], axis=1).astype(np.float32)

    face = np.full((SIZE, SIZE), 40, np.uint8)
    face[:CORNER, :CORNER] = 250
    heat = occlusion_map(judge, face, 0)
    assert heat.shape == (SIZE, SIZE) and heat.dtype == np.float32
    assert share_in_corner(heat) > 0.95 and heat[CORNER + 4 :].max() == 0
    assert (occlusion_map(judge, face, 1)[:CORNER, :CORNER] < 0).all()
    assert occlusion_map(judge, face, 0, patch=SIZE).std() == 0
    with pytest.raises(ValueError, match="Received: patch=25, size=24"):
        occlusion_map(judge, face, 0, patch=SIZE + 1)


class TestOfKeras:
    """Maps of networks, and the command."""

    pytestmark = _training

    @pytest.fixture(name="dataset")
    def _dataset(self, tmp_path: Path) -> Path:
        """28 pictures, half of them happy and half sad, dark but for their corner."""
        images = np.full((28, 48, 48), 40, np.uint8)
        images[:, : 2 * CORNER, : 2 * CORNER] = np.arange(100, 240, 5).astype(np.uint8)[:, None, None]
        return small_dataset(tmp_path / "few.npz", images=images)

    @pytest.mark.parametrize(("channels", "suffix"), [(1, ".keras"), (3, ".h5")])
    def test_gradients_find_the_corner(self, tmp_path: Path, channels: int, suffix: str) -> None:
        """Of a network for gray and of one for colour that wants other levels and names other classes."""
        from models.grad_cam import GradCam

        network = tmp_path / f"corner{suffix}"
        corner_network(channels).save(network)
        classes = ["angry", "contempt", "fear", "happy", "neutral", "sad", "surprise"]
        told = {"classes": classes, "mean": [0.0] * channels, "std": [1.0] * channels}
        network.with_name(f"{network.name}.json").write_text(json.dumps(told), encoding="utf-8")
        cam = GradCam(network)
        faces = bright()
        said = cam.classify(faces)
        assert said.shape == (2, 8) and (said[:, cam.columns.index("disgust")] == 0).all()
        assert (said.argmax(axis=1) == cam.columns.index("happy")).all()
        heat = cam.maps(faces, said.argmax(axis=1))
        assert heat.shape == (2, SIZE, SIZE) and all(share_in_corner(one) > 0.9 for one in heat)
        hidden = occlusion_map(cam.classify, np.where(np.arange(SIZE) < CORNER, faces[0], 0).astype(np.uint8), 3)
        assert share_in_corner(hidden) > 0.9

    def test_a_sequential_has_maps_and_one_within_another_has_none(self, tmp_path: Path) -> None:
        """The corner is found in layers that follow one another; where they are one layer of another network, that is said."""
        import keras

        from models.grad_cam import GradCam

        own = corner_network()
        keras.Sequential([keras.Input((SIZE, SIZE, 1)), *own.layers[1:]]).save(tmp_path / "row.keras")
        heat = GradCam(tmp_path / "row.keras").maps(bright(), np.array([3, 3]))
        assert all(share_in_corner(one) > 0.9 for one in heat)
        picture = keras.Input((SIZE, SIZE, 1))
        keras.Model(picture, own(picture)).save(tmp_path / "within.keras")
        with pytest.raises(
            UsageError, match=r"a network within it \(.*\), which cannot be reached: give --method occl"
        ):
            GradCam(tmp_path / "within.keras").maps(bright(), np.array([3, 3]))

    def test_maps_are_of_where_all_branches_meet(self, tmp_path: Path) -> None:
        """Neither of a branch that the other ones pass by, nor of a picture that a border has moved."""
        import keras
        from keras import layers

        from models.grad_cam import GradCam

        own = corner_network()
        seen = own.get_layer("map").output
        blind = layers.Conv2D(1, 1, kernel_initializer="zeros", use_bias=False)(seen)
        both = layers.Concatenate()([seen, blind])
        moved = layers.ZeroPadding2D(((SIZE, 0), (SIZE, 0)))(both)
        given = layers.Dense(7, activation="softmax", name="given")(layers.GlobalAveragePooling2D()(moved))
        network = keras.Model(own.input, given)
        network.get_layer("given").kernel.assign(np.repeat(np.eye(1, 7, 3), 2, axis=0))
        network.save(tmp_path / "branches.keras")
        heat = GradCam(tmp_path / "branches.keras").maps(bright(), np.array([3, 3]))
        assert all(share_in_corner(one) > 0.9 for one in heat)

    def test_the_command_draws_a_sheet(self, tmp_path: Path, dataset: Path) -> None:
        """Of a .keras network by both methods, and of the same one as it runs by hiding alone; the same seed, the same bytes."""
        from models.classifier import facts_of
        from models.convert import to_litert

        network = corner_network()
        network.save(tmp_path / "corner.keras")
        to_litert(network, tmp_path / "corner.tflite")
        facts_of("corner", tmp_path / "corner.tflite", SIZE, 0.0, False).write_beside(tmp_path / "corner.tflite")
        common = (dataset.name, "--split", "train", "--each", "2", "--json")
        done = emobatch("explain", "corner.keras", *common, "--out", "both.png", cwd=tmp_path)
        assert done.code == 0, done.stderr
        assert [face["truth"] for face in done.json["faces"]] == ["happy", "happy", "sad", "sad"]
        for face in done.json["faces"]:
            assert face["said"] == "happy" and face["drop"] > 0.01 and max(face["hides"]) < 0.4
        both = cv2.imread(str(tmp_path / "both.png"))
        assert both is not None and both.shape[1] > 2 * 3 * 112
        converted = emobatch("explain", "corner.tflite", *common, "--out", "one.png", cwd=tmp_path)
        again = emobatch("explain", "corner.tflite", *common, "--out", "again.png", cwd=tmp_path)
        assert again.code == 0 and (tmp_path / "again.png").read_bytes() == (tmp_path / "one.png").read_bytes()
        assert "a converted classifier has no gradients: occlusion alone" in converted.stderr
        assert max(converted.json["faces"][0]["hides"]) < 0.4
        one = cv2.imread(str(tmp_path / "one.png"))
        assert one is not None and one.shape[1] < both.shape[1]

    def test_the_box_of_a_list_is_looked_at(self, tmp_path: Path) -> None:
        """As scoring does: the face in it, not the picture around."""
        from jobs.explain import ExplainOptions, explain
        from models.grad_cam import GradCam
        from models.portraits import boxed_crop

        corner_network().save(tmp_path / "corner.keras")
        picture = np.random.default_rng(4).integers(0, 60, (80, 80), np.uint8)
        picture[30:60, 40:70] = 240
        cv2.imwrite(str(tmp_path / "seen.png"), picture)
        (tmp_path / "list.csv").write_text("path,label,box\nseen.png,happy,45 35 15 15\n", encoding="utf-8")
        usual = {"model": str(tmp_path / "corner.keras"), "out": tmp_path / "sheet.png", "method": "occlusion"}
        (row,) = explain(ExplainOptions(**usual, dataset=tmp_path / "list.csv"))  # type: ignore[arg-type]
        face = boxed_crop(picture, np.array([45, 35, 15, 15], np.float32), SIZE)
        around = cv2.resize(picture, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        said = GradCam(tmp_path / "corner.keras").classify(np.stack([face, np.asarray(around, np.uint8)]))[:, 3]
        assert row["confidence"] == pytest.approx(said[0]) and said[0] > said[1] + 0.05

    def test_another_head_can_be_asked(self, tmp_path: Path) -> None:
        """By its labels; the first one counts where there is none of that name."""
        from models.grad_cam import GradCam
        from models.networks import build_residual

        build_residual(size=16, widths=(4, 8), blocks=(1, 1), heads=("ferplus", "fer2013")).save(tmp_path / "n.keras")
        faces = bright()[:, :16, :16]
        first, second, unknown = (GradCam(tmp_path / "n.keras", head) for head in ("ferplus", "fer2013", "mine"))
        assert np.array_equal(first.classify(faces), unknown.classify(faces))
        assert not np.allclose(first.classify(faces), second.classify(faces))
        assert np.isfinite(second.maps(faces, np.array([0, 6]))).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"method": "lime"}, "--method lime: no such method: choose one of: both, occlusion, grad-cam"),
        ({"method": "grad-cam"}, "--method grad-cam: default has no gradients: name the .keras file"),
        ({"out": Path("sheet.gif")}, "--out sheet.gif: is no name of a picture: end it in .png or .jpg"),
        ({"patch": 49}, "--patch 49: is larger than the face: give 1 to 48"),
        ({"model": "gone.tflite"}, "MODEL gone.tflite: no such model"),
        ({"dataset": Path("gone.npz")}, "gone.npz: no data set here"),
        ({"out": Path("gone/sheet.png")}, "--out gone/sheet.png: cannot be written"),
    ],
)
def test_what_cannot_be_explained_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], said: str
) -> None:
    """With what can be; no sheet is left."""
    from jobs.explain import ExplainOptions, explain

    monkeypatch.chdir(tmp_path)
    small_dataset(tmp_path / "few.npz")
    usual = {"model": "default", "dataset": Path("few.npz"), "out": Path("sheet.png"), "split": "public", "each": 1}
    with pytest.raises(UsageError) as caught:
        explain(ExplainOptions(**{**usual, **change}))
    assert str(caught.value).startswith(said)
    assert [path.name for path in tmp_path.iterdir()] == ["few.npz"]
