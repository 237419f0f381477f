"""The expression classifier as it runs: a .tflite file in LiteRT, with the facts that lie beside it."""

import json
import math
import shlex
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from analytics.errors import UsageError
from analytics.expressions import EXPRESSIONS, columns_of, labels_for
from analytics.paths import exists, is_file
from analytics.schema import why_no_classes
from models.levels import NORMALISED, levels_of
from models.quiet import without_stderr
from models.weights import sha256_of, verified

SHIPPED: Final = {name: Path(__file__).parent / "shipped" / f"{name}.tflite" for name in ("default", "small")}
"""Classifiers that come with emobatch, by name."""

_BLOCK: Final = 64
"""Faces whose grey levels are brought to what the network takes at once."""
_OF_KERAS: Final = (".keras", ".h5", ".hdf5")
_NO_SOFTMAX: Final = "end the network with a softmax and convert it again"
_WITHOUT_FACTS: Final = "convert it with emobatch, which writes them: emobatch models convert NETWORK.keras OUT.tflite --dataset DATASET.npz"


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What must be known of a network to use it: the .json beside the .tflite."""

    name: str
    sha256: str
    """Of the .tflite file."""
    size: int
    """Side of the gray input in px."""
    classes: tuple[str, ...]
    """In the order in which the network gives them; the seven of emobatch have their names in EXPRESSIONS."""
    threshold: float
    """Largest probabilities below it are called uncertain."""
    flip: bool
    """Average the face and its mirror image."""
    sure: float = 1.0
    """Largest probability of the face alone from which its mirror image is not looked at; at 1 it always is."""
    temperature: float = 1.0
    """Divides the logarithms of the probabilities, which are scaled to sum to one again: above 1 they grow modest."""

    mean: float = 0.0
    """Taken from the grey levels 0..255, before std divides them, where the network does not do it itself."""
    std: float = 1.0
    even: bool = False
    """Bring dark, pale and flat crops to usual grey levels first, see models.crop.evened."""
    normalised: str = ""
    """What is done to the grey levels of each crop before all else, one of models.levels.NORMALISED; or nothing."""
    heads: dict[str, float] = field(default_factory=dict)
    """Shares of the trained network's outputs, by label set, in its probabilities; empty where it had one."""
    weights: dict[str, float] = field(default_factory=dict)
    """What the network multiplies its probabilities with, by class; empty where it does not (models.mixing)."""

    @property
    def columns(self) -> tuple[str, ...]:
        """What the columns of the probabilities stand for: the seven, then other classes."""
        return columns_of(self.classes)

    @property
    def known(self) -> tuple[str, ...]:
        """The classes in the order of their columns."""
        return tuple(name for name in self.columns if name in self.classes)

    @property
    def labels(self) -> tuple[str, ...]:
        """What a face can be called: the columns, and uncertain last."""
        return labels_for(self.classes)

    @property
    def decisive(self) -> tuple[object, ...]:
        """What decides probabilities and labels; the name does not."""
        scaling = (self.even, self.mean, self.std)
        # What classifiers before it did not have shall not make their videos be done again.
        later = tuple(value for value, before in ((self.sure, 1.0), (self.normalised, "")) if value != before)
        return self.sha256, self.classes, self.threshold, self.flip, self.temperature, *scaling, *later

    @staticmethod
    def beside(model: Path) -> "ModelFacts":
        """Read the facts of a .tflite file.

        Raises:
            UsageError: they are missing or broken, or their classes can be none.
        """
        path = model.with_suffix(".json")
        try:
            read = json.loads(path.read_text(encoding="utf-8"))
            facts = ModelFacts(**{**read, "classes": tuple(read["classes"])})
        except OSError as error:
            raise UsageError(f"{path}: cannot read the facts of the model ({error.strerror})", _WITHOUT_FACTS) from None
        except (ValueError, TypeError, KeyError) as error:
            raise UsageError(f"{path}: does not describe a model ({error})", _WITHOUT_FACTS) from None
        if not _plausible(facts):
            problem = "a value is of a wrong kind, or beyond what it may be"
            raise UsageError(f"{path}: does not describe a model ({problem})", _WITHOUT_FACTS)
        if unfit := why_no_classes(facts.classes):
            raise UsageError(f"{path}: has {unfit}", f"name its classes there; emobatch's are {', '.join(EXPRESSIONS)}")
        return facts

    def write_beside(self, model: Path) -> None:
        """Write the facts of a .tflite file."""
        text = json.dumps(asdict(self), indent=2) + "\n"
        model.with_suffix(".json").write_text(text, encoding="utf-8")


def model_path(model: str, asked_by: str = "--model") -> Path:
    """The .tflite file that a shipped name or a path stands for.

    Raises:
        UsageError: no such file, or one of another kind.
    """
    path = SHIPPED.get(model, Path(model))
    shipped = f"name one of: {', '.join(SHIPPED)}; or the path of a .tflite file"
    if not exists(path):
        raise UsageError(f"{asked_by} {model}: no such model", shipped)
    if path.suffix.lower() in _OF_KERAS:
        names = f"{shlex.quote(model)} {shlex.quote(str(path.with_suffix('.tflite')))}"
        remedy = f"convert it: emobatch models convert {names} --dataset DATASET.npz"
        raise UsageError(f"{asked_by} {model}: is a network of Keras, and emobatch runs .tflite files", remedy)
    if path.suffix.lower() != ".tflite" or not is_file(path):
        raise UsageError(f"{asked_by} {model}: is no .tflite file", shipped)
    return path


