"""Everything learned that comes with emobatch: classifiers and detectors, their cards, and whether they are intact."""

from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from analytics.errors import UsageError
from models.classifier import SHIPPED, ExpressionClassifier, ModelFacts, model_path
from models.detectors import DETECTORS

_OPTIONAL: Final = ("mtcnn",)
"""Detectors whose package comes with an extra."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A classifier or a detector."""

    name: str
    kind: str
    """classifier or detector."""
    about: str
    sha256: str
    problem: str | None = None
    """What is wrong with its weights, and the remedy."""
    optional: bool = False
    """Nobody needs it who did not ask for its extra."""

    def to_json(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)


def catalogue() -> list[Entry]:
    """All classifiers and detectors by name, without a look into their weights."""
    classifiers = [_classifier(name) for name in SHIPPED]
    return classifiers + [_detector(name) for name in DETECTORS]


def verified_models(model: str | None = None) -> list[Entry]:
    """All classifiers and detectors, or one; each loaded, compared with its SHA-256, and used once.

    Raises:
        UsageError: no such model.
    """
    if model is None:
        return [_tried(entry) for entry in catalogue()]
    if model in DETECTORS:
        return [_tried(_detector(model))]
    model_path(model, "MODEL")
    return [_tried(_classifier(model))]


def card_of(model: str) -> str:
    """The card of a classifier, Markdown; of a file without one, its facts.

    Raises:
        UsageError: no such model, or one without facts.
    """
    with suppress(OSError):
        return model_path(model, "MODEL").with_suffix(".md").read_text(encoding="utf-8", errors="replace")
    return "\n".join(f"- {name}: {value}" for name, value in facts_as_json(model).items())


def facts_as_json(model: str) -> dict[str, Any]:
    """Facts, path and size of a classifier.

    Raises:
        UsageError: no such model, or one without facts.
    """
    path = model_path(model, "MODEL")
    return {**asdict(ModelFacts.beside(path)), "path": str(path), "size_bytes": path.stat().st_size}


def _classifier(model: str) -> Entry:
    try:
        path = model_path(model, "MODEL")
        facts = ModelFacts.beside(path)
    except UsageError as error:
        return Entry(name=model, kind="classifier", about="", sha256="", problem=str(error))
    size = f"{facts.size}x{facts.size} gray, {path.stat().st_size / 1e6:.1f} MB"
    about = f"seven expressions from {size}, uncertain below {facts.threshold}"
    return Entry(name=model, kind="classifier", about=about, sha256=facts.sha256)


def _detector(name: str) -> Entry:
    kind: Any = DETECTORS[name]
    about = (kind.__doc__ or "").strip().splitlines()[0].rstrip(".:")
    return Entry(name=name, kind="detector", about=about, sha256=kind.sha256, optional=name in _OPTIONAL)


def _tried(entry: Entry) -> Entry:
    """The entry, with the problem that came up when its weights were loaded and used."""
    problem = entry.problem
    try:
        if entry.kind == "detector":
            DETECTORS[entry.name]().detect(np.zeros((120, 160, 3), np.uint8))
        elif problem is None:
            classifier = ExpressionClassifier(entry.name, "MODEL")
            size = classifier.facts.size
            sums = classifier.classify(np.full((2, size, size), 128, np.uint8)).sum(1)
            if not np.allclose(sums, 1, atol=1e-3):
                problem = f"{entry.name}: its probabilities add up to {sums[0]:.3f} instead of 1: convert it again"
    except UsageError as error:
        problem = str(error)
    return Entry(**{**asdict(entry), "problem": problem})
