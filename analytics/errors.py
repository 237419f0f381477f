"""Errors that a user can mend. Each says what was wrong with which thing, and what to do.

    EmobatchError          1  (never raised itself)
    ├── UsageError         2  the command line, a setting or a named path is wrong
    ├── NoVideoError       4  the sources hold no video
    ├── LockedError        5  another run holds OUT
    ├── VideoError         3  one video cannot be processed; the others go on
    │   └── UnreachableError  the file, not its content, is to blame; the next run tries it again
    └── UnreadableTables   3  reports/stored.py: tables below OUT are damaged; the other pages are drawn

The number is the exit code of a run that ends with this error. A VideoError ends no run: it
becomes the video's row in `videos`.
"""


class EmobatchError(Exception):
    """Base of all errors that are shown without a traceback."""

    exit_code = 1

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}: {remedy}")
        self.problem = problem
        """What was wrong with which file or setting."""
        self.remedy = remedy
        """What the user can do about it."""

    def __reduce__(self) -> tuple[type["EmobatchError"], tuple[str, str]]:
        """Errors of workers reach this process as they were."""
        return type(self), (self.problem, self.remedy)


class UsageError(EmobatchError):
    """The command line, a setting or a named path is wrong."""

    exit_code = 2


class NoVideoError(EmobatchError):
    """The named sources exist and hold no video."""

    exit_code = 4


class LockedError(EmobatchError):
    """Another run writes into the same folder."""

    exit_code = 5


class VideoError(EmobatchError):
    """This one video cannot be processed."""

    exit_code = 3


class UnreachableError(VideoError):
    """The file of a video cannot be read now; what it holds nobody knows."""
