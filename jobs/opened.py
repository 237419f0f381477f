"""What earlier runs left, by a path or a URL: opened for reading, or held alone to be changed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from analytics.errors import UsageError
from analytics.footage import is_url
from analytics.listing import EVENTS, TABLES
from jobs.writing import disk_errors_told

_LEFT = "nothing is half-written"


def for_reading(out: str, tops: tuple[str, ...] = (*TABLES, EVENTS), *, empty: bool = False) -> Path:
    """The folder of an OUT; of one in a bucket a copy of some of its folders, as they are now.

    Args:
        out: a path, or an s3:// URL.
        tops: the folders below OUT that are looked at.
        empty: whether it may hold no results.

    Raises:
        UsageError: the bucket is not there, or holds no results.
        EmobatchError: it cannot be reached, or there is no room for the copy.
    """
    if not is_url(out):
        return Path(out)
    from jobs.bucket_copy import read_copy
    from jobs.mirror import worded

    url = out.rstrip("/")
    with disk_errors_told(out, _LEFT), worded():
        folder = read_copy(url, tops)
    if not empty:
        _check_results(folder, url)
    return folder


@contextmanager
def alone(out: str, command: str) -> Iterator[Path]:
    """Hold the lock of OUT, in which results must be; complete what was interrupted. The folder to work in.

    What changes in the mirror of a bucket is sent at the end.

    Args:
        out: a path, or an s3:// URL.
        command: what others are told that runs here.

    Raises:
        UsageError: there are no results.
        LockedError: another run holds it.
        EmobatchError: it cannot be written.
    """
    from analytics.commit import complete
    from analytics.tables import clear_halves
    from jobs.lock import locked
    from jobs.mirror import claimed, following
    from jobs.options import placed
    from jobs.results import Results

    folder, url = placed(out, None)
    with disk_errors_told(out, _LEFT):
        if url is None:
            Results.opened(folder)
        else:
            claimed(url, folder)
        with locked(folder, command), following(url, folder, command) as follower:
            complete(folder)
            clear_halves(folder)  # They may hold rows of videos that are to be purged.
            if url is not None:
                _check_results(folder, url)
            yield folder
            follower.conclude()


def _check_results(folder: Path, url: str) -> None:
    if not next((folder / "videos").glob("day=*/cam=*/*.parquet"), None):
        raise UsageError(f"{url}: holds no results of emobatch", "name the --out of an earlier run")
