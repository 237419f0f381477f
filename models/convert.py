"""A trained Keras network as int8 LiteRT file, calibrated, with its facts beside it. Needs the train extra."""

import logging
import re
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from analytics.errors import UsageError
from analytics.expressions import columns_of
from analytics.paths import is_file
from models.card import training_of, write_card
from models.classifier import ExpressionClassifier, facts_of
from models.datasets import read_labelled
from models.described import description_of, load_network
from models.evaluate import evaluate
from models.heads import with_one_output
from models.levels import levels_of
from models.portraits import face_crops
from models.quiet import without_stderr
from models.scores import best_temperature, smallest_threshold

_log = logging.getLogger(__name__)
ACCEPTED_ACCURACY: Final = 0.92
"""The `uncertain` threshold is the smallest at which this share of the accepted public pictures is right."""
SURE: Final = 0.85
"""Probability of a face from which its mirror image is not looked at: of 3,000 faces one label differs, and the calibration
error by 0.002 (benchmarks/speed-notes.md)."""


def to_litert(network: keras.Model, target: Path, called: str = "") -> None:
    """Convert weights to int8, activations staying float (dynamic range), and write target.

    Args:
        network: takes one picture.
        target: the .tflite file.
        called: what an error calls the network; its own name where it is empty.

    Raises:
        UsageError: LiteRT has nothing for one of the network's operations.
    """
    import tensorflow as tf

    archive = keras.export.ExportArchive()
    archive.track(network)
    # Layers that change pictures at random as a network learns would go on doing so: their calls train unless told.
    archive.add_endpoint(
        "serve", partial(network, training=False), [keras.InputSpec(shape=network.input_shape, dtype="float32")]
    )
    with tempfile.TemporaryDirectory() as folder:
        # Only a saved model keeps its weights as constants that the converter can turn to int8.
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        try:
            with without_stderr():  # It lists every operation there before it says which one it is.
                content = converter.convert()
        except Exception as error:  # noqa: BLE001 What it raises is in no public module.
            lacking = re.search(r"'(?:tf|tfl)\.(\w+)'", str(error))
            what = (
                f"LiteRT has nothing for its operation {lacking[1]}" if lacking else f"it cannot be converted ({error})"
            )
            remedy = "put a layer of convolutions, pooling or dense ones in the place of that"
            raise UsageError(f"{called or network.name}: {what}"[:400], remedy) from None
        target.write_bytes(content)


