"""Footage and results in S3, against a server that speaks it: the same rows, nothing twice, nothing half, nothing lost."""

import itertools
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

import pytest

from analytics.errors import NoVideoError, UsageError
from analytics.footage import facts_of
from jobs.lock import STALE_S
from jobs.lock_file import Holder
from jobs.sources import find_videos
from tests.bucket import Server, in_this_process, s3_server
from tests.clips import write_clip
from tests.command import emobatch, files_below, rows
from tests.footage import Actor, Scene, standing

CLIPS: Final = ("yard/one.mp4", "yard/two.mp4", "door/three.mkv")
ROWS: Final = ("faces", "samples", "tracks")
_numbers = itertools.count()


@pytest.fixture(scope="module", name="server")
def _server() -> Iterator[Server]:
    with s3_server() as server:
        yield server


@pytest.fixture(scope="module", name="footage")
def _footage(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Path:
    """Three clips in two folders; the same in the bucket `footage`."""
    folder = tmp_path_factory.mktemp("footage")
    for number, name in enumerate(CLIPS):
        (folder / name).parent.mkdir(exist_ok=True)
        actors = (Actor(standing(160 + 40 * number, 90, 80)),)
        write_clip(Scene(320, 180, 10.0, 2.0, number, actors), folder / name)
    server.client.create_bucket(Bucket="footage")
    server.send("footage", folder)
    server.client.put_object(Bucket="footage", Key="yard/notes.txt", Body=b"no video")
    return folder


@pytest.fixture(scope="module", name="local")
def _local(footage: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """OUT of a run over the clips on this machine."""
    cwd = tmp_path_factory.mktemp("local")
    assert emobatch("run", footage, "--out", "out", cwd=cwd).code == 0
    return cwd / "out"


@pytest.fixture(name="bucket")
def _bucket(server: Server) -> str:
    name = f"results-{next(_numbers)}"
    server.client.create_bucket(Bucket=name)
    return name


@pytest.fixture(scope="module", name="first")
def _first(server: Server, footage: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The bucket of a run from S3 to S3/night, and the folder that it was started in."""
    server.client.create_bucket(Bucket="first")
    cwd = tmp_path_factory.mktemp("first")
    done = server.emobatch("run", "s3://footage/", "--out", "s3://first/night/", "--json", cwd=cwd)
    assert done.code == 0, done.stderr
    assert (done.json["out"], done.json["videos"]["done"]) == ("s3://first/night", 3)
    return "first", cwd


def same_rows(server: Server, bucket: str, prefix: str, out: Path) -> None:
    """The tables in a bucket are those of a folder, byte by byte, and no video is there twice."""
    keys = server.keys(bucket, prefix)
    for table in ROWS:
        files = {f"{table}/{name}" for name in files_below(out / table)}
        assert {key for key in keys if key.startswith(f"{table}/")} == files
        assert all(server.read(bucket, prefix + file) == (out / file).read_bytes() for file in files)
    assert {key for key in keys if key.startswith("videos/")} == {
        f"videos/{name}" for name in files_below(out / "videos")
    }


def test_a_run_from_bucket_to_bucket_gives_the_rows_of_a_local_one(
    server: Server, first: tuple[str, Path], local: Path, tmp_path: Path
) -> None:
    """Tables, pages, record, state and card are there, and nothing that only a run at work has; sources are URLs."""
    bucket, _ = first
    same_rows(server, bucket, "night/", local)
    keys = server.keys(bucket, "night/")
    assert {key.partition("/")[0] for key in keys} == {
        "videos", "samples", "faces", "tracks", "events", "reports", "runs", "models", ".state", "access"
    }  # fmt: skip
    [access] = [json.loads(server.read(bucket, f"night/{key}")) for key in keys if key.startswith("access/")]
    assert access["action"] == "run" and access["purpose"] == "undeclared"
    suffixes = {".parquet", ".html", ".js", ".css", ".json", ".jsonl", ".log", ".md"}
    assert {Path(key).suffix for key in keys} == suffixes
    status = server.emobatch("status", "s3://first/night", "--json", cwd=tmp_path).json
    assert [video["source"] for video in status["list"]] == sorted(f"s3://footage/{name}" for name in CLIPS)
    assert server.client.head_object(Bucket=bucket, Key="night/reports/index.html")["ContentType"] == "text/html"


def test_everything_that_a_run_leaves_is_copied_or_known_to_be_of_that_machine(local: Path) -> None:
    """A folder that is new below OUT is not forgotten here."""
    from jobs.bucket_copy import is_copied

    left = {file for file in files_below(local) if not is_copied(file)}
    assert {file.partition("/")[0] for file in left} <= {".journal", ".unfinished", "access.jsonl"}


@pytest.mark.slow
def test_a_second_run_does_nothing_from_whatever_machine(
    server: Server, first: tuple[str, Path], tmp_path: Path
) -> None:
    """No video is opened or fetched: TMPDIR cannot hold a copy. The objects of the tables stay as they are."""
    bucket, cwd = first
    before = {
        key: server.read(bucket, f"night/{key}") for key in server.keys(bucket, "night/") if key[:2] in ("vi", "fa")
    }
    for where in (cwd, tmp_path):
        done = server.emobatch(
            "run", "s3://footage/", "--out", "s3://first/night", "--json", cwd=where, TMPDIR="/dev/null"
        )
        assert done.code == 0, done.stderr
        assert done.json["videos"] == {"done": 0, "partial": 0, "failed": 0, "duplicate": 0, "unchanged": 3}
    assert {key: server.read(bucket, f"night/{key}") for key in before} == before


@pytest.mark.slow
def test_footage_that_moved_to_a_bucket_is_not_decoded_again(
    server: Server, footage: Path, local: Path, tmp_path: Path
) -> None:
    """A local OUT; rows say the URL afterwards. Objects and files have the same fingerprints, and names."""
    (tmp_path / "clip").mkdir()
    (tmp_path / "clip" / "one.mp4").write_bytes((footage / CLIPS[0]).read_bytes())
    assert emobatch("run", "clip", "--out", "out", cwd=tmp_path).code == 0
    (tmp_path / "clip" / "one.mp4").unlink()
    done = server.emobatch("run", f"s3://footage/{CLIPS[0]}", "--out", "out", "--json", cwd=tmp_path)
    assert (done.code, done.json["videos"]["unchanged"], done.json["videos"]["done"]) == (0, 1, 0), done.stderr
    (video,) = rows(tmp_path / "out", "videos")
    assert video["source"] == f"s3://footage/{CLIPS[0]}"


def test_objects_are_named_like_files(server: Server, footage: Path, tmp_path: Path) -> None:
    """A folder, a file, globs, a list; what is not there is told. Names come from a listing, with size and time."""
    (tmp_path / "list.txt").write_text("s3://footage/yard\n# not this\n")
    with in_this_process(server):
        for source, found in (
            ("s3://footage", {*CLIPS}),
            ("s3://footage/yard", {*CLIPS[:2]}),
            ("s3://footage/yard/two.mp4", {CLIPS[1]}),
            ("s3://footage/*/t*.m*", {*CLIPS[1:]}),
            ("s3://footage/**/*.mkv", {CLIPS[2]}),
            ("s3://footage/y*", {*CLIPS[:2]}),
            (f"@{tmp_path}/list.txt", {*CLIPS[:2]}),
        ):
            videos = find_videos((source,), tmp_path / "out").videos
            assert {str(video) for video in videos} == {f"s3://footage/{name}" for name in found}, source
            assert {facts_of(video).size for video in videos} <= {(footage / name).stat().st_size for name in CLIPS}
        for source in ("s3://footage/yar", "s3://footage/*.mp4", "s3://nowhere/x"):
            with pytest.raises(UsageError, match=re.escape(source)):
                find_videos((source,), tmp_path / "out")
        with pytest.raises(NoVideoError):
            find_videos(("s3://footage/yard/",), tmp_path / "out", "s3://footage/yard")


def test_a_dry_run_asks_and_writes_nothing(server: Server, first: tuple[str, Path], tmp_path: Path) -> None:
    """Neither in the bucket nor in a mirror, and opens no video."""
    before = server.keys("first")
    run = ("run", "s3://footage/", "--out", "s3://first/night", "--dry-run", "--json")
    done = server.emobatch(*run, cwd=tmp_path, TMPDIR="/dev/null")
    assert (done.code, done.json["to_look_at"], done.json["unchanged"]) == (0, [], 3), done.stderr
    assert server.keys("first") == before
    assert [path.name[:5] for path in (tmp_path / "cache" / "emobatch").iterdir()] == ["read-"]


@pytest.mark.slow
def test_settings_may_stand_in_the_file(server: Server, footage: Path, bucket: str, tmp_path: Path) -> None:
    """sources, out and mirror in emobatch.toml; URLs stay URLs."""
    (tmp_path / "emobatch.toml").write_text(
        f'[run]\nsources = ["s3://footage/door/"]\nout = "s3://{bucket}"\nmirror = "here"\nworkers = 0\n'
    )
    done = server.emobatch("run", "--json", cwd=tmp_path)
    assert (done.code, done.json["out"], done.json["videos"]["done"]) == (0, f"s3://{bucket}", 1), done.stderr
    assert (tmp_path / "here" / "videos").is_dir()
    assert "reports/index.html" in server.keys(bucket)


@pytest.mark.slow
def test_workers_share_the_segments_of_an_object(server: Server, bucket: str, tmp_path: Path) -> None:
    """Each has a copy of its own while it works, and leaves none; a copy of the object is known as one."""
    (tmp_path / "clips").mkdir()
    (tmp_path / "tmp").mkdir()
    write_clip(Scene(320, 180, 5.0, 22.0, 1, (Actor(standing(160, 90, 80)),)), tmp_path / "clips" / "long.mp4")
    content = (tmp_path / "clips" / "long.mp4").read_bytes()
    for name in ("long.mp4", "the same.mp4"):
        server.client.put_object(Bucket=bucket, Key=f"clips/{name}", Body=content)
    run = ("run", f"s3://{bucket}/clips", "--out", f"s3://{bucket}/out", "--segment", "10", "--workers", "2", "--json")
    done = server.emobatch(*run, cwd=tmp_path, TMPDIR=str(tmp_path / "tmp"))
    assert (done.code, done.json["videos"]["done"], done.json["videos"]["duplicate"]) == (0, 1, 1), done.stderr
    assert not list((tmp_path / "tmp").glob("emobatch-*"))
    assert emobatch("run", "clips", "--out", "out", cwd=tmp_path).code == 0
    for table in ROWS:
        for file in files_below(tmp_path / "out" / table):
            assert server.read(bucket, f"out/{table}/{file}") == (tmp_path / "out" / table / file).read_bytes()


def test_of_two_runs_at_once_one_is_told_of_the_other(
    server: Server, footage: Path, bucket: str, local: Path, tmp_path: Path
) -> None:
    """From two machines, at the same moment: one ends with exit code 5, and all rows are there once."""
    runs = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        runs.append(server.start("run", "s3://footage/", "--out", f"s3://{bucket}", cwd=tmp_path / name))
    errors = [run.communicate(timeout=60)[1] for run in runs]
    assert sorted(run.returncode for run in runs) == [0, 5], errors
    assert f"s3://{bucket}: is held by `emobatch run`" in "".join(errors)
    same_rows(server, bucket, "", local)
    assert ".lock" not in server.keys(bucket)


@pytest.mark.parametrize("again", ["same machine", "another machine"])
def test_a_run_that_was_killed_is_completed(
    again: str, server: Server, footage: Path, bucket: str, local: Path, tmp_path: Path
) -> None:
    """From its own mirror or an empty one; what the bucket has is not done again. The dead lock is taken."""
    with server.start("run", "s3://footage/", "--out", f"s3://{bucket}", cwd=tmp_path) as run:
        while not any(key.startswith("videos/") for key in server.keys(bucket)):
            assert run.poll() is None
            time.sleep(0.02)
        run.send_signal(signal.SIGKILL)
    there = sum(key.startswith("videos/") for key in server.keys(bucket))
    assert 1 <= there < 3
    cwd = tmp_path
    if again == "another machine":
        cwd = tmp_path / "other"
        cwd.mkdir()
    done = server.emobatch("run", "s3://footage/", "--out", f"s3://{bucket}", "--json", cwd=cwd)
    assert done.code == 0, done.stderr
    assert "taken over from `emobatch run`" in done.stderr
    assert done.json["videos"]["unchanged"] >= there
    same_rows(server, bucket, "", local)


def test_a_lock_without_a_sign_of_life_is_taken_after_two_minutes_of_the_server(
    server: Server, footage: Path, bucket: str, tmp_path: Path
) -> None:
    """One of another machine is kept before, and then taken by compare-and-swap."""
    holder = replace(Holder.here("emobatch run"), machine="another machine", host="nvr2")
    server.client.put_object(Bucket=bucket, Key=".lock", Body=json.dumps(asdict(holder)))
    done = server.emobatch("run", "s3://footage/", "--out", f"s3://{bucket}", cwd=tmp_path)
    assert done.code == 5
    assert "on nvr2" in done.only_error()
    assert STALE_S == 120


def test_a_server_that_goes_away_ends_the_run_and_nothing_is_done_twice(
    footage: Path, local: Path, tmp_path: Path
) -> None:
    """Local footage: what was finished lies in the mirror, the error says where, and the next run sends it."""
    with s3_server() as server:
        server.client.create_bucket(Bucket="away")
        with server.start("run", footage, "--out", "s3://away", "--mirror", "m", cwd=tmp_path) as run:
            while not any(key.startswith("videos/") for key in server.keys("away")):
                assert run.poll() is None
                time.sleep(0.02)
            server.process.kill()
            stderr = run.communicate(timeout=60)[1]
    assert run.returncode == 1, stderr
    last = stderr.splitlines()[-1]
    assert "s3://away/" in last
    assert "cannot be written, cannot be reached" in last
    assert "is sent by the next run" in last
    # Another server that has nothing: as after a disaster, the bucket is the truth.
    left = len(files_below(tmp_path / "m" / "videos"))
    assert left >= 2


@pytest.mark.slow
def test_status_purge_compact_and_report_take_a_bucket(
    server: Server, footage: Path, bucket: str, tmp_path: Path
) -> None:
    """Each from a machine of its own, through the bucket alone; what was purged does not come back."""
    url = f"s3://{bucket}/a/b"
    assert server.emobatch("run", "s3://footage/", "--out", url, cwd=tmp_path).code == 0
    told = {}
    for number, command in enumerate(
        (("compact",), ("report",), ("status",), ("purge", "--older-than", "1s", "--force"))
    ):
        cwd = tmp_path / str(number)
        cwd.mkdir()
        done = server.emobatch(command[0], url, *command[1:], cwd=cwd)
        assert done.code == 0, done.stderr
        told[command[0]] = done.stdout
        if command == ("compact",):
            videos = {key for key in server.keys(bucket, "a/b/") if key.startswith("videos/")}
            assert len(videos) == 2, videos
            assert any(key.endswith("/compacted.parquet") for key in videos)
    assert told["compact"].startswith("3 videos put together in 1 folders")
    assert told["report"] == f"{url}/reports/index.html\n"
    assert told["status"].startswith("3 done\nlast run: ")
    assert f"3 videos; log: {url}/purged/" in told["purge"]
    assert sum(key.startswith(("videos/", "faces/", "reports/videos/")) for key in server.keys(bucket, "a/b/")) == 2
    again = server.emobatch("run", "s3://footage/", "--out", url, "--json", cwd=tmp_path)
    assert again.json["videos"] == {"done": 0, "partial": 0, "failed": 0, "duplicate": 0, "unchanged": 3}


def test_results_open_from_python(server: Server, first: tuple[str, Path], tmp_path: Path) -> None:
    """emobatch.open_results takes the URL."""
    code = (
        "import emobatch; r = emobatch.open_results('s3://first/night'); "
        "print(len(r.videos), len(r.faces) > 0, len(r.tracks), len(r.samples))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**server.environment, "XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split()[:2] == ["3", "True"], done.stderr


@pytest.mark.parametrize(
    ("out", "variables", "words"),
    [
        ("s3://nowhere/x", {}, "there is no bucket nowhere: make it"),
        ("s3:///x", {}, "names no bucket"),
        ("s3://first", {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "cannot be reached"),
        ("s3://first", {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true"}, "credentials"),
    ],
)  # fmt: skip
def test_a_bucket_that_cannot_be_had_is_named(
    out: str, variables: dict[str, str], words: str, server: Server, footage: Path, tmp_path: Path
) -> None:
    """With what to do; before anything is decoded."""
    done = server.emobatch("run", footage, "--out", out, cwd=tmp_path, **variables)
    assert done.code == (1 if "reached" in words else 2), done.stderr
    assert words in done.only_error()


@pytest.mark.slow
def test_without_s3fs_a_url_is_refused_with_the_remedy(server: Server, footage: Path, tmp_path: Path) -> None:
    """And a run that names none does not miss it."""
    (tmp_path / "s3fs.py").write_text("raise ImportError('s3fs')")
    path = f"{tmp_path}:{server.environment['PYTHONPATH']}"
    for arguments in (("s3://footage/",), (str(footage), "--out", "s3://first")):
        done = server.emobatch("run", *arguments, cwd=tmp_path, PYTHONPATH=path)
        assert done.code == 2
        assert "pip install '.[s3]' in emobatch's folder" in done.only_error()
    assert server.emobatch("run", footage / CLIPS[0], "--out", "out", cwd=tmp_path, PYTHONPATH=path).code == 0


def test_a_mirror_is_no_folder_that_holds_something_else(server: Server, footage: Path, tmp_path: Path) -> None:
    """What is not in the bucket is removed from a mirror, so nobody's files become one; nor has a folder a mirror."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "mine.jpg").write_text("precious")
    run = ("run", footage, "--mirror", "photos", "--out")
    assert "holds other files" in server.emobatch(*run, "s3://first/x", cwd=tmp_path).only_error()
    assert "leave --mirror out" in server.emobatch(*run, "out", cwd=tmp_path).only_error()
    assert files_below(tmp_path / "photos") == {"mine.jpg"}


def test_workers_elsewhere_are_refused(server: Server, footage: Path, tmp_path: Path) -> None:
    """They do not see the mirror."""
    done = server.emobatch("run", footage, "--out", "s3://first/x", "--scheduler", "tcp://127.0.0.1:1", cwd=tmp_path)
    assert done.code == 2
    assert "do not see" in done.only_error()
