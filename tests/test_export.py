"""`emobatch export`: what other programs read is what the tables hold, each row once, whole files or none."""

import csv
import io
import json
import math
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.compaction import COMPACTED, compact, loosen
from analytics.expressions import EXPRESSIONS
from analytics.listing import TABLES, list_tables
from analytics.schema import TABLES as SCHEMAS
from analytics.schema import tables_for
from analytics.tables import CLASSES, NO_ROWS, Place, prepare, write_video
from jobs.export_formats import csv_header, csv_lines, json_lines
from tests.archive import DOOR, METADATA, fill, fill_mixed, tables_of, video_id_of
from tests.bucket import s3_server
from tests.command import COMMAND, ENVIRONMENT, emobatch, files_below, without_override
from tests.test_report_data import HOSTILE, PARTIAL, START, WHOLE, face_row, video_row, write_results, write_rows

Row = dict[str, Any]

ODD: Final = Place("2026-03-03", "Tor 3/Süd")
FORMULA: Final = Place("2026-03-03", '=cmd|"/c calc"!A1')
TIMES: Final = {"videos": "start_time", "samples": "pts_s", "faces": "pts_s", "tracks": "start_s"}


@pytest.fixture(scope="module", name="out")
def _out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Videos of cameras with odd names, some hostile, some failed, some of nobody; one is a copy."""
    out = tmp_path_factory.mktemp("results") / "out"
    fill_mixed(out)
    fill(out, range(50, 54), ODD)
    fill(out, range(60, 62), FORMULA, source=f'/archive/"{HOSTILE}"\r\n,;\t\\x.mp4', reason='=2+3";\n\0')
    return out


@pytest.fixture(scope="module", name="compacted")
def _compacted(out: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, most of it put together, and some not."""
    copy = tmp_path_factory.mktemp("compacted") / "out"
    shutil.copytree(out, copy)
    for folder in list_tables(copy).files["videos"]:
        compact(copy, list_tables(copy), folder)
    loosen(copy, list_tables(copy), DOOR.partition, [video_id_of(3), video_id_of(20)])
    assert (copy / "faces" / DOOR.partition / COMPACTED).exists()
    return copy


def stored(out: Path, table: str) -> list[Row]:
    """All rows of a table in the order that is promised: by folder, start and source of the video, and time."""
    videos = {row["video_id"]: row for _, row in _rows_with_folders(out, "videos")}

    def key(found: tuple[str, Row]) -> tuple[Any, ...]:
        folder, row = found
        start, source = (videos[row["video_id"]][name] for name in ("start_time", "source"))
        return (
            folder,
            start is None,
            start or START,
            source,
            row["video_id"],
            row[TIMES[table]] if table != "videos" else 0,
        )

    return [row for _, row in sorted(_rows_with_folders(out, table), key=key)]


def _rows_with_folders(out: Path, table: str) -> list[tuple[str, Row]]:
    files = sorted((out / table).rglob("*.parquet"))
    folders = [file.parent.relative_to(out / table).as_posix() for file in files]
    return [
        (folder, row)
        for folder, file in zip(folders, files, strict=True)
        for row in pq.ParquetFile(file).read().to_pylist()
    ]


def of_csv(text: str, schema: pa.Schema) -> list[Row]:
    """Rows of a CSV file as Python's reader finds them, in the types of the schema."""
    header, *lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    return [
        {name: _value(cell, schema.field(name).type) for name, cell in zip(header, line, strict=True)} for line in lines
    ]


def of_jsonl(text: str, schema: pa.Schema) -> list[Row]:
    """Rows of JSON lines, whose times and floats are in the types of the schema."""
    rows = [json.loads(line, parse_constant=_refuse) for line in text.split("\n")[:-1]]
    assert text == "" or text.endswith("\n")
    return [{name: _typed(value, schema.field(name).type) for name, value in row.items()} for row in rows]


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def _value(cell: str, kind: pa.DataType) -> Any:
    if cell == "":
        return None
    if pa.types.is_list(kind) or pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _typed(json.loads(cell), kind)
    return _typed(cell, kind)


