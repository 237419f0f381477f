"""Before a cluster is given work: can each worker do what this machine could?"""

import platform
import uuid
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from distributed import Client

from analytics.errors import EmobatchError, UsageError
from emobatch import __version__
from jobs.work import VideoTask, engines_for

_SAME: Final = ("av", "opencv-python-headless", "numpy", "scipy", "ai-edge-litert", "pyarrow")
"""Packages whose releases decide the rows."""


def versions() -> dict[str, str]:
    """Releases of everything that decides the rows, in this process."""
    found = {"emobatch": __version__, "python": ".".join(platform.python_version_tuple()[:2])}
    for name in _SAME:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


def probe(task: VideoTask, source: str | None, token: str) -> tuple[dict[str, str], str | None]:
    """What a worker has to say of itself: its versions, and what it cannot do, in words."""
    problem = None
    try:
        engines_for(task)
    except EmobatchError as error:
        problem = str(error)
    try:
        if source is not None:
            with Path(source).open("rb") as file:
                file.read(1)
    except OSError as error:
        problem = problem or f"cannot read {source} ({error.strerror})"
    try:
        # That the folder is there is not enough: it must be the same one.
        if not (task.options.out / token).exists():
            problem = problem or f"sees another folder at {task.options.out}, or none"
        else:
            answer = task.options.out / f"{token}.{uuid.uuid4().hex}"
            answer.touch()
            answer.unlink()
    except OSError as error:
        problem = problem or f"cannot write {task.options.out} ({error.strerror})"
    return versions(), problem


def shake_hands(client: Client, task: VideoTask, videos: Sequence[Path]) -> None:
    """Ask every worker for its versions, the model, the footage and OUT.

    Raises:
        UsageError: there is no worker, or one of them does not fit; it is named.
    """
    try:
        client.wait_for_workers(1, timeout=30)
    except TimeoutError:
        raise UsageError(
            f"--scheduler {task.options.scheduler}: has no workers", "start some with `dask worker ADDRESS`"
        ) from None
    token = f".handshake-{uuid.uuid4().hex}"
    readable = next((str(path) for path in videos if path.is_file() and _can_read(path)), None)
    (task.options.out / token).touch()
    try:
        answers: dict[str, Any] = client.run(probe, task, readable, token, on_error="return")
    finally:
        (task.options.out / token).unlink(missing_ok=True)
    ours = versions()
    for worker, answer in sorted(answers.items()):
        if isinstance(answer, BaseException):
            raise UsageError(
                f"worker {worker}: cannot run emobatch ({type(answer).__name__}: {answer})",
                f"install emobatch {__version__} in the environment of the worker",
            )
        theirs, problem = answer
        if different := [name for name in ours if ours[name] != theirs.get(name)]:
            pairs = ", ".join(f"{name} {theirs.get(name)} instead of {ours[name]}" for name in different)
            raise UsageError(f"worker {worker}: has {pairs}", "install the same releases everywhere")
        if problem:
            raise UsageError(f"worker {worker}: {problem}", "mount footage and OUT under the same paths everywhere")


def _can_read(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return len(file.read(1)) == 1
    except OSError:
        return False
