"""A trained Keras network as int8 LiteRT file, with its facts beside it. Needs the train extra."""

import tempfile
from pathlib import Path
from typing import Final

import keras
import numpy as np

from analytics.errors import UsageError
from analytics.paths import is_file
from models.classifier import ExpressionClassifier, facts_of
from models.crop import crop_whole
from models.datasets import read_labelled
from models.scores import smallest_threshold

ACCEPTED_ACCURACY: Final = 0.92
"""The `uncertain` threshold is the smallest at which this share of the accepted public pictures is right."""


def to_litert(network: Path, target: Path) -> None:
    """Convert weights to int8, activations staying float (dynamic range), and write target."""
    import tensorflow as tf

    model = keras.models.load_model(network, compile=False)
    with tempfile.TemporaryDirectory() as folder:
        # Only a saved model keeps its weights as constants that the converter can turn to int8.
        model.export(folder, format="tf_saved_model", verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        target.write_bytes(converter.convert())


def convert(network: Path, target: Path, dataset: Path, *, labels: str = "ferplus", flip: bool = True) -> float:
    """Convert a network and choose its threshold for `uncertain` on the public split.

    Returns:
        The threshold.

    Raises:
        UsageError: no such network, one that is no classifier of seven expressions, a target of another suffix, or a
            data set without labelled pictures in its split public. Nothing is written then.
    """
    if not is_file(network):
        raise UsageError(f"{network}: no such network", "name the .keras file that training made")
    if target.suffix != ".tflite":
        raise UsageError(f"{target}: is no name of a .tflite file", f"name it {target.with_suffix('.tflite')}")
    public = read_labelled(dataset, "public", labels)
    public = public.only(public.labels >= 0)
    if not len(public.labels):
        raise UsageError(f"{dataset}: no picture of its split 'public' has a label", "check the labels")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".converting-") as folder:
        # What does not work must not take the place of what does.
        half = Path(folder) / target.name
        to_litert(network, half)
        size = keras.models.load_model(network, compile=False).input_shape[1]
        facts_of(target.stem, half, size, 0.0, flip).write_beside(half)
        crops = np.stack([crop_whole(picture, size) for picture in public.pictures])
        try:
            probabilities = ExpressionClassifier(str(half)).classify(crops)
        except UsageError as error:
            problem = error.problem.replace(str(half), str(network))
            raise UsageError(problem, "train a network of these inputs and classes") from None
        threshold = smallest_threshold(probabilities, public.labels, ACCEPTED_ACCURACY)
        facts_of(target.stem, half, size, threshold, flip).write_beside(half)
        half.with_suffix(".json").replace(target.with_suffix(".json"))
        half.replace(target)
    return threshold