def _typed(value: Any, kind: pa.DataType) -> Any:
    if value is None:
        return None
    if pa.types.is_timestamp(kind):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", value)
        return datetime.fromisoformat(value)
    if pa.types.is_float32(kind):
        return float(np.float32(value))
    assert pa.types.is_boolean(kind) == isinstance(value, bool)
    return value


ONE_AFTER_ANOTHER: Final = """
import contextlib, io, json, sys
import emobatch
found = []
for arguments in json.load(sys.stdin):
    sys.argv = ["emobatch", *arguments]
    with contextlib.redirect_stderr(io.StringIO()) as told, contextlib.redirect_stdout(io.StringIO()):
        try:
            emobatch.main()
        except SystemExit as ending:
            found.append((ending.code, told.getvalue()))
print(json.dumps(found))
"""


def one_after_another(commands: Sequence[Sequence[str]], cwd: Path) -> list[tuple[int, str]]:
    """The exit code of each command and what it says on stderr, in one process: starting one takes a second."""
    done = subprocess.run(
        [sys.executable, "-c", ONE_AFTER_ANOTHER],
        cwd=cwd, env=ENVIRONMENT, input=json.dumps(commands), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [(code, told) for code, told in json.loads(done.stdout)]


READERS: Final[dict[str, Callable[[str, pa.Schema], list[Row]]]] = {"csv": of_csv, "jsonl": of_jsonl}


def exported(out: Path, *arguments: str, cwd: Path, code: int = 0) -> str:
    """What the command prints."""
    done = emobatch("export", out, "-", *arguments, cwd=cwd)
    assert done.code == code, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("table", "form"),
    [
        pytest.param(table, form, marks=() if form == "csv" or table == "faces" else pytest.mark.slow)
        for table in TABLES
        for form in READERS
    ],
)
def test_all_rows_in_order_whether_put_together_or_not(
    table: str, form: str, out: Path, compacted: Path, tmp_path: Path
) -> None:
    """Every value of every row, odd cameras and hostile names included; the file says the same as stdout."""
    wanted = stored(out, table)
    assert len(wanted) == {"videos": 28, "samples": 104}.get(table, len(wanted)) > 0
    done = emobatch("export", out, f"rows.{form}", "--table", table, "--json", cwd=tmp_path)
    told = {"file": f"rows.{form}", "rows": len(wanted), "table": table, "format": form, "problems": []}
    assert (done.code, done.json, done.stderr) == (0, told, "")
    text = (tmp_path / f"rows.{form}").read_bytes().decode()
    assert READERS[form](text, SCHEMAS[table]) == wanted
    for place in (out, compacted):
        done_again = subprocess.run(
            [*COMMAND, "export", place, "-", "--table", table, "--as", form],
            cwd=tmp_path, env=ENVIRONMENT, capture_output=True, check=True,
        )  # fmt: skip
        assert done_again.stdout.decode() == text


def test_csv_is_rfc_4180(out: Path, tmp_path: Path) -> None:
    """A header, CRLF, quotes where they are needed, an empty text told from an unknown one, and numbers as they are."""
    fill(tmp_path / "out", [1], reason="")
    header, line, rest = exported(tmp_path / "out", "--table", "videos", "--as", "csv", cwd=tmp_path).split("\r\n")
    assert header == ",".join(SCHEMAS["videos"].names) and rest == ""
    assert ',done,"",1.5,default 0123456789ab,' in line
    assert ",file name,Europe/Berlin,container,60,60,1,[],,1280,720,0,h264,25,4," in line


