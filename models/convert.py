"""A trained Keras network as int8 LiteRT file, calibrated, with its facts beside it. Needs the train extra."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from analytics.errors import UsageError
from analytics.expressions import columns_of
from analytics.paths import is_file
from models.card import training_of, write_card
from models.classifier import ExpressionClassifier, facts_of, tempered
from models.crop import crop_whole
from models.datasets import LabelledPictures, read_labelled
from models.described import description_of, load_network
from models.evaluate import evaluate
from models.scores import best_temperature, smallest_threshold

ACCEPTED_ACCURACY: Final = 0.92
"""The `uncertain` threshold is the smallest at which this share of the accepted public pictures is right."""
_PRICE: Final = 0.005
"""Accuracy by the first head's labels that may be given up for what the second head knows besides."""
_SHARES: Final = np.arange(0, 0.55, 0.05)


def to_litert(network: keras.Model, target: Path) -> None:
    """Convert weights to int8, activations staying float (dynamic range), and write target."""
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        # Only a saved model keeps its weights as constants that the converter can turn to int8.
        network.export(folder, format="tf_saved_model", verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        target.write_bytes(converter.convert())


def convert(
    network: Path, target: Path, dataset: Path, *, labels: str = "ferplus", flip: bool = True, final: bool = False
) -> float:
    """Convert a network, and calibrate it on the public split, or on a folder or list of pictures.

    Facts and card are written beside it. The card scores the public split; the private one only where this is final,
    because who looks there before choosing chooses by it.

    Of two heads, the share of the second one is the largest that costs no more than half a point of accuracy by the
    labels of the first. The temperature is the likeliest (Guo et al. 2017).

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
    if not is_file(network):
        raise UsageError(f"{network}: no such network", "name the .keras or .h5 file that training made")
    public = read_labelled(dataset, "public", labels, columns)
    # What the network cannot say does not tell how sure it may be of what it says.
    public = public.only(np.isin(public.labels, [columns.index(name) for name in description.classes]))
    if not len(public.labels):
        raise UsageError(f"{dataset}: no picture of its split 'public' has a label", "check the labels")
    model = load_network(network, description)
    target.parent.mkdir(parents=True, exist_ok=True)
    size = model.input_shape[1]
    crops = np.stack([crop_whole(picture, size) for picture in public.pictures])
    heads: dict[str, float] = {}
    if isinstance(model.output, dict):
        heads = shares_of_heads(model, labels, crops, public)
        model = mixed(model, heads)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".converting-") as folder:
        # What does not work must not take the place of what does.
        half = Path(folder) / target.name
        to_litert(model, half)
        # What a network that was trained elsewhere wants to see is not ours to change.
        training = training_of(network)
        facts = facts_of(target.stem, half, size, 0.0, flip)
        facts = replace(facts, heads=heads, classes=description.classes, even=training is not None)
        facts.write_beside(half)
        try:
            probabilities = ExpressionClassifier(str(half)).classify(crops)
        except UsageError as error:
            problem = error.problem.replace(str(half), str(network))
            raise UsageError(problem, "train a network of these inputs and classes") from None
        temperature = best_temperature(probabilities, public.labels)
        threshold = smallest_threshold(tempered(probabilities, temperature), public.labels, ACCEPTED_ACCURACY)
        replace(facts, threshold=threshold, temperature=temperature).write_beside(half)
        classifier = ExpressionClassifier(str(half))
        results = _results(classifier, dataset, (*heads,) or (labels,), final=final)
        write_card(half, classifier.facts, training, results)
        for suffix in (".json", ".md"):
            half.with_suffix(suffix).replace(target.with_suffix(suffix))
        half.replace(target)
    return threshold


def _results(
    classifier: ExpressionClassifier, dataset: Path, schemes: tuple[str, ...], *, final: bool
) -> dict[str, dict[str, Any]]:
    """The scores that the card has, by what was scored."""
    if dataset.suffix.lower() != ".npz":
        return {f"data set {dataset.name}, by which it was calibrated": evaluate(classifier, dataset).to_json()}
    return {
        f"{split} split, {scheme} labels": evaluate(classifier, dataset, split, scheme).to_json()
        for split in (("public", "private") if final else ("public",))
        for scheme in schemes
    }


def shares_of_heads(
    model: keras.Model, first: str, crops: NDArray[np.uint8], public: LabelledPictures
) -> dict[str, float]:
    """How much each of the two heads of a network is to say, from crops (n, size, size) and the first one's labels."""
    second = next(head for head in model.output if head != first)
    said: dict[str, Any] = model.predict(crops[..., None].astype(np.float32), batch_size=256, verbose=0)
    right = [
        float((((1 - share) * said[first] + share * said[second]).argmax(axis=1) == public.labels).mean())
        for share in _SHARES
    ]
    share = float(max(share for share, accuracy in zip(_SHARES, right, strict=True) if accuracy >= max(right) - _PRICE))
    return {first: round(1 - share, 2), second: round(share, 2)}


def mixed(model: keras.Model, shares: dict[str, float]) -> keras.Model:
    """The network with one output, the weighted mean of the probabilities of its heads."""
    parts = [keras.layers.Rescaling(share)(model.output[head]) for head, share in shares.items()]
    return keras.Model(model.input, keras.layers.Add()(parts), name=model.name)
