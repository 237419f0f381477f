"""A network with two heads becomes one with a single output: what each head says counts, and rare classes count more."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from analytics.errors import UsageError
from models.datasets import LABEL_SCHEMES, read_labelled
from models.levels import Levels
from models.mixing import Mix, best_mix
from models.portraits import face_crops


@dataclass(frozen=True, eq=False)
class OneOutput:
    """A network with one output, and how it came to it."""

    model: keras.Model
    shares: dict[str, float]
    """By head; empty where there was one alone."""
    weights: dict[str, float]
    """By class; empty where no class was weighed."""


def with_one_output(
    network: Path,
    model: keras.Model,
    classes: tuple[str, ...],
    dataset: Path,
    *,
    first: str,
    flip: bool,
    levels: Levels,
) -> OneOutput:
    """The network as it is, or with its two heads mixed as is best on the public split of a data set.

    Args:
        network: where it came from, for errors.
        model: takes gray faces (batch, size, size, 1) in 0..255.
        classes: that it gives.
        dataset: as `emobatch evaluate` takes it; where it has one truth alone, both heads are held against that.
        first: the labels, one of LABEL_SCHEMES, by which accuracy is bounded.
        flip: whether the face is averaged with its mirror image in use.
        levels: what is done to grey levels in use.

    Raises:
        UsageError: several heads, but not one for each of LABEL_SCHEMES; or the data set lacks one of these truths.
    """
    if not isinstance(model.output, dict):
        return OneOutput(model, {}, {})
    if set(model.output) != set(LABEL_SCHEMES):
        problem = f"{network}: has the outputs {', '.join(model.output)}"
        remedy = f"give it one output, or two named {' and '.join(LABEL_SCHEMES)}"
        raise UsageError(problem, remedy)
    heads = sorted(LABEL_SCHEMES, key=lambda head: head != first)
    truths = [read_labelled(dataset, "public", head, classes) for head in heads]
    for head, truth in zip(heads, truths, strict=True):
        if (truth.labels < 0).all():
            raise UsageError(f"{dataset}: no picture of its split 'public' has a label of {head}", "check the labels")
    size = model.input_shape[1]
    seen = levels(face_crops(truths[0], size)[..., None].astype(np.float32))
    said: list[Any] = [
        model.predict(crops, batch_size=256, verbose=0) for crops in ((seen, seen[:, :, ::-1]) if flip else (seen,))
    ]
    mix = best_mix([(one[heads[0]], one[heads[1]]) for one in said], (truths[0].labels, truths[1].labels))
    return OneOutput(
        mixed(model, heads, mix),
        dict(zip(heads, (round(1 - mix.share, 2), mix.share), strict=True)),
        dict(zip(classes, mix.weights, strict=True)),
    )


def mixed(model: keras.Model, heads: list[str], mix: Mix) -> keras.Model:
    """The network with one output, see Mix.of."""
    shares = (1 - mix.share, mix.share)
    # Names of their own: those that Keras gives may be taken by layers of a network that was loaded.
    parts = [
        keras.layers.Rescaling([share * weight for weight in mix.weights], name=f"share_of_{head}")(model.output[head])
        for head, share in zip(heads, shares, strict=True)
    ]
    together = keras.layers.Add(name="both_heads")(parts)
    return keras.Model(model.input, together / keras.ops.sum(together, axis=-1, keepdims=True), name=model.name)
