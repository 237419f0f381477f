"""What decides a training, and whether a folder may hold it."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import keras

from analytics.errors import UsageError
from analytics.paths import is_file
from models.begun import begin_or_go_on
from models.classifier import model_path
from models.datasets import LABEL_SCHEMES
from models.networks import NETWORKS, PRETRAINED
from models.weights import sha256_of

RECOGNISER: Final = "recogniser"
NOTHING: Final = "nothing"
SHIPPED_NETWORKS: Final = {"default": Path(__file__).parent / "shipped" / "default.keras"}
"""Networks of the classifiers that come with emobatch, before they were converted, to go on from."""


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """Everything that decides the result of a training."""

    dataset: Path
    """A FER-style npz with the splits train and public."""
    out: Path
    """Folder for checkpoints, history and the trained network."""
    net: str = "default"
    labels: str = "both"
    """ferplus, fer2013, or both: a head for each over the same features, because the two truths differ."""
    size: int = 48
    """Side of the network's input in px."""
    begin: str = RECOGNISER
    """What the weights are at first: a face recogniser's where the network can take them (models.networks.PRETRAINED),
    random ones (`nothing`), those of a shipped classifier (SHIPPED_NETWORKS), or of a .keras file of the same network."""
    teachers: tuple[Path, ...] = ()
    """Trained networks whose opinion of the training pictures is learned beside the labels (models.distillation)."""
    taught: float = 0.5
    """Share of the teachers in each target."""
    epochs: int = 32
    batch: int = 128
    learning_rate: float = 1.4e-3
    weight_decay: float = 0.02
    balance: float = 0.5
    """0 draws pictures as they come, 1 draws all classes equally often."""
    mixup: float = 0.2
    """Alpha by which pairs of pictures are mixed; 0 mixes none."""
    degraded: float = 1.0
    """How often pictures are degraded as cameras do it; 0 never, 1 as models.augment has it."""
    smoothing: float = 0.1
    """Share of each label of FER2013 that goes to all classes alike."""
    second_head: float = 0.5
    """Weight of the loss of FER2013's labels beside that of FER+."""
    averaged: float = 0.03
    """Share of all steps that the average of the weights reaches back."""
    seed: int = 20
    precision: str = "mixed_bfloat16"
    """Keras dtype policy: mixed_bfloat16 saves a quarter of the time on recent processors."""

    @property
    def heads(self) -> tuple[str, ...]:
        """The label sets that are learned, the one that chooses the epoch first."""
        return LABEL_SCHEMES if self.labels == "both" else (self.labels,)

    def weight_of(self, head: str) -> float:
        """Of a head's loss."""
        return 1.0 if head == self.heads[0] else self.second_head


def checked(options: TrainOptions) -> TrainOptions:
    """The options, with those off that the network does not have.

    Raises:
        UsageError: an unknown network or kind of labels, an impossible seed, or a missing network to begin with or to learn from.
    """
    if options.net not in NETWORKS:
        raise UsageError(f"--net {options.net}: no such network", f"choose one of: {', '.join(NETWORKS)}")
    if not 0 <= options.seed < 2**32:
        raise UsageError(f"--seed {options.seed}: out of range", "give a number from 0 to 4294967295")
    if options.labels not in (*LABEL_SCHEMES, "both"):
        known = ", ".join((*LABEL_SCHEMES, "both"))
        raise UsageError(f"--labels {options.labels}: no such labels", f"choose one of: {known}")
    if options.begin in SHIPPED_NETWORKS:
        options = replace(options, begin=str(SHIPPED_NETWORKS[options.begin]))
    trained = [("--teacher", teacher_file(teacher)) for teacher in options.teachers]
    if options.begin not in (RECOGNISER, NOTHING):
        trained.append(("--from", Path(options.begin)))
    for option, network in trained:
        if not is_file(network):
            raise UsageError(f"{option} {network}: no such network", "name a .keras file that training made")
    takes = options.begin != RECOGNISER or options.net in PRETRAINED
    return options if takes else replace(options, begin=NOTHING)


def teacher_file(teacher: Path) -> Path:
    """The file that holds a teacher's weights: a .keras file itself, or that of a classifier as it runs.

    Raises:
        UsageError: it is neither.
    """
    return teacher if teacher.suffix == ".keras" else model_path(str(teacher), "--teacher")


def claim(options: TrainOptions) -> None:
    """Make sure that out holds no other training."""
    # The number of epochs decides the learning rate of every step, so it counts like any other option.
    settings = {name: value for name, value in asdict(options).items() if name not in ("dataset", "out")}
    settings |= {"backend": keras.backend.backend(), "dataset": sha256_of(options.dataset)}
    settings["teachers"] = (
        " and ".join(_hash_of("--teacher", teacher_file(teacher)) for teacher in options.teachers) or "nobody"
    )
    if options.begin not in (RECOGNISER, NOTHING):
        settings["begin"] = _hash_of("--from", Path(options.begin))
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        begin_or_go_on(options.out, settings)
    except OSError as error:
        problem = f"--out {options.out}: cannot be written ({error.strerror or error})"
        raise UsageError(problem, "name another folder") from None


def _hash_of(option: str, network: Path) -> str:
    try:
        return sha256_of(network)[:12]
    except OSError as error:
        raise UsageError(f"{option} {network}: cannot be read ({error.strerror})", "let this user read it") from None