CONDITIONS: Final[list[tuple[str, str, Callable[[Row], bool]]]] = [
    ("faces", "camera=door", lambda row: row["camera"] == "door"),
    ("faces", "camera = Tor 3/Süd", lambda row: row["camera"] == "Tor 3/Süd"),
    ("faces", 'camera="01"', lambda row: row["camera"] == "01"),
    ("faces", "camera!=door", lambda row: row["camera"] not in ("door", None)),
    ("faces", "sample>1", lambda row: row["sample"] > 1),
    ("faces", "sample>=1", lambda row: row["sample"] >= 1),
    ("faces", "pts_s<0.5", lambda row: row["pts_s"] < 0.5),
    ("faces", "pts_s <= 0.5", lambda row: row["pts_s"] <= 0.5),
    ("faces", "usable=true", lambda row: row["usable"]),
    ("faces", "usable!=TRUE", lambda row: not row["usable"]),
    ("faces", "time=null", lambda row: row["time"] is None),
    ("faces", "time!=null", lambda row: row["time"] is not None),
    ("faces", "angry=0.14285715", lambda row: row["angry"] == float(np.float32(1 / 7))),
    ("videos", "start_time>=2026-03-01T23:30+01:00", lambda row: _after(row, 30)),
    ("videos", "start_time>2026-03-01 22:29:59.999999", lambda row: _after(row, 30)),
    ("videos", "start_time<2026-03-01", lambda row: False),
    ("videos", "start_time=2026-03-01T22:00:00Z", lambda row: row["start_time"] == START),
    ("videos", "status=failed", lambda row: row["status"] == "failed"),
    ("videos", 'reason="=2+3\\";\\n\\u0000"', lambda row: row["reason"] == '=2+3";\n\0'),
    ("videos", "holes=null", lambda row: False),
    ("videos", "duplicate_of!=null", lambda row: row["duplicate_of"] is not None),
    ("tracks", f"video_id={video_id_of(50)}", lambda row: row["video_id"] == video_id_of(50)),
    ("tracks", f"video_id>{video_id_of(50)}", lambda row: row["video_id"] > video_id_of(50)),
    ("samples", "n_faces==0", lambda row: row["n_faces"] == 0),
]


def test_rows_of_which_a_condition_holds(compacted: Path, tmp_path: Path) -> None:
    """Each operator and each type; what is unknown satisfies nothing but = null."""
    commands = [
        ("export", str(compacted), f"{number}.jsonl", "--table", table, "--where", condition)
        for number, (table, condition, _) in enumerate(CONDITIONS)
    ]
    empty = []
    for number, (code, told) in enumerate(one_after_another(commands, tmp_path)):
        table, condition, holds = CONDITIONS[number]
        assert code == 0, (condition, told)
        rows = of_jsonl((tmp_path / f"{number}.jsonl").read_bytes().decode(), SCHEMAS[table])
        assert rows == [row for row in stored(compacted, table) if holds(row)], condition
        empty += [] if rows else [condition]
    assert empty == ["usable!=TRUE", "start_time<2026-03-01", "holes=null"]


def _after(row: Row, minutes: int) -> bool:
    return row["start_time"] is not None and row["start_time"] >= START + timedelta(minutes=minutes)


def test_conditions_hold_together_and_columns_are_chosen(out: Path, tmp_path: Path) -> None:
    """Of columns that are not written, too; in the order in which they are named."""
    arguments = ("--table", "faces", "--as", "csv", "--where", "camera=door", "--where", "sample=1")
    text = exported(out, *arguments, "--columns", "score,video_id", cwd=tmp_path)
    rows = [row for row in stored(out, "faces") if row["camera"] == "door" and row["sample"] == 1]
    assert of_csv(text, SCHEMAS["faces"]) == [{name: row[name] for name in ("score", "video_id")} for row in rows]


