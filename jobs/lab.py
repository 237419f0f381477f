"""Networks compared on one data set: each is trained on `train` and judged on `public`, with several seeds.

The private split is not read, because who compares chooses.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from analytics.errors import UsageError
from jobs.lab_tables import Row, claim, kept, write_tables
from models.augment import RECIPES
from models.classifier import ExpressionClassifier, facts_of
from models.convert import to_litert
from models.datasets import LABEL_SCHEMES, LabelledPictures, read_labelled
from models.history import best_of, read_history
from models.lessons import check_is_npz
from models.losses import LOSSES
from models.networks import NETWORKS
from models.portraits import face_crops
from models.schedules import SCHEDULES
from models.scores import confusion_of, macro_f1
from models.train import train
from models.train_options import PLAIN, TrainOptions, checked
from models.weights import sha256_of

_log = logging.getLogger(__name__)
_TIMED: Final = 32
"""Faces by which the cost of one is measured, at once, the best of three times."""

Crops = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class NetsOptions:
    """What decides a comparison of networks."""

    dataset: Path
    out: Path
    nets: tuple[str, ...]
    epochs: int = 8
    seeds: int = 1
    """How many; the first is 20."""
    budget_s: float = 0.0
    """Seconds of training that each network has with each seed; 0 sets no bound."""
    patience: int = 0
    """Epochs without a better one after which a training ends; 0 never ends it."""
    labels: str = "ferplus"
    loss: str = "soft-labels"
    schedule: str = "cosine"
    size: int = 0
    """Of all networks; 0 is each one's own."""
    plain: bool = False
    """Whether trained as most papers do (models.train_options.PLAIN)."""
    augment: str = ""
    """One of models.augment.RECIPES; empty is the usual one."""


def compare_nets(options: NetsOptions) -> Row:
    """Train every network with every seed, unless it was done before, and write the tables of all.

    A network that cannot be trained has a row with its problem; the others go on.

    Raises:
        UsageError: an unknown network or kind of labels, a data set that cannot be read, or an out that cannot be
            written or holds a comparison of other settings.
    """
    check_known("--nets", options.nets, tuple(NETWORKS))
    check_known("--labels", (options.labels,), LABEL_SCHEMES)
    check_known("--loss", (options.loss,), LOSSES)
    check_known("--schedule", (options.schedule,), SCHEDULES)
    check_known("--augment", (options.augment,), ("", *RECIPES))
    for net in options.nets:
        checked(_training(options, net, 20))  # Before hours have gone into those that stand before it.
    public = split_of(options.dataset, "public", options.labels)
    decisive = ("epochs", "budget_s", "patience", "labels", "loss", "schedule", "size", "plain", "augment")
    settings = {name: getattr(options, name) for name in decisive}
    claim(options.out, {"compares": "nets", "dataset": sha256_of(options.dataset), **settings})
    rows = []
    for seed in range(20, 20 + options.seeds):
        for net in options.nets:
            rows.append(kept(options.out, f"{net}-{seed}", partial(_net, options, net, seed, public)))
            keras.utils.clear_session()
    title = f"Networks on {options.dataset.name}, {options.labels} labels, split public"
    return write_tables(options.out, title, rows, by=("net",))


