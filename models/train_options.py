"""What decides a training, and whether a folder may hold it."""

import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import keras

from analytics.errors import UsageError
from analytics.paths import is_file
from models.augment import RECIPES
from models.begun import begin_or_go_on
from models.classifier import model_path
from models.datasets import LABEL_SCHEMES
from models.imagenet import PACKAGED, PACKAGED_WORD
from models.losses import LOSSES
from models.nets.recipes import recipe_of
from models.networks import NETWORKS, OF_APPLICATIONS, PRETRAINED
from models.schedules import OPTIMIZERS, SCHEDULES
from models.weights import sha256_of

RECOGNISER: Final = "recogniser"
NOTHING: Final = "nothing"
SHIPPED_NETWORKS: Final = {"default": Path(__file__).parent / "shipped" / "default.keras"}
"""Networks of the classifiers that come with emobatch, before they were converted, to go on from."""
ALL_BUT_HEAD: Final = "all-but-head"
FREEZE_NOTHING: Final = "none"
_FINER: Final = 0.1
"""Share of the learning rate that fine-tuning has unless it is said."""


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
    size: int = 0
    """Side of the network's input in px; 0 is the network's own (models.nets.recipes), as with the next ones."""
    begin: str = RECOGNISER
    """What the weights are at first: a face recogniser's where the network can take them (models.networks.PRETRAINED),
    random ones (`nothing`), those of a shipped classifier (SHIPPED_NETWORKS), or of a .keras or .h5 file of the same network,
    whose classifier may be another (models.transfer)."""
    weights: tuple[Path, ...] = ()
    """Files of ImageNet weights in place of `begin`: in the format of keras.applications (models.networks.OF_APPLICATIONS), or
    that of a package, or `imagenet` for the one in the package that is installed (models.imagenet)."""
    freeze: str = FREEZE_NOTHING
    """What does not learn: `none`, `all-but-head`, or so many stages from the picture on (models.phases)."""
    freeze_epochs: int = 0
    """Epochs in which the head learns alone, before the others do."""
    fine_rate: float = 0.0
    """The largest learning rate after these epochs; 0 is a tenth of that before."""
    teachers: tuple[Path, ...] = ()
    """Trained networks whose opinion of the training pictures is learned beside the labels (models.lessons)."""
    taught: float = 0.5
    """Share of the teachers in each target."""
    epochs: int = 32
    batch: int = 0
    """Pictures at once; 0 is the network's own."""
    learning_rate: float = 0.0
    """The largest; 0 is the network's own."""
    loss: str = "soft-labels"
    """One of models.losses.LOSSES."""
    optimizer: str = ""
    """One of models.schedules.OPTIMIZERS; empty is the network's own."""
    schedule: str = "cosine"
    """One of models.schedules.SCHEDULES."""
    patience: int = 0
    """Epochs without a better one on public after which training ends; 0 never ends it."""
    budget_s: float = 0.0
    """Seconds after which the batch that is being learned is the last one; 0 sets no bound."""
    weight_decay: float = 0.02
    balance: float = 0.5
    """0 draws pictures as they come, 1 draws all classes equally often."""
    mixup: float = 0.2
    """Alpha by which pairs of pictures are mixed; 0 mixes none."""
    degraded: float = 1.0
    """How often pictures are degraded as cameras do it; 0 never, 1 as the recipe of `augment` has it."""
    augment: str = "cctv"
    """How training pictures are changed at every look, one of models.augment.RECIPES."""
    smoothing: float = 0.1
    """Share of each label of FER2013 that goes to all classes alike."""
    second_head: float = 0.5
    """Weight of the loss of FER2013's labels beside that of FER+."""
    averaged: float = 0.03
    """Share of all steps that the average of the weights reaches back; 0 averages nothing."""
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


PLAIN: Final[dict[str, Any]] = {
    "balance": 0.0,
    "mixup": 0.0,
    "augment": "none",
    "smoothing": 0.0,
    "averaged": 0.0,
}
"""Options of a training as most papers have it."""


