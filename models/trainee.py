"""A network made ready to be trained: its loss, its optimizer, and what chooses the best epoch."""

import logging
import math
from dataclasses import dataclass
from typing import Any, Final

import keras
import numpy as np

from analytics.expressions import EXPRESSIONS
from models.batches import FEATURES, Lessons, one_or_all
from models.features import features_of
from models.losses import LOCALITY, locality_preserving, loss_of
from models.networks import NETWORKS
from models.phases import Phase, freeze
from models.schedules import optimizer_of
from models.train_options import FREEZE_NOTHING, TrainOptions

_log = logging.getLogger(__name__)
_LEFT_OF_BEGINNING: Final = 0.05


@dataclass(frozen=True, eq=False)
class Trainee:
    """A network, and the model that is trained, which has the same layers."""

    network: keras.Model
    model: keras.Model
    """The network itself, or with its features as an output besides, where they have a loss of their own."""


def locality_of(options: TrainOptions) -> float:
    """Weight of the loss over features; 0 where there is none."""
    return LOCALITY if options.loss == "locality-preserving" else 0.0


def monitor_of(options: TrainOptions) -> str:
    """The figure that chooses the epoch: accuracy of the first head on public, by the name that Keras gives it."""
    several = len(options.heads) > 1 or locality_of(options)
    return f"val_{options.heads[0]}_accuracy" if several else "val_accuracy"


def built_network(options: TrainOptions, classes: int = len(EXPRESSIONS), **more: Any) -> keras.Model:
    """The network of the options for so many classes, with random weights but for what more says to its builder."""
    return NETWORKS[options.net](size=options.size, classes=classes, heads=options.heads, **more)


def built(options: TrainOptions, classes: int = len(EXPRESSIONS)) -> Trainee:
    """The network of the options for so many classes, with random weights, under Keras' present dtype policy."""
    network = built_network(options, classes)
    if not locality_of(options):
        return Trainee(network, network)
    outputs = network.output if isinstance(network.output, dict) else {options.heads[0]: network.output}
    outputs = {**outputs, FEATURES: features_of(network, dropped=False)}
    return Trainee(network, keras.Model(network.input, outputs, name=network.name))


def compiled(options: TrainOptions, learned: Lessons, phase: Phase, steps: int) -> Trainee:
    """The network with loss and optimizer for a phase of its training, under the dtype policy of the options.

    Args:
        options: of the training.
        learned: what it learns from, whose classes the loss may count.
        phase: what is frozen, and how large steps are.
        steps: of the whole phase.
    """
    keras.mixed_precision.set_global_policy(options.precision)
    trainee = built(options, len(learned.classes))
    freeze(trainee.network, phase.frozen)
    if phase.frozen != FREEZE_NOTHING:
        learning = sum(math.prod(weight.shape) for weight in trainee.network.trainable_weights)
        _log.info("--freeze %s: %d of %d parameters learn", phase.frozen, learning, trainee.network.count_params())
    _let_statistics_keep_up(trainee.network, steps)
    losses = {head: loss_of(options.loss, _counts(learned, head)) for head in options.heads}
    metrics = {head: ["accuracy"] for head in options.heads}
    if locality_of(options):
        losses[FEATURES] = locality_preserving
    trainee.model.compile(
        optimizer_of(
            options.optimizer,
            options.schedule,
            phase.rate,
            steps,
            weight_decay=options.weight_decay,
            averaged=options.averaged,
        ),
        loss=one_or_all(losses),
        weighted_metrics=metrics if len(losses) > 1 else one_or_all(metrics),
        jit_compile=False,  # XLA made an epoch 1.7 times longer on processors.
    )
    return trainee


def _let_statistics_keep_up(network: keras.Model, steps: int) -> None:
    """Let batch normalisation forget where its statistics began within a quarter of the steps.

    Keras keeps 99 % of them at each step, as for trainings of many thousand: after a few dozen, a deep network that has learned
    its pictures well says the same of every face when it is asked with these statistics.
    """
    for layer in network._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = min(layer.momentum, _LEFT_OF_BEGINNING ** (4 / steps))


def _counts(learned: Lessons, head: str) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    """(classes,) pictures whose likeliest class it is."""
    heard = learned.weights[head] > 0
    return np.bincount(learned.targets[head][heard].argmax(axis=1), minlength=len(learned.classes))
