"""What the training in a folder was begun with: a later start goes on with that very training, or not at all.

    begun.json   {"net": "default", "labels": "ferplus", …, "seed": 20, "backend": "tensorflow", "dataset": "<SHA-256>"}

It lies beside the checkpoints. A checkpoint alone does not tell of which pictures or of which learning rate it is.
"""

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from analytics.errors import LockedError, UsageError

_RECORD: Final = "begun.json"
_LEFT_BY_TRAINING: Final = ("resume", "resume-head", "best.weights.h5", "history.csv")
OPTIONS: Final = {
    "net": "--net",
    "labels": "--labels",
    "size": "--size",
    "begin": "--from",
    "weights": "--weights",
    "freeze": "--freeze",
    "freeze_epochs": "--freeze-epochs",
    "fine_rate": "--fine-rate",
    "teachers": "--teacher",
    "taught": "--taught",
    "epochs": "--epochs",
    "batch": "--batch",
    "learning_rate": "--learning-rate",
    "loss": "--loss",
    "optimizer": "--optimizer",
    "schedule": "--schedule",
    "patience": "--patience",
    "balance": "--balance",
    "mixup": "--mixup",
    "degraded": "--degraded",
    "augment": "--augment",
    "seed": "--seed",
}
"""Settings that have an option on the command line, and its name."""
_NO_VALUE: Final = "nothing"
_ALWAYS_BEFORE: Final = {
    "freeze": "none",
    "freeze_epochs": 0,
    "fine_rate": 0.0,
    "loss": "soft-labels",
    "optimizer": "adamw",
    "schedule": "cosine",
    "patience": 0,
    "budget_s": 0.0,
    "augment": "cctv",
}
"""What held for every training before these settings could be chosen; its record does not name them."""


@contextmanager
def alone_in(out: Path) -> Iterator[None]:
    """Hold the folder of a training, which is made where it is missing, as long as the training lasts.

    Raises:
        LockedError: another training holds it.
        UsageError: it cannot be written.
    """
    lock = out / ".lock"
    try:
        out.mkdir(parents=True, exist_ok=True)
        held = lock.open("w", encoding="utf-8")
    except OSError as error:
        problem = f"--out {out}: cannot be written ({error.strerror or error})"
        raise UsageError(problem, "name another folder") from None
    with held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            remedy = "wait until it has ended, or name another --out"
            raise LockedError(f"--out {out}: another training is at work there", remedy) from None
        except OSError:  # A file system without locks.
            pass
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


def begin_or_go_on(out: Path, settings: Mapping[str, Any]) -> None:
    """Claim the folder of a training, which exists, for these settings.

    Args:
        out: folder for the checkpoints.
        settings: everything that decides the result, as JSON has it; `dataset` is the data set's SHA-256.

    Raises:
        UsageError: the folder holds a training that was begun with other settings, or that does not say with which.
        OSError: the folder cannot be read or written.
    """
    record = out / _RECORD
    if any((out / name).exists() for name in _LEFT_BY_TRAINING):
        if differing := _differing(_read(record, out), settings):
            raise UsageError(f"--out {out}: holds a training begun with {', '.join(differing)}", _remedy(out))
        return
    # Nothing has been learned yet, so whatever was claimed before binds nobody.
    half = record.with_suffix(".tmp")
    try:
        half.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
        half.replace(record)
    finally:
        half.unlink(missing_ok=True)


def _read(record: Path, out: Path) -> dict[str, Any]:
    try:
        begun = json.loads(record.read_text(encoding="utf-8"))
    except FileNotFoundError:
        begun = None
    except ValueError:
        raise UsageError(f"{record}: is damaged, and the training beside it unknown", _remedy(out)) from None
    if not isinstance(begun, dict):
        raise UsageError(f"--out {out}: holds a training that does not say what it was begun with", _remedy(out))
    return begun


def _differing(begun: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
    """Each setting that is another one now, in words."""
    begun = {name: value for name, value in _ALWAYS_BEFORE.items() if name in settings} | dict(begun)
    names = [name for name in {**settings, **begun} if begun.get(name, _NO_VALUE) != settings.get(name, _NO_VALUE)]
    return [_in_words(name, begun.get(name, _NO_VALUE), settings.get(name, _NO_VALUE)) for name in names]


def _in_words(name: str, then: object, now: object) -> str:
    if name == "dataset":
        return f"another data set (SHA-256 {str(then)[:12]}… instead of {str(now)[:12]}…)"
    return f"{OPTIONS.get(name, name)} {then} instead of {now}"


def _remedy(out: Path) -> str:
    return f"give the same settings again, name another --out, or remove the folder {out} to begin anew"