WRONG: Final = [
    (("x.txt", "--table", "faces"), "x.txt: its name tells no format: say --as csv, jsonl, feat or openface"),
    (("-", "--table", "faces"), "-: its name tells no format"),
    (("x.csv",), "no --table is named: take one of videos, samples, faces, tracks"),
    (("x.csv", "--table", "face"), "--table face: is no table: take one of videos"),
    (("x.csv", "--as", "xlsx", "--table", "faces"), "--as xlsx: is no format: take one of csv"),
    (("x.csv", "--as", "feat", "--table", "tracks"), "--table tracks: feat is a format of faces"),
    (("x.csv", "--as", "feat", "--columns", "frame"), "--columns: feat has columns of its own"),
    (("x.jsonl", "--table", "faces", "--safe-cells"), "--safe-cells: is for CSV"),
    (("-", "--as", "csv", "--table", "faces", "--json"), "--json: stdout is taken by the rows"),
    (("x.csv", "--table", "samples", "--columns", "gate,gaze"), "samples has no column 'gaze': take one of video_id,"),
    (("x.csv", "--table", "samples", "--columns", "gate,gate"), "names a column twice"),
    (("x.csv", "--table", "faces", "--where", "mood=1"), "--where: faces has no column 'mood': take one of video_id"),
    (("x.csv", "--table", "faces", "--where", "usable"), "--where usable: is no condition: write COLUMN=VALUE"),
    (("x.csv", "--table", "faces", "--where", "usable=yes"), "'yes' is no value of usable: write true or false"),
    (("x.csv", "--table", "faces", "--where", "usable>true"), "usable is true or false: take = or !="),
    (("x.csv", "--table", "faces", "--where", "sample=1.5"), "'1.5' is no value of sample: write a whole number"),
    (("x.csv", "--table", "faces", "--where", "sample=3000000000"), "is no value of sample"),
    (("x.csv", "--table", "faces", "--where", "score=nan"), "'nan' is no value of score: write a number"),
    (("x.csv", "--table", "faces", "--where", "score="), "'' is no value of score"),
    (("x.csv", "--table", "faces", "--where", "time>soon"), "'soon' is no value of time: write a time such as 2026"),
    (("x.csv", "--table", "faces", "--where", "time<null"), "what is unknown is neither more nor less"),
    (("x.csv", "--table", "faces", "--where", 'camera="a"b"'), "is no value of camera: write a text"),
    (("x.csv", "--table", "videos", "--where", "holes=[]"), "holes is a list: compare it with null"),
]


def test_a_wrong_command_line_is_told_with_the_remedy(out: Path, tmp_path: Path) -> None:
    """Before anything is written."""
    found = one_after_another([("export", str(out), *arguments) for arguments, _ in WRONG], tmp_path)
    for (arguments, wanted), (code, told) in zip(WRONG, found, strict=True):
        assert (code, told.count("\n")) == (2, 1), (arguments, told)
        assert told.startswith("emobatch: ") and wanted in told, (arguments, told)
    assert files_below(tmp_path) == set()


def test_a_file_that_is_there_stays_without_force(out: Path, tmp_path: Path) -> None:
    """With --force it is replaced, keeps its mode, and a link stays a link."""
    file, link = tmp_path / "rows.csv", tmp_path / "link.csv"
    file.write_text("mine")
    file.chmod(0o600)
    link.symlink_to(file)
    for name in ("rows.csv", "link.csv"):
        done = emobatch("export", out, name, "--table", "faces", cwd=tmp_path)
        assert done.code == 2 and done.only_error().endswith(
            f"{name}: is there already: name another file, or say --force to replace it"
        )
    assert file.read_text() == "mine"
    done = emobatch("export", out, "link.csv", "--table", "faces", "--force", cwd=tmp_path)
    assert (done.code, done.stdout) == (0, f"link.csv: {len(stored(out, 'faces'))} rows of faces\n")
    assert link.is_symlink() and file.read_text().startswith("video_id,") and file.stat().st_mode & 0o777 == 0o600
    assert files_below(tmp_path) == {"rows.csv", "link.csv"}


