"""The front door of emobatch: batch video analytics of apparent facial expressions.

import emobatch

summary = emobatch.run(["footage/"], "out/night", workers=2)
results = emobatch.open_results("out/night")
print(results.tracks.groupby("expression").size())
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # Importing the front door costs nothing.
    from jobs.outcome import RunSummary
    from jobs.results import Results

__version__ = "0.1.0"


def run(sources: str | Path | Iterable[str | Path], out: str | Path, **settings: Any) -> "RunSummary":
    """Process recorded video into tables and reports, as `emobatch run` does.

    Args:
        sources: files, folders, globs, @lists, or s3:// URLs.
        out: folder of tables and reports, or its s3:// URL.
        settings: fields of jobs.options.RunOptions: every, detector, model, camera, workers, segment, …; and mirror,
            the folder in which an OUT in a bucket is worked on.
            Seconds may be given as int, float, Fraction or text.

    Returns:
        What was done; videos that failed are in its `failures`, and raise nothing.

    Raises:
        analytics.errors.EmobatchError: a wrong setting, no video in the sources, or OUT cannot be written.
    """
    from jobs.options import from_settings
    from jobs.run import run as run_all

    return run_all(from_settings(sources, out, settings))


def open_results(out: str | Path) -> "Results":
    """The tables below a folder or an s3:// URL, as pandas frames: videos, samples, faces, tracks.

    Raises:
        analytics.errors.UsageError: the folder holds no results.
    """
    from jobs.opened import for_reading
    from jobs.results import Results

    return Results.opened(for_reading(str(out)))


def main() -> None:
    """The command line, `emobatch`."""
    from jobs.cli import run_command_line

    run_command_line()


def command() -> None:
    """The command line as a process of its own, which ends with it."""
    from jobs.ending import EndsAtOnce

    with EndsAtOnce():
        main()


if __name__ == "__main__":
    command()
