"""Heads compared on features that stay as they are: descriptors, or what a trained network sees."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.errors import UsageError
from jobs.lab import Crops, check_known, cost_of, crops_of, judged, split_of
from jobs.lab_tables import Row, claim, kept, write_tables
from models.datasets import LABEL_SCHEMES
from models.descriptors import DESCRIPTORS
from models.features import NetworkFeatures
from models.lab_heads import HEADS, Head
from models.weights import sha256_of

_log = logging.getLogger(__name__)
_SIZE: Final = 48
"""Side of the faces that descriptors see, in px."""


@dataclass(frozen=True, kw_only=True)
class HeadsOptions:
    """What decides a comparison of heads."""

    dataset: Path
    out: Path
    features: tuple[str, ...] = tuple(DESCRIPTORS)
    """Descriptors, or paths of .keras networks."""
    heads: tuple[str, ...] = tuple(HEADS)
    seeds: int = 1
    most: int = 5000
    """Pictures to learn from, drawn by the seed: support vectors take their square in time."""
    labels: str = "ferplus"


def compare_heads(options: HeadsOptions) -> Row:
    """Fit every head on every kind of features with every seed, unless it was done before, and write the tables of all.

    Raises:
        UsageError: as compare_nets, and features that are neither a descriptor nor a network.
    """
    check_known("--heads", options.heads, tuple(HEADS))
    check_known("--labels", (options.labels,), LABEL_SCHEMES)
    if not options.features:
        raise UsageError("--features: names nothing", f"choose of: {', '.join(DESCRIPTORS)}, or name a .keras file")
    parts = {split: split_of(options.dataset, split, options.labels) for split in ("train", "public")}
    kinds = {kind: _seer(kind) for kind in options.features}
    networks = {kind: sha256_of(Path(kind)) for kind in options.features if kind not in DESCRIPTORS}
    settings = {"dataset": sha256_of(options.dataset), "labels": options.labels, "most": options.most}
    claim(options.out, {"compares": "heads", **settings})
    if options.seeds > 1 and len(parts["train"].labels) <= options.most:
        _log.warning("all pictures are learned from with each seed: the spread is that of the heads' own chance alone")
    rows = []
    for kind, (see, size) in kinds.items():
        name = f"{Path(kind).stem}-{networks[kind][:8]}" if kind in networks else kind
        crops = {split: crops_of(part, size) for split, part in parts.items()}
        seen = {"public": see(crops["public"])}
        for seed in range(20, 20 + options.seeds):
            drawn = np.random.default_rng(seed).permutation(len(crops["train"]))[: options.most]
            seen["train"] = see(crops["train"][drawn])
            labels = {"train": parts["train"].labels[drawn], "public": parts["public"].labels}
            for head in options.heads:
                made = Head(head, seed, parts["train"].classes)
                fitted = partial(_head, name, made, seed, see, crops["public"], dict(seen), labels)
                rows.append(kept(options.out, f"{name}-{head}-{seed}", fitted))
    title = f"Heads on {options.dataset.name}, {options.labels} labels, split public"
    return write_tables(options.out, title, rows, by=("features", "head"))


def _head(
    features: str,
    head: Head,
    seed: int,
    see: Callable[[Crops], NDArray[np.float32]],
    crops: Crops,
    seen: dict[str, NDArray[np.float32]],
    labels: dict[str, NDArray[np.int32]],
) -> Row:
    _log.info("%s on %s, seed %d", head.name, features, seed)
    began = time.monotonic()
    try:
        head.fit(seen["train"], labels["train"])
    except UsageError as error:
        title = f"{head.name} on {features}, seed {seed}"
        return {"name": title, "features": features, "head": head.name, "seed": seed, "problem": str(error)}
    seconds = time.monotonic() - began
    learned = judged(head.predict(seen["train"]), labels["train"], head.classes)
    return {
        "features": features,
        "head": head.name,
        "seed": seed,
        **judged(head.predict(seen["public"]), labels["public"], head.classes),
        "train_accuracy": learned["accuracy"],
        "train_loss": learned["loss"],
        "width": seen["train"].shape[1],
        "pictures": len(labels["train"]),
        "seconds": seconds,
        "face_ms": cost_of(lambda faces: head.predict(see(faces)), crops),
        "file_bytes": head.size_bytes,
    }


def _seer(kind: str) -> tuple[Callable[[Crops], NDArray[np.float32]], int]:
    """What gives these features, and the side of the faces that it takes."""
    if kind in DESCRIPTORS:
        return DESCRIPTORS[kind], _SIZE
    if not kind.endswith(".keras"):
        known = f"choose of: {', '.join(DESCRIPTORS)}; or name a .keras file that training made"
        raise UsageError(f"--features {kind}: no such features", known)
    seen = NetworkFeatures(Path(kind))
    return seen, seen.size
