"""The command that shows where a classifier looks."""

import json
from pathlib import Path
from typing import Annotated

import typer

from jobs.cli_models import Labels, keras_or_say_how
from jobs.cli_options import Debug, Json, log_to_stderr


def explain(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A shipped name, a .tflite file, or a .keras or .h5 network.")
    ],
    dataset: Annotated[
        Path,
        typer.Argument(metavar="DATASET", help="Folder of class folders, FER-style .npz, or .csv with path,label."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The sheet, .png or .jpg.")],
    split: Annotated[
        str, typer.Option(help="Part of a data set that has splits: train, public or private.")
    ] = "public",
    labels: Labels = "ferplus",
    each: Annotated[int, typer.Option(min=1, max=12, help="Faces of each class, drawn by the seed.")] = 3,
    method: Annotated[str, typer.Option(help="occlusion, grad-cam (.keras and .h5 alone), or both.")] = "both",
    patch: Annotated[
        int | None, typer.Option(min=1, help="Side of the hidden square in px.", show_default="a sixth of the face")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides which faces.")] = 20,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Draw where a classifier looks in faces of each class: by hiding parts of them, and by its gradients."""
    log_to_stderr()
    from jobs.explain import KERAS, ExplainOptions
    from jobs.explain import explain as explain_all

    of_keras = Path(model).suffix.lower() in KERAS
    if of_keras:
        keras_or_say_how()
    options = ExplainOptions(
        model=model,
        dataset=dataset,
        out=out,
        split=split,
        labels=labels,
        each=each,
        method=method,
        patch=patch or 0,
        seed=seed,
    )
    rows = explain_all(options)
    if method == "both" and not of_keras:
        typer.echo("a converted classifier has no gradients: occlusion alone", err=True)
    right = sum(row["truth"] == row["said"] for row in rows)
    typer.echo(
        json.dumps({"sheet": str(out), "faces": rows}) if as_json else f"{out}: {len(rows)} faces, {right} right"
    )
    return 0
