"""Lead all videos of a run through their steps: which step is next, what its result means, what a failure costs.

A video is begun, read segment by segment, and finished. Only a window of videos is open at any time. No
more steps are handed out than can run at once, so a worker that dies takes one step with it. That step
is tried again alone, when everything else is done; if it kills a second time its video has failed.
"""

import heapq
import logging
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Protocol

from analytics.errors import EmobatchError
from analytics.fingerprint import WHOLE_UP_TO
from analytics.records import Pulse
from jobs import work
from jobs.executors import BEAT_S, Call, Executor, Running
from jobs.outcome import VideoOutcome
from jobs.pipeline import Engines
from jobs.steps import Step, Video
from jobs.unfinished import forget
from jobs.work import Begun, Failed, VideoTask

_log = logging.getLogger(__name__)

_WINDOW: Final = 2
"""Open videos for each call that can run at once."""


class Listener(Protocol):
    """Is told how a run goes on."""

    def began(self, videos: int, size: int) -> None:
        """So many videos, so many bytes."""

    def ended(self, number: int, of: int, outcome: VideoOutcome, size: int) -> None:
        """One video is through; number counts from 1."""

    def working(self, running: dict[str, tuple[str, Running]], media_s: float, size: float) -> None:
        """What each worker is at, by call: source and progress; seconds of footage and bytes that are done."""


