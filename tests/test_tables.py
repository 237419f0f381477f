"""The tables as any reader finds them: their schemas, their partitions, and what a camera may be called."""

from pathlib import Path
from typing import Any, Final

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from analytics.errors import UsageError
from analytics.listing import EVENTS
from analytics.schema import SCHEMA_VERSION, TABLES, data_dictionary
from analytics.tables import Place, files_of, prepare, to_table, write_video
from emobatch import __version__
from jobs.options import RunOptions
from tests.clips import write_clip
from tests.command import ROOT, emobatch, files_below, rows
from tests.footage import Actor, Scene, standing

CAMERAS: Final = {"a.mp4": "01", "b.mp4": "Tor 3/Süd", "c.mp4": None}
METADATA: Final = {
    *(f"emobatch.{name}" for name in ("schema_version", "version", "model", "model_sha256", "detector")),
    *(f"emobatch.{name}" for name in ("detector_sha256", "classes", "settings_hash")),
}


@pytest.fixture(scope="module", name="footage")
def _footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of another length for each camera."""
    folder = tmp_path_factory.mktemp("footage")
    for number, name in enumerate(CAMERAS, start=2):
        actors = (Actor(path=standing(300, 180, 90)),)
        write_clip(Scene(duration_s=number / 2, fps=10, actors=actors), folder / name)
    return folder


@pytest.fixture(scope="module", name="out")
def _out(footage: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One OUT that three runs filled, each with another camera or none."""
    cwd = tmp_path_factory.mktemp("cameras")
    for name, camera in CAMERAS.items():
        named = ["--camera", camera] if camera else []
        done = emobatch("run", footage / name, "--out", "out", *named, cwd=cwd)
        assert done.code == 0, done.stderr
    return cwd / "out"


def _pandas(folder: Path) -> list[str | None]:
    read = pd.read_parquet(folder)
    return [None if pd.isna(camera) else camera for camera in read["camera"]]


def _pyarrow(folder: Path) -> list[str | None]:
    read: list[str | None] = ds.dataset(folder, partitioning="hive").to_table()["camera"].to_pylist()
    return read


def _duckdb(folder: Path) -> list[str | None]:
    files = f"read_parquet('{folder}/**/*.parquet', hive_partitioning=true)"
    found = duckdb.execute(f"SELECT camera FROM {files} WHERE day = 'undated'").fetchall()
    return [camera for (camera,) in found]


def _polars(folder: Path) -> list[str | None]:
    return pl.read_parquet(folder, hive_partitioning=True)["camera"].to_list()


def _polars_lazily(folder: Path) -> list[str | None]:
    scan = pl.scan_parquet(folder / "**/*.parquet", hive_partitioning=True)
    return scan.filter(pl.col("day") == "undated").collect()["camera"].to_list()


READERS: Final = [_pandas, _pyarrow, _duckdb, _polars, _polars_lazily]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("table", ["videos", "faces", "tracks"])
def test_every_reader_finds_every_camera_as_it_was_named(read: Any, table: str, out: Path) -> None:
    """`01` stays text, a slash and an umlaut survive, no camera is null; the partition keys hurt no reader."""
    expected = {"videos": (1, 1, 1), "faces": (2, 3, 4), "tracks": (1, 1, 1)}[table]
    wanted = [camera for camera, n in zip(CAMERAS.values(), expected, strict=True) for _ in range(n)]
    assert sorted(read(out / table), key=str) == sorted(wanted, key=str)


def test_a_lone_camera_that_looks_like_a_number_stays_text(footage: Path, tmp_path: Path) -> None:
    """Where `01` is the only camera in OUT no reader makes a 1 of it, in the column or in the key."""
    done = emobatch("run", footage / "a.mp4", "-o", "out", "-q", "--camera", "01", cwd=tmp_path)
    assert done.code == 0, done.stderr
    assert [read(tmp_path / "out" / "videos") for read in READERS] == [["01"]] * len(READERS)
    keys = pl.read_parquet(tmp_path / "out" / "videos", hive_partitioning=True)["cam"].to_list()
    assert keys == ["01"]
    assert set(pd.read_parquet(tmp_path / "out" / "videos")["cam"]) == {"01"}


