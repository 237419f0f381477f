"""Masks of a camera that nothing is from: what they are meant for must not be looked at meanwhile."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from analytics.recorders import Recorder
from analytics.tables import Place
from jobs.doctor import examine
from jobs.options import RunOptions
from jobs.purge import purge
from jobs.run import plan
from tests.archive import fill
from tests.clips import write_clip
from tests.command import emobatch, rows
from tests.footage import Scene
from tests.test_reports import Reader

MASK: Final = [[0.0, 0.0], [0.1, 0.0], [0.0, 0.1]]
CONFIG: Final = """
[run]
sources = ["footage"]
[[recorder]]
pattern = "footage/{camera}/*.mp4"
"""


def test_masks_of_a_misspelt_camera_end_with_3_and_new_cameras_wait(tmp_path: Path) -> None:
    """Whatever may be the camera that is meant is not looked at; what was looked at before goes on; all tell it."""
    for number, camera in enumerate(("yard", "cellar")):
        (tmp_path / "footage" / camera).mkdir(parents=True)
        write_clip(Scene(fps=4, duration_s=1, seed=number), tmp_path / "footage" / camera / "a.mp4")
    (tmp_path / "footage" / "cellar").rename(tmp_path / "later")
    config = tmp_path / "emobatch.toml"
    config.write_text(CONFIG)
    assert emobatch("run", cwd=tmp_path).code == 0
    (tmp_path / "later").rename(tmp_path / "footage" / "cellar")
    write_clip(Scene(fps=4, duration_s=1, seed=7), tmp_path / "footage" / "yard" / "b.mp4")
    masked = f"masks = [{MASK}]\n"
    config.write_text(f"{CONFIG}[camera.celar]\n{masked}")

    dry = emobatch("run", "--dry-run", "--json", cwd=tmp_path).json
    assert dry["masks_of_nobody"] == ["celar"] and [one["source"][-12:] for one in dry["refused"]] == ["cellar/a.mp4"]
    said = emobatch("run", "--dry-run", "--stable-for", "0", cwd=tmp_path).stderr
    assert "! camera celar: masks are given for it, and no file" in said and "  later" not in said
    assert "cellar/a.mp4: camera cellar is new, and masks are given for celar" in said

    done = emobatch("run", "--stable-for", "0", "--json", cwd=tmp_path)
    assert done.code == 3 and done.json["videos"]["done"] == 1
    assert [one["source"][-12:] for one in done.json["failures"]] == ["camera celar", "cellar/a.mp4"]
    assert {row["camera"] for row in rows(tmp_path / "out", "videos")} == {"yard"}
    status = emobatch("status", "out", cwd=tmp_path).stdout
    assert "  not looked at " in status and "  camera celar: masks are given for it" in status
    [refused] = emobatch("status", "out", "--json", cwd=tmp_path).json["last_run"]["refused"]
    assert refused["source"].endswith("cellar/a.mp4")
    page = Reader(tmp_path / "out" / "reports" / "index.html").text
    assert "Not found:" not in page and "To be mended: camera celar" in page

    config.write_text(
        f"{CONFIG}[camera.celar]\n{masked}[camera.cellar]\nmasks = []\n"
    )  # On purpose, so it is another one.
    assert emobatch("run", "--dry-run", "--json", cwd=tmp_path).json["refused"] == []

    config.write_text(f"{CONFIG}[camera.cellar]\n{masked}")
    assert emobatch("run", cwd=tmp_path).code == 0
    shutil.rmtree(tmp_path / "footage" / "cellar")  # It sent nothing tonight; OUT knows it.
    done = emobatch("run", cwd=tmp_path)
    assert done.code == 0 and "settings of camera cellar: no file that was found is from there" in done.stderr


def test_a_camera_loses_no_masks_by_a_misspelt_name(tmp_path: Path) -> None:
    """What was looked at with masks keeps its rows, and nothing of that camera is looked at without them by mistake."""
    (tmp_path / "footage" / "cellar").mkdir(parents=True)
    write_clip(Scene(fps=4, duration_s=1), tmp_path / "footage" / "cellar" / "a.mp4")
    config = tmp_path / "emobatch.toml"
    masked = f"masks = [{MASK}]\n"
    config.write_text(f"{CONFIG}[camera.cellar]\n{masked}")
    assert emobatch("run", "--stable-for", "0", cwd=tmp_path).code == 0
    [before] = rows(tmp_path / "out", "videos")

    config.write_text(f"{CONFIG}[camera.celar]\n{masked}")
    done = emobatch("run", "--stable-for", "0", "--json", cwd=tmp_path)
    assert done.code == 3 and "camera cellar was looked at with masks" in done.stderr
    assert rows(tmp_path / "out", "videos") == [before]

    config.write_text(f"{CONFIG}[camera.celar]\n{masked}[camera.cellar]\nmasks = []\n")  # On purpose.
    emobatch("run", "--stable-for", "0", cwd=tmp_path)
    [after] = rows(tmp_path / "out", "videos")
    assert before["settings_hash"].endswith("m") and not after["settings_hash"].endswith("m")


def test_doctor_tells_of_masks_that_hide_nothing(tmp_path: Path) -> None:
    """As a run would, from names of files alone."""
    (tmp_path / "footage" / "cellar").mkdir(parents=True)
    (tmp_path / "footage" / "cellar" / "a.mp4").touch()
    options = RunOptions(
        sources=(str(tmp_path / "footage"),),
        out=tmp_path / "out",
        recorders=(Recorder(pattern="footage/{camera}/*"),),
        cameras={"celar": {"masks": [MASK]}},
    )
    finding = next(one for one in examine(options) if one.what == "masks")
    assert finding.level == "problem" and finding.found.startswith("given for camera celar, and no file")
    right = replace(options, cameras={"cellar": {"masks": [MASK]}})
    assert [one.level for one in examine(right) if one.what == "masks"] == ["ok"]


def options_for(folder: Path, *cameras: str, **settings: Any) -> RunOptions:
    """Of a run over one empty file of each camera, with masks of `celar`, which is misspelt."""
    for camera in cameras:
        (folder / "footage" / camera).mkdir(parents=True, exist_ok=True)
        (folder / "footage" / camera / "a.mp4").touch()
    return RunOptions(
        sources=(str(folder / "footage"),),
        out=folder / "out",
        recorders=(Recorder(pattern="footage/{camera}/*.mp4"),),
        stable_for_s=0,
        **{"cameras": {"celar": {"masks": [MASK]}}, **settings},
    )


def test_only_a_section_that_says_masks_lets_a_camera_pass(tmp_path: Path) -> None:
    """What is set for it otherwise says nothing of where nobody may look."""
    options = options_for(tmp_path, "cellar")
    for section, n in (({"min_face": 20}, 1), ({"min_face": 20, "masks": []}, 0), ({"masks": [MASK]}, 0)):
        agenda = plan(replace(options, cameras={**options.cameras, "cellar": section}))
        assert (len(agenda.refused), len(agenda.items)) == (n, 1 - n)


def test_a_camera_of_failed_videos_alone_was_never_looked_at(tmp_path: Path) -> None:
    """Its first good file may be the one with faces under the masks."""
    options = options_for(tmp_path, "cellar")
    fill(tmp_path / "out", [1], Place(None, "cellar"), status="failed", start_time=None)
    assert len(plan(options).refused) == 1
    fill(tmp_path / "out", [2], Place(None, "cellar"), status="partial", start_time=None)
    assert plan(options).refused == []


def test_a_masked_camera_whose_rows_were_too_old_is_not_misspelt(tmp_path: Path) -> None:
    """It rests, and its tombstones say so; no other camera waits for it."""
    options = options_for(tmp_path, "lobby")
    old, out = datetime.now(UTC) - timedelta(days=40), tmp_path / "out"
    fill(out, [1], Place(f"{old:%Y-%m-%d}", "celar"), start_time=old)
    fill(out, [2], Place(None, "shop"), start_time=None, finished_at=datetime.now(UTC))
    assert len(purge(out, datetime.now(UTC) - timedelta(days=30), dry_run=False).videos) == 1
    agenda = plan(options)
    assert (agenda.nobodys, agenda.refused, len(agenda.items)) == ((), [], 1)
    assert [one.level for one in examine(options) if one.what == "masks"] == ["ok"]
    # Rows of a camera that were removed are no proof that its faces may be looked at now.
    other = options_for(tmp_path, "shop", cameras={"shopp": {"masks": [MASK]}})
    purge(out, datetime.now(UTC), dry_run=False, force=True)
    assert len(plan(other).refused) == 2


def test_an_unknown_file_is_told_of_no_remedy_that_does_not_help(tmp_path: Path) -> None:
    """Under --camera it would be processed without the masks that may be meant for it, so that is refused, too."""
    (tmp_path / "a.mp4").touch()
    options = replace(options_for(tmp_path, "yard"), sources=(str(tmp_path / "a.mp4"),))
    [(_, why)] = plan(options).refused
    assert "--camera" not in why and "masks are given for celar, which nothing is from: mend the name there" in why
    [(_, why)] = plan(replace(options, camera="hall")).refused
    assert "camera hall is new" in why and 'say in [camera."hall"] which masks it has' in why
    fill(tmp_path / "out", [1], Place(None, "celar"), start_time=None)
    [(_, why)] = plan(options).refused
    assert why.endswith("or name its --camera")
    assert plan(replace(options, camera="hall")).refused == []
