"""What is left of a run beside its tables: OUT/runs/RUN_ID.log while it goes on, OUT/runs/RUN_ID.json at its end."""

import json
import logging
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from analytics.purpose import UNDECLARED
from analytics.whole import whole
from emobatch import __version__
from jobs.masked import masked_cameras
from jobs.options import RunOptions
from jobs.outcome import RUNS, RunSummary
from jobs.task import as_text


@contextmanager
def logged(path: Path) -> Iterator[None]:
    """Everything that emobatch logs during a run also goes into a file of its own.

    Raises:
        OSError: the file cannot be written.
    """
    root = logging.getLogger("jobs")
    level = root.level
    path.parent.mkdir(exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    handler.handleError = lambda record: None  # type: ignore[method-assign] # A full disk ends the run elsewhere.
    root.addHandler(handler)
    root.setLevel(min(level, logging.INFO) if level else logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        with suppress(OSError):
            handler.close()


def write_record(options: RunOptions, settings_hash: str, summary: RunSummary) -> None:
    """Write what a run did, whole or not at all.

    Raises:
        OSError: OUT cannot be written.
    """
    folder = options.out / RUNS
    folder.mkdir(exist_ok=True)
    record = {
        **summary.to_json(),
        "started_at": summary.started_at,
        "interrupted": summary.interrupted,
        "exit_code": None if summary.interrupted else summary.exit_code,
        "host": platform.node(),
        "pid": os.getpid(),
        "emobatch": __version__,
        "sources": [as_text(source) for source in options.sources],
        "found": summary.n_found,
        "missing": summary.missing,
        "masks_of_nobody": summary.masks_of_nobody,
        "passed_over": summary.passed_over,
        "settings": {
            "every": str(options.every),
            "gate": options.gate,
            "keyframes": options.keyframes,
            "detector": options.detector,
            "model": options.model,
        },
        "settings_hash": settings_hash,
        "purpose": options.purpose.told() if options.purpose else UNDECLARED,
        "masks": {name: len(options.of_camera(name).masks.polygons) for name in masked_cameras(options)},
        "removed_for_retention": summary.removed,
        "held_back_since": summary.held_back_since,
    }
    with whole(folder / f"{summary.run_id}.json") as file:
        file.write(f"{json.dumps(record, indent=2)}\n".encode())
