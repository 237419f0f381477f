"""Lead all videos of a run through their steps: which step is next, what its result means, what a failure costs.

A video is begun, read segment by segment, and finished. Only a window of videos is open at any time. No
more steps are handed out than can run at once, so a worker that dies takes one step with it. That step
is tried again alone, when everything else is done; if it kills a second time its video has failed.
"""

import heapq
import logging
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from analytics.errors import EmobatchError
from analytics.footage import footage_of
from jobs import work
from jobs.executors import BEAT_S, Call, Executor
from jobs.filing import write_duplicate, write_failure
from jobs.ledger import Need
from jobs.limits import Limits, Listener
from jobs.outcome import VideoOutcome
from jobs.pipeline import Engines
from jobs.settle import Settler, StuckError
from jobs.steps import Step, Video
from jobs.task import Begun, Failed, VideoTask
from jobs.unfinished import forget

_log = logging.getLogger(__name__)

_WINDOW: Final = 2
"""Open videos for each call that can run at once."""


class Conductor:
    """Leads the videos of one run through their steps."""

    def __init__(
        self,
        items: Sequence[tuple[VideoTask, int, int]],
        engines: Mapping[str, Engines],
        settler: Settler,
        executor: Executor,
        listener: Listener,
        limits: Limits,
    ) -> None:
        """
        Args:
            items: each video with its size in bytes and the time of its last change (ns), in the order in which they
                are to be begun.
            engines: of this process, for the rows of failed videos, by settings hash.
            settler: who tells what a video is.
            executor: who does the work.
            listener: who is told.
            limits: when to give up a video, and when to begin nothing more.
        """
        self.engines, self.settler, self.executor, self.listener = engines, settler, executor, listener
        self.limits = limits
        self.waiting = deque(
            Video(index, size, changed_ns, task) for index, (task, size, changed_ns) in enumerate(items)
        )
        self.total = len(items)
        self.ended = 0
        self.size_ended, self.media_s = 0, 0.0
        self.ready: list[tuple[tuple[int, int, int], Step]] = []
        self.flying: dict[str, Step] = {}
        self.suspects: deque[Step] = deque()
        self.open: set[Video] = set()
        self.staffed_at = time.monotonic()
        settler.expect(size for _, size, _ in items)
        self.left: list[Video] = []
        """Videos that were not finished before the time was over."""
        listener.began(self.total, sum(size for _, size, _ in items))

    def run(self) -> None:
        """Go on until every video has ended.

        Raises:
            CannotWrite: OUT cannot be written.
            EmobatchError: a worker does not fit, or the cluster is gone.
        """
        while self.ended < self.total:
            self._hand_out()
            if self._is_over() and not self.flying:
                self.left = [*self.open, *self.waiting]
                return
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

    def _is_over(self) -> bool:
        return self.limits.until is not None and time.time() >= self.limits.until

    def _next(self) -> Step | None:
        over, window = self._is_over(), max(1, _WINDOW * self.executor.slots)
        while True:
            while self.ready:
                if over and self.ready[0][1].kind != "finish":  # What is ready to be finished comes first.
                    return None
                step = heapq.heappop(self.ready)[1]
                if not step.video.closed:
                    return step
            if over or not self.waiting or sum(not video.parked for video in self.open) >= window:
                break
            self._open(self.waiting.popleft())  # It may end at once, and leave nothing to be handed out.
        if self.suspects and not self.flying and not over:
            return self.suspects.popleft()
        return None

    def _open(self, video: Video) -> None:
        self.open.add(video)
        video.opened_at = time.monotonic()
        self.settler.opened(video)
        if video.task.digest:
            self._follow(self.settler.identified(video))
        else:
            self._add("identify", video)

    def _add(self, kind: str, video: Video, number: int = 0) -> None:
        step = Step(kind, video, number)
        heapq.heappush(self.ready, (step.order, step))

    def _call(self, step: Step) -> Call:
        task = step.video.task
        arguments: tuple[Any, ...] = (task,)
        if step.kind == "identify":
            arguments = (task.path,)
        elif step.kind == "hash_both":
            assert step.video.original
            arguments = (task.path, footage_of(step.video.original.source))
        elif step.kind == "read":
            arguments = (task, step.number)
        return Call(step.name, getattr(work, step.kind), arguments)

    def _returned(self, step: Step, value: Any) -> None:
        """Draw the consequence of a step that ended."""
        video = step.video
        if isinstance(value, Failed):
            if value.trace:
                _log.error("%s\n%s", video.task.source, value.trace)
            if step.kind == "refile":  # Its rows cannot be read; they can be made again.
                _log.warning("%s: %s; it is decoded again", video.task.source, value.reason)
                self._add("begin", video)
            else:
                self._fail(video, value.reason, value.transient)
        elif isinstance(value, VideoOutcome):
            self.media_s += value.media_s if step.kind == "begin" else 0.0
            self._end(video, value)
        elif isinstance(value, Begun):
            self._begun(video, value)
        elif step.kind == "read":
            self.media_s += value
            video.left -= 1
            if not video.left:
                self._add("finish", video)
        elif step.kind == "identify":
            self._follow(self.settler.identified(video, value))
        else:
            self._follow(self.settler.compared(video, *value))

    def _follow(self, needs: Iterable[tuple[Video, Need]]) -> None:
        """Do, or have done, what files need whose content is known."""
        for video, need in needs:
            task = video.task
            if need is Need.PROCESS:
                self._add("begin", video)
            elif need is Need.REFILE:
                self._add("refile", video)
            elif need is Need.COMPARE:
                self._add("hash_both", video)
            elif need is Need.NOTE_COPY:
                assert video.original
                self._end(video, write_duplicate(task, video.original, self.engines[task.settings_hash]))
            elif need is Need.NOT_POSSIBLE:
                self._end(video, VideoOutcome(source=task.source, status="failed", reason=video.stuck))
            else:
                reason = "was purged" if need is Need.PURGED else None
                self._end(video, VideoOutcome(source=task.source, status="unchanged", reason=reason))

    def _begun(self, video: Video, begun: Begun) -> None:
        video.segments = begun.segments
        missing = sorted(set(range(begun.segments)) - set(begun.kept))
        video.left = len(missing)
        self.media_s += begun.media_s * len(begun.kept) / begun.segments
        if begun.kept:
            _log.info("%s: %d of %d segments were read before", video.task.source, len(begun.kept), begun.segments)
        for number in missing:
            self._add("read", video, number)
        if not missing:
            self._add("finish", video)

    def _died(self, step: Step, deaths: int) -> None:
        """A worker process ended during a step: try it again alone, and no third time."""
        step.deaths += deaths
        _log.warning("%s: a worker process died during %s %d", step.video.task.source, step.kind, step.number)
        if step.deaths > 1:
            self._fail(
                step.video,
                f"ended its worker process {step.deaths} times (a crash of the decoder, or no memory left): "
                "check the file, or give emobatch more memory and fewer --workers",
                transient=True,
            )
            return
        step.attempt += 1
        step.video.parked = True
        self.suspects.append(step)

    def _watch(self) -> None:
        """Give up what makes no progress; tell the listener what the workers are at."""
        self.limits.check()
        now, working = time.monotonic(), {}
        if self.executor.slots:
            self.staffed_at = now
        elif now - self.staffed_at > self.limits.stall_s:
            raise EmobatchError("no worker is left", "start workers and run again; finished videos are kept")
        for name, running in list(self.executor.running.items()):
            step = self.flying.get(name)
            if step is None:
                continue
            if now - running.alive_at > self.limits.stall_s:
                self.executor.give_up(name)
                self.flying.pop(name, None)
                # Other segments of a video that was given up may hang in the same way.
                if not step.video.closed:
                    seconds = f"{self.limits.stall_s:g}"
                    words = f"timed out: no progress for {seconds} s: check that it plays, or set --stall"
                    self._fail(step.video, words, transient=True)
            elif not step.video.closed:
                working[name] = step.video.task.source, running
        media_s = self.media_s + sum(running.media_s for _, running in working.values())
        opened = {step.video for step in self.flying.values()}
        size = self.size_ended + sum(video.size * (1 - video.left / video.segments) for video in opened if video.left)
        self.listener.working(working, media_s, size)

    def _fail(self, video: Video, reason: str, transient: bool = False) -> None:
        elapsed_s = time.monotonic() - video.opened_at
        if video.segments > 1:
            forget(video.task.folder)
        engines = self.engines[video.task.settings_hash]
        try:
            video.task = self.settler.to_fail(video, for_good=not transient)
        except StuckError as error:
            reason = f"{reason}; {error}"
            self._end(video, VideoOutcome(source=video.task.source, status="failed", reason=reason))
        else:
            self._end(video, write_failure(video.task, engines, reason, elapsed_s, transient))
        self._follow(self.settler.failed(video, for_good=not transient))

    def _end(self, video: Video, outcome: VideoOutcome) -> None:
        video.closed = True
        if video.segments > 1:
            forget(video.task.folder)
        self.open.discard(video)
        self.ended += 1
        self.size_ended += video.size
        self.listener.ended(self.ended, self.total, outcome, video.size)
