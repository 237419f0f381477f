"""Bad input, seen from outside: it is named, it never stops the other videos, and a rerun mends what can be mended."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clips import audio_only, write_clip
from tests.command import emobatch, files_below, rows, without_override
from tests.damage import truncate, without_moov, zero_bytes
from tests.footage import Actor, Scene, standing

WITH_MEANING = [
    b"-dash.mp4",
    b"[x].mp4",
    b"*.mp4",
    b"@at.mp4",
    b"frame%d.mp4",
    b"concat:a|b.mp4",
    b"broken\xff\xfe.mp4",
]
"""Names that an argument list, a glob or the video library could take for something else."""
ODD_NAMES = [
    *WITH_MEANING,
    *(b"with space.mp4", b"new\nline.mp4", b"\x1b[31mred.mp4", b"'quote\".mp4", b"frame%03d.mp4"),
    *("Übergröße.mp4".encode(), "rtl\u202e4pm.mp4".encode(), b"<script>alert(1)<!script>.mp4"),
]


def _small(path: Path, seed: int = 0) -> Path:
    """A sound clip of a second with a face that stands elsewhere for every seed."""
    write_clip(Scene(duration_s=1, fps=10, seed=seed, actors=(Actor(path=standing(200 + seed, 180, 90)),)), path)
    return path


@pytest.fixture(scope="module", name="made")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of each bad file, and a good one."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "text.mp4").write_text("not a video\n" * 100)
    (folder / "playlist.mp4").write_text("#EXTM3U\n#EXTINF:1,\ngood.mp4\n#EXT-X-ENDLIST\n")
    (folder / "empty.mp4").touch()
    without_moov(_small(folder / "nomoov.mp4"))
    truncate(_small(folder / "cut.mp4"), 4000)
    audio_only(folder / "sound.mp4", 1.0)
    _small(folder / "locked.mp4", seed=1).chmod(0o000)
    _small(folder / "good.mp4", seed=2)
    shutil.copy(folder / "good.mp4", folder / "later copy.mp4")
    scene = Scene(width=320, height=240, duration_s=12, fps=10, noise=25)
    write_clip(scene, folder / "damaged.mkv", gop=10)
    size = (folder / "damaged.mkv").stat().st_size
    zero_bytes(folder / "damaged.mkv", size // 2, size // 4)
    return folder


FAILING = {
    "text.mp4": "is no video that can be opened",
    "playlist.mp4": "is no video that can be opened",
    "empty.mp4": "the file is empty: copy it again from the recorder",
    "nomoov.mp4": "is no video that can be opened",
    "cut.mp4": "is no video that can be opened",
    "sound.mp4": "has no video stream that can be decoded",
    "locked.mp4": "cannot be read (Permission denied): let this user read the file",
}


@pytest.mark.parametrize("name", FAILING)
def test_a_file_that_is_no_video_is_failed_and_named(name: str, made: Path, tmp_path: Path) -> None:
    """Exit 3, one row with the reason, one failure in --json, and a line on stderr with file, reason and remedy."""
    done = emobatch("run", made / name, "--out", "out", "--json", cwd=tmp_path, before=without_override())
    assert done.code == 3
    (failure,) = done.json["failures"]
    (video,) = rows(tmp_path / "out", "videos")
    assert failure == {"source": str(made / name), "reason": video["reason"]}
    assert failure["reason"].startswith(FAILING[name])
    assert ": " in failure["reason"]
    assert (video["status"], video["coverage"], video["n_faces"]) == ("failed", None, 0)
    assert f"  ! {made / name}: {failure['reason']}" in done.stderr.splitlines()


def test_everything_bad_at_once_stops_no_good_video(made: Path, tmp_path: Path) -> None:
    """A folder of good and bad files and a missing source beside it: each gets its row, and exit 3 says so."""
    done = emobatch(
        "run", made, "missing.mp4", made / "good.mp4", "--out", "out", "--json", cwd=tmp_path, before=without_override()
    )
    assert done.code == 3
    assert done.json["videos"] == {"done": 1, "partial": 1, "failed": 7, "duplicate": 1, "unchanged": 0}
    status = {Path(video["source"]).name: video["status"] for video in rows(tmp_path / "out", "videos")}
    odd = {"good.mp4": "done", "later copy.mp4": "duplicate", "damaged.mkv": "partial"}
    assert status == dict.fromkeys(FAILING, "failed") | odd
    failed = {Path(failure["source"]).name for failure in done.json["failures"]}
    assert failed == {*FAILING, "damaged.mkv", "missing.mp4"}
    assert {"source": "missing.mp4", "reason": "does not exist"} in done.json["failures"]
    index = (tmp_path / "out" / "reports" / "index.html").read_text(encoding="utf-8")
    assert all(name in index for name in status)


def test_a_damaged_video_is_partial_and_says_what_it_lost(made: Path, tmp_path: Path) -> None:
    """A quarter of the file zeroed: exit 3, the hole with its times, and coverage that fits it."""
    done = emobatch("run", made / "damaged.mkv", "--out", "out", "--json", cwd=tmp_path)
    assert done.code == 3
    assert done.json["videos"]["partial"] == 1
    (video,) = rows(tmp_path / "out", "videos")
    (hole,) = video["holes"]
    assert hole["kind"] == "hole"
    assert 4 < hole["start_s"] < hole["end_s"] < 11
    lost_s = hole["end_s"] - hole["start_s"]
    assert 2 < lost_s < 5
    assert abs(video["coverage"] - (1 - lost_s / 12)) < 0.01
    assert abs(video["duration_s"] - 12) < 0.2
    assert "no frame from " in video["reason"]
    assert " of it seen" in done.stderr


def test_a_copy_is_a_duplicate_of_the_first(made: Path, tmp_path: Path) -> None:
    """The second file of equal content has no rows but its own in videos, which names the first."""
    done = emobatch("run", made / "good.mp4", made / "later copy.mp4", "--out", "out", "--json", cwd=tmp_path)
    assert done.code == 0
    videos = {Path(video["source"]).name: video for video in rows(tmp_path / "out", "videos")}
    copy, first = videos["later copy.mp4"], videos["good.mp4"]
    assert (copy["status"], copy["duplicate_of"]) == ("duplicate", first["video_id"])
    assert copy["video_id"] != first["video_id"]
    assert {face["video_id"] for face in rows(tmp_path / "out", "faces")} == {first["video_id"]}
    assert f"duplicate {made}/later copy.mp4: a copy of {made}/good.mp4" in done.stderr


def test_an_empty_folder_holds_no_video(tmp_path: Path) -> None:
    """Exit 4, and the known kinds of file as the remedy."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").touch()
    done = emobatch("run", "empty", "--out", "out", cwd=tmp_path)
    assert done.code == 4
    assert done.only_error().startswith("emobatch: empty: no video in here: known kinds: ")
    assert not (tmp_path / "out").exists()


