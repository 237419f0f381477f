"""Learning from what trained networks say of the training pictures, beside their labels."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.errors import UsageError
from models.batches import Arrays, Lessons
from models.described import description_of, load_network


def taught_by(teachers: Sequence[Path], lessons: Lessons, share: float) -> Lessons:
    """The lessons, with targets that teachers have mixed in (Hinton et al. 2015, "Distilling the Knowledge").

    One annotator's slip weighs less beside what a network has learned of all pictures; a teacher of the student's own
    kind helps as well (Furlanello et al. 2018, "Born-Again Neural Networks").

    Args:
        teachers: .keras files of networks with the same heads; the mean of what they say counts.
        lessons: what is to be learned.
        share: of the teachers in each target, 0..1. Where people said nothing they speak alone, with that weight.

    Raises:
        UsageError: a teacher cannot be loaded, takes pictures of another size, or has other heads.
    """
    said = [_said_by(teacher, lessons) for teacher in teachers]
    targets, weights = {}, {}
    for head, labels in lessons.targets.items():
        heard = lessons.weights[head] > 0
        mean: NDArray[np.float32] = np.mean([by_head[head] for by_head in said], axis=0)
        targets[head] = np.where(heard[:, None], (1 - share) * labels + share * mean, mean).astype(np.float32)
        weights[head] = np.where(heard, lessons.weights[head], share * lessons.weights[head].max()).astype(np.float32)
    return replace(lessons, targets=targets, weights=weights)


def _said_by(teacher: Path, lessons: Lessons) -> Arrays:
    model = load_network(teacher, description_of(teacher))
    size, heads = lessons.pictures.shape[1], sorted(lessons.targets)
    has = sorted(model.output) if isinstance(model.output, dict) else []
    if model.input_shape[1] != size or (len(heads) > 1 and has != heads):
        wanted = f"{size}x{size} pictures and the heads {', '.join(heads)}"
        raise UsageError(f"--teacher {teacher}: is no network of {wanted}", "train it with the same labels")
    pictures = lessons.pictures[..., None].astype(np.float32)
    pair: list[Any] = [model.predict(seen, batch_size=256, verbose=0) for seen in (pictures, pictures[:, :, ::-1])]
    if len(heads) == 1:
        return {heads[0]: np.mean(pair, axis=0)}
    return {head: np.mean([said[head] for said in pair], axis=0) for head in heads}
