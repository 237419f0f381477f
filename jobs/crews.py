"""What the videos of a run are worked on with: detector, classifier and settings, which cameras may have of their own."""

from dataclasses import replace
from pathlib import Path

from analytics.paths import absolute
from jobs.agenda import Item
from jobs.options import RunOptions
from jobs.pipeline import Engines
from jobs.releases import releases
from jobs.task import VideoTask
from models.classifier import SHIPPED


class Crews:
    """Loaded once for each set of settings: that of the run, and those of cameras with settings of their own."""

    def __init__(self, options: RunOptions) -> None:
        """
        Raises:
            UsageError: an unknown detector or model, or a setting that no single camera can have.
        """
        # Paths of workers are those of this machine, whatever folder they were started in.
        out = absolute(options.out)
        model = options.model if options.model in SHIPPED else str(absolute(Path(options.model)))
        self._options: dict[str | None, RunOptions] = {}
        self._of: dict[str | None, Engines] = {}
        for camera in (None, *options.cameras):
            own = options.of_camera(camera)
            self._of[camera] = Engines.load(own, self._of.values())
            # Sources and rules may be many, and travel with no step.
            self._options[camera] = replace(own, sources=(), recorders=(), events=None, out=out, model=model)
        self.others = self._of[None]
        self.hashes = {camera: engines.settings_hash for camera, engines in self._of.items()}
        self.by_hash = {engines.settings_hash: engines for engines in self._of.values()}
        self.masks = {engines.settings_hash: self._options[camera].masks for camera, engines in self._of.items()}
        self._releases = releases()

    def task(self, item: Item, term: str) -> VideoTask:
        """What is to be done with a file, in a term of OUT (analytics/commit.py)."""
        camera = item.recorded.camera if item.recorded.camera in self._of else None
        return VideoTask(
            path=item.path,
            options=self._options[camera],
            settings_hash=self.hashes[camera],
            releases=self._releases,
            recorded=item.recorded,
            digest=item.digest or None,
            term=term,
        )
