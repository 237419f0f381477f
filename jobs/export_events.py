"""The table `events` for other programs: small, and of no single video, so it is read whole."""

from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from analytics.listing import EVENTS
from analytics.snapshot import all_rows, read_table
from jobs.export import Exported, Selection, Tell
from jobs.export_formats import Format, classes_below, schema_of


def export_events(out: Path, file: BinaryIO, selection: Selection, form: Format, *, safe: bool, tell: Tell) -> Exported:
    """Write the selected events by day, camera and start. A file that cannot be read is left out and named.

    Args:
        out: the output folder.
        file: takes the text.
        selection: of rows and columns.
        form: of the text.
        safe: whether texts are kept from being taken for formulas by spreadsheets.
        tell: progress, of files.

    Raises:
        OSError: the file cannot be written, or nobody reads it any more.
    """
    schema = schema_of(EVENTS, classes_below(out)[0])
    found = read_table(out, EVENTS, all_rows)
    parts = [part.select(schema.names).replace_schema_metadata(None).cast(schema) for _, part in found.parts]
    rows = pa.concat_tables([*parts, schema.empty_table()])
    if selection.condition is not None:
        rows = rows.filter(selection.condition)
    file.write(form.header(selection.columns))
    file.write(form.lines(form.shape(rows).select(selection.columns), safe))
    tell(len(parts), len(parts), len(rows))
    problems = tuple(f"{path}: cannot be read ({error})" for path, error in sorted(found.unreadable.items()))
    return Exported(len(rows), problems)