def test_what_cannot_be_written_leaves_nothing(out: Path, tmp_path: Path) -> None:
    """No folder, a folder in its place, one without permission, a device, a name too long; exit code 2 and the remedy."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "closed").mkdir(mode=0o555)
    for name in ("no/rows.csv", "folder", "closed/rows.csv", "/dev/null", f"{'x' * 230}.csv"):
        done = emobatch(
            "export", out, name, "--as", "csv", "--table", "faces", "--force", cwd=tmp_path, before=without_override()
        )
        assert done.code == 2 and ": name a" in done.only_error(), name
    assert Path("/dev/null").is_char_device()
    assert files_below(tmp_path) == set()


def test_a_full_disk_leaves_nothing_and_what_was_there_before(out: Path, tmp_path: Path) -> None:
    """A limit on the size of files stands for it; so does /dev/full."""
    (tmp_path / "rows.csv").write_text("mine")
    (out / "access.jsonl").unlink()  # It may be longer by now than the limit.
    code = "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
    code += "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); import emobatch; emobatch.main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "export", out, "rows.csv", "--table", "faces", "--force"],
        cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "rows.csv: cannot be written (File too large): free or mend the disk and export again" in done.stderr
    assert files_below(tmp_path) == {"rows.csv"} and (tmp_path / "rows.csv").read_text() == "mine"
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, "export", out, "-", "--as", "csv", "--table", "faces"],
            cwd=tmp_path, env=ENVIRONMENT, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == (
        "emobatch: stdout: cannot be written (No space left on device): free or mend the disk and export again; "
        "nothing is half-written\n"
    )


def test_whoever_reads_stdout_may_stop(tmp_path: Path) -> None:
    """As `head` does: no word, and no error."""
    fill(tmp_path / "out", range(40), faces=400)
    command = [*COMMAND, "export", "out", "-", "--as", "jsonl", "--table", "faces"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout and process.stderr
        assert process.stdout.readline().startswith(b"{")
        process.stdout.close()
        told = process.stderr.read()
    assert (process.returncode, told) == (0, b"")


def test_damaged_tables_are_named_and_the_rest_is_exported(out: Path, tmp_path: Path) -> None:
    """Exit code 3, as `report` does: a file of faces, one that is gone, and one of videos."""
    copy = tmp_path / "out"
    shutil.copytree(out, copy)
    faces = copy / "faces" / ODD.partition
    broken, gone, kept, unknown = (video_id_of(number) for number in _with_faces(out, range(50, 54)))
    (faces / f"{broken}.parquet").write_bytes(b"PAR1 no more")
    (faces / f"{gone}.parquet").unlink()
    (copy / "videos" / ODD.partition / f"{unknown}.parquet").write_bytes(b"")
    done = emobatch("export", "out", "rows.jsonl", "--table", "faces", "--json", cwd=tmp_path)
    assert done.code == 3
    told = done.json["problems"]
    assert len(told) == 3 and done.stderr.splitlines() == [f"emobatch: {problem}" for problem in told]
    assert any(f"{broken}.parquet: is damaged" in one for one in told)
    assert any(f"({gone}): the table of videos promises" in one for one in told)
    assert any(f"{unknown}.parquet: is damaged" in one for one in told)
    rows = of_jsonl((tmp_path / "rows.jsonl").read_text(), SCHEMAS["faces"])
    assert rows == [row for row in stored(out, "faces") if row["video_id"] not in (broken, gone, unknown)]
    assert kept in {row["video_id"] for row in rows} and done.json["rows"] == len(rows)


def _with_faces(out: Path, numbers: Sequence[int]) -> Sequence[int]:
    """The numbers, those of videos with faces first."""
    ids = {row["video_id"] for row in stored(out, "faces")}
    return sorted(numbers, key=lambda number: video_id_of(number) not in ids)


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    """And one whose tables another release wrote."""
    done = emobatch("export", tmp_path, "x.csv", "--table", "faces", cwd=tmp_path)
    assert done.code == 2 and "holds no results of emobatch" in done.only_error()


def test_a_damaged_file_of_classes_is_named(out: Path, tmp_path: Path) -> None:
    """Columns of other classes might be missing then."""
    shutil.copytree(out, tmp_path / "out")
    (tmp_path / "out" / "tracks" / Place(None, None).partition / NO_ROWS).write_bytes(b"?")
    done = emobatch("export", "out", "x.csv", "--table", "videos", "--quiet", cwd=tmp_path)
    assert (done.code, done.stdout) == (3, "")
    assert "out/tracks: the classes of the classifier cannot be told" in done.stderr
    assert (tmp_path / "x.csv").read_text().count("done") > 20


def test_the_newest_of_two_rows_of_a_video_counts(tmp_path: Path) -> None:
    """With the rows of its own partition, whatever was left in another."""
    write_results(tmp_path / "out")
    older = video_row(WHOLE, source="/archive/before.mp4", finished_at=START, n_faces=1)
    write_rows(tmp_path / "out", "videos", [older], WHOLE, "day=2026-03-01/cam=a")
    left = stored(tmp_path / "out", "faces")[:1]
    write_rows(tmp_path / "out", "faces", left, WHOLE, "day=2026-03-01/cam=a")
    videos = of_jsonl(exported(tmp_path / "out", "--as", "jsonl", "--table", "videos", cwd=tmp_path), SCHEMAS["videos"])
    assert len(videos) == 5 and [row["source"] for row in videos if row["video_id"] == WHOLE] == [f"/archive/{HOSTILE}"]
    assert exported(tmp_path / "out", "--as", "jsonl", "--table", "faces", cwd=tmp_path).count("\n") == 131


EXPORT_AGAIN_AND_AGAIN: Final = """
import io, sys, time
from pathlib import Path
from jobs.export import Selection, export
from jobs.export_formats import FORMATS
out, until, rounds, wanted = Path(sys.argv[1]), time.monotonic() + float(sys.argv[2]), 0, None
while time.monotonic() < until:
    found = []
    for table, columns in (("faces", ("video_id", "pts_s")), ("samples", ("video_id", "sample")), ("videos", ("source",))):
        text = io.BytesIO()
        done = export(out, text, Selection(table=table, columns=columns), FORMATS["csv"], safe=False, tell=lambda *_: None)
        assert not done.problems, done.problems
        found.append(sorted(text.getvalue().splitlines()) if sys.argv[3] == "moved" else text.getvalue())
    wanted, rounds = wanted or found, rounds + 1
    assert found == wanted, rounds
