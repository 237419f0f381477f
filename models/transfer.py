"""What another network has learned, as the beginning of a training: one trained here or elsewhere, or ImageNet's weights.

Weights of ImageNet are a file of the user's, in the format of keras.applications, or a package's (models.imagenet); nothing
is ever downloaded.
"""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras

from analytics.errors import UsageError
from analytics.expressions import EXPRESSIONS
from models.datasets import LABEL_SCHEMES
from models.described import description_of, read_network
from models.imagenet import PACKAGED, PACKAGED_WORD
from models.phases import body_and_heads

_log = logging.getLogger(__name__)


def go_on_from(model: keras.Model, trained: Path, classes: tuple[str, ...] = EXPRESSIONS) -> None:
    """Fill a network with the weights of a trained one whose layers before the classifier have the same shapes.

    Its classifier is taken over where it tells the same classes and has learned from the same labels, which its name tells;
    one alone that is named for no labels counts as such. Otherwise the new one begins anew. Of grey levels the network to be trained has its own notion, whatever the other one was described to take.

    Args:
        model: the network to be trained.
        trained: a .keras or .h5 file; the file beside it names its classes where they are not the seven.
        classes: of the network to be trained.

    Raises:
        UsageError: it cannot be loaded, or its layers are others.
    """
    found, told = read_network(trained), description_of(trained)
    body, heads = body_and_heads(model)
    its_body, its_heads = body_and_heads(found)
    if differing := _differing(body, its_body):
        remedy = "name one that was trained with the same --net; its classifier alone may be another"
        raise UsageError(f"--from {trained}: is another network than the one to be trained ({differing})", remedy)
    for layer, its in zip(body, its_body, strict=True):
        layer.set_weights(its.get_weights())
    by_name = {head.name: head for head in its_heads}
    only = its_heads[0] if len(heads) == len(its_heads) == 1 and its_heads[0].name not in LABEL_SCHEMES else None
    for head in heads:
        its = by_name.get(head.name, only)
        if its is None:
            _log.info("%s has no classifier for %s: it begins anew", trained.name, head.name)
        elif told.classes != classes or _shapes(its) != _shapes(head):
            _log.info("%s tells other classes apart: its classifier begins anew", trained.name)
        else:
            head.set_weights(its.get_weights())


def fill_with_imagenet(
    model: keras.Model, build: Callable[..., keras.Model], net: str, weights: Sequence[Path]
) -> None:
    """Fill the layers before the classifier with weights of ImageNet.

    Args:
        model: the network to be trained.
        build: makes the same network; given `weights`, it reads these files.
        net: its name.
        weights: a file for each network of keras.applications in it, or the file of a package.

    Raises:
        UsageError: a file that is damaged, or of another network.
    """
    try:
        # Absolute, because to Keras the name "imagenet" means a download.
        filled = build(weights=tuple(str(path.absolute()) for path in weights))
    except Exception as error:  # noqa: BLE001 What foreign files make Keras and h5py raise is no closed list.
        said = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        named = ", ".join(str(path) for path in weights)
        remedy = f"give the weights of keras.applications for {net} without its top (…_notop.h5 or …_no_top.h5)"
        if packaged := PACKAGED.get(net):
            remedy = f"give the file of {packaged.package} {packaged.release}, or --weights {PACKAGED_WORD} where it is installed"
        raise UsageError(f"--weights {named}: cannot be put into {net} ({said})", remedy) from None
    for layer, its in zip(body_and_heads(model)[0], body_and_heads(filled)[0], strict=True):
        layer.set_weights(its.get_weights())


def _differing(ours: Sequence[Any], theirs: Sequence[Any]) -> str:
    """The first difference between two rows of layers, in words; empty where there is none."""
    for place, (layer, its) in enumerate(zip(ours, theirs, strict=False), start=1):
        if _shapes(layer) != _shapes(its):
            return f"its layer {place} has weights {_in_words(its)} instead of {_in_words(layer)}"
    return f"{len(theirs)} layers instead of {len(ours)}" if len(ours) != len(theirs) else ""


def _shapes(layer: Any) -> list[tuple[int, ...]]:
    return [tuple(weight.shape) for weight in layer.weights]


def _in_words(layer: Any) -> str:
    return " and ".join("x".join(map(str, shape)) for shape in _shapes(layer))