class Conductor:
    """Leads the videos of one run through their steps."""

    def __init__(
        self, videos: Sequence[Path], task: VideoTask, engines: Engines, executor: Executor, listener: Listener
    ) -> None:
        """
        Args:
            videos: in the order in which they are to be begun.
            task: what to do with each; its path is replaced.
            engines: of this process, for the rows of failed videos.
            executor: who does it.
            listener: who is told.
        """
        self.task, self.engines, self.executor, self.listener = task, engines, executor, listener
        sizes = [_size_of(path) for path in videos]
        self.waiting = deque(
            Video(index, size, replace(task, path=path))
            for index, (path, size) in enumerate(zip(videos, sizes, strict=True))
        )
        self.total = len(videos)
        self.ended = 0
        self.size_ended, self.media_s = 0, 0.0
        self.ready: list[tuple[tuple[int, int, int], Step]] = []
        self.flying: dict[str, Step] = {}
        self.suspects: deque[Step] = deque()
        self.open = 0
        self.staffed_at = time.monotonic()
        shared = {size for size, n in Counter(sizes).items() if n > 1}
        self.twins: dict[int, deque[Video]] = {size: deque() for size in shared}
        """Open files of the same size, in their order: only these can be copies of one another."""
        self.originals: dict[str, VideoTask] = {}
        """First file with each hash, of those that share their size with another."""
        listener.began(self.total, sum(sizes))

    def run(self) -> None:
        """Go on until every video has ended.

        Raises:
            CannotWrite: OUT cannot be written.
            EmobatchError: a worker does not fit, or the cluster is gone.
        """
        while self.ended < self.total:
            self._hand_out()
            for done in self.executor.wait(BEAT_S / 2):
                step = self.flying.pop(done.name, None)
                if step is None or step.video.closed:
                    continue
                if done.error:
                    raise done.error
                if done.deaths:
                    self._died(step, done.deaths)
                else:
                    self._returned(step, done.value)
            self._watch()

    def _hand_out(self) -> None:
        while len(self.flying) < self.executor.slots and (step := self._next()):
            self.flying[step.name] = step
            self.executor.submit(self._call(step))

    def _next(self) -> Step | None:
        while self.ready:
            step = heapq.heappop(self.ready)[1]
            if not step.video.closed:
                return step
        if self.waiting and self.open < max(1, _WINDOW * self.executor.slots):
            self._open(self.waiting.popleft())
            return self._next()
        if self.suspects and not self.flying:
            return self.suspects.popleft()
        return None

    def _open(self, video: Video) -> None:
        self.open += 1
        video.opened_at = time.monotonic()
        if video.size in self.twins:
            self.twins[video.size].append(video)
            self._add("identify", video)
        else:
            self._add("begin", video)

    def _add(self, kind: str, video: Video, number: int = 0) -> None:
        step = Step(kind, video, number)
        heapq.heappush(self.ready, (step.order, step))

    def _call(self, step: Step) -> Call:
        task = step.video.task
        arguments: tuple[Any, ...] = (task,)
        if step.kind == "identify":
            arguments = (task.path,)
        elif step.kind == "hash_both":
            arguments = (task.path, self.originals[task.digest or ""].path)
        elif step.kind == "read":
            arguments = (task, step.number)
        return Call(step.name, getattr(work, step.kind), arguments)

    def _returned(self, step: Step, value: Any) -> None:
        """Draw the consequence of a step that ended."""
        video = step.video
        if isinstance(value, Failed):
            if value.trace:
                _log.error("%s\n%s", video.task.source, value.trace)
            video.task = replace(video.task, digest=value.digest or video.task.digest)
            self._fail(video, value.reason)
        elif isinstance(value, VideoOutcome):
            self.media_s += value.media_s if step.kind == "begin" else 0.0
            self._end(video, value)
        elif isinstance(value, Begun):
            video.task = replace(video.task, digest=value.digest)
            video.segments = video.left = value.segments
            for number in range(value.segments):
                self._add("read", video, number)
        elif step.kind == "read":
            self.media_s += value
            video.left -= 1
            if not video.left:
                self._add("finish", video)
        elif step.kind == "identify":
            video.task = replace(video.task, digest=value)
            video.identified = True
            self._tell_copies(self.twins[video.size])
        else:
            self._compared(video, *value)

    def _tell_copies(self, twins: deque[Video]) -> None:
        """Settle, in the order of the sources, which files of one size are copies."""
        while twins and twins[0].identified:
            video = twins[0]
            assert video.task.digest is not None
            original = self.originals.get(video.task.digest)
            if original and video.size > WHOLE_UP_TO:
                video.identified = False  # The fingerprint of a large file is no proof.
                self._add("hash_both", video)
                return
            twins.popleft()
            if original:
                self._end(video, work.write_duplicate(video.task, original, self.engines))
            else:
                self.originals[video.task.digest] = video.task
                self._add("begin", video)

    def _compared(self, video: Video, mine: str, theirs: str) -> None:
        """Settle what a large file is whose fingerprint another one has, too."""
        assert video.task.digest is not None
        original = self.originals.get(video.task.digest if mine == theirs else mine)
        self.twins[video.size].popleft()
        if original:
            self._end(video, work.write_duplicate(video.task, original, self.engines))
        else:
            video.task = replace(video.task, digest=mine)
            self.originals[mine] = video.task
            self._add("begin", video)
        self._tell_copies(self.twins[video.size])

    def _died(self, step: Step, deaths: int) -> None:
        """A worker process ended during a step: try it again alone, and no third time."""
        step.deaths += deaths
        _log.warning("%s: a worker process died during %s %d", step.video.task.source, step.kind, step.number)
        if step.deaths > 1:
            digest = work.identify(Pulse(), step.video.task.path)
            if isinstance(digest, str) and not step.video.task.digest:
                step.video.task = replace(step.video.task, digest=digest)
            self._fail(
                step.video,
                f"ended its worker process {step.deaths} times (a crash of the decoder, or no memory left): "
                "check the file, or give emobatch more memory and fewer --workers",
            )
            return
        step.attempt += 1
        self.suspects.append(step)
        if not step.video.parked:
            step.video.parked = True
            self.open -= 1

    def _watch(self) -> None:
        """Give up what makes no progress; tell the listener what the workers are at."""
        now, working = time.monotonic(), {}
        if self.executor.slots:
            self.staffed_at = now
        elif now - self.staffed_at > self.task.options.stall_s:
            raise EmobatchError("no worker is left", "start workers and run again; finished videos are kept")
        for name, running in list(self.executor.running.items()):
            step = self.flying.get(name)
            if step is None:
                continue
            if now - running.alive_at > self.task.options.stall_s:
                self.executor.give_up(name)
                self.flying.pop(name, None)
                # Other segments of a video that was given up may hang in the same way.
                if not step.video.closed:
                    seconds = f"{self.task.options.stall_s:g}"
                    words = f"timed out: no progress for {seconds} s: check that it plays, or set --stall"
                    self._fail(step.video, words)
            elif not step.video.closed:
                working[name] = step.video.task.source, running
        media_s = self.media_s + sum(running.media_s for _, running in working.values())
        opened = {step.video for step in self.flying.values()}
        size = self.size_ended + sum(video.size * (1 - video.left / video.segments) for video in opened if video.left)
        self.listener.working(working, media_s, size)

    def _fail(self, video: Video, reason: str) -> None:
        elapsed_s = time.monotonic() - video.opened_at
        self._end(video, work.write_failure(video.task, self.engines, reason, elapsed_s))
        if (twins := self.twins.get(video.size)) and video in twins:
            twins.remove(video)
            self._tell_copies(twins)

    def _end(self, video: Video, outcome: VideoOutcome) -> None:
        video.closed = True
        if video.segments > 1:
            forget(video.task.folder)
        self.open -= not video.parked
        self.ended += 1
        self.size_ended += video.size
        self.listener.ended(self.ended, self.total, outcome, video.size)


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
