"""What a network is to learn: pictures of a data set, and targets of each of its heads, of people and of teachers."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from analytics.errors import UsageError
from analytics.expressions import EXPRESSIONS
from models.batches import Arrays, Lessons
from models.classifier import ExpressionClassifier
from models.crop import crop_whole
from models.datasets import has_splits, read_labelled
from models.described import Description, description_of, load_network
from models.labels import hard_targets
from models.train_options import TrainOptions

_log = logging.getLogger(__name__)


def check_is_npz(dataset: Path) -> None:
    """Folders and CSV files have no splits: what teaches would also choose.

    Raises:
        UsageError: it is one of them.
    """
    if dataset.suffix.lower() != ".npz" and dataset.exists():
        raise UsageError(
            f"{dataset}: {'is no npz' if has_splits(dataset) else 'has no splits'}",
            "train on a FER-style .npz with the splits train and public; `emobatch dataset` makes one of it",
        )


def read_lessons(options: TrainOptions, split: str) -> Lessons:
    """Pictures of a split with what every head is to say of them; the public ones with the truth in place of votes.

    Raises:
        UsageError: the data set cannot be read, has no splits, or no labels that a head is to learn, or shows one class
            alone where there is something to learn.
    """
    check_is_npz(options.dataset)
    by_head = {head: read_labelled(options.dataset, split, head) for head in options.heads}
    weights = {}
    targets = {}
    for head, data in by_head.items():
        soft = split == "train" and options.loss != "cross-entropy"
        targets[head] = data.targets if soft else hard_targets(data.labels, len(data.classes))
        weights[head] = targets[head].sum(axis=1)
        if not weights[head].any():
            raise UsageError(f"{options.dataset}: no picture of its split '{split}' has a label", "check the labels")
        if split == "train":
            _check_classes(options.dataset, targets[head], data.classes)
        if head == "fer2013" and soft:
            # One label a picture, by one hand: not to be believed to the last.
            targets[head] = targets[head] * (1 - options.smoothing) + options.smoothing / len(data.classes)
    useful = np.sum(list(weights.values()), axis=0) > 0
    data = by_head[options.heads[0]].only(useful)
    return Lessons(
        pictures=np.stack([crop_whole(picture, options.size) for picture in data.pictures]),
        targets={head: array[useful] for head, array in targets.items()},
        weights={head: array[useful] * options.weight_of(head) for head, array in weights.items()},
        classes=data.classes,
        normalised=data.normalised,
    )


def _check_classes(dataset: Path, targets: NDArray[np.float32], classes: tuple[str, ...]) -> None:
    """Refuse a single class, and tell of those that have no picture: a network learns never to name them."""
    shown = targets.sum(axis=0) > 0
    if shown.sum() == 1:
        only = classes[int(shown.argmax())]
        raise UsageError(
            f"{dataset}: its split 'train' shows one class alone ({only})", "add pictures of at least one other class"
        )
    if not shown.all():
        missing = ", ".join(name for name, there in zip(classes, shown, strict=True) if not there)
        _log.warning("%s: its split 'train' shows no %s, which the network will not name", dataset.name, missing)


def taught_by(teachers: Sequence[Path], lessons: Lessons, share: float) -> Lessons:
    """The lessons, with what trained networks say mixed into the targets (Hinton et al. 2015, "Distilling the Knowledge").

    One annotator's slip weighs less beside what a network has learned of all pictures; a teacher of the student's own
    kind helps as well (Furlanello et al. 2018, "Born-Again Neural Networks").

    Args:
        teachers: .keras files of networks with the lessons' heads, or classifiers as they run (a shipped name or a .tflite
            file), which teach the first head alone; the mean of what they say of a picture and its mirror image counts.
        lessons: what is to be learned.
        share: of the teachers in each target, 0..1. Where people said nothing they speak alone, with that weight.

    Raises:
        UsageError: a teacher cannot be loaded, takes pictures of another size, or has other heads or classes.
    """
    said = [_said_by(teacher, lessons) for teacher in teachers]
    targets, weights = dict(lessons.targets), dict(lessons.weights)
    for head in set().union(*said):
        labels, heard = lessons.targets[head], lessons.weights[head] > 0
        mean: NDArray[np.float32] = np.mean([by_head[head] for by_head in said if head in by_head], axis=0)
        targets[head] = np.where(heard[:, None], (1 - share) * labels + share * mean, mean).astype(np.float32)
        weights[head] = np.where(heard, lessons.weights[head], share * lessons.weights[head].max()).astype(np.float32)
    return replace(lessons, targets=targets, weights=weights)


def _said_by(teacher: Path, lessons: Lessons) -> Arrays:
    if teacher.suffix != ".keras":
        return {next(iter(lessons.targets)): _said_in_use(str(teacher), lessons)}
    description = description_of(teacher)
    model = load_network(teacher, description)
    size = lessons.pictures.shape[1]
    outputs = (
        model.output if isinstance(model.output, dict) else dict(zip(model.output_names, model.outputs, strict=True))
    )
    if (
        model.input_shape[1] != size
        or not set(lessons.targets) <= set(outputs)
        or description != Description(classes=lessons.classes, normalised=lessons.normalised)
    ):
        told = "the seven expressions" if lessons.classes == EXPRESSIONS else ", ".join(lessons.classes)
        wanted = f"{size}x{size} pictures, {told}, and outputs named {' and '.join(lessons.targets)}"
        raise UsageError(f"--teacher {teacher}: is no network of {wanted}", "train it with the same --labels")
    heads = keras.Model(model.input, {head: outputs[head] for head in lessons.targets})
    pictures = lessons.pictures[..., None].astype(np.float32)
    pair: list[Any] = [heads.predict(seen, batch_size=256, verbose=0) for seen in (pictures, pictures[:, :, ::-1])]
    said = {head: np.mean([one[head] for one in pair], axis=0) for head in lessons.targets}
    if not all((rows >= 0).all() and np.allclose(rows.sum(axis=1), 1, atol=0.02) for rows in said.values()):
        raise UsageError(f"--teacher {teacher}: what it gives are no probabilities", "end it with a softmax")
    return said


def _said_in_use(teacher: str, lessons: Lessons) -> NDArray[np.float32]:
    classifier = ExpressionClassifier(teacher, "--teacher")
    size = lessons.pictures.shape[1]
    if classifier.facts.size != size or set(classifier.facts.classes) != set(lessons.classes):
        told = "the seven expressions" if lessons.classes == EXPRESSIONS else ", ".join(lessons.classes)
        problem = f"--teacher {teacher}: does not tell {told} of {size}x{size} pictures"
        raise UsageError(problem, "name another one")
    if classifier.facts.normalised != lessons.normalised:
        problem = (
            f"--teacher {teacher}: takes faces of other grey levels ({classifier.facts.normalised or 'as they are'})"
        )
        raise UsageError(problem, f"name one that takes them {lessons.normalised or 'as they are'}")
    return classifier.classify(lessons.pictures)[:, [classifier.facts.columns.index(name) for name in lessons.classes]]