print(rounds)
"""


def test_each_row_comes_once_while_another_process_compacts(tmp_path: Path) -> None:
    """And while it gives videos files of their own again: always the same text."""
    fill(tmp_path, range(30))
    command = [sys.executable, "-c", EXPORT_AGAIN_AND_AGAIN, str(tmp_path), "4", "compacted"]
    with subprocess.Popen(command, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as reader:
        chosen, changes = random.Random(1), 0
        while reader.poll() is None:
            compact(tmp_path, list_tables(tmp_path), DOOR.partition)
            some = [video_id_of(number) for number in chosen.sample(range(30), 3)]
            loosen(tmp_path, list_tables(tmp_path), DOOR.partition, some)
            changes += 2
        read = reader.communicate()[0]
    assert reader.returncode == 0
    assert int(read) > 0 and changes > 10


def test_each_row_comes_once_while_another_process_moves_videos(tmp_path: Path) -> None:
    """To another day and camera and back, as a run does whose rules changed: always the same rows."""
    fill(tmp_path, range(20))
    command = [sys.executable, "-c", EXPORT_AGAIN_AND_AGAIN, str(tmp_path), "4", "moved"]
    with subprocess.Popen(command, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as reader:
        changes = 0
        while reader.poll() is None:
            old, new = (DOOR, ODD) if changes // 20 % 2 == 0 else (ODD, DOOR)
            one = video_id_of(changes % 20)
            write_video(tmp_path, new, one, tables_of(changes % 20), METADATA, replaces=[(old.partition, one)])
            changes += 1
        read = reader.communicate()[0]
    assert reader.returncode == 0
    assert int(read) > 0 and changes > 40


def test_spreadsheets_take_no_text_for_a_formula(out: Path, tmp_path: Path) -> None:
    """Only where that is asked for: what is exported is otherwise what the tables hold."""
    plain = exported(out, "--as", "csv", "--table", "videos", cwd=tmp_path)
    safe = exported(out, "--as", "csv", "--table", "videos", "--safe-cells", cwd=tmp_path)
    cells = [cell for line in csv.reader(io.StringIO(safe, newline="")) for cell in line]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]
    assert f"'{FORMULA.camera}" in cells and "'=2+3\";\n\0" in cells
    rows = of_csv(safe, SCHEMAS["videos"])
    for row in rows:
        row |= {name: value.removeprefix("'") for name, value in row.items() if isinstance(value, str)}
    assert rows == of_csv(plain, SCHEMAS["videos"])


def test_py_feat_finds_its_columns(tmp_path: Path) -> None:
    """As Detectorv1 of py-feat 2.1 saves them; what emobatch does not have is empty or left out."""
    write_results(tmp_path / "out")
    text = exported(tmp_path / "out", "--as", "feat", cwd=tmp_path)
    feat = pd.read_csv(io.StringIO(text, newline=""))
    assert list(feat.columns) == [
        *("FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight", "FaceScore"),
        *("Pitch", "Roll", "Yaw", "X", "Y", "Z"),
        *("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"),
        *("FrameHeight", "FrameWidth", "input", "frame", "approx_time", "Identity"),
        *("video_id", "pts_s", "time", "usable"),
    ]
    faces = pd.DataFrame(stored(tmp_path / "out", "faces"))
    assert feat.frame.tolist() == faces["sample"].tolist() and feat.pts_s.tolist() == faces.pts_s.tolist()
    assert feat.FaceRectX.tolist() == faces.x.tolist() and feat.usable.tolist() == faces.usable.tolist()
    np.testing.assert_allclose(feat.Pitch, np.radians(faces.pitch_deg), rtol=1e-6)
    np.testing.assert_allclose(feat.Yaw, -np.radians(faces.yaw_deg), rtol=1e-6)
    assert set(feat.input) == {f"/archive/{HOSTILE}", "/archive/gate.mkv"}
    assert feat.Identity.dropna().unique().tolist() == [f"{WHOLE}_1", f"{WHOLE}_2", f"{PARTIAL}_1"]
    assert feat.Identity.isna().sum() == 1 and feat[["Roll", "X", "Y", "Z"]].isna().all(axis=None)
    assert feat.approx_time.tolist() == [f"00:{int(pts_s):02}" for pts_s in faces.pts_s]


def test_openface_finds_its_columns(tmp_path: Path) -> None:
    """As OpenFace 2 writes sequences; action units and landmarks are left out."""
    write_results(tmp_path / "out")
    done = emobatch("export", "out", "o.csv", "--as", "openface", "--where", "usable=true", "--json", cwd=tmp_path)
    assert done.json == {"file": "o.csv", "rows": 120, "table": "faces", "format": "openface", "problems": []}
    openface = pd.read_csv(tmp_path / "o.csv")
    assert list(openface.columns)[:11] == [
        *("frame", "face_id", "timestamp", "confidence", "success"),
        *("pose_Tx", "pose_Ty", "pose_Tz", "pose_Rx", "pose_Ry", "pose_Rz"),
    ]
    faces = pd.DataFrame([row for row in stored(tmp_path / "out", "faces") if row["usable"]])
    assert openface.frame.tolist() == [sample + 1 for sample in faces["sample"]]
    assert openface.face_id.tolist() == faces.track_id.tolist() and openface.success.eq(1).all()
    assert openface.timestamp.tolist() == faces.pts_s.tolist() and openface.confidence.tolist() == faces.score.tolist()
    np.testing.assert_allclose(openface.pose_Rx, -np.radians(faces.pitch_deg), rtol=1e-6)
    np.testing.assert_allclose(openface.pose_Ry, -np.radians(faces.yaw_deg), rtol=1e-6)


def test_classes_of_a_users_own_are_columns(tmp_path: Path) -> None:
    """Behind the seven; those of the seven that the network does not know are unknown, in py-feat's columns, too."""
    classes, out = ("happy", "bored"), tmp_path / "out"
    metadata = METADATA | {CLASSES: ",".join(classes)}
    face = face_row(WHOLE, 0.0, None, None) | dict.fromkeys(EXPRESSIONS) | {"happy": 0.25, "bored": 0.75}
    rows = {"faces": [face], "videos": [video_row(WHOLE, n_faces=1)]}
    schemas = tables_for(classes)
    tables = {table: pa.Table.from_pylist(of_table, schema=schemas[table]) for table, of_table in rows.items()}
    prepare(out, metadata, classes)
    write_video(out, DOOR, WHOLE, tables, metadata, classes)
    assert of_csv(exported(out, "--as", "csv", "--table", "faces", cwd=tmp_path), schemas["faces"]) == [face]
    assert exported(out, "--as", "csv", "--table", "faces", "--where", "bored<0.7", cwd=tmp_path).count("\n") == 1
    feat = pd.read_csv(io.StringIO(exported(out, "--as", "feat", cwd=tmp_path)))
    assert feat.happiness.tolist() == [0.25] and feat[["anger", "neutral"]].isna().all(axis=None)


