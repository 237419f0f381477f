"""The commands that compare networks, and heads on features: `emobatch compare nets` and `emobatch compare heads`."""

import json
import logging
from pathlib import Path
from typing import Annotated, Any

import typer

from jobs.cli_models import keras_or_say_how
from jobs.cli_options import Debug, Json
from jobs.cli_train import Augment, Plain

Dataset = Annotated[Path, typer.Argument(metavar="DATASET", help="FER-style .npz with the splits train and public.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for the tables, and for what is not done yet.")]
Seeds = Annotated[int, typer.Option(min=1, help="How often each is run, each time with another seed.")]
Truth = Annotated[str, typer.Option(help="Truth of the npz: ferplus or fer2013.")]


def nets(
    dataset: Dataset,
    out: Out,
    nets: Annotated[str, typer.Option(help="Networks, with commas between.")] = "lenet,model-c,mobilenet,small",
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training pictures.")] = 8,
    seeds: Seeds = 1,
    budget: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Training time of each network and seed; 0: no bound.")
    ] = 0,
    patience: Annotated[
        int, typer.Option(min=0, help="End a training after so many epochs without a better one; 0: never.")
    ] = 0,
    labels: Truth = "ferplus",
    loss: Annotated[str, typer.Option(help="As `emobatch train` takes it.")] = "soft-labels",
    schedule: Annotated[str, typer.Option(help="Of the learning rate, as `emobatch train` takes it.")] = "cosine",
    size: Annotated[int | None, typer.Option(min=1, max=512, help="Of all.", show_default="each network's own")] = None,
    plain: Plain = False,
    augment: Augment = None,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Train networks on the same pictures and compare them; stopped and started again, it goes on. Needs the extra `train`."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    _needs_train_extra()
    from jobs.lab import NetsOptions, compare_nets

    options = NetsOptions(
        dataset=dataset,
        out=out,
        nets=_names(nets),
        epochs=epochs,
        seeds=seeds,
        budget_s=budget,
        patience=patience,
        labels=labels,
        loss=loss,
        schedule=schedule,
        size=size or 0,
        plain=plain,
        augment=augment or "",
    )
    return _told(compare_nets(options), out, as_json)


def heads(
    dataset: Dataset,
    out: Out,
    features: Annotated[
        str, typer.Option(help="Descriptors (hog, lbp, plgf, nedp) or .keras networks, with commas between.")
    ] = "hog,lbp,plgf,nedp",
    heads: Annotated[
        str, typer.Option(help="Classifiers, with commas between.")
    ] = "softmax,linear-svm,svm,knn,random-forest,softmax-svm",
    seeds: Seeds = 1,
    most: Annotated[int, typer.Option(min=1, help="Pictures to learn from, drawn by the seed.")] = 5000,
    labels: Truth = "ferplus",
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Fit classifiers on frozen features and compare them; stopped and started again, it goes on. Needs the extra `train`."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    _needs_train_extra()
    from jobs.lab_heads import HeadsOptions, compare_heads

    options = HeadsOptions(
        dataset=dataset,
        out=out,
        features=_names(features),
        heads=_names(heads),
        seeds=seeds,
        most=most,
        labels=labels,
    )
    return _told(compare_heads(options), out, as_json)


def _needs_train_extra() -> None:
    from analytics.errors import UsageError

    keras_or_say_how()
    try:
        import sklearn  # noqa: F401
    except ImportError:
        raise UsageError("this command needs scikit-learn", "pip install '.[train]' in emobatch's folder") from None


def _names(listed: str) -> tuple[str, ...]:
    """Names between commas, each once."""
    return tuple(dict.fromkeys(name.strip() for name in listed.split(",") if name.strip()))


def _told(found: dict[str, Any], out: Path, as_json: bool) -> int:
    typer.echo(f"page: {out / 'comparison.html'}", err=True)
    typer.echo(json.dumps(found) if as_json else (out / "comparison.md").read_text(encoding="utf-8").rstrip())
    return 3 if any(row.get("problem") for row in found["rows"]) else 0