def _plausible(facts: ModelFacts) -> bool:
    """Whether what was read from a file is of the kinds that ModelFacts declares."""
    texts = all(isinstance(text, str) for text in (facts.name, facts.sha256, *facts.classes))
    shares = all(_is_share(share) and share <= 1 for share in (facts.threshold, facts.sure))
    scales = (facts.temperature, facts.std)
    scaled = all(type(scale) in (int, float) and 0 < scale < math.inf for scale in scales)
    shifted = type(facts.mean) in (int, float) and math.isfinite(facts.mean)
    switches = type(facts.flip) is bool and type(facts.even) is bool and facts.normalised in ("", *NORMALISED)
    told = (facts.heads, facts.weights)
    tables = all(isinstance(table, dict) and all(_is_share(value) for value in table.values()) for table in told)
    return texts and type(facts.size) is int and shares and scaled and shifted and switches and tables


def _is_share(value: object) -> bool:
    return type(value) in (int, float) and 0 <= value < math.inf  # type: ignore[operator]


class ExpressionClassifier:
    """A network in LiteRT on one thread.

    Args:
        model: the name of a shipped classifier, or the path of a .tflite file with its .json beside it.
        asked_by: option or argument of the command line that an error about the name names.

    Raises:
        UsageError: no such model, or its file is damaged, no network of LiteRT's, or not what its facts say.
    """

    def __init__(self, model: str = "default", asked_by: str = "--model") -> None:
        path = model_path(model, asked_by)
        self.facts = ModelFacts.beside(path)
        verified(path, self.facts.sha256, remedy="restore the file, or convert the network again")
        try:
            with without_stderr():  # LiteRT announces its delegate there at every start, and cannot be told not to.
                self._interpreter = Interpreter(model_path=str(path), num_threads=1)
                source = self._interpreter.get_input_details()[0]
                self._interpreter.resize_tensor_input(source["index"], [1, *source["shape"][1:].tolist()])
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise UsageError(f"{path}: LiteRT cannot load it ({error})", _WITHOUT_FACTS) from None
        result = self._interpreter.get_output_details()[0]
        taken, given = tuple(source["shape"][1:].tolist()), tuple(result["shape"][1:].tolist())
        if taken != (self.facts.size, self.facts.size, 1) or given != (len(self.facts.classes),):
            raise UsageError(f"{path}: takes pictures {taken} and gives {given}, unlike its facts", _WITHOUT_FACTS)
        self._input, self._output = source["index"], result["index"]
        self._columns = [self.facts.columns.index(name) for name in self.facts.classes]
        self._levels = levels_of(self.facts.normalised, self.facts.even)
        tried = self.classify(np.linspace(0, 255, 2 * self.facts.size**2).astype(np.uint8).reshape(2, *taken[:2]))
        if not (np.allclose(tried.sum(1), 1, atol=0.02) and (tried >= 0).all()):
            raise UsageError(f"{path}: what it gives are no probabilities, which add up to 1", _NO_SOFTMAX)

    def classify(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probabilities of gray crops, uint8 (n, size, size); a face's do not depend on its neighbours.

        Returns:
            (n, columns) in the order of facts.columns; 0 for those of the seven that the network does not know.
        """
        found = np.zeros((len(crops), len(self.facts.columns)), np.float32)
        for start in range(0, len(crops), _BLOCK):
            faces = self._levels(crops[start : start + _BLOCK, :, :, None].astype(np.float32))
            faces = (faces - np.float32(self.facts.mean)) / np.float32(self.facts.std)
            for row, face in enumerate(faces, start):
                found[row, self._columns] = self._told_of(face[None])
        return found

    def _told_of(self, face: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities (classes,) of one face (1, size, size, 1). Several at once would be no faster, but for tiny networks."""
        scores, facts = self._run(face), self.facts
        told = tempered(scores, facts.temperature)
        if facts.flip and (facts.sure == 1 or told.max() < facts.sure):
            scores = (scores + self._run(np.ascontiguousarray(face[:, :, ::-1]))) / np.float32(2)
            told = tempered(scores, facts.temperature)
        return np.asarray(told[0])

    def _run(self, face: NDArray[np.float32]) -> NDArray[np.float32]:
        self._interpreter.set_tensor(self._input, face)
        self._interpreter.invoke()
        return np.array(self._interpreter.get_tensor(self._output), np.float32)


def tempered(probabilities: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Probabilities (n, classes) at another temperature (Guo et al. 2017, "On Calibration of Modern Neural Networks")."""
    if temperature == 1:
        return probabilities
    powers = np.maximum(probabilities, np.float32(1e-12)) ** np.float32(1 / temperature)
    calibrated: NDArray[np.float32] = powers / powers.sum(axis=1, keepdims=True)
    return calibrated


def facts_of(name: str, model: Path, size: int, threshold: float, flip: bool) -> ModelFacts:
    """The facts of a file that was just made, before it is calibrated."""
    return ModelFacts(
        name=name,
        sha256=sha256_of(model),
        size=size,
        classes=EXPRESSIONS,
        threshold=threshold,
        flip=flip,
    )