TEXTS: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["", '"', "\r\n", ",", "'", "null", "=1", "\u2028", "\0"]
)
SINGLES: Final = st.floats(width=32, allow_nan=False, allow_infinity=False)
DOUBLES: Final = st.floats(allow_nan=False, allow_infinity=False)
HOLES: Final = st.lists(st.fixed_dictionaries({"start_s": DOUBLES, "kind": TEXTS}), max_size=2)
KINDS: Final = {
    "text": (pa.string(), TEXTS),
    "single": (pa.float32(), SINGLES),
    "double": (pa.float64(), DOUBLES),
    "count": (pa.int32(), st.integers(-(2**31), 2**31 - 1)),
    "flag": (pa.bool_(), st.booleans()),
    "time": (
        pa.timestamp("us", tz="UTC"),
        st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC)),
    ),
    "holes": (pa.list_(pa.struct([("start_s", pa.float64()), ("kind", pa.string())])), HOLES),
}
SCHEMA: Final = pa.schema([(name, kind) for name, (kind, _) in KINDS.items()])
ROWS: Final = st.lists(
    st.fixed_dictionaries({name: st.none() | values for name, (_, values) in KINDS.items()}), max_size=6
)


@given(ROWS)
def test_any_row_comes_back_from_text(rows: list[Row]) -> None:
    """Whatever the values: from CSV but for an empty text, which only careful readers tell from an unknown one."""
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    assert of_jsonl(json_lines(table, False).decode(), SCHEMA) == table.to_pylist()
    back = of_csv((csv_header(SCHEMA.names) + csv_lines(table, False)).decode(), SCHEMA)
    assert back == [row | {"text": row["text"] or None} for row in table.to_pylist()]


def test_what_is_no_number_is_unknown() -> None:
    """JSON has no word for it, and nobody can reckon with it."""
    odd = pa.table({"x": pa.array([math.nan, math.inf, -math.inf, 1.5], pa.float32())})
    assert json_lines(odd, False) == b'{"x":null}\n{"x":null}\n{"x":null}\n{"x":1.5}\n'
    assert csv_lines(odd, False) == b"\r\n\r\n\r\n1.5\r\n"


def test_results_in_a_bucket_are_exported(out: Path, tmp_path: Path) -> None:
    """OUT may be a URL; the rows are the same."""
    with s3_server() as server:
        server.client.create_bucket(Bucket="results")
        server.send("results", out)
        done = server.emobatch("export", "s3://results/", "rows.csv", "--table", "tracks", cwd=tmp_path)
    assert done.code == 0, done.stderr
    assert (tmp_path / "rows.csv").read_bytes().decode() == exported(
        out, "--as", "csv", "--table", "tracks", cwd=tmp_path
    )
    assert os.environ.get("AWS_ENDPOINT_URL") is None
