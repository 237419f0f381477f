"""The command that makes data sets of the literature into one file: `emobatch dataset`."""

import json
import logging
from pathlib import Path
from typing import Annotated

import typer

from jobs.cli_options import Debug, Json


def dataset(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE…",
            help="Folders of classes, of CK+, JAFFE or KDEF; FER2013's csv (FER+ votes beside it) or an npz; a .csv with "
            "path,label[,split][,subject]. `kdef:PATH` and its like say which.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The .npz to write.")],
    classes: Annotated[
        str, typer.Option(help="What is to be told apart, with commas between.", show_default="the seven")
    ] = "",
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="LABEL=CLASS", help="Call a label otherwise; commas between, or given again."),
    ] = None,
    labels: Annotated[str, typer.Option(help="Truth of FER2013 with votes: fer2013 or ferplus.")] = "fer2013",
    shares: Annotated[str, typer.Option(help="Of train, public and private where a set has no splits.")] = "80,10,10",
    resplit: Annotated[bool, typer.Option("--resplit", help="Forget the splits that the sets bring.")] = False,
    seed: Annotated[int, typer.Option(help="Of the splits.")] = 20,
    drop: Annotated[str, typer.Option(help="Copies to leave out: none, leaks, exact or near.")] = "none",
    near: Annotated[int, typer.Option(help="Bits of 256 in which hashes of near copies differ at most, 0 to 64.")] = 24,
    size: Annotated[int, typer.Option(min=16, max=1024, help="Side of the faces in px.")] = 48,
    detect: Annotated[str, typer.Option(help="Find the face first: yunet, haar, mtcnn.", show_default="no")] = "",
    skip_faceless: Annotated[
        bool, typer.Option("--skip-faceless", help="Leave out pictures without a face, instead of using them whole.")
    ] = False,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out pictures that cannot be read or are too small.")
    ] = False,
    denoise: Annotated[
        float, typer.Option(min=0, max=100, help="Strength of non-local means, in grey levels; 0: none.")
    ] = 0,
    normalise: Annotated[
        str, typer.Option(help="Grey levels of each face: min-max or mean-std; in use as well.", show_default="no")
    ] = "",
    last: Annotated[int, typer.Option(min=0, help="Last frames of a sequence of CK+ with its label.")] = 3,
    first: Annotated[int, typer.Option(min=0, help="First frames of a sequence of CK+, as neutral.")] = 1,
    angles: Annotated[str, typer.Option(help="Of KDEF: S, HL, HR, FL, FR.")] = "S",
    report: Annotated[Path | None, typer.Option(help="Folder for dataset.html, which shows faces of the set.")] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Make data sets of the literature into one .npz that train, evaluate and compare take."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    from analytics.errors import UsageError
    from models.sets.make import SetOptions, make_dataset, scratch_beside
    from models.sets.prepare import Preparation
    from models.sets.records import ReadOptions
    from models.sets.summary import in_words, summary_of

    options = SetOptions(
        sources=tuple(sources),
        out=out,
        read=ReadOptions(labels=labels, last=last, first=first, angles=_names(angles)),
        classes=_names(classes),
        mapping=_mapping(mapping or []),
        prepare=Preparation(detector=detect, size=size, denoise=denoise, normalised=normalise),
        skip_bad=skip_bad,
        skip_faceless=skip_faceless,
        distance=near,
        drop=drop,
        resplit=resplit,
        shares=_shares(shares),
        seed=seed,
    )
    with scratch_beside(out) as scratch:
        try:
            made = make_dataset(options, Path(scratch))
        except OSError as error:
            raise UsageError(f"--out {out}: cannot be written ({error.strerror})", "name another file") from None
        told = summary_of(made)
        if report is not None:
            from jobs.dataset_page import draw

            typer.echo(f"page: {draw(report, made, told)}", err=True)
    typer.echo(json.dumps(told) if as_json else in_words(told))
    return 0


def _names(listed: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in listed.split(",") if name.strip())


def _mapping(given: list[str]) -> dict[str, str]:
    from analytics.errors import UsageError

    found: dict[str, str] = {}
    for one in (part for listed in given for part in _names(listed)):
        label, equals, name = (part.strip() for part in one.rpartition("="))
        if not (equals and label and name):
            raise UsageError(f"--map {one}: is no LABEL=CLASS", "write it like --map disgusted=disgust")
        if label.lower() in found:
            raise UsageError(f"--map {one}: '{label}' is mapped twice", "map each label once")
        found[label.lower()] = name
    return found


def _shares(listed: str) -> tuple[float, float, float]:
    from analytics.errors import UsageError

    try:
        train, public, private = (float(part) for part in listed.split(","))
    except ValueError:
        remedy = "give those of train, public and private, such as 80,10,10"
        raise UsageError(f"--shares {listed}: are no three numbers", remedy) from None
    return train, public, private
