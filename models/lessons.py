"""What a network is to learn from a data set: pictures, and targets of each of its heads."""

import numpy as np

from analytics.errors import UsageError
from analytics.expressions import EXPRESSIONS
from models.batches import Lessons
from models.crop import crop_whole
from models.datasets import read_labelled
from models.labels import hard_targets
from models.train_options import TrainOptions


def read_lessons(options: TrainOptions, split: str) -> Lessons:
    """Pictures of a split with what every head is to say of them; the public ones with the truth in place of votes."""
    if options.dataset.suffix.lower() != ".npz" and options.dataset.exists():
        # Folders and CSV files have no splits: what teaches would also choose.
        raise UsageError(
            f"{options.dataset}: has no splits", "train on a FER-style .npz with the splits train and public"
        )
    by_head = {head: read_labelled(options.dataset, split, head) for head in options.heads}
    weights = {}
    targets = {}
    for head, data in by_head.items():
        targets[head] = data.targets if split == "train" else hard_targets(data.labels)
        weights[head] = targets[head].sum(axis=1)
        if not weights[head].any():
            raise UsageError(f"{options.dataset}: no picture of its split '{split}' has a label", "check the labels")
        if head == "fer2013" and split == "train":
            # One label a picture, by one hand: not to be believed to the last.
            targets[head] = targets[head] * (1 - options.smoothing) + options.smoothing / len(EXPRESSIONS)
    useful = np.sum(list(weights.values()), axis=0) > 0
    data = by_head[options.heads[0]].only(useful)
    return Lessons(
        pictures=np.stack([crop_whole(picture, options.size) for picture in data.pictures]),
        targets={head: array[useful] for head, array in targets.items()},
        weights={head: array[useful] * options.weight_of(head) for head, array in weights.items()},
    )