def checked(options: TrainOptions) -> TrainOptions:
    """The options, with the network's own in place of those left open, and those off that the network does not have.

    Raises:
        UsageError: an unknown network, kind of labels, loss, optimizer, schedule or recipe, a size that the network cannot take,
            an impossible number, or a missing network to begin with or to learn from.
    """
    if options.net not in NETWORKS:
        raise UsageError(f"--net {options.net}: no such network", f"choose one of: {', '.join(NETWORKS)}")
    if not 0 <= options.seed < 2**32:
        raise UsageError(f"--seed {options.seed}: out of range", "give a number from 0 to 4294967295")
    _check_named("--labels", options.labels, "labels", (*LABEL_SCHEMES, "both"))
    _check_named("--loss", options.loss, "loss", LOSSES)
    _check_named("--schedule", options.schedule, "schedule", SCHEDULES)
    _check_named("--augment", options.augment, "recipe", tuple(RECIPES))
    options = _with_phases(_with_recipe(options))
    options = _with_weights(options)
    _check_named("--optimizer", options.optimizer, "optimizer", OPTIMIZERS)
    if options.begin in SHIPPED_NETWORKS:
        options = replace(options, begin=str(SHIPPED_NETWORKS[options.begin]))
    trained = [("--teacher", teacher_file(teacher)) for teacher in options.teachers]
    if options.begin not in (RECOGNISER, NOTHING):
        trained.append(("--from", Path(options.begin)))
    for option, network in trained:
        if not is_file(network):
            raise UsageError(f"{option} {network}: no such network", "name the .keras or .h5 file that training made")
    takes = options.begin != RECOGNISER or options.net in PRETRAINED
    return options if takes else replace(options, begin=NOTHING)


def _check_named(option: str, value: str, what: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UsageError(f"{option} {value}: no such {what}", f"choose one of: {', '.join(known)}")


def _with_weights(options: TrainOptions) -> TrainOptions:
    """The options, whose weights of ImageNet are in files that are there; those of a package are found and verified."""
    if not options.weights:
        return options
    if options.begin not in (RECOGNISER, NOTHING):
        raise UsageError(f"--weights: --from {options.begin} says what the weights are, too", "leave one of them out")
    packaged = PACKAGED.get(options.net)
    wanted = (options.net,) if packaged else OF_APPLICATIONS.get(options.net, ())
    named = " ".join(f"--weights {path}" for path in options.weights)
    if not wanted:
        takers = ", ".join((*OF_APPLICATIONS, *PACKAGED))
        raise UsageError(f"{named}: --net {options.net} takes none", f"choose one of: {takers}")
    if len(wanted) != len(options.weights):
        raise UsageError(f"{named}: --net {options.net} takes {len(wanted)}", f"give those of {' and '.join(wanted)}")
    if packaged and options.weights == (Path(PACKAGED_WORD),):
        return replace(options, begin=NOTHING, weights=(packaged.path(),))
    told = f"a .h5 file of the weights of {', '.join(wanted)}"
    if packaged:
        told = f"the .pth file of {packaged.package}, or {PACKAGED_WORD} for that of the installed package"
    for path in options.weights:
        if not is_file(path):
            raise UsageError(f"--weights {path}: no such file", f"name {told}")
    return replace(options, begin=NOTHING)


def _with_phases(options: TrainOptions) -> TrainOptions:
    """The options, with the rate of fine-tuning where there is any."""
    if options.freeze not in (FREEZE_NOTHING, ALL_BUT_HEAD) and not (
        options.freeze.isdecimal() and int(options.freeze)
    ):
        remedy = f"give a number of stages from 1 on, {ALL_BUT_HEAD} or {FREEZE_NOTHING}"
        raise UsageError(f"--freeze {options.freeze}: is no stage", remedy)
    if not 0 <= options.freeze_epochs < options.epochs:
        problem = f"--freeze-epochs {options.freeze_epochs}: leaves nothing of --epochs {options.epochs}"
        raise UsageError(problem, "give fewer, or 0")
    if not 0 <= options.fine_rate < math.inf:
        raise UsageError(f"--fine-rate {options.fine_rate:g}: is no step", "give a number above 0")
    if options.fine_rate and not options.freeze_epochs:
        raise UsageError(f"--fine-rate {options.fine_rate:g}: nothing is tuned", "give --freeze-epochs, too")
    fine = options.fine_rate or (round(_FINER * options.learning_rate, 12) if options.freeze_epochs else 0.0)
    return replace(options, fine_rate=fine)


def _with_recipe(options: TrainOptions) -> TrainOptions:
    """The options with size, batch, rate and optimizer of the network where they are left open."""
    own = recipe_of(options.net)
    size = options.size or own.size
    if size < own.least or size % own.multiple:
        sizes = f"a multiple of {own.multiple}" if own.multiple > 1 else f"{own.least} px or more"
        raise UsageError(f"--size {size}: --net {options.net} takes {sizes}", f"give {own.size}, or leave it out")
    for option, number in (("--batch", options.batch), ("--patience", options.patience)):
        if number < 0:
            raise UsageError(f"{option} {number}: is negative", "give a number from 1 on, or leave it out")
    rate = options.learning_rate or own.learning_rate
    if not 0 < rate < math.inf:
        raise UsageError(f"--learning-rate {rate:g}: is no step", "give a number above 0")
    return replace(
        options,
        size=size,
        batch=options.batch or own.batch,
        learning_rate=rate,
        optimizer=options.optimizer or own.optimizer,
    )


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
    settings["weights"] = " and ".join(_hash_of("--weights", path) for path in options.weights) or "nothing"
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
