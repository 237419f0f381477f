"""Which layers of a network learn, and when: stages that stay as they are, and a head that learns before the rest does.

A stage is what lies between two halvings of the picture, from the picture on; dense layers before the head are the last
one. Layers that are frozen keep their weights, and their batch normalisation uses the statistics that it came with. Why a
new head learns first: its random weights would send large gradients through a body that knows something already (Kumar et
al. 2022, "Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution", arXiv:2202.10054).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import keras

from analytics.errors import UsageError
from models.checkpoints import is_begun
from models.train_options import ALL_BUT_HEAD, FREEZE_NOTHING, TrainOptions

_DENSE: Final = 0.01
"""Side of layers that see no picture any more, px."""
_HALVED: Final = 1.45
"""How much smaller the picture is in the next stage, at least: half of 3 px is 2. Borders that are cut off take less."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """Some epochs of a training with the same layers frozen and the same largest learning rate."""

    since: int
    """The first epoch, from 0."""
    until: int
    """The epoch before which it ends."""
    frozen: str
    rate: float
    resume: Path
    """Folder of its checkpoint."""
    patient: bool
    """Whether it may end early."""


def phases_of(options: TrainOptions) -> tuple[Phase, ...]:
    """The phases of a training that are not over, of which the first may have begun; in all one, or two where the head learns first."""
    head = options.freeze_epochs
    last = Phase(
        since=head,
        until=options.epochs,
        frozen=options.freeze,
        rate=options.fine_rate if head else options.learning_rate,
        resume=options.out / "resume",
        patient=True,
    )
    if not head or is_begun(last.resume):
        return (last,)
    resume = options.out / "resume-head"
    rate = options.learning_rate
    return Phase(since=0, until=head, frozen=ALL_BUT_HEAD, rate=rate, resume=resume, patient=False), last


def freeze(network: keras.Model, frozen: str) -> None:
    """Keep layers of a network, which is not compiled yet, as they are.

    Args:
        network: that is to learn.
        frozen: `none`, `all-but-head`, or the number of stages from the picture on.

    Raises:
        UsageError: it has no stage of that number.
    """
    if frozen == FREEZE_NOTHING:
        return
    stages = stages_of(network)
    count = len(stages) if frozen == ALL_BUT_HEAD else int(frozen)
    if count > len(stages):
        problem = f"--freeze {frozen}: {network.name} has {len(stages)} stages before its head"
        raise UsageError(problem, f"give 1 to {len(stages)}, {ALL_BUT_HEAD} or {FREEZE_NOTHING}")
    for layer in (layer for stage in stages[:count] for layer in stage):
        layer.trainable = False


def stages_of(network: keras.Model) -> list[list[Any]]:
    """The layers with weights before the head by stage, from the picture on."""
    body, _ = body_and_heads(network)
    sides = [_side(layer) for layer in body]
    for place in range(len(sides) - 2, -1, -1):
        # What weighs channels looks at a single pixel, and the picture goes on at its size after it.
        sides[place] = max(sides[place], sides[place + 1])
    stages: list[list[Any]] = []
    begun = float(network.input_shape[1])
    for layer, side in zip(body, sides, strict=True):
        if not stages or begun >= _HALVED * side:
            stages.append([])
            begun = side
        stages[-1].append(layer)
    return stages


def _side(layer: Any) -> float:
    """Px of what a layer gives; next to nothing where that is no picture any more."""
    shape = layer.output.shape
    return float(shape[1]) if len(shape) == 4 else _DENSE


def body_and_heads(network: keras.Model) -> tuple[list[Any], list[Any]]:
    """All layers with weights, from the picture on: those before the classifier, and its dense layers, one an output."""
    layers = list(_leaves(network))
    heads = len(layers)
    while heads and len(layers) - heads < len(network.outputs) and isinstance(layers[heads - 1], keras.layers.Dense):
        heads -= 1
    return layers[:heads], layers[heads:]


def _leaves(network: keras.Model) -> Iterator[Any]:
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from _leaves(layer)
        elif layer.weights:
            yield layer
