"""Options that several commands share, and what is shown on stderr."""

import logging
from typing import Annotated

import typer

_debug = False
_left = "what was finished is kept"


def debugging() -> bool:
    """Whether tracebacks are to be shown."""
    return _debug


def left_by_interrupt() -> str:
    """What becomes of the work of the command at hand when somebody interrupts it."""
    return _left


def tell_when_interrupted(left: str) -> None:
    """Have an interrupt told in these words: not all commands keep what was finished."""
    global _left
    _left = left


def log_to_stderr(quiet: bool = False) -> None:
    """Show what is logged: warnings; with --debug everything, with --quiet errors alone."""
    shown = logging.DEBUG if _debug else logging.ERROR if quiet else logging.WARNING
    logging.basicConfig(
        level=logging.DEBUG if _debug else logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    for handler in logging.getLogger().handlers:  # A run lowers its own loggers' level for the log file.
        handler.setLevel(shown)
    if _debug:
        for noisy in ("asyncio", "PIL", "matplotlib", "h5py", "distributed"):
            logging.getLogger(noisy).setLevel(logging.INFO)


def _set_debug(wanted: bool) -> bool:
    global _debug
    _debug = wanted
    if wanted:
        log_to_stderr()
    return wanted


Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Debug = Annotated[bool, typer.Option("--debug", callback=_set_debug, help="Show tracebacks and debug messages.")]
LinkFootage = Annotated[
    str | None,
    typer.Option(
        metavar="PREFIX|FROM=TO",
        help="Where a browser finds the footage, if not where the run does; kept for later. '' forgets it.",
        show_default="as last time",
    ),
]
