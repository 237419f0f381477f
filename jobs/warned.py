"""What a run says aloud of cameras and rules: mostly something is mistyped, and nothing else would say so."""

import logging
from collections.abc import Iterable, Sequence

from analytics.footage import Footage
from analytics.recorders import Recorded
from analytics.tables import why_no_camera
from jobs.options import RunOptions
from jobs.task import as_text

_log = logging.getLogger(__name__)


def warn_of_cameras(told: Iterable[Recorded], options: RunOptions) -> None:
    """Tell of names of cameras that came out otherwise than whoever wrote the rules can have meant."""
    names = {one.camera for one in told} - {None}
    for name in sorted(name for name in names if name):
        if problem := why_no_camera(name):
            _log.warning("camera %.60s: the name %s; the rows of its videos name no camera", ascii(name), problem)
    if strangers := sorted(set(options.cameras) - names):
        _log.warning("settings of camera %s: no file that was found is from there", ", ".join(strangers))


def warn_of_rules(files: Sequence[tuple[Footage, Recorded]], options: RunOptions) -> None:
    """Tell of files that no rule tells anything of."""
    unknown = [path for path, told in files if told.start is None and told.camera is None]
    if options.recorders and unknown:
        _log.warning(
            "%d of %d files match no rule that tells camera or time, such as %s",
            len(unknown), len(files), as_text(unknown[0]),
        )  # fmt: skip
