"""Trainings that begin with what another network has learned: what is taken over, what is frozen, and in which epochs."""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from analytics.errors import UsageError
from models.card import training_section
from models.weights import sha256_of
from tests.test_train_begun import small_dataset

if TYPE_CHECKING:
    from models.train_options import TrainOptions

pytestmark = [
    pytest.mark.training,
    pytest.mark.skipif(find_spec("keras") is None, reason="needs the train extra"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras' matter with numpy.
    pytest.mark.filterwarnings("ignore:Even though the `tf.config:UserWarning"),  # Of _untraced.
]


@pytest.fixture(autouse=True)
def _untraced() -> Iterator[None]:
    """For three batches of seven pictures a graph is not worth its tracing."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def tiny(size: int = 16, weights: tuple[str | None, ...] = (None,), **settings: Any) -> Any:
    """A network of two stages and four channels, which reads weights as those of keras.applications do."""
    from models.networks import build_residual

    network = build_residual(size=size, widths=(4, 8), blocks=(1, 1), attention=False, dropout=0.0, **settings)
    if weights[0] is not None:
        network.load_weights(weights[0])
    return network


@pytest.fixture(name="options")
def _options(tmp_path: Path) -> Iterator["TrainOptions"]:
    """A training over 21 pictures."""
    from models.networks import NETWORKS, OF_APPLICATIONS
    from models.train_options import TrainOptions

    NETWORKS["tiny"], OF_APPLICATIONS["tiny"] = tiny, ("Tiny",)
    dataset = small_dataset(tmp_path / "few.npz")
    small = {"net": "tiny", "size": 16, "epochs": 1, "batch": 7, "labels": "ferplus", "precision": "float32"}
    yield TrainOptions(dataset=dataset, out=tmp_path / "out", **small)  # type: ignore[arg-type]
    del NETWORKS["tiny"], OF_APPLICATIONS["tiny"]


def weights_of(network: Any) -> tuple[list[Any], list[Any]]:
    """Arrays before the classifier, and those of it."""
    from models.phases import body_and_heads

    return tuple([array for layer in part for array in layer.get_weights()] for part in body_and_heads(network))  # type: ignore[return-value]


def same(ours: list[Any], theirs: list[Any]) -> bool:
    """Whether all arrays are equal bit for bit."""
    return len(ours) == len(theirs) and all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize(
    ("net", "stages"), [("lenet", 3), ("mobilenet", 5), ("small", 4), ("model-c", 5), ("resnet34", 5)]
)
def test_a_stage_ends_where_the_picture_is_halved(net: str, stages: int) -> None:
    """And dense layers before the head are the last one; frozen stages are the first ones, with their normalisation."""
    from models.networks import NETWORKS
    from models.phases import freeze, stages_of

    network = NETWORKS[net](size=48)
    found = stages_of(network)
    assert len(found) == stages
    freeze(network, "1")
    assert not any(layer.trainable for layer in found[0])
    assert all(layer.trainable for stage in found[1:] for layer in stage)
    freeze(network, "all-but-head")
    assert [weight.path.split("/")[0] for weight in network.trainable_weights] == ["expression"] * 2


def test_a_head_of_other_classes_is_replaced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Of a .keras and of a .h5 file; one of the same classes is taken over, whatever its output is called."""
    from models.transfer import go_on_from

    begun, other, alike = tiny(heads=("ferplus",)), tiny(classes=3), tiny()
    fresh = weights_of(begun)[1]
    for name in ("other.keras", "other.h5"):
        other.save(tmp_path / name)
        classes = {"classes": ["happy", "contempt", "neutral"]}
        (tmp_path / f"{name}.json").write_text(json.dumps(classes), encoding="utf-8")
        caplog.clear()
        with caplog.at_level("INFO", "models.transfer"):
            go_on_from(begun, tmp_path / name)
        body, head = weights_of(begun)
        assert same(body, weights_of(other)[0]) and same(head, fresh)
        assert f"{name} tells other classes apart: its classifier begins anew" in caplog.text
    alike.save(tmp_path / "alike.keras")
    go_on_from(begun, tmp_path / "alike.keras")
    assert same(begun.get_weights(), alike.get_weights())


def test_a_head_of_other_labels_is_replaced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Even where there is one alone on either side; of two the one of the same name is taken over."""
    from models.transfer import go_on_from

    begun, other, both = (tiny(heads=heads) for heads in (("ferplus",), ("fer2013",), ("fer2013", "ferplus")))
    fresh = weights_of(begun)[1]
    other.save(tmp_path / "other.keras")
    with caplog.at_level("INFO", "models.transfer"):
        go_on_from(begun, tmp_path / "other.keras")
    assert same(weights_of(begun)[0], weights_of(other)[0]) and same(weights_of(begun)[1], fresh)
    assert "other.keras has no classifier for ferplus: it begins anew" in caplog.text
    both.save(tmp_path / "both.keras")
    go_on_from(begun, tmp_path / "both.keras")
    assert same(weights_of(begun)[1], both.get_layer("ferplus").get_weights())


def test_another_body_is_refused(tmp_path: Path) -> None:
    """With the first layer that differs."""
    from models.networks import build_residual
    from models.transfer import go_on_from

    build_residual(size=16, widths=(6,), blocks=(1,)).save(tmp_path / "wide.keras")
    with pytest.raises(UsageError, match=r"layer 1 has weights 3x3x1x6 instead of 3x3x1x4\).*same --net"):
        go_on_from(tiny(), tmp_path / "wide.keras")
    (tmp_path / "bad.h5").write_bytes(b"no weights")
    with pytest.raises(UsageError, match=r"bad\.h5: Keras cannot load it"):
        go_on_from(tiny(), tmp_path / "bad.h5")


def test_a_frozen_body_stays_as_it_is(options: "TrainOptions", tmp_path: Path) -> None:
    """Weights and statistics; the head learns, and the record says so."""
    import keras

    from models.train import train

    begun = tiny()
    begun.save(tmp_path / "begun.keras")
    chosen = replace(options, begin=str(tmp_path / "begun.keras"), freeze="all-but-head")
    trained = keras.models.load_model(train(chosen), compile=False)
    (body, head), (old_body, old_head) = weights_of(trained), weights_of(begun)
    assert same(body, old_body) and not same(head, old_head)
    record = json.loads((chosen.out / "training.json").read_text(encoding="utf-8"))
    assert "--from DIR/begun.keras --freeze all-but-head --epochs 1" in training_section(record)
    with pytest.raises(UsageError, match="begun with --freeze all-but-head instead of none"):
        train(replace(chosen, freeze="none"))


def test_the_head_learns_first(options: "TrainOptions", tmp_path: Path) -> None:
    """Then all layers, at the smaller rate. Killed in both phases and started again it ends as if never stopped."""
    import keras

    from models.history import read_history
    from models.train import _EveryEpoch, train

    tiny().save(tmp_path / "begun.keras")
    chosen = replace(options, begin=str(tmp_path / "begun.keras"), epochs=3, freeze_epochs=2, schedule="constant")
    body = weights_of(keras.models.load_model(tmp_path / "begun.keras", compile=False))[0]
    seen: dict[int, tuple[bool, float]] = {}

    class Watched(_EveryEpoch):
        kills: frozenset[int] = frozenset()

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            if batch == 1:
                unchanged = same(weights_of(self.model)[0], body)
                seen[self.batches.epoch] = (unchanged, float(self.model.optimizer.learning_rate))
                if self.batches.epoch in self.kills:
                    Watched.kills -= {self.batches.epoch}
                    raise RuntimeError("stopped")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("models.train._EveryEpoch", Watched)
        whole = keras.models.load_model(train(chosen), compile=False).get_weights()
        rate = 1.4e-3
        assert [seen[epoch][0] for epoch in range(3)] == [True, True, False]
        assert [seen[epoch][1] for epoch in range(3)] == pytest.approx([rate, rate, rate / 10])
        stopped = replace(chosen, out=tmp_path / "stopped")
        Watched.kills = frozenset({1, 2})
        for _ in range(2):
            with pytest.raises(RuntimeError, match="stopped"):
                train(stopped)
        assert same(keras.models.load_model(train(stopped), compile=False).get_weights(), whole)
    assert read_history(stopped.out / "history.csv") == read_history(chosen.out / "history.csv")


def test_weights_of_imagenet_are_named(options: "TrainOptions", tmp_path: Path) -> None:
    """In the record, on the card, and in the folder, which goes on with no other file."""
    from models.train import train

    begun, file = tiny(heads=("ferplus",)), tmp_path / "tiny_notop.weights.h5"
    begun.save_weights(file)
    chosen = replace(options, weights=(file,), freeze="2")
    train(chosen)
    record = json.loads((chosen.out / "training.json").read_text(encoding="utf-8"))
    assert record["weights"] == {file.name: sha256_of(file)} and record["options"]["begin"] == "nothing"
    card = training_section(record)
    assert f"learned from ImageNet (Russakovsky et al. 2015): {file.name} (SHA-256 {sha256_of(file)[:12]}…)" in card
    assert f"--weights {file.name} --freeze 2" in card
    with pytest.raises(UsageError, match=f"begun with --weights {sha256_of(file)[:12]} instead of nothing"):
        train(replace(chosen, weights=()))


def write_as_application(network: Any, path: Path) -> None:
    """Weights as the files of keras.applications hold them: a group a layer, and the names in their order."""
    with h5py.File(path, "w") as file:
        layers = [layer for layer in network.layers if layer.weights]
        file.attrs["layer_names"] = [layer.name.encode() for layer in layers]
        for layer in layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}/{weight.name}:0" for weight in layer.weights]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, weight in zip(names, layer.weights, strict=True):
                group.create_dataset(name, data=np.asarray(weight))


def imagenet(net: str, tmp_path: Path) -> None:
    """Files of random weights fill the layers that come from keras.applications, and nothing else."""
    import keras

    from models.nets.recipes import RECIPES
    from models.networks import NETWORKS, OF_APPLICATIONS
    from models.transfer import fill_with_imagenet

    size = RECIPES[net].least
    network, files, known = NETWORKS[net](size=size), [], []
    for name in OF_APPLICATIONS[net]:
        application = getattr(keras.applications, name)(include_top=False, weights=None, input_shape=(size, size, 3))
        files.append(tmp_path / f"{name}_notop.h5")
        write_as_application(application, files[-1])
        known.append(application)
    fill_with_imagenet(network, partial(NETWORKS[net], size=size), net, files)
    filled = {array.tobytes() for array in network.get_weights()}
    assert all(array.tobytes() in filled for application in known for array in application.get_weights())


def test_weights_of_applications_are_read(tmp_path: Path) -> None:
    """In the format in which they are published; those of another network are refused."""
    import keras

    from models.networks import NETWORKS
    from models.transfer import fill_with_imagenet

    imagenet("mobilenet", tmp_path)
    small = keras.applications.MobileNet(alpha=0.25, include_top=False, weights=None, input_shape=(32, 32, 3))
    write_as_application(small, tmp_path / "small.h5")
    write_as_application(tiny(), tmp_path / "tiny.h5")
    (tmp_path / "bad.h5").write_bytes(b"no weights")
    network = NETWORKS["mobilenet"](size=32)
    for name in ("small.h5", "tiny.h5", "bad.h5"):
        with pytest.raises(UsageError, match=rf"--weights .*{name}: cannot be put into mobilenet .*_notop\.h5"):
            fill_with_imagenet(network, partial(NETWORKS["mobilenet"], size=32), "mobilenet", [tmp_path / name])


@pytest.mark.lab
@pytest.mark.parametrize("net", ["vgg16", "resnet50", "inceptionv3", "xception", "xception-resnet50v2"])
def test_weights_of_every_application_are_read(net: str, tmp_path: Path) -> None:
    """Of all networks that are built from keras.applications."""
    imagenet(net, tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"freeze": "9"}, "--freeze 9: residual has 2 stages before its head: give 1 to 2, all-but-head or none"),
        ({"freeze": "head"}, "--freeze head: is no stage: give a number of stages from 1 on, all-but-head or none"),
        ({"freeze": "0"}, "--freeze 0: is no stage"),
        ({"freeze_epochs": 1}, "--freeze-epochs 1: leaves nothing of --epochs 1: give fewer, or 0"),
        ({"fine_rate": 1e-4}, "--fine-rate 0.0001: nothing is tuned: give --freeze-epochs, too"),
        ({"epochs": 2, "freeze_epochs": 1, "fine_rate": float("inf")}, "--fine-rate inf: is no step"),
        ({"begin": "gone.h5"}, "--from gone.h5: no such network: name the .keras or .h5 file that training made"),
        ({"weights": (Path("gone.h5"),)}, "--weights gone.h5: no such file: name a .h5 file of the weights of Tiny"),
        ({"weights": (Path("a.h5"), Path("b.h5"))}, "--weights a.h5 --weights b.h5: --net tiny takes 1: give those of"),
        ({"net": "lenet", "weights": (Path("a.h5"),)}, "--weights a.h5: --net lenet takes none: choose one of: vgg16"),
        ({"begin": "default", "weights": (Path("a.h5"),)}, "--weights: --from "),
    ],
)
def test_what_cannot_be_is_said(options: "TrainOptions", change: dict[str, Any], said: str) -> None:
    """Before anything is written, with what can be."""
    from models.train import train

    with pytest.raises(UsageError) as caught:
        train(replace(options, **change))
    assert str(caught.value).startswith(said)
    assert not options.out.exists()
