"""`emobatch export`: rows of the tables for other programs."""

import errno
import json
import os
import re
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import reduce
from operator import and_, eq, ge, gt, le, lt, ne
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final, Self

import typer

from analytics.errors import EmobatchError, UsageError
from jobs.cli_options import Debug, Json, Quiet, log_to_stderr

if TYPE_CHECKING:
    import pyarrow as pa

_CONDITION: Final = re.compile(r"\s*(\w+)\s*(==|!=|<=|>=|=|<|>)\s*(.*?)\s*", re.DOTALL)
_OPERATORS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "=": eq, "==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge,
}  # fmt: skip
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)
_TABLES: Final = ("videos", "samples", "faces", "tracks", "events")
_SUFFIXES: Final = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_FORMATS: Final = ("csv", "jsonl", "feat", "openface")


def export(
    out: Annotated[str, typer.Argument(metavar="OUT", help="Folder of an earlier run, or its s3:// URL.")],
    file: Annotated[str, typer.Argument(metavar="FILE", help="File to write; - is stdout.")],
    table: Annotated[
        str | None,
        typer.Option(metavar="|".join(_TABLES), help="Table to export.", show_default="faces for feat and openface"),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option("--as", metavar="|".join(_FORMATS), help="Format.", show_default="by the suffix of FILE"),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CONDITION",
            help="Only rows of which this holds: a column, one of = != < <= > >=, a value; may be repeated.",
        ),
    ] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="A,B,…", help="Only these columns, in this order.", show_default="all")
    ] = None,
    safe_cells: Annotated[
        bool, typer.Option("--safe-cells", help="Put ' before texts that a spreadsheet would take for a formula.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it is there.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Write the rows of a table as CSV, JSON lines, or as py-feat and OpenFace write faces."""
    log_to_stderr(quiet)
    form, table = _format_and_table(file, form, table)
    if file == "-" and as_json:
        raise UsageError("--json: stdout is taken by the rows", "name a file in place of -")
    if safe_cells and form == "jsonl":
        raise UsageError("--safe-cells: is for CSV, and this is jsonl", "leave it out")
    target, mode = _checked(file, force)
    from analytics.purpose import FOLDER as PURPOSE
    from analytics.purpose import purpose_at, purposes_below
    from jobs.access import note_access, noted_if_possible
    from jobs.export import Selection
    from jobs.export import export as of_videos
    from jobs.export_events import export_events
    from jobs.export_formats import FORMATS, classes_below, schema_of
    from jobs.opened import for_reading
    from jobs.results import Results
    from jobs.screen import printable

    folder = for_reading(out, tuple(dict.fromkeys(("videos", "tracks", table, PURPOSE))))
    with suppress(OSError):  # Whatever is damaged is told when it is read.
        Results.opened(folder)
    schema = schema_of(table, classes_below(folder)[0])
    chosen = FORMATS[form]
    if columns is not None and chosen.of_faces:
        raise UsageError(f"--columns: {form} has columns of its own", "leave it out, or take --as csv")
    conditions = [_condition(text, schema, table) for text in where or ()]
    selection = Selection(
        table=table,
        columns=chosen.of_faces or (_named(columns, schema, table) if columns is not None else tuple(schema.names)),
        condition=_all_of([holds for _, holds in conditions]),
        reads=(*(name for name, _ in conditions), *chosen.reads),
        videos=_all_of([holds for name, holds in conditions if name == "video_id"]),
        facts=chosen.of_faces is not None,
    )
    with noted_if_possible():
        note_access(out, "export", purpose_at(purposes_below(folder)), table=table, format=form)
    try:
        with _Progress(quiet) as progress, _opened(target, mode) as opened:
            export_rows = export_events if table == "events" else of_videos
            done = export_rows(folder, opened, selection, chosen, safe=safe_cells, tell=progress.tell)
    except BrokenPipeError:  # Whoever reads has read enough, as `head` does.
        _nothing_more_to_stdout()
        return 0
    except Exception:
        if target is None:
            _nothing_more_to_stdout()
        raise
    if as_json:
        told = {"file": file, "rows": done.rows, "table": table, "format": form, "problems": list(done.problems)}
        typer.echo(json.dumps(told))
    elif target is not None and not quiet:
        typer.echo(printable(f"{file}: {done.rows:,} rows of {table}"))
    for problem in done.problems:
        typer.echo(f"emobatch: {printable(problem)}", err=True)
    return 3 if done.problems else 0


def _format_and_table(file: str, form: str | None, table: str | None) -> tuple[str, str]:
    """The names of format and table, as they are given or follow from each other."""
    if form is None:
        suffix = Path(file).suffix.lower()
        form = _SUFFIXES.get(suffix)
        if form is None:
            raise UsageError(
                f"{file}: its name tells no format", f"say --as {', '.join(_FORMATS[:-1])} or {_FORMATS[-1]}"
            )
    if form not in _FORMATS:
        raise UsageError(f"--as {form}: is no format", f"take one of {', '.join(_FORMATS)}")
    for_faces = form in ("feat", "openface")
    if table is None and not for_faces:
        raise UsageError("no --table is named", f"take one of {', '.join(_TABLES)}")
    if table is not None and table not in _TABLES:
        raise UsageError(f"--table {table}: is no table", f"take one of {', '.join(_TABLES)}")
    if for_faces and table not in (None, "faces"):
        raise UsageError(f"--table {table}: {form} is a format of faces", "leave --table out, or take --as csv")
    return form, table or "faces"


def _checked(file: str, force: bool) -> tuple[Path | None, int | None]:
    """Where to write, None for stdout; and the mode of the file that is there, which the new one is to have."""
    if file == "-":
        return None, None
    try:
        place = Path(file).resolve()  # A link stays one; what it leads to is replaced.
        mode = place.stat().st_mode if place.exists() else None
    except (OSError, ValueError, RuntimeError):
        raise UsageError(f"{file}: can be no file", "name another file, or - for stdout") from None
    if mode is not None and not stat.S_ISREG(mode):
        raise UsageError(f"{file}: is there and no file", "name another file, or - for stdout")
    if mode is not None and not force:
        raise UsageError(f"{file}: is there already", "name another file, or say --force to replace it")
    return place, mode


@contextmanager
def _opened(target: Path | None, mode: int | None) -> Iterator[BinaryIO]:
    from analytics.whole import whole

    try:
        if target is None:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
            return
        with whole(target) as file:
            if mode is not None:
                os.fchmod(file.fileno(), stat.S_IMODE(mode))
            yield file
    except BrokenPipeError:
        raise
    except OSError as error:
        problem = f"{target or 'stdout'}: cannot be written ({error.strerror or error})"
        if error.errno in _FULL:
            raise EmobatchError(problem, "free or mend the disk and export again; nothing is half-written") from error
        raise UsageError(problem, "name a file in a folder that is there and can be written") from error


def _named(columns: str, schema: "pa.Schema", table: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in columns.split(","))
    for name in names:
        _need_column("--columns", name, schema, table)
    if len(set(names)) < len(names):
        raise UsageError(f"--columns {columns}: names a column twice", "name each once")
    return names


def _need_column(option: str, name: str, schema: "pa.Schema", table: str) -> None:
    if name not in schema.names:
        raise UsageError(f"{option}: {table} has no column '{name}'", f"take one of {', '.join(schema.names)}")


def _all_of(conditions: Sequence[Any]) -> Any:
    return reduce(and_, conditions) if conditions else None


def _condition(text: str, schema: "pa.Schema", table: str) -> tuple[str, Any]:
    """The column that a condition reads, and the expression that it is."""
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = _CONDITION.fullmatch(text)
    if parts is None:
        raise UsageError(f"--where {text}: is no condition", "write COLUMN=VALUE, or != < <= > >= in place of =")
    name, operator, value = parts.groups()
    _need_column("--where", name, schema, table)
    column, kind, ordered = pc.field(name), schema.field(name).type, operator in ("<", "<=", ">", ">=")
    if value == "null":
        if ordered:
            raise UsageError(f"--where {text}: what is unknown is neither more nor less", "take = or !=")
        return name, column.is_valid() if operator == "!=" else column.is_null()
    if pa.types.is_list(kind):
        raise UsageError(f"--where {text}: {name} is a list", "compare it with null, or filter what was exported")
    if pa.types.is_boolean(kind) and ordered:
        raise UsageError(f"--where {text}: {name} is true or false", "take = or !=")
    literal = _literal(text, name, value, kind)
    return name, _OPERATORS[operator](column, literal)


def _literal(text: str, name: str, value: str, kind: "pa.DataType") -> "pa.Scalar":
    """A value in the type of its column: a float that is printed as 0.9 is equal to 0.9."""
    import pyarrow as pa

    try:
        if pa.types.is_string(kind):
            return pa.scalar(json.loads(value) if re.fullmatch('".*"', value, re.DOTALL) else value, kind)
        if pa.types.is_boolean(kind):
            return pa.scalar({"true": True, "false": False}[value.lower()], kind)
        if pa.types.is_timestamp(kind):
            moment = datetime.fromisoformat(value)
            return pa.scalar(moment if moment.tzinfo else moment.replace(tzinfo=UTC), kind)
        number: float = int(value) if pa.types.is_integer(kind) else float(value)
        if not abs(number) < float("inf"):
            raise ValueError(value)
        return pa.scalar(number, kind)
    except (ValueError, KeyError, OverflowError, pa.ArrowException):
        raise UsageError(
            f"--where {text}: '{value}' is no value of {name}", f"write {_example(kind)}, or null"
        ) from None


def _example(kind: "pa.DataType") -> str:
    import pyarrow as pa

    if pa.types.is_string(kind):
        return 'a text, in "…" with the escapes of JSON or without any'
    if pa.types.is_boolean(kind):
        return "true or false"
    if pa.types.is_timestamp(kind):
        return "a time such as 2026-11-01 or 2026-11-01T22:30:00+01:00, which without a zone is UTC"
    return f"a whole number of {kind.bit_width} bits" if pa.types.is_integer(kind) else "a number"


class _Progress:
    """How far it is, on a terminal alone: what is done elsewhere shows in the last line."""

    def __init__(self, quiet: bool) -> None:
        from rich.console import Console
        from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        console = Console(stderr=True, quiet=quiet)
        columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TextColumn("videos"), TimeElapsedColumn())
        self._shown = Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal)
        self._task = self._shown.add_task("reading", total=None)

    def __enter__(self) -> Self:
        self._shown.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._shown.stop()

    def tell(self, videos: int, of: int, rows: int) -> None:
        self._shown.update(self._task, completed=videos, total=of, description=f"{rows:,} rows,")


def _nothing_more_to_stdout() -> None:
    """Python writes what is left when it ends, and would complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