def convert(
    network: Path, target: Path, dataset: Path, *, labels: str = "ferplus", flip: bool = True, final: bool = False
) -> float:
    """Convert a network, and calibrate it on the public split, or on a folder or list of pictures.

    Facts and card are written beside it. The card scores the public split; the private one only where this is final,
    because who looks there before choosing chooses by it.

    Two heads become one output first, see models.heads. The temperature is the likeliest (Guo et al. 2017).

    Returns:
        The threshold for `uncertain`.

    Raises:
        UsageError: no such network, one that is no classifier of the classes that the file beside it names (the seven where
            there is none), a target of another suffix, or a data set without labelled pictures of these classes in its
            split public. Nothing is written then.
    """
    if target.suffix != ".tflite":
        raise UsageError(f"{target}: is no name of a .tflite file", f"name it {target.with_suffix('.tflite')}")
    description = description_of(network)
    columns = columns_of(description.classes)
    if network.suffix == ".tflite":
        remedy = "name the .keras or .h5 file that it was made of"
        raise UsageError(f"{network}: is converted already", remedy)
    if not is_file(network):
        raise UsageError(f"{network}: no such network", "name the .keras or .h5 file that training made")
    public = read_labelled(dataset, "public", labels, columns)
    # What the network cannot say does not tell how sure it may be of what it says.
    left_out = dict(public.foreign)
    for place, name in enumerate(columns):
        if name not in description.classes and (n := int((public.labels == place).sum())):
            left_out[name] = n
    public = public.only(np.isin(public.labels, [columns.index(name) for name in description.classes]))
    if not len(public.labels):
        others = f" that the network gives; its classes are {', '.join(public.foreign)}" if public.foreign else ""
        raise UsageError(f"{dataset}: no picture of its split 'public' has a label{others}", "check the labels")
    if left_out:
        counted = ", ".join(f"{name} {n}" for name, n in left_out.items())
        _log.warning("%s: calibrated without pictures of classes that the network does not give: %s", dataset, counted)
    model = load_network(network, description)
    if (why := _no_folder(target.parent)) is not None:
        raise UsageError(f"{target}: cannot be written ({why})", "name a file in another folder")
    size = model.input_shape[1]
    crops = face_crops(public, size)
    training = training_of(network)
    # What a network that was trained elsewhere wants to see is not ours to change.
    even = training is not None and not description.normalised
    levels = levels_of(description.normalised, even)
    one = with_one_output(network, model, description.classes, dataset, first=labels, flip=flip, levels=levels)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".converting-") as folder:
        # What does not work must not take the place of what does.
        half = Path(folder) / target.name
        to_litert(one.model, half, str(network))
        facts = facts_of(target.stem, half, size, 0.0, flip)
        facts = replace(facts, heads=one.shares, weights=one.weights, classes=description.classes)
        facts = replace(facts, even=even, normalised=description.normalised)
        facts.write_beside(half)
        try:
            both = ExpressionClassifier(str(half)).classify(crops)
        except UsageError as error:
            problem = error.problem.replace(str(half), str(network))
            raise UsageError(problem, "let it take one picture, and end in a softmax over its classes") from None
        facts = replace(facts, temperature=best_temperature(both, public.labels), sure=SURE)
        facts.write_beside(half)
        probabilities = ExpressionClassifier(str(half)).classify(crops)
        threshold = smallest_threshold(probabilities, public.labels, ACCEPTED_ACCURACY)
        _tell_if_few_pass(probabilities, threshold, target)
        replace(facts, threshold=threshold).write_beside(half)
        classifier = ExpressionClassifier(str(half))
        results = _results(classifier, dataset, (*one.shares,) or (labels,), final=final)
        write_card(half, classifier.facts, training, results)
        for suffix in (".json", ".md"):
            half.with_suffix(suffix).replace(target.with_suffix(suffix))
        half.replace(target)
    return threshold


def _tell_if_few_pass(probabilities: NDArray[np.float32], threshold: float, target: Path) -> None:
    """Warn where the threshold leaves less than half of the pictures that calibrate it, so that it rests on few as well."""
    passed, n = int((probabilities.max(axis=1) >= threshold).sum()), len(probabilities)
    if passed < n / 2:
        few = f"only where it accepts {passed} of {n} pictures" if passed else "at no threshold"
        words = "%s are %.0f %% of the accepted ones right: %s face will be called uncertain; train it longer, or choose a threshold in %s"
        _log.warning(
            words, few, 100 * ACCEPTED_ACCURACY, "nearly every" if passed else "every", target.with_suffix(".json")
        )


def _no_folder(folder: Path) -> str | None:
    """Why nothing can be written into a folder, which is made where it is missing; None where it can."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".converting-"):
            return None
    except OSError as error:
        return error.strerror or str(error)


def _results(
    classifier: ExpressionClassifier, dataset: Path, schemes: tuple[str, ...], *, final: bool
) -> dict[str, dict[str, Any]]:
    """The scores that the card has, by what was scored."""
    if dataset.suffix.lower() != ".npz":
        return {
            f"data set {dataset.name}, by which it was calibrated": evaluate(classifier, dataset, "public").to_json()
        }
    return {
        f"{split} split, {scheme} labels": evaluate(classifier, dataset, split, scheme).to_json()
        for split in (("public", "private") if final else ("public",))
        for scheme in schemes
    }
