"""What comparisons of networks and heads leave: a row each run that is kept as soon as it is done, and tables of all.

    OUT/settings.json     what all rows have in common
    OUT/rows/NAME.json    one run; where it is there, it is not run again
    OUT/comparison.csv    all rows
    OUT/comparison.json   {"rows": […], "summary": […]}
    OUT/comparison.md     the summary: mean and spread over the seeds, best first
    OUT/comparison.html   the same with charts, and what is taken for what

The spread is the standard deviation over the seeds (n - 1), and there is none of a single one.
"""

import csv
import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from analytics.errors import UsageError
from reports.lab import same_for_all, write_lab

Row = dict[str, Any]

MEASURED: Final = (
    "accuracy",
    "macro_f1",
    "loss",
    "train_accuracy",
    "train_loss",
    "epochs",
    "pictures_seen",
    "seconds",
    "face_ms",
    "file_bytes",
)
"""Figures whose mean and spread the summary has; the others are alike for all seeds."""
DETAILS: Final = ("classes", "confusion", "history")
"""What is no single figure: kept for the page and in JSON, and left out of CSV and summary."""
_ALWAYS_BEFORE: Final = {"patience": 0, "schedule": "cosine", "plain": False, "augment": ""}
"""What held for every comparison before these settings could be chosen; its record does not name them."""


def claim(out: Path, settings: Mapping[str, Any]) -> None:
    """Make sure that a folder holds no rows of other settings.

    Raises:
        UsageError: it does, or it cannot be written.
    """
    record = out / "settings.json"
    if (out / "begun.json").exists():
        raise UsageError(f"--out {out}: is the folder of a training", "name another folder")
    wanted = json.loads(json.dumps(settings))
    try:
        out.mkdir(parents=True, exist_ok=True)
        begun = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else wanted
        begun = {name: value for name, value in _ALWAYS_BEFORE.items() if name in wanted} | begun
        if begun != wanted:
            names = [name for name in {**begun, **wanted} if begun.get(name) != wanted.get(name)]
            differing = ", ".join(f"{name} {begun.get(name)} instead of {wanted.get(name)}" for name in names)
            what = (
                f"of {begun['compares']}" if "compares" in names and "compares" in begun else f"begun with {differing}"
            )
            remedy = f"give the same settings again, name another --out, or remove the folder {out} to begin anew"
            raise UsageError(f"--out {out}: holds a comparison {what}", remedy)
        _write(record, json.dumps(wanted, indent=2) + "\n")
    except OSError as error:
        raise UsageError(f"--out {out}: cannot be written ({error.strerror or error})", "name another folder") from None
    except (ValueError, TypeError, AttributeError):
        raise UsageError(f"{record}: is damaged", f"remove the folder {out} to begin anew") from None


def kept(out: Path, name: str, make: Callable[[], Row]) -> Row:
    """The row of a run that is done, or that is made now and kept. A run that failed is tried again another time.

    Raises:
        UsageError: a row that was kept is damaged.
    """
    path = out / "rows" / f"{name}.json"
    try:
        row: Row = json.loads(path.read_text(encoding="utf-8"))
        return row
    except FileNotFoundError:
        row = make()
    except ValueError:
        raise UsageError(f"{path}: is damaged", "remove it, and that run is made again") from None
    if not row.get("problem"):
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, json.dumps(row, indent=2) + "\n")
    return row


def with_others(out: Path, rows: Sequence[Row]) -> list[Row]:
    """These rows, and those of earlier runs of the same comparison that were not asked for this time.

    Raises:
        UsageError: a row that was kept is damaged.
    """
    made = {_run_of(row) for row in rows}
    others = [kept(out, path.stem, dict) for path in sorted((out / "rows").glob("*.json"))]
    return [*rows, *(row for row in others if _run_of(row) not in made)]


def _run_of(row: Row) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in ("net", "features", "head", "seed"))


def summary_of(rows: Sequence[Row], by: Sequence[str]) -> list[Row]:
    """Rows that are alike in `by` as one, with mean and spread of what was measured; the most accurate first."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        if not row.get("problem"):
            groups.setdefault(tuple(row[name] for name in by), []).append(row)
    found = [_together(group) for group in groups.values()]
    return sorted(found, key=lambda row: -row["accuracy"])


def _together(group: Sequence[Row]) -> Row:
    together = {name: value for name, value in group[0].items() if name not in ("seed", "best_epoch", *DETAILS)}
    together["seeds"] = len(group)
    if "ended_by" in together:
        together["ended_by"] = " or ".join(dict.fromkeys(row["ended_by"] for row in group))
    for name in MEASURED:
        # A row that an earlier release left may lack what is measured now.
        if values := [row[name] for row in group if name in row]:
            together[name] = statistics.fmean(values)
            together[f"{name}_spread"] = statistics.stdev(values) if len(values) > 1 else None
    return together


def write_tables(out: Path, title: str, rows: Sequence[Row], by: Sequence[str]) -> Row:
    """Write the tables of these rows and of those that were there, and return what comparison.json holds."""
    rows = with_others(out, rows)
    found: Row = {"rows": rows, "summary": summary_of(rows, by)}
    _write(out / "comparison.json", json.dumps(found, indent=2) + "\n")
    names = list(dict.fromkeys(name for row in rows for name in row if name not in DETAILS))
    half = out / "comparison.csv.tmp"
    with half.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.DictWriter(lines, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    half.replace(out / "comparison.csv")
    settings = json.loads((out / "settings.json").read_text(encoding="utf-8"))
    _write(out / "comparison.md", _markdown(title, settings, found, by))
    write_lab(out, title=title, settings=settings, rows=found["rows"], summary=found["summary"], by=by)
    return found


def _markdown(title: str, settings: Row, found: Row, by: Sequence[str]) -> str:
    forms = {
        "parameters": ",",
        "size": "",
        "batch": "",
        "learning_rate": "g",
        "optimizer": "",
        "width": ",",
        "pictures": ",",
    }
    named = ("seeds", *forms, *MEASURED, "ended_by")
    columns = [*by, *(name for name in named if any(name in row for row in found["summary"]))]
    same = "; ".join(f"{words}: {value}" for words, value in same_for_all(settings, found["rows"]).items())
    lines = [f"# {title}\n", f"The same for all: {same}.\n", f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    for row in found["summary"]:
        cells = [_cell(row, name, forms.get(name, "")) for name in columns]
        lines.append(f"| {' | '.join(cells)} |")
    lines += [f"\n{row['name']}: {row['problem']}" for row in found["rows"] if row.get("problem")]
    return "\n".join(lines) + "\n"


def _cell(row: Row, name: str, form: str) -> str:
    if name not in row:
        return "-"
    if name not in MEASURED:
        return format(row[name], form)
    digits = 3 if "accuracy" in name or name in ("macro_f1", "loss", "train_loss", "face_ms") else 0
    if name == "seconds":
        digits = 1
    spread = row.get(f"{name}_spread")
    return f"{row[name]:,.{digits}f}" + (f" ± {spread:,.{digits}f}" if spread is not None else "")


def _write(path: Path, text: str) -> None:
    half = path.with_name(f"{path.name}.tmp")
    half.write_text(text, encoding="utf-8")
    half.replace(path)
