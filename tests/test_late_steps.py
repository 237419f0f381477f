"""A step that was handed out by a run, and is carried out when another one has begun."""

from pathlib import Path
from typing import Any

import pytest

from analytics.commit import complete
from analytics.errors import EmobatchError
from jobs import work
from tests.rerun import Archive, counts


@pytest.mark.parametrize("kind", ["begin", "finish", "refile"])
def test_a_step_of_an_old_run_writes_nothing(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its worker was suspended before it looked at anything, and wakes in the term of the next run."""
    archive = Archive(tmp_path)
    archive.clip("a.mp4", 1, seconds=25)
    settings: dict[str, Any] = {"segment": "10"} if kind == "finish" else {}
    if kind == "refile":
        assert counts(archive.run()) == {"done": 1}
        archive.move("a.mp4", "b.mp4")
        before = archive.bytes()
    step = getattr(work, kind)

    def late(*arguments: Any) -> Any:
        complete(archive.out)  # As the next run does when it has the lock.
        return step(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(work, kind, late)
        with pytest.raises(EmobatchError, match="cannot write"):
            archive.run(**settings)
    if kind == "refile":
        assert archive.bytes() == before
    else:
        assert archive.videos() == {}
    archive.run(**settings)
    assert list(archive.told("status").values()) == ["done"]
    archive.check()
