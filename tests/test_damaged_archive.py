"""Damaged files among good ones: no good one is lost, each bad one is told, and nothing is done twice."""

from pathlib import Path
from typing import Any

from tests.command import emobatch, rows
from tests.damaged_archive import DAMAGES, make_bad, make_good

GOOD, BAD = 4, 2 * len(DAMAGES)


def facts(out: Path) -> dict[str, dict[str, Any]]:
    """The row of each file, by its name."""
    return {Path(row["source"]).name: row for row in rows(out, "videos")}


def test_every_file_has_its_row_and_is_looked_at_once(tmp_path: Path) -> None:
    """Partial or failed with a reason, or done where the damage does not show; the next run has nothing to do."""
    make_good(tmp_path / "in" / "good", GOOD)
    bad = make_bad(tmp_path / "in" / "bad", sorted((tmp_path / "in" / "good").iterdir()), BAD, seed=7)

    first = emobatch("run", "in", "--out", "out", "--json", "--workers", "2", "--stall", "30", cwd=tmp_path)

    assert first.code == 3, first.stderr
    found = facts(tmp_path / "out")
    assert len(found) == GOOD + BAD
    for name, row in found.items():
        if name not in bad:
            assert (row["status"], row["coverage"], row["n_tracks"]) == ("done", 1.0, 1), name
        else:
            assert row["status"] in ("done", "partial", "failed"), name
            assert row["status"] == "done" or row["reason"], name
            assert "unforeseen" not in (row["reason"] or ""), (name, row["reason"])
            assert not (row["status"] == "done" and row["coverage"] < 0.99), name
    hopeless = [
        row["status"] for name, row in found.items() if bad.get(name) in ("text", "only noughts", "only garbage")
    ]
    assert set(hopeless) == {"failed"}
    assert {found[name]["status"] for name, damage in bad.items() if damage == "wrong suffix"} == {"done"}

    again = emobatch("run", "in", "--out", "out", "--json", "--workers", "2", cwd=tmp_path)
    assert again.code == 0, again.stderr
    assert again.json["videos"]["unchanged"] == GOOD + BAD
    assert facts(tmp_path / "out") == found