def _net(options: NetsOptions, net: str, seed: int, public: LabelledPictures) -> Row:
    _log.info("%s, seed %d", net, seed)
    training = _training(options, net, seed)
    folder = training.out
    try:
        path = train(training)
    except UsageError as error:
        return {"name": f"{net}, seed {seed}", "net": net, "seed": seed, "problem": str(error)}
    record = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    used, history = record["options"], read_history(folder / "history.csv")
    monitor = next(name for name in history[0] if name.startswith("val_") and name.endswith("accuracy"))
    best = best_of(history, monitor)
    network = keras.models.load_model(path, compile=False)
    crops = crops_of(public, used["size"])
    said = network.predict(crops[..., None].astype(np.float32), batch_size=64, verbose=0)
    target = folder / f"{net}.tflite"
    to_litert(network, target)
    facts = facts_of(net, target, used["size"], 0.0, False)
    replace(facts, classes=public.classes, normalised=public.normalised).write_beside(target)
    classifier = ExpressionClassifier(str(target))
    return {
        "net": net,
        "seed": seed,
        **judged(said, public.labels, public.classes),
        "train_accuracy": best[monitor.removeprefix("val_")],
        "train_loss": best["loss"],
        "parameters": record["parameters"],
        "epochs": len(history),
        "best_epoch": best["epoch"],
        **{name: record[name] for name in ("pictures_seen", "ended_by")},
        **{name: used[name] for name in ("size", "batch", "learning_rate", "optimizer")},
        "seconds": record["seconds"],
        "face_ms": cost_of(classifier.classify, crops),
        "file_bytes": target.stat().st_size,
        "history": [_epoch(row, monitor) for row in history],
    }


def _training(options: NetsOptions, net: str, seed: int) -> TrainOptions:
    return TrainOptions(
        dataset=options.dataset,
        out=options.out / "networks" / f"{net}-{seed}",
        net=net,
        labels=options.labels,
        loss=options.loss,
        schedule=options.schedule,
        size=options.size,
        begin="recogniser" if net == "default" else "nothing",
        epochs=options.epochs,
        seed=seed,
        budget_s=options.budget_s,
        patience=options.patience,
        **(PLAIN if options.plain else {})
        # A loss that counts rare classes more would count them twice where they are drawn more often as well.
        | ({"balance": 0.0} if options.loss == "class-balanced" else {})
        | ({"augment": options.augment} if options.augment else {}),
    )


def _epoch(row: Mapping[str, float], monitor: str) -> Row:
    """An epoch as all networks tell it, whatever their outputs are called."""
    names = {
        "accuracy": monitor.removeprefix("val_"),
        "val_accuracy": monitor,
        "loss": "loss",
        "val_loss": "val_loss",
    }
    return {"epoch": row["epoch"]} | {name: row[theirs] for name, theirs in names.items()}


def check_known(option: str, names: Sequence[str], known: Sequence[str]) -> None:
    """Refuse a name that is none, and none at all."""
    if not names:
        raise UsageError(f"{option}: names nothing", f"choose of: {', '.join(filter(None, known))}")
    for name in names:
        if name not in known:
            raise UsageError(f"{option} {name}: unknown", f"choose of: {', '.join(filter(None, known))}")


def split_of(dataset: Path, split: str, labels: str) -> LabelledPictures:
    """The pictures of a split that have a label."""
    check_is_npz(dataset)
    part = read_labelled(dataset, split, labels)
    part = part.only(part.labels >= 0)
    if not len(part.labels):
        raise UsageError(f"{dataset}: no picture of its split '{split}' has a label", "check the labels")
    return part


def crops_of(part: LabelledPictures, size: int) -> Crops:
    """All pictures of a part as uint8 (n, size, size)."""
    return face_crops(part, size)


def judged(said: NDArray[np.float32], labels: NDArray[np.int32], classes: Sequence[str]) -> Row:
    """Accuracy, macro-F1, cross-entropy and confusion of probabilities (n, classes) against labels (n,)."""
    confusion = confusion_of(labels, said.argmax(axis=1), said.shape[1])
    sure = np.maximum(said[np.arange(len(labels)), labels], 1e-7)
    return {
        "accuracy": float((said.argmax(axis=1) == labels).mean()),
        "macro_f1": float(macro_f1(confusion)),
        "loss": float(-np.log(sure).mean()),
        "classes": list(classes),
        "confusion": confusion.tolist(),
    }


def cost_of(judge: Callable[[Crops], Any], crops: Crops) -> float:
    """Milliseconds for one face of several."""
    faces = crops[:_TIMED]
    judge(faces)
    taken = []
    for _ in range(3):
        began = time.monotonic()
        judge(faces)
        taken.append(time.monotonic() - began)
    return 1000 * min(taken) / len(faces)