@pytest.mark.parametrize(
    "camera", ["..", ".", "../../x", "/etc", "a\nb", "a\x00b", "%2e", "_", "=", "unnamed", "*", "?"]
)
def test_every_camera_name_is_filed_below_out_and_read_back(camera: str, tmp_path: Path) -> None:
    """Rows lie in a folder of their own below OUT, and all readers find them there."""
    columns = {name: None for name in TABLES["tracks"].names}
    numbers = {field.name: [1] for field in TABLES["tracks"] if not pa.types.is_dictionary(field.type)}
    labels = {"video_id": ["1" * 16], "camera": [camera], "expression": ["happy"]}
    prepare(tmp_path / "out", {})
    table = to_table("tracks", columns | numbers | labels)
    write_video(tmp_path / "out", Place(None, camera), "1" * 16, {"tracks": table}, {})
    (file,) = tmp_path.rglob("1*.parquet")
    assert file.parent.parent == tmp_path / "out" / "tracks" / "day=undated"
    assert [read(tmp_path / "out" / "tracks") for read in READERS] == [[camera]] * len(READERS)


@pytest.mark.parametrize("camera", ["../../x", "<script>alert(1)</script>\n"])
def test_a_hostile_camera_name_stays_below_out(camera: str, footage: Path, tmp_path: Path) -> None:
    """Whatever a camera is called, files appear below OUT alone, the column holds the name, pages no markup."""
    inside = tmp_path / "deep" / "er"
    inside.mkdir(parents=True)
    done = emobatch("run", footage / "a.mp4", "--out", "out", "--camera", camera, cwd=inside)
    assert done.code == 0, done.stderr
    assert all(file.startswith("deep/er/out/") for file in files_below(tmp_path))
    assert {row["camera"] for table in ("videos", "faces", "tracks") for row in rows(inside / "out", table)} == {camera}
    assert _duckdb(inside / "out" / "videos") == _pyarrow(inside / "out" / "videos") == [camera]
    for page in (inside / "out" / "reports").rglob("*.html"):
        assert "<script>alert" not in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("camera", "problem"),
    [
        ("x" * 300, "takes 300 bytes"),
        ("Süd" * 40, "takes 320 bytes"),
        (b"\xff", "UTF-8"),
        ("__HIVE_DEFAULT_PARTITION__", "miss"),
    ],
)
def test_a_camera_name_that_cannot_be_filed_is_refused(
    camera: str | bytes, problem: str, footage: Path, tmp_path: Path
) -> None:
    """Too long for a path, or no text: one line that says so and what to do, exit 2, and OUT is not begun."""
    done = emobatch("run", footage, "--out", "out", "--camera", camera, cwd=tmp_path)
    assert done.code == 2
    line = done.only_error()
    assert line.startswith("emobatch: --camera ")
    assert problem in line
    assert line.endswith(": give the camera another, short name")
    assert len(line) < 200
    assert not (tmp_path / "out").exists()


def test_the_longest_camera_name_that_is_taken_can_be_filed(tmp_path: Path) -> None:
    """The limit of 251 bytes is that of the file system."""
    RunOptions(sources=(), out=tmp_path, camera="x" * 251)
    write_video(tmp_path, Place(None, "x" * 251), "0" * 15 + "1", {"samples": TABLES["samples"].empty_table()}, {})
    with pytest.raises(UsageError, match="251"):
        RunOptions(sources=(), out=tmp_path, camera="x" * 252)


@pytest.mark.parametrize("table", TABLES)
def test_every_file_has_the_schema_of_its_table(table: str, out: Path) -> None:
    """Names, types, nullability and descriptions of all columns, and the keys of the file's metadata."""
    files = list((out / table).rglob("*.parquet"))
    assert len(files) == (1 if table == EVENTS else 4)
    for file in files:
        schema = pq.read_schema(file)
        assert schema.remove_metadata().equals(TABLES[table].remove_metadata())
        assert [_described(field) for field in schema] == [_described(field) for field in TABLES[table]]
        written = {key.decode() for key in schema.metadata if key.startswith(b"emobatch.")}
        assert written == METADATA
        assert schema.metadata[b"emobatch.version"].decode() == __version__
        assert schema.metadata[b"emobatch.schema_version"].decode() == str(SCHEMA_VERSION)
        assert schema.metadata[b"emobatch.classes"] == b"angry,disgust,fear,happy,neutral,sad,surprise"
        assert pq.ParquetFile(file).metadata.num_rows == 0 or file.stem in {v["video_id"] for v in rows(out, "videos")}