def test_a_source_that_does_not_exist_is_wrong_usage(tmp_path: Path) -> None:
    """Where no named source exists there is nothing to run: exit 2, and the source in the line."""
    done = emobatch("run", "missing.mp4", "--out", "out", cwd=tmp_path)
    assert done.code == 2
    remedy = "name a file, folder, glob or @list of recorded video"
    assert done.only_error() == f"emobatch: missing.mp4: does not exist: {remedy}"
    assert not (tmp_path / "out").exists()


def test_all_kinds_of_sources_may_be_missing(tmp_path: Path) -> None:
    """A glob, a list, a URL, a name that cannot be and one that is no text: all are named, on one line."""
    done = emobatch("run", "no*.mp4", "@list.txt", "gs://bucket/x.mp4", "x" * 5000, b"m\xff.mp4", cwd=tmp_path)
    assert done.code == 2
    for problem in (
        "no*.mp4: nothing matches this pattern",
        "@list.txt: the list cannot be read (No such file or directory)",
        "gs://bucket/x.mp4: only local files and s3:// can be read",
        "xxx: cannot be found (File name too long)",
        "m\\udcff.mp4: does not exist",
    ):
        assert problem in done.only_error()


def test_odd_file_names_are_names_and_nothing_else(made: Path, tmp_path: Path) -> None:
    """Spaces, umlauts, line breaks, markup, bytes that are no text, dashes and wildcards, in a folder and by name."""
    folder = tmp_path / "odd"
    folder.mkdir()
    for seed, name in enumerate(ODD_NAMES):
        _small(folder / "plain.mp4", seed)
        (folder / "plain.mp4").rename(folder / os.fsdecode(name))
    done = emobatch("run", "odd", "--out", "out", "--json", cwd=tmp_path)
    assert (done.code, done.json["videos"]["done"]) == (0, len(ODD_NAMES)), done.stderr
    named = emobatch("run", "-o", "out", "--json", "--", *WITH_MEANING, b"gone\xff.mp4", cwd=folder)
    assert (named.code, named.json["videos"]["done"]) == (3, len(WITH_MEANING)), named.stderr
    assert named.json["failures"] == [{"source": "gone\\xff.mp4", "reason": "does not exist"}]

    sources = {video["source"] for video in rows(tmp_path / "out", "videos")}
    assert sources == {f"{folder}/{name.decode('utf-8', 'backslashreplace')}" for name in ODD_NAMES}
    assert len(done.stderr.splitlines()) == len(ODD_NAMES) + 3
    assert "\x1b" not in done.stderr
    for page in (tmp_path / "out" / "reports").rglob("*.html"):
        assert "<script>alert" not in page.read_text(encoding="utf-8")
    assert {file.split("/")[0] for file in files_below(tmp_path)} == {"odd", "out"}


