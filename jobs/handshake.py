"""Before a cluster is given work: can each worker do what this machine could?"""

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from distributed import Client

from analytics.errors import EmobatchError, UsageError
from analytics.paths import is_file
from emobatch import __version__
from jobs.releases import differences, releases
from jobs.task import VideoTask
from jobs.work import engines_for

_SAME_PATHS = "mount footage and OUT under the same paths everywhere"


def probe(task: VideoTask, source: str | None, token: str) -> tuple[dict[str, str], tuple[str, str] | None]:
    """What a worker has to say of itself: its releases, and what it cannot do with the remedy."""
    return releases(), _problem(task, source, token)


def _problem(task: VideoTask, source: str | None, token: str) -> tuple[str, str] | None:
    try:
        engines_for(task)
    except EmobatchError as error:
        return error.problem, error.remedy
    try:
        if source is not None:
            with Path(source).open("rb") as file:
                file.read(1)
    except OSError as error:
        return f"cannot read {source} ({error.strerror})", _SAME_PATHS
    try:
        # That the folder is there is not enough: it must be the same one.
        if not (task.options.out / token).exists():
            return f"sees another folder at {task.options.out}, or none", _SAME_PATHS
        answer = task.options.out / f"{token}.{uuid.uuid4().hex}"
        answer.touch()
        answer.unlink()
    except OSError as error:
        return f"cannot write {task.options.out} ({error.strerror})", _SAME_PATHS
    return None


def shake_hands(client: Client, task: VideoTask, videos: Sequence[Path]) -> None:
    """Ask every worker for its releases, the model, the footage and OUT.

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
    readable = next((str(path) for path in videos if is_file(path) and _can_read(path)), None)
    (task.options.out / token).touch()
    try:
        answers: dict[str, Any] = client.run(probe, task, readable, token, on_error="return")
    finally:
        (task.options.out / token).unlink(missing_ok=True)
    for worker, answer in sorted(answers.items()):
        if isinstance(answer, BaseException):
            raise UsageError(
                f"worker {worker}: cannot run emobatch ({type(answer).__name__}: {answer})",
                f"install emobatch {__version__} in the environment of the worker",
            )
        theirs, problem = answer
        if different := differences(theirs, releases()):
            raise UsageError(f"worker {worker}: has {different}", "install the same releases everywhere")
        if problem:
            raise UsageError(f"worker {worker}: {problem[0]}", problem[1])


def _can_read(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return len(file.read(1)) == 1
    except OSError:
        return False
