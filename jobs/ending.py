"""How a process of the command line ends: with its exit code, whatever native code does at its end."""

import atexit
import os
import sys
from types import TracebackType


class EndsAtOnce:
    """Ends the process once Python has put everything away, without taking native libraries down.

    Arrow's threads may still be about when its thread pools are destroyed at the end of a process, which then aborts
    (status 134) after a command that did all it should.

        with EndsAtOnce():
            ...  # ends in sys.exit
    """

    def __init__(self) -> None:
        self._code: int | None = None
        # What is registered first runs last: after the threads, temporary folders and logs of all others.
        atexit.register(self._end)

    def __enter__(self) -> None:
        """What follows may end in SystemExit."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Remember the code; anything else than SystemExit is for Python to tell."""
        if isinstance(error, SystemExit) and (error.code is None or isinstance(error.code, int)):
            self._code = error.code or 0

    def _end(self) -> None:
        if self._code is None:
            return
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(self._code)