def test_an_unreadable_file_leaves_no_trace_once_it_can_be_read(tmp_path: Path) -> None:
    """The failed row, filed under the path, goes when the file gets a row of its own."""
    path = _small(tmp_path / "clip.mp4")
    path.chmod(0o000)
    assert emobatch("run", path, "--out", "out", cwd=tmp_path, before=without_override()).code == 3
    path.chmod(0o600)
    assert emobatch("run", path, "--out", "out", cwd=tmp_path).code == 0
    assert [video["status"] for video in rows(tmp_path / "out", "videos")] == ["done"]


def test_a_folder_that_cannot_be_read_is_a_failure(tmp_path: Path) -> None:
    """What lies in a locked folder is unknown, so the run says so instead of looking complete."""
    (tmp_path / "in" / "locked").mkdir(parents=True)
    _small(tmp_path / "in" / "clip.mp4")
    (tmp_path / "in" / "locked").chmod(0o000)
    done = emobatch("run", "in", "--out", "out", "--json", cwd=tmp_path, before=without_override())
    (tmp_path / "in" / "locked").chmod(0o700)
    assert (done.code, done.json["videos"]["done"]) == (3, 1)
    assert done.json["failures"][0]["reason"] == "the folder cannot be read (Permission denied)"


@pytest.fixture(name="small_disk")
def _small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own for OUT, with room for the pages' assets and little more."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no small file system can be mounted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_an_error_that_a_rerun_mends(made: Path, small_disk: Path, tmp_path: Path) -> None:
    """However little fits: exit 1, one line with the folder and the remedy, only whole files, and later all of them."""
    out, filler = small_disk / "out", small_disk / "filler"
    # Nothing fits; then the empty tables, and rows in part; then all the rows, and no page.
    for left in (0, 24 * 1024, 256 * 1024):
        with pytest.raises(OSError, match="No space left"), filler.open("ab", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        os.truncate(filler, filler.stat().st_size - left)
        done = emobatch("run", made / "good.mp4", "--out", "disk/out", cwd=tmp_path)
        assert done.code == 1
        last = done.stderr.splitlines()[-1]
        assert last.startswith("emobatch: disk/out: cannot write (No space left on device): free or mend the disk")
        assert {Path(file).suffix for file in files_below(out)} <= {
            ".parquet",
            ".html",
            ".js",
            ".css",
            ".json",
            ".jsonl",
            ".log",
            ".md",
        }
        assert _counts(out) == ({"videos": 1, "faces": 2} if left > 100_000 else {"videos": 0, "faces": 0})

    filler.unlink()
    assert emobatch("run", made / "good.mp4", "--out", "disk/out", cwd=tmp_path).code == 0
    assert _counts(out) == {"videos": 1, "faces": 2}


def _counts(out: Path) -> dict[str, Any]:
    return {table: len(rows(out, table)) for table in ("videos", "faces")}


LONG_NAME = "n" * 300


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", f"{LONG_NAME}.mp4"),
        ("run", "good.mp4", "--out", LONG_NAME),
        ("status", LONG_NAME),
        ("evaluate", "default", f"{LONG_NAME}.npz"),
        *(
            pytest.param(arguments, marks=pytest.mark.slow)
            for arguments in (
                ("run", f"@{LONG_NAME}"),
                ("run", "good.mp4", "--model", f"{LONG_NAME}.tflite"),
                ("report", LONG_NAME),
                ("models", "verify", f"{LONG_NAME}.tflite"),
                ("evaluate", "default", LONG_NAME),
            )
        ),
    ],
)
def test_names_that_no_file_can_have_are_wrong_usage(arguments: tuple[str, ...], made: Path, tmp_path: Path) -> None:
    """The system refuses to look them up, which is another thing than that they are missing."""
    shutil.copy(made / "good.mp4", tmp_path)
    done = emobatch(*arguments, cwd=tmp_path)
    assert done.code == 2, done.stderr
    assert LONG_NAME[:30] in done.only_error()


def test_files_that_may_not_be_looked_at_are_named(made: Path, tmp_path: Path) -> None:
    """Whatever lies below a folder that this user may not enter."""
    closed = tmp_path / "closed"
    (closed / "out").mkdir(parents=True)
    shutil.copy(made / "good.mp4", closed)
    closed.chmod(0o000)
    try:
        for arguments in (
            ("run", "closed/good.mp4"),
            ("run", "@closed/list.txt"),
            ("run", str(made / "good.mp4"), "--out", "closed/out"),
            ("run", str(made / "good.mp4"), "--model", "closed/mine.tflite"),
            ("report", "closed/out"),
            ("status", "closed/out"),
            ("models", "verify", "closed/mine.tflite"),
            ("evaluate", "default", "closed/set.npz"),
        ):
            done = emobatch(*arguments, cwd=tmp_path, before=without_override())
            assert done.code == 2, (arguments, done.stderr)
            assert "closed/" in done.only_error(), arguments
    finally:
        closed.chmod(0o700)
