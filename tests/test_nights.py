"""The index tells in the morning what the last run did, and what failed that had not failed before."""

import json
from pathlib import Path
from typing import Any

import pytest

from reports.nights import MOST, read_nights
from reports.site import write_site
from tests.clips import write_clip
from tests.command import emobatch
from tests.footage import Scene
from tests.test_report_data import FAILED, write_results
from tests.test_reports import Reader

RECORD: dict[str, Any] = {
    "run_id": "20260302T220000Z-aaaaaa",
    "videos": {"done": 12, "partial": 1, "failed": 1, "duplicate": 0, "unchanged": 9900},
    "media_s": 7200.0,
    "elapsed_s": 3725.0,
    "failures": [
        {"source": f"/archive/{FAILED[0]}.mp4", "reason": "moov atom not found"},
        {"source": "/mnt/<b>gone</b>", "reason": "does not exist"},
    ],
    "left": [{"source": "/archive/new.mp4", "reason": "changed 3 s ago"}],
    "started_at": "2026-03-02T22:00:00+00:00",
    "interrupted": False,
}


def _record(out: Path, day: int, **changes: Any) -> None:
    (out / "runs").mkdir(exist_ok=True)
    run_id = f"202603{day:02}T220000Z-aaaaaa"
    record = RECORD | {"run_id": run_id, "started_at": f"2026-03-{day:02}T22:00:00+00:00"} | changes
    (out / "runs" / f"{run_id}.json").write_text(json.dumps(record))


@pytest.fixture(name="out")
def _out(tmp_path: Path) -> Path:
    return write_results(tmp_path)


def test_the_last_run_is_told_with_what_is_new_and_what_is_missing(out: Path) -> None:
    """Counts and times of the latest run, its new failure marked in the list, missing sources as text, not markup."""
    _record(out, 1, videos={"done": 1}, failures=[], left=[])
    _record(out, 2)
    page = Reader(write_site(out))
    assert "Last run 2026-03-02 23:00:00 UTC+01:00 took 1:02:05" in page.text
    assert "12 done, 1 partial, 1 failed, 9,900 unchanged" in page.text
    assert "Not found: /mnt/<b>gone</b>" in page.text and "b" not in {tag for tag, _ in page.elements}
    assert "1 video left for a later run /archive/new.mp4" in page.text
    assert "Runs before" in page.text and "2026-03-01 23:00:00 UTC+01:00" in page.text
    assert page.text.count("failed new") == 1


def test_what_is_refused_is_not_called_missing(out: Path) -> None:
    """Files that masks keep from being looked at are there; and with them alone a run is not well."""
    refused = {"source": "/archive/stray.mp4", "reason": "there are cameras with masks"}
    _record(out, 2, failures=[{"source": "/mnt/gone", "reason": "does not exist"}, refused], missing=["/mnt/gone"])
    text = Reader(write_site(out)).text
    assert "Not found: /mnt/gone" in text and "To be mended: /archive/stray.mp4" in text
    _record(out, 3, failures=[refused], missing=[], refused=[refused], left=[])
    text = Reader(write_site(out)).text
    assert "Not found:" not in text and "To be mended: /archive/stray.mp4" in text and "all is well" not in text


def test_an_interrupted_run_says_so(out: Path) -> None:
    """So that nobody takes half a night for a whole one."""
    _record(out, 2, interrupted=True)
    assert "It was interrupted before all videos had their turn." in Reader(write_site(out)).text


def test_without_records_there_is_no_summary(out: Path) -> None:
    """Tables alone still give the pages."""
    assert "Last run" not in Reader(write_site(out)).text


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"videos": 3}', "\x00"])
def test_a_broken_record_costs_nothing(out: Path, text: str) -> None:
    """What a full disk or another program left there is passed over."""
    _record(out, 1)
    (out / "runs" / "20260309T220000Z-aaaaaa.json").write_text(text)
    assert [night.started.day for night in read_nights(out)] == [1]


def test_only_the_last_runs_are_told(out: Path) -> None:
    """The folder grows every night, the page does not."""
    for day in range(1, 29):
        _record(out, day)
    nights = read_nights(out)
    assert [night.started.day for night in nights] == list(range(28, 28 - MOST, -1))


def test_a_run_is_told_on_its_own_index(tmp_path: Path) -> None:
    """The pages that a run draws tell of that run: a damaged file among the sound ones is marked new, once."""
    (tmp_path / "footage").mkdir()
    write_clip(Scene(duration_s=1, fps=5), tmp_path / "footage" / "a.mp4")
    (tmp_path / "footage" / "b.mp4").write_bytes(b"no video at all")
    for expected in ("1 done, 1 failed", "2 unchanged"):
        emobatch("run", "footage", "--out", "out", cwd=tmp_path)
        text = Reader(tmp_path / "out" / "reports" / "index.html").text
        assert expected in text
        assert ("failed new" in text) == ("failed" in expected)