def _described(field: pa.Field) -> tuple[str, Any, bool, bytes]:
    return field.name, field.type, field.nullable, field.metadata[b"description"]


def test_the_data_dictionary_is_drawn_from_the_schema() -> None:
    """docs/data-dictionary.md is an introduction and then exactly what `python -m analytics.schema` prints."""
    text = (ROOT / "docs" / "data-dictionary.md").read_text(encoding="utf-8")
    introduction, heading, tables = text.partition("## videos\n")
    assert heading + tables == data_dictionary()
    for word in ("python -m analytics.schema", "`undated`", "`unnamed`", *METADATA):
        assert word in introduction


def test_a_write_that_fails_leaves_no_row_of_the_video(tmp_path: Path) -> None:
    """Where one table cannot be written the others do not keep rows of a video that counts as not done."""
    prepare(tmp_path, {})
    before = files_below(tmp_path)
    wrong = {"faces": TABLES["faces"].empty_table(), "samples": pa.table({"x": [1]})}
    with pytest.raises(ValueError, match="schema"):
        write_video(tmp_path, Place("2026-03-01", "door"), "0" * 15 + "1", wrong, {})
    assert files_below(tmp_path) == before


def test_what_an_interrupted_write_left_is_cleared(tmp_path: Path) -> None:
    """A half-written file of a killed run goes when the next one prepares OUT; whole files stay."""
    write_video(tmp_path, Place(None, "a"), "0" * 15 + "1", {"samples": TABLES["samples"].empty_table()}, {})
    half = next(tmp_path.rglob("*1.parquet")).with_suffix(".parquet.0.tmp")
    half.touch()
    prepare(tmp_path, {})
    assert not half.exists()
    assert len(list(tmp_path.rglob("*1.parquet"))) == 1


def test_a_video_leaves_no_rows_where_it_was_filed_before(tmp_path: Path) -> None:
    """New rows under another day and camera replace the old ones; an id that is none is refused."""
    old, new = Place(None, None), Place("2026-03-01", "door")
    tables = {"samples": TABLES["samples"].empty_table()}
    write_video(tmp_path, old, "0" * 15 + "1", tables, {})
    write_video(tmp_path, new, "0" * 15 + "1", tables, {}, replaces=[(old.partition, "0" * 15 + "1")])
    assert files_below(tmp_path) == {"samples/day=2026-03-01/cam=door/0000000000000001.parquet"}
    with pytest.raises(ValueError, match="no video_id"):
        files_of(tmp_path, new.partition, "*")


def test_rows_that_do_not_fit_their_schema_are_refused() -> None:
    """A missing or foreign column, or a null where none may be, is a fault of ours and never written."""
    row: dict[str, Any] = {"video_id": ["0"], "sample": [1], "pts_s": [0.5], "time": None, "n_faces": [0]}
    assert to_table("samples", row | {"gate": ["held"]}).num_rows == 1
    with pytest.raises(ValueError, match="gate"):
        to_table("samples", row)
    with pytest.raises(ValueError, match=r"samples\.gate may not be null"):
        to_table("samples", row | {"gate": None})


def test_rows_stay_where_the_new_ones_cannot_be_written(tmp_path: Path) -> None:
    """Reading a video again with another setting loses nothing if it fails in the middle."""
    video_id = "0" * 15 + "1"
    old = {"samples": TABLES["samples"].empty_table(), "videos": TABLES["videos"].empty_table()}
    write_video(tmp_path, Place(None, "a"), video_id, old, {})
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(ValueError):
        write_video(tmp_path, Place(None, "a"), video_id, {**old, "videos": pa.table({"x": [1]})}, {})
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    "version", ["next", pytest.param("1", marks=pytest.mark.slow), pytest.param("3", marks=pytest.mark.slow)]
)
def test_tables_of_another_layout_are_refused(tmp_path: Path, version: str) -> None:
    """An OUT that another release wrote in another way is neither read nor written, and the error says so."""
    prepare(tmp_path / "out", {"emobatch.schema_version": version})
    before = files_below(tmp_path)
    (tmp_path / "clip.mp4").touch()
    for command in (("run", "clip.mp4", "--out", "out"), ("status", "out"), ("report", "out"), ("compact", "out")):
        done = emobatch(*command, cwd=tmp_path)
        assert done.code == 2
        assert f"out: holds tables of schema version {version}" in done.only_error()
    assert files_below(tmp_path) - {"clip.mp4"} == before
