"""The command about still pictures."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.cli_config import ConfigOfPurpose, need_allowed
from jobs.cli_options import Debug, Json, log_to_stderr

if TYPE_CHECKING:
    from analytics.records import Picture
    from jobs.predict import Predicted


def predict(
    ctx: typer.Context,
    pictures: Annotated[list[str], typer.Argument(metavar="PICTURE…", help="Pictures, or folders of pictures.")],
    sheet: Annotated[
        Path | None, typer.Option(help="Write a contact sheet with all faces, .png or .jpg.", show_default="none")
    ] = None,
    detector: Annotated[str, typer.Option(help="Face detector: yunet, haar, mtcnn.")] = "yunet",
    model: Annotated[str, typer.Option(help="Classifier: a shipped name or a .tflite file.")] = "default",
    config: ConfigOfPurpose = None,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Tell the apparent expressions of still pictures."""
    log_to_stderr()
    need_allowed(ctx, config)
    from analytics.errors import UsageError
    from jobs.options import RunOptions
    from jobs.predict import named_pictures
    from jobs.predict import predict as predict_all
    from jobs.screen import printable
    from reports.contact_sheet import MAX_TILES

    if sheet is not None and sheet.suffix.lower() not in (".png", ".jpg"):
        raise UsageError(f"--sheet {sheet}: is no name of a picture", "end it in .png or .jpg")
    found, failures, tiles = [], [], []
    options = RunOptions(sources=(), out=Path(), detector=detector, model=model)
    for one in predict_all(list(named_pictures(pictures)), options):
        if one.problem is not None:
            failures.append({"source": one.source, "reason": one.problem.removeprefix(f"{one.source}: ")})
            typer.echo(printable(f"emobatch: {one.problem}"), err=True)
            continue
        found.append(one.to_json())
        if not as_json:
            typer.echo(printable(f"{one.source}: {_counted(one)}"))
            for number, face in enumerate(one.faces, start=1):
                typer.echo(f"  {number}  {face.in_words()}")
        if sheet is not None:
            tiles += _tiles(one)
    if as_json:
        typer.echo(json.dumps({"pictures": found, "failures": failures}))
    if sheet is not None and tiles:
        _write_sheet(sheet, tiles[:MAX_TILES])
        left_out = f", the first {MAX_TILES} of {len(tiles)} faces" if len(tiles) > MAX_TILES else ""
        typer.echo(f"sheet: {sheet}{left_out}", err=True)
    return (3 if found else 2) if failures else 0


def _counted(one: "Predicted") -> str:
    n = len(one.faces)
    return "no face" if not n else f"{n} face{'s' if n > 1 else ''}"


def _tiles(one: "Predicted") -> "list[Picture]":
    """The faces of a picture as tiles, small already, so that a sheet of many large pictures fits into memory."""
    from reports.contact_sheet import Tile, tile_of

    if one.picture is None:
        return []
    name = Path(one.source).name
    if not one.faces:
        return [tile_of(Tile(one.picture, None, "no face", name))]
    return [
        tile_of(Tile(one.picture, (face.x, face.y, face.w, face.h), face.expression, f"{face.confidence:.0%} {name}"))
        for face in one.faces
    ]


def _write_sheet(path: Path, tiles: "list[Picture]") -> None:
    import cv2

    from analytics.errors import UsageError
    from reports.contact_sheet import sheet_of

    _, code = cv2.imencode(path.suffix.lower(), sheet_of(tiles))
    try:
        path.write_bytes(code.tobytes())
    except OSError as error:
        raise UsageError(f"--sheet {path}: cannot be written ({error.strerror})", "name another file") from None
